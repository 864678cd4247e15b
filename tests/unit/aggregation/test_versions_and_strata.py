"""A study's later versions, studies on trial, and quality by how the CTs were made; none of it leaves."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from segwatch.aggregation.rolling import Rolling
from segwatch.aggregation.strata import MOST_VALUES, by_stratum, standing_out, strata_of
from segwatch.contracts.studies import Arrival, Scanner, StudyScored
from segwatch.contracts.topics import RELEASE
from services.aggregation.metrics import SiteCollector
from tests.support.messages import NOW
from tests.support.site_world import World, scored

SCANNER = Scanner(
    manufacturer="ACME-SCANNERS",
    model="MODEL-9000",
    kernel="KERNEL-70",
    station="STATION-3",
    software="SOFTWARE-7",
    protocol="ab" * 16,
    slice_thickness_mm=1.25,
    peak_kilovoltage=117.0,
    contrast_agent=True,
)


def version(number: int, of_version: int, **changes) -> StudyScored:
    return scored(number, arrival=Arrival(version=of_version), **changes)


def bad(number: int, **changes) -> StudyScored:
    return scored(
        number,
        status="undefined",
        predicted_dice=None,
        predicted_failed=True,
        needs_attention=True,
        **changes,
    )


def test_a_later_version_takes_the_place_of_the_first_while_its_pulse_is_open():
    world = World()
    world.add([bad(0), *map(scored, range(1, 10))])
    world.add([version(0, 2)], "v2")
    service = world.run(world.service())
    assert service.books.blocks.open_studies("pulse") == 10
    (slot, *_) = service.books.blocks._tails["pulse"].values()
    assert (slot.scored.predicted_dice, slot.scored.arrival.version) == (0.8, 2)
    assert service.late_versions == set()
    assert slot == next(iter(world.run(world.service()).books.blocks._tails["portrait"].values()))


def test_after_its_pulse_a_version_is_late_and_counted_nowhere_again_or_after_a_restart():
    world = World()
    world.add(map(scored, range(25)))
    world.run(world.service())
    before = world.covered("pulse")
    world.add([version(3, 2)], "v2")
    world.add([version(3, 2)], "v2")
    for service in (world.run(world.service()), world.run(world.service())):
        assert service.late_versions == {(scored(3).study, 2)}
        assert service.books.blocks.open_studies("pulse") == 5
    assert world.covered("pulse") == before


def test_an_earlier_version_that_is_handed_out_again_changes_nothing():
    world = World()
    world.add([version(0, 3)], "v3")
    world.add([bad(0)], "v1")
    service = world.run(world.service())
    (slot,) = service.books.blocks._tails["pulse"].values()
    assert slot.scored.arrival.version == 3
    assert service.rolling.windows(NOW + timedelta(hours=1))["last_20"].needs_attention_ratio == 0


def test_a_study_on_trial_is_in_no_block_and_in_no_window_until_it_counts():
    world = World()
    world.add([scored(number, arrival=Arrival(trial=True)) for number in range(40)])
    service = world.run(world.service())
    assert service.books.blocks.open_studies("pulse") == 0
    assert len(service.trial_studies) == 40
    assert service.rolling.windows(NOW)["last_100"].studies == 0
    world.add([version(0, 2)], "counted")
    assert world.run(world.service()).books.blocks.open_studies("pulse") == 1


def test_a_study_that_was_fetched_later_is_in_the_windows_of_its_own_day():
    windows = Rolling()
    windows.add(scored(1, arrival=Arrival(acquired_at=NOW - timedelta(days=20))))
    shown = windows.windows(NOW)
    assert (shown["7d"].studies, shown["30d"].studies) == (0, 1)


def test_the_stratum_that_stands_out_is_named():
    def study(number: int) -> tuple[dict[str, str], bool]:
        kernel = "sharp" if number % 4 == 0 else "soft"
        return {
            "kernel": kernel,
            "contrast": "yes" if number % 3 else "no",
        }, kernel == "sharp" or number % 9 == 1

    found = standing_out(by_stratum(map(study, range(200))))
    assert found is not None
    assert (found[0].stratum, found[0].value, found[0].ratio) == ("kernel", "sharp", 1.0)


@pytest.mark.parametrize("studies", [0, 5, 200])
def test_no_stratum_stands_out_by_chance(studies: int):
    strata = by_stratum(({"kernel": "a" if n % 2 else "b"}, n % 10 < 2) for n in range(studies))
    assert standing_out(strata) is None


def test_at_most_twenty_values_are_shown_and_the_rest_is_other():
    strata = by_stratum(({"kernel": f"k{number % 35}"}, False) for number in range(350))
    assert len(strata) == MOST_VALUES + 1
    assert (strata[-1].value, strata[-1].studies) == ("other", 150)
    assert sum(each.studies for each in strata) == 350


def test_nothing_of_scanner_or_arrival_is_on_the_wire_that_leaves():
    world = World()
    arrival = Arrival(version=2, replaces="cd" * 16, acquired_at=NOW)
    world.add([scored(number, scanner=SCANNER, arrival=arrival) for number in range(130)])
    service = world.run(world.service())
    collected = CollectorRegistry()
    collected.register(SiteCollector(service, lambda: NOW))
    inside = generate_latest(collected).decode()
    told = {name: value for name, value in strata_of(SCANNER).items() if name != "contrast"}
    left = list(world.log.records[RELEASE])
    assert len(left) == 7
    wire = b"".join(b"".join((r.key, r.value, *(part for _, part in r.headers))) for r in left).decode()
    for value in (*told.values(), "KERNEL", "ACME", "cdcd", 'version": 2', "stratum", "scanner"):
        assert value not in wire
    assert all(value in inside for value in told.values())


def test_what_may_be_a_part_is_undefined():
    with pytest.raises(ValueError, match="incomplete"):
        StudyScored.model_validate_json(
            scored(1, arrival=Arrival(incomplete="nine of forty")).model_dump_json()
        )
