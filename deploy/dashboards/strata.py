"""Quality by how the CT was made: which kind of scan the model does badly on."""

from grafana_foundation_sdk.builders import dashboard as builders

from deploy.dashboards.annotations import in_the_hospital
from deploy.dashboards.board import board
from deploy.dashboards.panels import WHOLE_WIDTH, Curves, HeatMap, Panel, Rows

_OF = "{site=~'$site',stratum=~'$stratum'}"
_HOW = "how"
"""The label of stratum and value together: several strata have the value `unknown`."""
_SHARE = f"max by (stratum, value) (segwatch_site_stratum_needs_attention_ratio{_OF})"
_NUMBER = f"max by (stratum, value) (segwatch_site_stratum_studies{_OF})"
_STANDS_OUT = (
    f"max by (stratum, value) (segwatch_site_stratum_stands_out{_OF}) or on (stratum, value) 0 * {_NUMBER}"
)
"""0 where it surely does not."""


def strata() -> builders.Dashboard:
    """The dashboard `segwatch-strata`."""
    return board(
        "segwatch: by how the CT was made",
        "segwatch-strata",
        "Quality by scanner, kernel, slice thickness and the like. These figures do not leave the hospital.",
        choices={
            "site": ("Site", "segwatch_stage_lag"),
            "stratum": ("How the CT was made", "segwatch_site_stratum_studies"),
        },
        rows={"Last 30 days": _panels()},
        annotations=in_the_hospital(),
    )


def _panels() -> list[Panel]:
    return [
        Rows(
            "By how the CT was made, last 30 days",
            "How the CT was made, as far as its file says; at most 20 values, the rest is `other`. Wilson's"
            " interval at 95 %. Stands out: by how much its share lies above the others', where that is no"
            " chance.",
            _HOW,
            {
                "needs attention": (_named(_SHARE), "percentunit"),
                "from": (_named(_wilson("-")), "percentunit"),
                "to": (_named(_wilson("+")), "percentunit"),
                "n (studies)": (_named(_NUMBER), "short"),
                "stands out by": (_named(_STANDS_OUT), "percentunit"),
            },
            worst_first="from",
        ),
        HeatMap(
            "Needs attention over time",
            "Share of the 30 days up to then. n stands below.",
            _HOW,
            _named(_SHARE),
        ),
        Curves(
            "n: studies of 30 days",
            "A share of few studies says little.",
            {"{{stratum}}: {{value}}": _NUMBER},
            width=WHOLE_WIDTH,
        ),
    ]


def _named(expression: str) -> str:
    return f'label_join({expression}, "{_HOW}", ": ", "stratum", "value")'


def _wilson(sign: str) -> str:
    """An end of Wilson's interval: z = 1.96, z squared 3.8416."""
    root = f"sqrt({_SHARE} * (1 - {_SHARE}) / {_NUMBER} + 0.9604 / {_NUMBER} ^ 2)"
    return f"({_SHARE} + 1.9208 / {_NUMBER} {sign} 1.96 * {root}) / (1 + 3.8416 / {_NUMBER})"
