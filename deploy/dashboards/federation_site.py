"""One site as the centre sees it: its quality with interval and n, its change, its drift."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import at_the_centre
from deploy.dashboards.board import board
from deploy.dashboards.federation import IS_THERE, NEEDS_ATTENTION, ONE_SITE, PAGE_ABOVE, PRESENCE
from deploy.dashboards.panels import NUMBER_OF, WHOLE_WIDTH, Curves, HeatMap, with_interval

PREDICTED_DICE = (
    "Derived from the midpoints of the bins of noised histograms. Undefined studies have no predicted Dice;"
    " they are in the share needing attention."
)


def federation_site() -> builders.Dashboard:
    """The dashboard `segwatch-federation-site`."""
    return board(
        "segwatch: one site, at the centre",
        ONE_SITE,
        "One hospital's predicted segmentation quality, from noised releases. No study can be seen here.",
        choices={"site": ("Site", "segwatch_federation_expected")},
        rows={
            "Quality": _quality(),
            "Has it changed?": _change(),
            "Is it there?": [
                HeatMap("There or not", "As on the board of all sites.", "site", IS_THERE, states=PRESENCE)
            ],
        },
        annotations=at_the_centre(),
    )


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
            alerts=("SegwatchSiteUnscored",),
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
            "Baseline in force, and the share since a change",
            "As the detector has learnt them, without the window's lag. The share since is there while a"
            " change is found; n is how many studies it stands on.",
            {
                "baseline, {{site}}": _max("segwatch_change_baseline_ratio"),
                "since, {{site}}": _of("site:segwatch_change_since:ratio"),
                NUMBER_OF: _of("site:segwatch_change_studies_since:max"),
            },
            "percentunit",
            n_is="studies since the change",
        ),
        Curves(
            "Drift of feature means",
            "Standard errors by which the last portrait's means lie above the training cohort's, noise"
            " included: a cause to look for. There where the policy lets means out and federation knows the"
            " cohort (`SEGWATCH_TRAINING_MANIFEST`).",
            {
                "{{feature}}, {{site}}": (
                    "max by (site, feature) (segwatch_federation_feature_drift{site=~'$site'})"
                )
            },
            "none",
            from_zero=False,
            width=WHOLE_WIDTH,
        ),
    ]


def _of(record: str) -> str:
    return f"{record}{{site=~'$site'}}"


def _max(metric: str) -> str:
    return f"max by (site) ({metric}{{site=~'$site'}})"
