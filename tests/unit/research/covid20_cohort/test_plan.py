"""Which predictions a cohort consists of."""

from research.covid20_cohort.changes import CHANGES
from research.covid20_cohort.plan import TREATMENTS, planned, planned_published

CASES = [("scan-1", "p"), ("scan-2", "p"), ("scan-3", "q")]


def segmenters(each, digest="digest"):
    return {"coarse": (digest, each), "fine": (digest, each)}


def test_every_scan_gets_every_kind_of_change_from_every_segmenter():
    plan = planned(CASES, segmenters(2 * len(TREATMENTS)), seed=0)
    assert len(plan) == len({one.name for one in plan}) == len(CASES) * 2 * 2 * len(TREATMENTS)
    for case, patient in CASES:
        for segmenter in segmenters(1):
            own = [one for one in plan if one.source == case and one.segmenter == segmenter]
            assert {one.patient for one in own} == {patient}
            kinds = {kind for one in own for kind, _ in one.changes}
            assert {*CHANGES, "part", "thick_slices", "flip"} <= kinds
            assert any(one.threshold != 0.5 for one in own)
            assert len({one.stage for one in own}) > 1


def test_the_first_is_the_finished_network_on_an_unseen_scan_as_it_is():
    for one in planned(CASES, segmenters(1), seed=5):
        assert (one.stage, one.seen, one.changes, one.threshold) == (3, False, (), 0.5)


def test_a_larger_plan_begins_with_the_smaller_one():
    small, large = (planned(CASES, segmenters(each), seed=1) for each in (5, 9))
    assert {one.key for one in small} <= {one.key for one in large}


def test_another_seed_or_other_networks_have_other_keys():
    keys = [
        {one.key for one in planned(CASES, segmenters(4, digest), seed)}
        for seed, digest in ((1, "a"), (2, "a"), (1, "b"))
    ]
    assert not keys[0] & keys[1]
    assert not keys[0] & keys[2]


def test_published_masks_get_every_change_but_a_threshold():
    plan = planned_published(CASES, len(TREATMENTS), seed=0)
    assert {one.segmenter for one in plan} == {"published"}
    assert {one.threshold for one in plan} == {0.5}
    assert {*CHANGES, "part", "thick_slices", "flip"} <= {kind for one in plan for kind, _ in one.changes}
    assert plan[0].changes == ()
