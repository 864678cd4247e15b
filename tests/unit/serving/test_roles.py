"""Which scorer counts: by settings, until it is decided otherwise; never by silence."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from segwatch.cli import app
from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.scorer_decisions import ScorerDecision
from segwatch.contracts.studies import ShadowScore
from segwatch.contracts.topics import SCORED, SCORER_DECISIONS
from segwatch.errors import BadInput, RefusedModel, ScorerAway
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.serving.decisions import ScorerDecisions
from segwatch.serving.roles import roles
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing, outgoing
from segwatch.training.train import Choices, Trained, train
from tests.support.cohorts import made_up
from tests.support.messages import MESSAGES, event_of
from tests.support.service_settings import use_environment
from tests.support.site_world import record_of, scored

DECISION: ScorerDecision = MESSAGES[SCORER_DECISIONS]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(made_up(patients=40), "lr", "paper4", choices=Choices(resamples=0))


@pytest.fixture(scope="module")
def folders(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The scorer's bundle, and that of another threshold."""
    folder = tmp_path_factory.mktemp("models")
    save(folder / "scorer", trained.skops, trained.manifest, "# scorer\n")
    threshold = trained.manifest.threshold.model_copy(update={"failure_probability": 0.9})
    other = trained.manifest.model_copy(update={"name": "other", "threshold": threshold})
    save(folder / "shadow", trained.skops, other, "# shadow\n")
    return folder / "scorer", folder / "shadow"


@pytest.fixture(scope="module")
def scorers(folders: tuple[Path, Path]) -> tuple[Scorer, Scorer]:
    return load(folders[0]), load(folders[1])


@pytest.fixture
def log(tmp_path: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> EmbeddedLog:
    """The hospital's log, which the commands find as the service does."""
    scorer, shadow = folders
    values = {"LOG": "embedded", "LOG_FILE": tmp_path / "log.db", "SCORER": scorer, "SHADOW_SCORER": shadow}
    use_environment(monkeypatch, {f"SEGWATCH_{name}": str(value) for name, value in values.items()})
    log = EmbeddedLog(tmp_path / "log.db")
    log.create_topics({SCORER_DECISIONS: 1, SCORED: 1})
    return log


def command(*words: str) -> Result:
    return CliRunner().invoke(app, ["scorer", *words])


def decided(counts: Scorer) -> ScorerDecision:
    return DECISION.model_copy(update={"counts": counts.identity})


def test_the_settings_decide_until_somebody_does(scorers: tuple[Scorer, Scorer]) -> None:
    scorer, shadow = scorers
    assert roles(scorer, None, None).shadow is None
    assert roles(scorer, shadow, None).counts is scorer
    assert roles(scorer, shadow, None).shadow is shadow
    assert roles(scorer, shadow, decided(shadow)).counts is shadow
    assert roles(scorer, shadow, decided(shadow)).shadow is scorer
    assert roles(scorer, shadow, decided(scorer)).counts is scorer
    assert roles(shadow, None, decided(shadow)).counts is shadow
    assert roles(scorer, scorer, None).shadow is None


def test_a_decision_for_a_scorer_that_is_not_there_is_not_taken_back_in_silence(
    scorers: tuple[Scorer, Scorer],
) -> None:
    scorer, shadow = scorers
    for beside in (None, scorer):
        with pytest.raises(ScorerAway, match=r"counts, but SCORER is .*segwatch scorer rollback"):
            roles(scorer, beside, decided(shadow))


def test_promoted_and_rolled_back_with_who_when_why_and_hashes(
    log: EmbeddedLog, scorers: tuple[Scorer, Scorer]
) -> None:
    scorer, shadow = scorers
    assert "nothing was decided" in command("rollback", "--reason", "x").stdout
    done = command("promote", "--reason", " it finds \n more ", "--by", "Dr. A")
    assert done.exit_code == 0, done.output
    assert "not known to be fit" in done.stdout
    command("rollback", "--reason", "it flags too many")
    first, second = ScorerDecisions(log).all()
    assert (first.decision, first.who, first.reason) == ("promote", "Dr. A", "it finds more")
    assert (first.counts, first.instead_of) == (shadow.identity, scorer.identity)
    assert (second.decision, second.counts, second.instead_of) == (
        "rollback",
        scorer.identity,
        shadow.identity,
    )
    assert "@" in second.who
    told = command("status").stdout
    assert told.index("it finds more") < told.index("it flags too many")
    assert f"{scorer.identity.sha256} counts" in told.splitlines()[-1]


def test_a_command_that_is_run_again_decides_nothing_more(log: EmbeddedLog) -> None:
    command("promote", "--reason", "first")
    again = command("promote", "--reason", "second")
    assert "counts already: nothing was decided" in again.stdout
    assert [each.reason for each in ScorerDecisions(log).all()] == ["first"]


def test_two_who_decide_the_same_at_once_have_decided_once(
    log: EmbeddedLog, scorers: tuple[Scorer, Scorer]
) -> None:
    command("promote", "--reason", "first")
    with log.reader([SCORER_DECISIONS]) as reader, log.producer() as producer:
        (record,) = reader.poll(1)
        producer.send([Outgoing(SCORER_DECISIONS, record.key, record.value, record.headers)])
        producer.send([Outgoing(SCORER_DECISIONS, b"?", b"{}")])  # what cannot be read decides nothing
    assert len(ScorerDecisions(log).all()) == 1
    last = ScorerDecisions(log).last()
    assert last is not None
    assert roles(*scorers, last).counts is scorers[1]


def test_a_decision_is_met_by_a_reader_that_was_there_before(
    log: EmbeddedLog, scorers: tuple[Scorer, Scorer]
) -> None:
    seconds = [0.0]
    decisions = ScorerDecisions(log, clock=lambda: seconds[0])
    assert decisions.last() is None
    command("promote", "--reason", "now")
    assert decisions.last() is None  # it looks once a second
    seconds[0] = 1.0
    last = decisions.last()
    assert last is not None
    assert last.counts == scorers[1].identity


@pytest.mark.usefixtures("log")
def test_what_cannot_count_is_not_promoted(
    tmp_path: Path, folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in folders[1].iterdir():
        (broken / file.name).write_bytes(file.read_bytes() + (b"x" if file.suffix == ".skops" else b""))
    told = command("promote", "--reason", "x", "--shadow", str(broken))
    assert isinstance(told.exception, RefusedModel)
    assert "is not the file that its manifest names" in str(told.exception)
    told = command("promote", "--reason", "x", "--shadow", str(folders[0]))
    assert "nothing to promote" in str(told.exception)
    told = command("promote", "--reason", " ")
    assert isinstance(told.exception, BadInput)
    monkeypatch.delenv("SEGWATCH_SHADOW_SCORER")
    assert "no shadow to promote" in str(command("promote", "--reason", "x").exception)
    assert "nothing was decided" in command("status").stdout


def test_both_are_compared_from_the_log(log: EmbeddedLog) -> None:
    assert "no study was scored by two" in str(command("compare").exception)
    shadow = ShadowScore(
        scorer=ModelIdentity(name="new", sha256="ef" * 32),
        status="scored",
        predicted_dice=0.4,
        predicted_failed=True,
        needs_attention=True,
    )
    with log.producer() as producer:
        producer.send([record_of(scored(number, shadow=shadow)) for number in range(30)])
        producer.send([record_of(scored(0, shadow=shadow)), outgoing(SCORED, event_of(SCORED))])
    told = command("compare").stdout
    assert "30 studies by both: 30 would be flagged that are not, 0 no longer" in told
    assert "new" in told
