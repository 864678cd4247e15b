"""What is lost from the log never leads to a second release of a study, and never to a study twice."""

from segwatch.contracts.ledger import BlockClosed, EpochOpened
from segwatch.contracts.topics import LEDGER, RELEASE, SCORED, dead_letters
from segwatch.streaming.log import Outgoing
from tests.support.site_world import World, record_of, scored

STUDIES = [scored(number) for number in range(260)]


def _epochs(world: World) -> list[tuple[int, int]]:
    return [(e.epoch, e.from_offset) for e in world.ledger() if isinstance(e, EpochOpened)]


def test_the_first_start_opens_epoch_1_from_the_beginning(world: World) -> None:
    world.add(STUDIES[:30])
    world.run(world.service())
    assert _epochs(world) == [(1, 0)]
    assert len(world.covered("pulse")) == 20


def test_a_lost_ledger_opens_a_new_epoch_behind_all_that_was_scored(world: World) -> None:
    world.add(STUDIES[:130])
    world.run(world.service())
    world.log.records[LEDGER].clear()
    world.add(STUDIES[:40], scorer="b")  # old studies, scored again
    world.run(world.service())
    assert _epochs(world) == [(2, 170)]
    world.add(STUDIES[100:200], scorer="c")
    world.run(world.service())
    assert world.covered("pulse") == [study.study for study in STUDIES[130:190]]


def test_a_ledger_put_back_from_an_old_copy_opens_a_new_epoch(world: World) -> None:
    world.add(STUDIES[:60])
    world.run(world.service())
    del world.log.records[LEDGER][-1]
    world.run(world.service())
    world.add(STUDIES[60:90])
    world.run(world.service())
    assert _epochs(world) == [(1, 0), (2, 60)]
    names = [(b.figures.epoch, b.figures.number) for b in world.blocks()]
    assert names == [(1, 0), (1, 1), (2, 0)]
    assert world.covered("pulse")[40:] == [study.study for study in STUDIES[60:80]]


def test_a_damaged_ledger_opens_a_new_epoch_once_even_while_running(world: World) -> None:
    world.add(STUDIES[:30])
    service = world.run(world.service())
    world.log.append(Outgoing(LEDGER, b"x", b"not a record"))
    world.add(STUDIES[30:60])
    world.run(service)
    world.run(service)
    world.run(world.service())
    assert _epochs(world) == [(1, 0), (2, 60)]
    world.add(STUDIES[60:80])
    world.run(service)
    assert world.covered("pulse") == [study.study for study in (*STUDIES[:20], *STUDIES[60:80])]


def test_a_scored_topic_made_anew_opens_a_new_epoch(world: World) -> None:
    world.add(STUDIES[:50])
    world.run(world.service())
    world.log.records[LEDGER].clear()
    world.run(world.service())
    assert _epochs(world) == [(2, 50)]
    world.log.records[SCORED].clear()
    world.add(STUDIES[50:60])
    service = world.service()
    world.run(service)
    world.run(service)
    assert _epochs(world) == [(2, 50), (3, 10)]
    world.add(STUDIES[60:80])
    world.run(service)
    assert world.covered("pulse")[-20:] == [study.study for study in STUDIES[60:80]]


def test_a_study_that_the_log_lost_between_pulse_and_portrait_keeps_its_slot(world: World) -> None:
    needy = [study.model_copy(update={"needs_attention": True}) for study in STUDIES[:90]]
    world.add(needy)
    world.run(world.service())
    world.log.forget_before(SCORED, 80)
    world.add(STUDIES[90:130])
    world.run(world.service())
    assert world.covered("portrait") == [study.study for study in STUDIES[:100]]
    assert world.covered("pulse") == [study.study for study in STUDIES[:120]]


def test_a_study_whose_record_is_gone_is_not_counted_again_when_it_is_scored_again(world: World) -> None:
    world.add(STUDIES[:100])
    world.run(world.service())
    world.log.forget_before(SCORED, 100)
    world.add(STUDIES[:50], scorer="b")
    world.add(STUDIES[100:120])
    world.run(world.service())
    assert world.covered("pulse") == [study.study for study in STUDIES[:120]]


def test_the_patients_limit_survives_the_loss_of_old_scored_records(world: World) -> None:
    world.add([scored(number, patient=1) for number in range(20)])
    world.run(world.service())
    world.log.forget_before(SCORED, 20)
    world.add([scored(number, patient=1) for number in range(20, 40)])
    world.run(world.service())
    assert [entry.ordinal for block in world.blocks() for entry in block.studies] == list(range(1, 41))


def test_an_unreadable_scored_record_becomes_one_dead_letter_however_often_it_is_read(world: World) -> None:
    world.add(STUDIES[:10])
    world.log.append(Outgoing(SCORED, b"k", b"{}", (("ce_id", b"1"),)))
    world.add(STUDIES[10:25])
    for _ in range(3):
        world.run(world.service())
    (letter,) = world.log.records[dead_letters(SCORED)]
    assert dict(letter.headers)["dlq_offset"] == b"10"
    assert dict(letter.headers)["dlq_error"] == b"invalid_message"
    assert world.covered("pulse") == [study.study for study in STUDIES[:20]]


def test_a_record_replayed_for_another_stage_is_skipped(world: World) -> None:
    record = record_of(STUDIES[0])
    world.log.append(
        Outgoing(SCORED, record.key, record.value, (*record.headers, ("ce_replayfor", b"other")))
    )
    service = world.run(world.service())
    assert service.books is not None
    assert service.books.blocks.open_studies("pulse") == 0


def test_an_unreadable_release_is_no_reason_to_stop(world: World) -> None:
    world.log.append(Outgoing(RELEASE, b"x", b"?"))
    world.add(STUDIES[:20])
    world.run(world.service())
    assert [type(entry) for entry in world.ledger()] == [EpochOpened, BlockClosed]
