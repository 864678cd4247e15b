"""What pulses tell of examinations without a score: a share with the noise's interval, or nothing."""

from segwatch.contracts.release import Pulse, SiteRelease
from segwatch.federation.unscored import unscored_share
from segwatch.statistics.laplace import mass_up_to
from services.federation.fleet import Fleet
from services.federation.metrics import figures_of
from tests.support.releases import pulse


def _telling(number: int, unscored: int | None) -> Pulse:
    told = {} if unscored is None else {"unscored": unscored, "epsilon_unscored": 0.5}
    return pulse(number).model_copy(update=told)


def _figures(*unscored: int | None) -> dict[str, float]:
    fleet = Fleet(3)
    for number, each in enumerate(unscored):
        fleet.take("a", SiteRelease(_telling(number, each)), number)
    return {name: value for name, value in figures_of(fleet.site("a")).items() if "unscored" in name}


def test_the_interval_of_one_pulse_is_the_noises_own() -> None:
    share = unscored_share([10], [20], [1.0])
    within = mass_up_to(share.reach, 1.0) - mass_up_to(-share.reach - 1, 1.0)
    closer = mass_up_to(share.reach - 1, 1.0) - mass_up_to(-share.reach, 1.0)
    assert within >= 0.95 > closer
    assert share.low == (10 - share.reach) / (30 - share.reach)


def test_a_site_whose_scans_are_refused_shows_it_beside_its_quality() -> None:
    good, bad = _figures(0, -2, 1), _figures(70, 75, 80)
    assert good["unscored_ratio"] == 0.0
    assert good["unscored_ratio_low"] == 0.0
    assert good["unscored_ratio_high"] < 0.25
    assert bad["unscored_ratio_low"] > 0.7


def test_what_is_not_told_is_unknown_and_not_none() -> None:
    assert _figures(None, None, None) == {}
    assert _figures(None, None, 20)["unscored_ratio"] == 0.5
