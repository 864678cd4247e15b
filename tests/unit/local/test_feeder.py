"""Who gets the next phantom, and how it appears."""

from collections import Counter

import numpy as np

from deploy.local.judge.truth import truth_file
from deploy.local.story.feeder import WAITING, drop_phantom, feed, waiting
from deploy.local.story.story import StoryCase, site_names, story_cases
from segwatch.phantoms.phantom import make_phantom
from segwatch.volumes.codec import decode_mask


def test_inboxes_never_hold_more_than_a_few_and_hospitals_advance_together(tmp_path):
    sites = site_names(2)
    inboxes = {site: tmp_path / site for site in sites}
    for inbox in inboxes.values():
        inbox.mkdir()
    dropped: Counter[str] = Counter()
    most_waiting = most_apart = 0

    def drop(case: StoryCase) -> None:
        nonlocal most_waiting, most_apart
        (inboxes[case.site] / case.name).mkdir()
        dropped[case.site] += 1
        most_waiting = max(most_waiting, *map(waiting, inboxes.values()))
        most_apart = max(most_apart, abs(dropped[sites[0]] - dropped[sites[1]]))

    def take() -> None:
        for inbox in inboxes.values():
            min(inbox.iterdir()).rmdir()

    feed(story_cases(sites, 20), inboxes, drop, take)
    assert dropped == dict.fromkeys(sites, 20)
    assert most_waiting == WAITING
    assert most_apart <= 1


def test_a_hospital_that_takes_nothing_does_not_hold_up_the_other(tmp_path):
    stuck, quick = (tmp_path / site for site in site_names(2))
    for inbox in (stuck, quick):
        inbox.mkdir()
    cases = story_cases(site_names(2), 10)
    rounds = 0

    def take() -> None:
        nonlocal rounds
        rounds += 1
        for inbox in (quick, stuck) if rounds > 30 else (quick,):
            for entry in inbox.iterdir():
                entry.rmdir()

    order: list[str] = []

    def drop(case: StoryCase) -> None:
        (tmp_path / case.site / case.name).mkdir()
        order.append(case.site)

    feed(cases, {"hospital-a": stuck, "hospital-b": quick}, drop, take)
    assert order[: 10 + WAITING].count("hospital-b") == 10


def test_entries_that_are_being_written_do_not_count_as_waiting(tmp_path):
    (tmp_path / ".tmp-case-00001").mkdir()
    (tmp_path / ".receipts").mkdir()
    (tmp_path / "case-00001").mkdir()
    assert waiting(tmp_path) == 1


def test_a_dropped_phantom_brings_its_ct_and_keeps_its_truth_apart(tmp_path):
    inbox, folder = tmp_path / "inbox", tmp_path / "story"
    inbox.mkdir()
    case = StoryCase("hospital-a", 0, 1000, "standard")
    drop_phantom(case, inbox, folder)
    assert [path.name for path in (inbox / case.name).iterdir()] == ["ct.nii.gz"]
    assert [path.name for path in inbox.iterdir()] == [case.name]
    truth = decode_mask(truth_file(folder, case.site, case.name).read_bytes())
    assert np.array_equal(truth, make_phantom(1000).lesion)
