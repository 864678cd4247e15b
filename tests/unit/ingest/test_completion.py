from hypothesis import given
from hypothesis import strategies as st

from services.ingest.completion import Completion, QuietTimes

ONE, TWO = (("a.dcm", 10, 1),), (("a.dcm", 10, 1), ("b.dcm", 10, 2))


def test_an_entry_is_complete_once_it_has_been_still_for_the_quiet_time():
    completion = Completion(QuietTimes(folder=5))
    assert [completion.complete({"case": ONE}, now) for now in (0, 4.9, 5)] == [{}, {}, {"case": "still"}]


def test_every_change_starts_the_quiet_time_again():
    completion = Completion(QuietTimes(folder=5))
    grown = (("a.dcm", 11, 1),)
    for now, files in ((0, ONE), (4, TWO), (8, grown), (12, ONE)):
        assert completion.complete({"case": files}, now) == {}
    assert completion.complete({"case": ONE}, 17) == {"case": "still"}


def test_an_entry_without_files_is_never_complete():
    completion = Completion(QuietTimes(folder=0))
    assert [completion.complete({"case": ()}, now) for now in (0, 100)] == [{}, {}]


def test_one_that_keeps_changing_does_not_hold_up_another():
    completion = Completion(QuietTimes(folder=5))
    for now in range(6):
        done = completion.complete({"busy": (("a.dcm", now, now),), "still": ONE}, now)
    assert done == {"still": "still"}


def test_a_forgotten_or_vanished_entry_is_watched_anew():
    completion = Completion(QuietTimes(folder=5))
    completion.complete({"a": ONE, "b": ONE}, 0)
    completion.forget("a")
    completion.complete({"a": ONE}, 4)
    assert completion.complete({"a": ONE, "b": ONE}, 6) == {}
    assert completion.complete({"a": ONE, "b": ONE}, 11) == {"a": "still", "b": "still"}


@given(st.lists(st.tuples(st.floats(0, 3), st.sampled_from([ONE, TWO, ()])), max_size=20))
def test_complete_means_unchanged_for_at_least_the_quiet_time(history):
    completion, now, since, last = Completion(QuietTimes(folder=4)), 0.0, 0.0, None
    for step, files in history:
        now += step
        if files != last:
            since, last = now, files
        assert (completion.complete({"case": files}, now) == {"case": "still"}) == (
            bool(files) and now - since >= 4
        )
