"""Panels of a hospital's dashboard about a second scorer: what would change if it counted."""

from deploy.dashboards.panels import NUMBER_OF, Curves

SHADOW = "segwatch_site_shadow"
N_IS = "studies by both"


def shadow_panels(site: str) -> list[Curves]:
    """Over the last 200 studies that both have scored; `site` is the selector of the site."""
    number = f"max({SHADOW}_window_studies{site})"
    return [
        Curves(
            "Flagged share, by scorer",
            "What needs attention by the scorer that counts and by its shadow, over the same last studies.",
            {**_by_role("flagged_ratio", site), NUMBER_OF: number},
            "percentunit",
            n_is=N_IS,
        ),
        Curves(
            "Predicted failed share, by scorer",
            "Raw: of predictions. It is no failure rate, and no mask was looked at.",
            {**_by_role("predicted_failed_ratio", site), NUMBER_OF: number},
            "percentunit",
            n_is=N_IS,
        ),
        Curves(
            "Studies whose flag would change",
            "`segwatch scorer promote` makes the shadow count, `rollback` takes it back; the log has both.",
            {
                "would be {{to}}": f"max by (to) ({SHADOW}_changed_studies{site})",
                NUMBER_OF: number,
            },
            n_is=N_IS,
        ),
        Curves(
            "Pages, by scorer",
            "How often the hospital's own detector would have rung, begun anew with the first study.",
            _by_role("pages", site),
        ),
        Curves(
            "Mean predicted Dice, by scorer",
            "Over the studies that have one.",
            {**_by_role("predicted_dice", site), NUMBER_OF: number},
            "none",
            n_is=N_IS,
        ),
        Curves(
            "The shadow's verdicts, studies an hour",
            "Refused are studies that it cannot score: measured otherwise than it was trained on.",
            {"{{verdict}}": f"sum by (verdict) (increase(segwatch_scoring_shadow_studies_total{site}[1h]))"},
            stacked=True,
        ),
    ]


def _by_role(name: str, site: str) -> dict[str, str]:
    return {"{{role}}": f"max by (role) ({SHADOW}_{name}{site})"}
