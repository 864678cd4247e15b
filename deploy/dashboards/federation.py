"""The centre's overview: every site's rolling quality, as far as its privacy policy lets it be seen."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import at_the_centre
from deploy.dashboards.panels import NUMBER_OF, WHOLE_WIDTH, Curves, Rows, board, with_interval

PAGE_ABOVE = 0.5
"""The share above which the rule SegwatchShareAboveHalf makes a ticket."""

NEEDS_ATTENTION = (
    "Share of the window's studies that are predicted failed, undefined, or outside what the scorer knows."
    " From noised counts, clamped to 0..1 for display; the band is the interval that sampling and noise give"
    " together. A share means nothing without its n."
)
PREDICTED_DICE = (
    "Derived from the midpoints of the bins of noised histograms. Undefined studies have no predicted Dice;"
    " they are in the share needing attention."
)


def federation() -> builders.Dashboard:
    """The dashboard `segwatch-federation`."""
    return board(
        "segwatch: all sites",
        "segwatch-federation",
        "Predicted segmentation quality of every hospital, from noised releases. No study can be seen here.",
        choices={"site": ("Site", "segwatch_federation_pulses")},
        rows={
            "Now": [_sites_now()],
            "Has it changed?": _change(),
            "Quality over time, site by site": _quality(),
            "Is the picture true?": _trust(),
        },
        annotations=at_the_centre(),
    )


def _sites_now() -> Rows:
    return Rows(
        "Sites now",
        NEEDS_ATTENTION,
        "site",
        {
            "needs attention": (_of("site:segwatch_needs_attention:ratio"), "percentunit"),
            "from": (_of("site:segwatch_needs_attention:ratio_low"), "percentunit"),
            "to": (_of("site:segwatch_needs_attention:ratio_high"), "percentunit"),
            "n (studies)": (_of("site:segwatch_federation_window_studies:max"), "short"),
            "pulses seen": (_of("site:segwatch_federation_pulses:max"), "short"),
            "no score": (_of("site:segwatch_unscored:ratio"), "percentunit"),
            "mean predicted Dice": (_max("segwatch_federation_predicted_dice"), "none"),
            "Dice from": (_max("segwatch_federation_predicted_dice_low"), "none"),
            "Dice to": (_max("segwatch_federation_predicted_dice_high"), "none"),
            "portraits seen": (_max("segwatch_federation_portraits"), "short"),
            "heartbeat's age": (_of("site:segwatch_heartbeat_age:seconds"), "s"),
            "open conflicts": (_of("site:segwatch_federation_open_conflicts:max"), "short"),
            "open refused": (_of("site:segwatch_federation_open_refused:max"), "short"),
        },
    )


def _change() -> list[Curves]:
    return [
        Curves(
            "Evidence against threshold",
            "An alarm rings where the evidence reaches the threshold; it grows by one a pulse while nothing"
            " changes, and stands until `segwatch site acknowledge` or `rebaseline`.",
            {
                "{{site}}": _max("segwatch_change_evidence"),
                "threshold, {{site}}": _max("segwatch_change_threshold"),
            },
            "none",
            logarithmic=True,
        ),
        Curves(
            "Baselines in force, and the share since a change",
            "As the detector has learnt them, without the window's lag. The share since is there while a"
            " change is found.",
            {
                "baseline, {{site}}": _max("segwatch_change_baseline_ratio"),
                "since, {{site}}": _of("site:segwatch_change_since:ratio"),
            },
            "percentunit",
        ),
    ]


def _quality() -> list[Curves]:
    share, dice = "site:segwatch_needs_attention:ratio", "segwatch_federation_predicted_dice"
    return [
        Curves(
            "Needs attention at $site",
            NEEDS_ATTENTION,
            with_interval("needs attention", share, "site:segwatch_federation_window_studies:max", _of),
            "percentunit",
            n_is="studies in the window",
            page_above=PAGE_ABOVE,
            repeat="site",
        ),
        Curves(
            "Came and got no score at $site",
            "Share of what came that ingest refused or a later stage gave up: in no other figure here. From"
            " noised counts; the band is the noise's. Empty where the site's policy does not tell it.",
            with_interval(
                "no score", "site:segwatch_unscored:ratio", "site:segwatch_federation_window_studies:max", _of
            ),
            "percentunit",
            n_is="studies in the window",
            repeat="site",
        ),
        Curves(
            "Mean predicted Dice at $site",
            PREDICTED_DICE,
            with_interval("mean predicted Dice", dice, "segwatch_federation_portraits", _max),
            "none",
            n_is="portraits seen",
            repeat="site",
        ),
        Curves(
            "Bins of predicted Dice at $site",
            f"Shares of the seven cells of the latest portrait. {PREDICTED_DICE}",
            {
                "{{bin}}": "max by (site, bin) (segwatch_federation_bin_ratio{site=~'$site'})",
                NUMBER_OF: _max("segwatch_federation_portraits"),
            },
            "percentunit",
            n_is="portraits seen",
            stacked=True,
            width=WHOLE_WIDTH,
            repeat="site",
        ),
    ]


def _trust() -> list[Curves]:
    age = _of("site:segwatch_heartbeat_age:seconds")
    interval = _of("site:segwatch_heartbeat_interval:seconds")
    return [
        Curves(
            "Intervals since the last heartbeat",
            "A heartbeat says only that a site is alive. Above 4, SegwatchSiteSilent pages.",
            {"{{site}}": f"{age} / {interval}"},
        ),
        Curves(
            "Records that do not count",
            "Open until `segwatch site acknowledge SITE --releases`. A conflict is one block with two"
            " contents; refused records do not keep to the schema.",
            {
                "conflicts, {{site}}": _of("site:segwatch_federation_open_conflicts:max"),
                "refused, {{site}}": _of("site:segwatch_federation_open_refused:max"),
            },
        ),
        Curves(
            "Alerts that fire",
            "Empty where nothing fires. Each alert has a runbook in deploy/runbooks.",
            {"{{alertname}} {{site}}": 'max by (alertname, site) (ALERTS{alertstate="firing"})'},
            "none",
            width=WHOLE_WIDTH,
        ),
    ]


def _of(record: str) -> str:
    return f"{record}{{site=~'$site'}}"


def _max(metric: str) -> str:
    return f"max by (site) ({metric}{{site=~'$site'}})"
