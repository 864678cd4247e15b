"""The release path itself, seen from outside, keeps the policy's promise; planted faults are found.

The sound path fails here with a chance of at most FALSE_ALARM a run: all its tests together are given that.
"""

import math
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from segwatch.aggregation.mechanism.bounds import BOUNDS
from segwatch.aggregation.mechanism.noise import draw, scale_of
from segwatch.aggregation.tools import cli
from segwatch.aggregation.tools.reports import audit_json, audit_text
from segwatch.aggregation.trial.audit import COPIES, LIFETIME, Audit, audit
from segwatch.aggregation.trial.loss import fit_of, loss_of
from segwatch.aggregation.trial.trials import ForgetfulLog, ForgetfulProducer, run_trials
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Portrait, Pulse
from segwatch.contracts.topics import RELEASE
from segwatch.statistics.binomial import clopper_pearson
from segwatch.statistics.laplace import mass, mass_up_to
from segwatch.streaming.embedded.file import LogFile
from segwatch.streaming.log import Outgoing, Position

FALSE_ALARM = 1e-6
STRICT = 1e-3
"""For planted faults, so that few trials find them as surely."""
POLICY = SitePolicy(version="1", means_of=("segmentation_smoothness",))
SHIPPED = Path(__file__).parents[3] / "deploy" / "policy"


def _noise_of(
    name: str, values: Sequence[int], *, sensitivity: int, epsilon: float, factor: float
) -> list[int]:
    """Noise that is too narrow by a factor."""
    return draw(name, values, sensitivity=sensitivity, epsilon=factor * epsilon)


def _forgets_the_steps(name: str, values: Sequence[int], *, sensitivity: int, epsilon: float) -> list[int]:
    """A mean's sum is noised as if one study could change it by one step."""
    return draw(name, values, sensitivity=min(sensitivity, 2), epsilon=epsilon)


def _none(_name: str, values: Sequence[int], **_about: float) -> list[int]:
    return list(values)


class _DrawsWhenItSends(ForgetfulProducer):
    """A service that keeps exact figures and draws the noise when it sends: anew for every copy."""

    def send(self, records: Sequence[Outgoing]) -> list[Position]:
        return super().send([self._noised(each) if each.topic == RELEASE else each for each in records])

    def _noised(self, record: Outgoing) -> Outgoing:
        value = record.value or b""
        block: Any = (Pulse if b'"pulse"' in value else Portrait).model_validate_json(value)
        if isinstance(block, Pulse):
            (count,) = draw("", [block.needs_attention], sensitivity=1, epsilon=1.0)
            block = block.model_copy(update={"needs_attention": count})
        else:
            cells = tuple(draw("", block.histogram, sensitivity=2, epsilon=1.0))
            block = block.model_copy(update={"histogram": cells})
        return Outgoing(
            record.topic, record.key, block.model_dump_json().encode(), record.headers, record.timestamp_ms
        )


class _Redrawing(ForgetfulLog):
    def __init__(self, path: Path) -> None:
        super().__init__(path, COPIES)

    def producer(self) -> _DrawsWhenItSends:
        return self._made.enter_context(_DrawsWhenItSends(LogFile(self._path), COPIES))


@pytest.fixture(scope="module")
def sound() -> Audit:
    return audit(POLICY, 40, chance=FALSE_ALARM)


def test_the_release_path_keeps_its_promise(sound: Audit) -> None:
    assert sound.holds, audit_text(POLICY, sound)
    assert {loss.promised for loss in sound.losses if LIFETIME in loss.figure} == {3.0}
    assert {fit.figure: fit.draws for fit in sound.fits} == {
        "count": 2 * 40 * 5,
        "histogram": 2 * 40 * 7,
        "segmentation_smoothness": 2 * 40,
    }


def test_its_blocks_were_sent_several_times_and_all_copies_were_equal(sound: Audit) -> None:
    assert sound.unequal == 0


@pytest.mark.parametrize("bad", [True, False])
def test_without_noise_the_release_path_says_what_the_audit_counts_itself(bad: bool) -> None:
    policy = SitePolicy(version="1", pulse_studies=25, means_of=tuple(BOUNDS))
    run = run_trials(policy, 2, bad=bad, noise=_none, around=lambda path: ForgetfulLog(path, 2))
    assert {name[0] for name in run.seen} == {0, 1}
    for (_, kind, place), figures in run.seen.items():
        assert figures == run.exact[kind, place]
    assert len(run.seen) == 2 * len(run.exact)
    assert run.unequal == 0


def test_half_the_noise_is_found() -> None:
    found = audit(POLICY, 50, chance=STRICT, noise=partial(_noise_of, factor=2.0))
    assert not found.holds
    assert "count" in [fit.figure for fit in found.fits if not fit.holds]


def test_a_wrong_sensitivity_is_found() -> None:
    found = audit(POLICY, 20, chance=STRICT, noise=_forgets_the_steps)
    assert "segmentation_smoothness" in [fit.figure for fit in found.fits if not fit.holds]


def test_fresh_noise_on_a_copy_is_found() -> None:
    policy = SitePolicy(version="1")
    found = audit(policy, 30, chance=STRICT, noise=_none, around=_Redrawing)
    assert found.unequal > 0.7 * 2 * 30 * 6  # four draws are all equal one time in twenty
    assert "count" in [fit.figure for fit in found.fits if not fit.holds]


def _hits(epsilon: float, draws: int, *, change: int = 1, told: int = 1) -> tuple[int, int]:
    """How often the event happens in both worlds, where a study changes a figure by `change` and the noise is
    told that it does by `told`.
    """
    there, here = (draw("", [exact] * draws, sensitivity=told, epsilon=epsilon) for exact in (change, 0))
    return sum(value >= change for value in there), sum(value >= change for value in here)


def test_the_bound_from_below_is_near_the_loss_and_finds_half_the_noise() -> None:
    draws = 20_000
    whole = loss_of("count", 1.0, _hits(1.0, draws), draws, FALSE_ALARM)
    assert whole.holds
    assert whole.at_least > 0.8  # five standard deviations off it is 0.85
    assert not loss_of("count", 1.0, _hits(2.0, draws), draws, FALSE_ALARM).holds
    assert not loss_of("count", 1.0, _hits(1.3, draws), draws, FALSE_ALARM).holds


def test_the_bound_from_below_finds_a_wrong_sensitivity() -> None:
    draws = 2_000
    right = loss_of("mean", 0.5, _hits(0.5, draws, change=100, told=100), draws, FALSE_ALARM)
    wrong = loss_of("mean", 0.5, _hits(0.5, draws, change=100, told=2), draws, FALSE_ALARM)
    assert (right.holds, wrong.holds) == (True, False)


def test_no_hits_show_no_loss() -> None:
    assert loss_of("count", 1.0, (0, 0), 100, 0.01).at_least == 0.0


@pytest.mark.parametrize("epsilon", [1.0, 0.3, 0.01])
@pytest.mark.parametrize("sensitivity", [1, 2, 100])
def test_the_exact_mass_loses_epsilon_and_no_more(sensitivity: int, epsilon: float) -> None:
    scale = scale_of(sensitivity, epsilon)
    reach = math.ceil(40 * scale)
    masses = [mass(z, scale) for z in range(-reach, reach + 1)]
    assert math.fsum(masses) == pytest.approx(1.0, abs=1e-12)
    ratios = [math.log(mass(z, scale) / mass(z - sensitivity, scale)) for z in range(-3 * sensitivity, 300)]
    assert max(ratios) == pytest.approx(epsilon, rel=1e-9)
    assert mass_up_to(-1, scale) + mass(0, scale) == pytest.approx(mass_up_to(0, scale))
    assert mass_up_to(2, scale) == pytest.approx(math.fsum(masses[: reach + 3]), abs=1e-12)


def test_the_fit_takes_the_exact_noise_and_refuses_a_tenth_less() -> None:
    draws = 60_000
    exact = [float(z) for z in draw("", [0] * draws, sensitivity=1, epsilon=1.0)]
    narrow = [float(z) for z in draw("", [0] * draws, sensitivity=1, epsilon=1.1)]
    assert fit_of("count", 1.0, exact, FALSE_ALARM).holds
    assert not fit_of("count", 1.0, narrow, FALSE_ALARM).holds


def test_bounds_of_a_probability_are_clopper_and_pearsons() -> None:
    low, high = clopper_pearson(7, 20, 0.025)
    assert (low, high) == pytest.approx((0.1539, 0.5922), abs=1e-4)
    assert clopper_pearson(0, 20, 0.025)[0] == 0.0
    assert clopper_pearson(20, 20, 0.025)[1] == 1.0


def test_the_reports_say_what_failed(sound: Audit) -> None:
    assert "The release path keeps the promise." in audit_text(POLICY, sound)
    broken = Audit(sound.losses, sound.fits, 3, FALSE_ALARM)
    assert "blocks whose copies differ: 3 FAILS" in audit_text(POLICY, broken)
    assert audit_json(broken)["holds"] is False


def test_the_command_says_what_it_found() -> None:
    app = typer.Typer()
    cli.register(app)
    told = ["privacy", "audit", "--policy", str(SHIPPED / "default.yaml"), "--trials", "10"]
    result = CliRunner().invoke(app, told)
    assert result.exit_code == 0
    assert "10 trials in each of two worlds" in result.stdout
