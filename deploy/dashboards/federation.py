"""The centre's overview: how every site stands, who is there, and whether the centre itself can see."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import at_the_centre
from deploy.dashboards.board import board
from deploy.dashboards.ground import ground
from deploy.dashboards.panels import ILL, SOME_COLOURS, WELL, Curves, HeatMap, NamedState, Panel, Rows

PAGE_ABOVE = 0.5
"""The share above which the rule SegwatchShareAboveHalf makes a ticket."""
ONE_SITE = "segwatch-federation-site"
"""The uid of the board that shows one site."""

NEEDS_ATTENTION = (
    "Share of the window's studies that are predicted failed, undefined, or outside what the scorer knows."
    " From noised counts, clamped to 0..1 for display; the band is the interval that sampling and noise give"
    " together. A share means nothing without its n."
)
PRESENCE = (
    NamedState(0, "there", WELL),
    NamedState(1, "silent", ILL),
    NamedState(2, "no pulses", SOME_COLOURS[1]),
    NamedState(3, "never heard", SOME_COLOURS[3]),
    NamedState(4, "no topic", "#000000"),
)
IS_THERE = (
    "0 * max by (site) (segwatch_federation_expected{site=~'$site'})"
    " + on (site) ("
    "4 * (max by (site) (segwatch_federation_topic) == bool 0) > 0"
    " or on (site) 3 * (max by (site) (segwatch_federation_expected)"
    " unless on (site) max by (site) (segwatch_federation_last_heartbeat_timestamp_seconds))"
    " or on (site) site:segwatch_silent:bool == 1"
    " or on (site) 2 * (site:segwatch_no_pulse:bool == 1)"
    " or on (site) 0 * max by (site) (segwatch_federation_expected))"
)
"""The worst that is true of each awaited site, as PRESENCE numbers it."""


def federation() -> builders.Dashboard:
    """The dashboard `segwatch-federation`."""
    return board(
        "segwatch: all sites",
        "segwatch-federation",
        "Predicted segmentation quality of every hospital, from noised releases. No study can be seen here.",
        choices={"site": ("Site", "segwatch_federation_expected")},
        rows={
            "Now": [_sites_now()],
            "Over time": [_share_over_time(), _evidence_over_time()],
            "Is everybody there?": _presence(),
            "Does the centre see?": _federation(),
            "What it stands on": ground("{job='federation'}", disks=False),
        },
        annotations=at_the_centre(),
    )


def _sites_now() -> Rows:
    return Rows(
        "Sites now",
        f"{NEEDS_ATTENTION} Worst first: by the share that it is at the least.",
        "site",
        {
            "is": (IS_THERE, "none"),
            "alarm": (_of("site:segwatch_change_alarm:max"), "none"),
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
            "last pulse's age": (_max("segwatch_federation_without_pulse_seconds"), "s"),
            "heartbeat's age": (_of("site:segwatch_heartbeat_age:seconds"), "s"),
        },
        worst_first="from",
        states={"is": PRESENCE, "alarm": (NamedState(0, "none", WELL), NamedState(1, "stands", ILL))},
        leads_to=ONE_SITE,
        alerts=("SegwatchShareAboveHalf",),
    )


def _share_over_time() -> HeatMap:
    return HeatMap(
        "Needs attention, site by site",
        f"{NEEDS_ATTENTION} n and interval stand in the table above, and over time on the site's own board.",
        "site",
        _of("site:segwatch_needs_attention:ratio"),
    )


def _evidence_over_time() -> Curves:
    return Curves(
        "Evidence, in thresholds",
        "An alarm rings where it reaches 1; it grows by one pulse while nothing changes, and stands until"
        " `segwatch site acknowledge` or `rebaseline`.",
        {"{{site}}": f"{_max('segwatch_change_evidence')} / {_max('segwatch_change_threshold')}"},
        "none",
        logarithmic=True,
        page_above=1,
        width=24,
        alerts=("SegwatchQualityDrop", "SegwatchFleetQualityDrop"),
    )


def _presence() -> list[Panel]:
    age = _of("site:segwatch_heartbeat_age:seconds")
    interval = _of("site:segwatch_heartbeat_interval:seconds")
    return [
        HeatMap(
            "Who was there",
            "Every awaited site, those that were never heard too. A site that is not there is not well:"
            " nothing is known about it.",
            "site",
            IS_THERE,
            states=PRESENCE,
            alerts=(
                "SegwatchSiteSilent",
                "SegwatchSitesSilent",
                "SegwatchSiteNeverHeard",
                "SegwatchSiteTopicMissing",
            ),
        ),
        Curves(
            "Age of the last pulse",
            "How long a site has beaten since, counted in its heartbeats; beside it the site's own pace.",
            {
                "{{site}}": _max("segwatch_federation_without_pulse_seconds"),
                "pace, {{site}}": _max("segwatch_federation_pulse_pace_seconds"),
            },
            "s",
            alerts=("SegwatchSiteWithoutPulses",),
        ),
        Curves(
            "Intervals since the last heartbeat",
            "A heartbeat says only that a site is alive. Above 4 the site is silent, and somebody is paged.",
            {"{{site}}": f"{age} / {interval}"},
        ),
        Curves(
            "How late heartbeats come",
            "By the centre's clock; negative where the site's is ahead.",
            {"{{site}}": _max("segwatch_federation_heartbeat_lateness_seconds")},
            "s",
            from_zero=False,
            alerts=("SegwatchSiteClockWrong",),
        ),
        Curves(
            "Blocks that are missing, and epochs",
            "Numbers follow one another: what is missing below another did not come. An epoch counts from 0.",
            {
                "missing, {{site}}": _max(
                    "segwatch_federation_missing_pulses", " + segwatch_federation_missing_portraits"
                ),
                "epoch, {{site}}": _of("site:segwatch_federation_epoch:max"),
            },
            alerts=("SegwatchReleaseGap", "SegwatchReleasesVanished", "SegwatchSiteNewEpoch"),
        ),
    ]


def _federation() -> list[Curves]:
    return [
        Curves(
            "Federation itself",
            "Ready: it has read the log to its end and can read on. While it is not, no site's figure moves.",
            {
                "ready": 'max(segwatch_ready{service="federation"})',
                "answers Prometheus": 'max(up{job="federation"})',
                "tries again, in five minutes": (
                    'sum(increase(segwatch_stage_retries_total{stage="federation"}[5m]))'
                    ' or on () 0 * max(up{job="federation"})'
                ),
            },
            "none",
            alerts=(
                "SegwatchFederationDown",
                "SegwatchFederationCannotRead",
                "SegwatchFederationRestarting",
                "SegwatchSitesUnwatched",
            ),
        ),
        Curves(
            "Records that do not count",
            "Open until `segwatch site acknowledge SITE --releases`. A conflict is one block with two"
            " contents; refused records do not keep to the schema.",
            {
                "conflicts, {{site}}": _of("site:segwatch_federation_open_conflicts:max"),
                "refused, {{site}}": _of("site:segwatch_federation_open_refused:max"),
            },
            alerts=("SegwatchReleaseConflict", "SegwatchReleaseRefused"),
        ),
    ]


def _of(record: str) -> str:
    return f"{record}{{site=~'$site'}}"


def _max(metric: str, more: str = "") -> str:
    return f"max by (site) ({metric}{{site=~'$site'}}{more})"
