"""Dead letters: made whole, read back, replayed for one stage, once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from segwatch.contracts.topics import RECEIVED, WITH_DEAD_LETTERS, dead_letters
from segwatch.errors import CannotReplay
from segwatch.ingest.inbox import ORIGIN
from segwatch.streaming.deadletters.cli import register
from segwatch.streaming.deadletters.reading import gather, read_letters
from segwatch.streaming.deadletters.replay import choose, find, original
from segwatch.streaming.deadletters.writing import dead_letter, dead_letter_of_input, is_for_another
from segwatch.streaming.embedded.log import EmbeddedLog
from segwatch.streaming.log import Outgoing, Position, Record
from tests.support.streaming import READS, read_all


def failed(offset: int = 7, value: bytes | None = b"value") -> Record:
    return Record(Position(READS, 0, offset), b"key", value, (("ce_id", b"x"), ("other", b"\xff")), 1)


def lying(letter: Outgoing, offset: int = 0) -> Record:
    """The letter as it lies in the log."""
    return Record(Position(letter.topic, 0, offset), letter.key, letter.value, letter.headers, 1)


def rejected(entry: str, content: str = "as it lay there") -> Outgoing:
    """The letter of an inbox entry that ingest rejects."""
    words = "truncated_file", "ct.nii.gz ends early"
    return dead_letter_of_input(entry, content, ORIGIN, RECEIVED, "ingest", *words)


def letter_of(record: Record):
    [letter] = gather([lying(dead_letter(record, "scoring", "kind", "why", 2))]).by_id.values()
    return letter


def test_a_letter_keeps_the_record_whole_and_says_why() -> None:
    letter = dead_letter(failed(), "scoring", "bad_mask", "the mask is bad", 3)
    assert letter.topic == f"{READS}.dlq"
    assert (letter.key, letter.value) == (b"key", b"value")
    assert letter.headers[:2] == failed().headers
    marks = dict(letter.headers[2:])
    assert marks["dlq_stage"] == b"scoring"
    assert marks["dlq_error"] == b"bad_mask"
    assert marks["dlq_reason"] == b"the mask is bad"
    assert (marks["dlq_topic"], marks["dlq_partition"], marks["dlq_offset"]) == (READS.encode(), b"0", b"7")
    assert marks["dlq_attempts"] == b"3"
    assert len(marks["dlq_id"]) == 32


def test_a_second_copy_of_a_letter_bears_the_same_id_and_counts_once() -> None:
    for letter in (dead_letter(failed(), "scoring", "k", "r", 1), rejected("case")):
        assert len(gather([lying(letter, offset) for offset in (0, 1)]).by_id) == 1


def test_letters_of_other_records_or_stages_have_other_ids() -> None:
    letters = [
        dead_letter(failed(7), "scoring", "k", "r", 1),
        dead_letter(failed(8), "scoring", "k", "r", 1),
        dead_letter(failed(7), "aggregation", "k", "r", 1),
        dead_letter(failed(7, b"another topic's life"), "scoring", "k", "r", 1),
        rejected("case"),
        rejected("case", "as it came again"),
        rejected("case-2"),
    ]
    assert len(gather([lying(letter) for letter in letters]).by_id) == len(letters)


def test_a_letter_of_an_inbox_entry_says_which_and_nothing_of_its_content() -> None:
    letter = rejected("case-7")
    assert letter.topic == dead_letters(RECEIVED)
    assert json.loads(letter.value or b"") == {"entry": "case-7"}
    assert dict(letter.headers)["dlq_topic"] == b"inbox"
    assert dict(letter.headers)["dlq_stage"] == b"ingest"


def test_records_that_are_no_letters_are_counted_and_not_shown() -> None:
    stranger = Record(Position(f"{READS}.dlq", 0, 0), None, b"\xff", (("dlq_id", b"\xff"),), 1)
    found = gather([stranger])
    assert (found.by_id, found.strangers) == ({}, 1)


def test_a_replay_is_the_original_for_the_stage_that_failed() -> None:
    record = original(letter_of(failed()))
    assert (record.topic, record.key, record.value) == (READS, b"key", b"value")
    assert record.headers == (*failed().headers, ("ce_replayfor", b"scoring"))


def test_a_letter_of_a_replay_can_be_replayed_without_piling_up_marks() -> None:
    again = lying(original(letter_of(failed())))
    record = original(letter_of(again))
    assert [name for name, _ in record.headers] == ["ce_id", "other", "ce_replayfor"]


@pytest.mark.parametrize(
    ("headers", "stage", "skips"),
    [
        ((), "scoring", False),
        ((("ce_replayfor", b"scoring"),), "scoring", False),
        ((("ce_replayfor", b"scoring"),), "aggregation", True),
    ],
)
def test_only_the_named_stage_reads_a_replay(
    headers: tuple[tuple[str, bytes], ...], stage: str, skips: bool
) -> None:
    assert is_for_another(Record(Position(READS, 0, 0), None, None, headers, 1), stage) is skips


def test_a_letter_that_names_a_foreign_origin_is_not_replayed() -> None:
    forged = Record(Position("segwatch.site.release.v1", 0, 0), b"k", b"v", (), 1)
    with pytest.raises(CannotReplay, match=r"segwatch\.site\.release\.v1"):
        original(letter_of(forged))


def test_an_id_may_be_shortened_while_it_is_the_only_one() -> None:
    letters = gather([lying(dead_letter(failed(n), "s", "k", "r", 1)) for n in range(40)])
    wanted = next(iter(letters.by_id))
    assert find(letters, wanted[:20]).id == wanted
    with pytest.raises(CannotReplay, match="40 dead letters"):
        find(letters, "")
    with pytest.raises(CannotReplay, match="no dead letter"):
        choose(letters, ["xyz"], everything=False, again=False)


class Command:
    """`segwatch deadletters` on a log of its own."""

    def __init__(self, log: EmbeddedLog) -> None:
        self.log = log
        self._app = typer.Typer()
        register(self._app)

    def __call__(self, *words: str) -> str:
        result = CliRunner().invoke(self._app, ["deadletters", *words], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.stdout


@pytest.fixture
def command(embedded_log: EmbeddedLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    embedded_log.create_topics({name: 1 for topic in WITH_DEAD_LETTERS for name in (topic, f"{topic}.dlq")})
    monkeypatch.setenv("SEGWATCH_LOG", "embedded")
    monkeypatch.setenv("SEGWATCH_LOG_FILE", str(tmp_path / "log.db"))
    with embedded_log.producer() as producer:
        producer.send([dead_letter(failed(n), "scoring", "bad", f"why [{n}]", 1) for n in (1, 2)])
    return Command(embedded_log)


def test_letters_are_listed_as_a_table_and_as_json(command: Command) -> None:
    table = command("list")
    assert "why [1]" in table
    assert "scoring" in table
    listed = json.loads(command("list", "--json"))
    assert [letter["offset"] for letter in listed] == [1, 2]
    assert "value" not in listed[0]


def test_one_letter_is_shown_with_its_record(command: Command) -> None:
    id_ = next(iter(read_letters(command.log).by_id))
    shown = json.loads(command("show", id_[:10], "--json"))
    assert shown["value"] == "value"
    assert shown["headers"]["ce_id"] == "x"
    assert "reason  why" in command("show", id_)


def test_a_replay_sends_the_original_and_marks_the_letter(command: Command) -> None:
    first, second = read_letters(command.log).by_id
    assert f"{first}  replayed for scoring" in command("replay", first)
    [replayed] = read_all(command.log, READS)
    assert ("ce_replayfor", b"scoring") in replayed.headers
    letters = read_letters(command.log)
    assert len(letters.by_id[first].replayed) == 1
    assert letters.by_id[second].replayed == ()
    assert [letter["id"] for letter in json.loads(command("list", "--pending", "--json"))] == [second]


def test_what_never_was_a_record_goes_the_way_back_of_its_origin(command: Command, tmp_path: Path) -> None:
    with command.log.producer() as producer:
        producer.send([rejected("case")])
    [id_] = [letter["id"] for letter in json.loads(command("list", "--json")) if letter["topic"] == ORIGIN]
    with pytest.raises(CannotReplay, match="--inbox"):
        command("replay", id_)
    (tmp_path / "inbox" / ".rejected" / "case").mkdir(parents=True)
    assert f"{id_}  replayed for ingest" in command("replay", id_, "--inbox", str(tmp_path / "inbox"))
    assert (tmp_path / "inbox" / "case").is_dir()
    assert len(read_letters(command.log).by_id[id_].replayed) == 1
    assert read_all(command.log, RECEIVED) == []


def test_a_second_replay_is_refused_unless_it_is_asked_for(command: Command) -> None:
    first, _second = read_letters(command.log).by_id
    command("replay", first)
    with pytest.raises(CannotReplay, match="--again"):
        command("replay", first)
    command("replay", first, "--again")
    assert len(read_all(command.log, READS)) == 2


def test_all_means_all_that_were_not_replayed(command: Command) -> None:
    first, second = read_letters(command.log).by_id
    command("replay", first)
    assert json.loads(command("replay", "--all", "--json")) == [second]
    assert command("replay", "--all") == "nothing to replay\n"


def test_nothing_named_is_nothing_replayed(command: Command) -> None:
    app = typer.Typer()
    register(app)
    result = CliRunner().invoke(app, ["deadletters", "replay"])
    assert result.exit_code == 2
    assert "--all" in result.output
    assert read_all(command.log, READS) == []
