"""A dashboard: its variables, its rows of panels, and the marks over all of them."""

import zlib
from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from deploy.dashboards.panels import SOURCE, Panel

ID_BELOW = 1_000_000


def board(
    title: str,
    uid: str,
    description: str,
    *,
    choices: Mapping[str, tuple[str, str]],
    rows: Mapping[str, Sequence[Panel]],
    annotations: Sequence[builders.AnnotationQuery] = (),
) -> builders.Dashboard:
    """A dashboard: the panels of each row under its heading, refreshed twice a minute, with marks over all.

    Each of `choices` is a variable: under a label its title, and the metric whose values of it are offered.
    A panel's id follows from its title, so that links to it last.
    """
    made = (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["segwatch"])
        .link(_to_the_others())
        .timezone("browser")
        .readonly()
        .refresh("30s")
        .time("now-24h", "now")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for each in annotations:
        made = made.annotation(each)
    for label, (shown, metric) in choices.items():
        made = made.with_variable(_choice(label, shown, metric))
    for heading, panels in rows.items():
        made = made.with_row(builders.Row(heading))
        for panel in panels:
            made = made.with_panel(panel.built().id(panel_id(panel.title)))
    return made


def panel_id(title: str) -> int:
    """The panel's id in its board."""
    return zlib.crc32(title.encode()) % ID_BELOW


def _to_the_others() -> builders.DashboardLink:
    return (
        builders.DashboardLink("Boards")
        .type(dashboard.DashboardLinkType.DASHBOARDS)
        .tags(["segwatch"])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _choice(label: str, title: str, metric: str) -> builders.QueryVariable:
    """A variable whose values are those that a metric's label has; any number of them may be chosen."""
    return (
        builders.QueryVariable(label)
        .label(title)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {label})")
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
        .multi(True)
        .include_all(True)
        .all_value(".+")
    )
