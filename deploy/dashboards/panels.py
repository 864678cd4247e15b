"""The few kinds of panel that the dashboards are made of.

Three rules hold for all of them: a share or a mean is drawn with its interval and its n; what is undefined is
shown as that word, never as a 0; gaps stay gaps.
"""

from collections.abc import Mapping

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as dashboard_builders
from grafana_foundation_sdk.builders import prometheus, table, timeseries
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
UNDEFINED = "undefined"
WHOLE_WIDTH = 24
HALF_WIDTH = 12

NUMBER_OF = "n"
LOW = "interval, low"
HIGH = "interval, high"


def query(expression: str, legend: str, ref: str, *, instant: bool = False) -> prometheus.Dataquery:
    """A query of Prometheus: over the dashboard's time range, or (`instant`) at its end as a table."""
    built = prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(SOURCE)
    if instant:
        return built.instant().format(PromQueryFormat.TABLE)
    return built.range()


def lines(
    title: str, queries: Mapping[str, str], *, unit: str, description: str, width: int = HALF_WIDTH
) -> timeseries.Panel:
    """Curves over time; `queries` gives the expression to each legend."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .unit(unit)
        .no_value(UNDEFINED)
        .span_nulls(False)
        .min(0)
        .legend(_legend())
        .grid_pos(dashboard.GridPos(h=8, w=width))
    )
    for ref, (legend, expression) in zip("ABCDEFGHIJ", queries.items(), strict=False):
        panel = panel.with_target(query(expression, legend, ref))
    return panel


def estimate(
    title: str,
    value: Mapping[str, str],
    *,
    low: str,
    high: str,
    n: str,
    n_is: str,
    unit: str,
    description: str,
) -> timeseries.Panel:
    """An estimate between 0 and 1 with its interval as a band, and what it rests on at the right-hand axis.

    Args:
        title: the panel's title.
        value: the expression of the estimate, under its legend.
        low: expression of the interval's lower end.
        high: expression of the interval's upper end.
        n: expression of how much the estimate rests on.
        n_is: what `n` counts, as the axis says it.
        unit: Grafana's name of the estimate's unit.
        description: what the reader should know.
    """
    queries = {**value, LOW: low, HIGH: high, NUMBER_OF: n}
    panel = lines(title, queries, unit=unit, description=description).max(1)
    return (
        panel.override_by_name(NUMBER_OF, on_the_right(n_is))
        .override_by_name(LOW, _faint())
        .override_by_name(
            HIGH, [*_faint(), _property("custom.fillBelowTo", LOW), _property("custom.fillOpacity", 12)]
        )
    )


def with_page_line(panel: timeseries.Panel, at: float) -> timeseries.Panel:
    """Draw the share above which somebody is paged."""
    steps = [dashboard.Threshold(None, "green"), dashboard.Threshold(at, "red")]
    return panel.thresholds(
        dashboard_builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
    ).thresholds_style(
        common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    )


def stacked(panel: timeseries.Panel) -> timeseries.Panel:
    """Stack the curves as areas."""
    return panel.fill_opacity(60).stacking(
        common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
    )


def on_the_right(label: str) -> list[dashboard.DynamicConfigValue]:
    """A curve that counts, beside curves that are shares: own axis, own unit, never stacked."""
    return [
        _property("custom.axisPlacement", "right"),
        _property("custom.axisLabel", label),
        _property("custom.stacking", {"mode": "none", "group": "n"}),
        _property("custom.fillOpacity", 0),
        _property("custom.lineStyle", {"fill": "dash", "dash": [4, 6]}),
        _property("unit", "short"),
        _property("max", None),
    ]


def by_label(
    title: str, label: str, columns: Mapping[str, tuple[str, str]], *, description: str
) -> table.Panel:
    """A table with a row for each value of `label`; `columns` gives (expression, unit) to each heading."""
    panel = (
        table.Panel()
        .title(title)
        .description(description)
        .datasource(SOURCE)
        .no_value(UNDEFINED)
        .grid_pos(dashboard.GridPos(h=8, w=WHOLE_WIDTH))
    )
    renamed = {}
    for ref, (heading, (expression, unit)) in zip("ABCDEFGHIJKLMN", columns.items(), strict=False):
        panel = panel.with_target(query(expression, heading, ref, instant=True))
        panel = panel.override_by_name(heading, [_property("unit", unit)])
        renamed[f"Value #{ref}"] = heading
    return (
        panel.with_transformation(
            dashboard.DataTransformerConfig("joinByField", options={"byField": label, "mode": "outer"})
        )
        .with_transformation(
            dashboard.DataTransformerConfig(
                "filterFieldsByName", options={"include": {"names": [label, *renamed]}}
            )
        )
        .with_transformation(dashboard.DataTransformerConfig("organize", options={"renameByName": renamed}))
    )


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull"])
    )


def _faint() -> list[dashboard.DynamicConfigValue]:
    return [_property("custom.lineWidth", 0), _property("color", {"mode": "fixed", "fixedColor": "gray"})]


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(name, value)
