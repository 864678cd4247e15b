"""The story's cases."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.judge.settled import pages_expected
from deploy.local.stack.options import RunOptions
from deploy.local.story.silence import silent_site
from deploy.local.story.story import changed_site, site_names, story_cases
from segwatch.phantoms.scanner import SCANNERS


@given(hospitals=st.integers(1, 6), studies=st.integers(0, 60))
def test_every_hospital_gets_its_studies_and_no_seed_comes_twice(hospitals, studies):
    cases = story_cases(site_names(hospitals), studies)
    assert len({case.seed for case in cases}) == len(cases) == hospitals * studies


def test_only_the_second_half_of_one_hospital_is_the_new_scanners():
    sites = site_names(3)
    changed = [(case.site, case.number) for case in story_cases(sites, 10) if case.after_change]
    assert changed == [("hospital-b", number) for number in range(5, 10)]


def test_names_sort_in_the_order_of_arrival():
    names = [case.name for case in story_cases(["hospital-a"], 1200)]
    assert names == sorted(names)


def test_a_single_hospital_gets_the_new_scanner_itself():
    assert changed_site(site_names(1)) == "hospital-a"


def test_the_second_act_is_in_a_hospital_where_nothing_else_happens():
    assert silent_site(site_names(3), "hospital-b") == "hospital-a"
    assert silent_site(site_names(1), "hospital-a") == "hospital-a"


def test_the_storys_scanners_exist():
    assert {case.scanner for case in story_cases(site_names(2), 4)} <= set(SCANNERS)


@pytest.mark.parametrize("hospitals", [0, 27])
def test_a_number_of_hospitals_that_cannot_be_is_refused(hospitals):
    with pytest.raises(ValueError, match="HOSPITALS must be 1 to 26"):
        site_names(hospitals)


def test_the_default_story_is_long_enough_for_its_page():
    studies = RunOptions().studies
    assert pages_expected(studies, studies // 2, pulse=20, window=3, pages=True)


def test_a_short_story_expects_no_page():
    assert not pages_expected(40, 20, pulse=20, window=3, pages=True)


def test_without_a_pager_no_page_is_expected():
    assert not pages_expected(1000, 500, pulse=20, window=3, pages=False)
