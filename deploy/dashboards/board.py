"""What all dashboards have in common: where their data come from, which site they show, the refresh."""

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.models import dashboard

from deploy.dashboards.panels import SOURCE


def board(title: str, uid: str, description: str, *, sites_of: str) -> builders.Dashboard:
    """An empty dashboard with the variables `datasource` and `site`; the sites are those of a metric."""
    return (
        builders.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["segwatch"])
        .timezone("browser")
        .readonly()
        .refresh("30s")
        .time("now-24h", "now")
        .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(choice("site", "Site", sites_of))
    )


def choice(label: str, title: str, metric: str) -> builders.QueryVariable:
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
