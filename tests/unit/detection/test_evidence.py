"""The procedure against figures that were worked out elsewhere, against a plain reading of its formulas, and
against what it promises."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from segwatch.detection import beginning
from segwatch.detection.evidence import DISPERSION, Evidence
from segwatch.detection.grid import BASELINES, RAISED, RISES
from segwatch.detection.likelihood import Likelihood, of_count, of_counts, of_ratio, of_verdict
from segwatch.detection.watch import Watch

NEVER = math.inf
COUNTS = st.lists(st.integers(-5, 25), min_size=1, max_size=12)
VECTORS = Path(__file__).parents[4] / "shared" / "data" / "detector_vectors.json"


def watched(observations, dispersion=DISPERSION):
    watch = Watch(dispersion)
    evidence = []
    for seen in observations:
        watch.take(seen, NEVER)
        evidence.append(watch.log10_evidence)
    return watch, evidence


@pytest.mark.parametrize("case", range(5))
def test_the_vectors_are_met_to_a_millionth(case):
    if not VECTORS.exists():
        pytest.skip(f"{VECTORS} is not there")
    told = json.loads(VECTORS.read_text())["cases"][case]

    watch, evidence = watched([of_count(count, told["k"], told["epsilon"]) for count in told["counts"]])

    assert evidence == pytest.approx(told["log10_evidence"], abs=1e-6)
    baseline = watch.evidence.baseline()
    assert [baseline.mean, baseline.low, baseline.high] == pytest.approx(told["baseline"], abs=1e-6)
    assert watch.evidence.before_and_since() == pytest.approx((told["before"], told["since"]), abs=1e-6)
    assert watch.posterior()[1:] == pytest.approx(told["starts"], abs=1e-6)


def plainly(masses, dispersion):
    """The evidence by the formulas as they are written, without logarithms: masses(p) of each observation."""
    stable = BASELINES * (1 - BASELINES) ** 4
    stable = stable / stable.sum()
    changed = np.zeros(RAISED.shape)
    for mass in masses:
        changed = (changed + stable[:, None] / len(RISES)) * mass(RAISED) ** (1 / dispersion)
        stable = stable * mass(BASELINES) ** (1 / dispersion)
        changed, stable = changed / stable.sum(), stable / stable.sum()
    return math.log10(changed.sum())


def mass_of_count(count, k, epsilon):
    decay = math.exp(-epsilon)
    noise = [(1 - decay) / (1 + decay) * decay ** abs(count - x) for x in range(k + 1)]
    return lambda p: sum(math.comb(k, x) * p**x * (1 - p) ** (k - x) * each for x, each in enumerate(noise))


@given(COUNTS, st.sampled_from([(20, 1.0), (20, 0.3), (25, 2.0)]), st.sampled_from([1.0, 1.25]))
def test_logarithms_change_nothing_of_the_formulas(counts, form, dispersion):
    _, evidence = watched([of_count(count, *form) for count in counts], dispersion)

    assert evidence[-1] == pytest.approx(
        plainly([mass_of_count(count, *form) for count in counts], dispersion), abs=1e-9
    )


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=20))
def test_a_study_counts_by_the_ratio_of_its_densities(ratios):
    _, evidence = watched([of_ratio(ratio) for ratio in ratios])

    masses = [lambda p, r=ratio: p * r + 1 - p for ratio in ratios]
    assert evidence[-1] == pytest.approx(plainly(masses, DISPERSION), abs=1e-9)


def test_one_certain_observation_is_worked_out_by_hand():
    """With a certain failure the mass is p: the mean of all raised shares over the mean baseline."""
    weights = BASELINES * (1 - BASELINES) ** 4
    _, (evidence,) = watched([of_verdict(needs_attention=True)], dispersion=1.0)

    expected = (weights[:, None] / 3 * RAISED).sum() / (weights * BASELINES).sum()
    assert 10**evidence == pytest.approx(expected)


@pytest.mark.parametrize("count", [10**9, -(10**9), 21, -1])
def test_a_count_beyond_what_can_be_is_as_good_as_the_nearest(count):
    nearest = min(max(count, 0), 20)
    _, far = watched([of_count(count, 20, 1.0)])
    _, near = watched([of_count(nearest, 20, 1.0)])

    assert far == near
    assert abs(far[0]) < 2


def test_many_failing_pulses_do_not_overflow():
    watch, _ = watched([of_count(2, 20, 1.0)] * 50 + [of_count(20, 20, 1.0)] * 1000)

    assert math.isfinite(watch.log10_evidence)
    assert watch.log10_evidence > 10


def test_while_nothing_changes_the_evidence_grows_by_one_an_observation_on_average():
    """Exactly: over all counts that two pulses can have, weighed by their chance under the prior."""
    every, k = of_counts(20, 1.0), 20
    masses = np.array([[mass_of_count(z, k, 1.0)(p) for p in BASELINES] for z in range(-12, k + 13)])
    weights = np.exp(Evidence.start().stable)
    clamped = np.clip(np.arange(-12, k + 13), 0, k)
    total = 0.0
    for first, one in enumerate(clamped):
        after = Evidence.start().after(Likelihood(every.stable[one], every.raised[one]), dispersion=1.0)
        then = Evidence(
            np.broadcast_to(after.stable, (len(clamped), *after.stable.shape)),
            np.broadcast_to(after.changed, (len(clamped), *after.changed.shape)),
        ).after(Likelihood(every.stable[clamped], every.raised[clamped]), dispersion=1.0)
        chances = (weights * masses[first]) @ masses.T
        total += float(chances @ 10**then.log10)

    assert total == pytest.approx(2.0, abs=1e-3)


def test_the_beginning_is_found_and_an_older_one_is_folded_away(monkeypatch):
    pulses = [of_count(3 if number < 45 else 15, 20, 1.0) for number in range(60)]
    watch, _ = watched(pulses)
    monkeypatch.setattr(beginning, "MOST", 30)
    short = beginning.Recent(Evidence.start(), 0)
    for seen in pulses:
        short.add(seen, DISPERSION)

    assert watch.beginning() == beginning.Beginning(45, 45, 45)
    assert short.beginning(DISPERSION) == watch.beginning()
    assert short.posterior(DISPERSION)[1:] == pytest.approx(watch.posterior()[31:], abs=1e-9)
    assert short.posterior(DISPERSION)[0] == pytest.approx(watch.posterior()[:31].sum(), abs=1e-9)
