"""What the dashboards are made of: two kinds of panel, written down as data, and the board that shows them.

Three rules hold for all panels: a share or a mean is drawn with its interval and its n; what is undefined is
shown as that word, never as a 0; gaps stay gaps.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
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

_REFS = "ABCDEFGHIJKLMN"


@dataclass(frozen=True)
class Curves:
    """Curves over time. Those named LOW and HIGH are an interval between 0 and 1, drawn as a band."""

    title: str
    description: str
    """What the reader should know."""
    queries: Mapping[str, str]
    """The expression under each legend."""
    unit: str = "short"
    """Grafana's name of the curves' unit."""
    n_is: str = ""
    """What the curve NUMBER_OF counts, as its own axis at the right-hand side says it."""
    logarithmic: bool = False
    """Whether the axis is logarithmic: evidence grows by factors."""
    page_above: float | None = None
    """The share above which somebody is paged, drawn as a line."""
    stacked: bool = False
    """Whether the curves are stacked as areas."""
    width: int = HALF_WIDTH
    repeat: str | None = None
    """The variable for each value of which the panel is drawn once, two beside each other."""

    def built(self) -> timeseries.Panel:
        """Grafana's panel."""
        panel = (
            timeseries.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(SOURCE)
            .unit(self.unit)
            .no_value(UNDEFINED)
            .span_nulls(False)
            .legend(_legend())
            .grid_pos(dashboard.GridPos(h=8, w=self.width))
        )
        for ref, (legend, expression) in zip(_REFS, self.queries.items(), strict=False):
            panel = panel.with_target(_query(expression, legend, ref).range())
        panel = panel.scale_distribution(_by_factors()) if self.logarithmic else panel.min(0)
        if self.stacked:
            mode = common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
            panel = panel.fill_opacity(60).stacking(mode)
        if NUMBER_OF in self.queries:
            panel = panel.override_by_name(NUMBER_OF, _on_the_right(self.n_is))
        if HIGH in self.queries:
            panel = _with_band(panel)
        if self.page_above is not None:
            panel = _with_page_line(panel, self.page_above)
        return panel.repeat(self.repeat).max_per_row(2) if self.repeat else panel


def with_interval(legend: str, estimate: str, n: str, of: Callable[[str], str]) -> dict[str, str]:
    """The curves of an estimate, its interval and its n; `of` makes a record's name an expression."""
    low, high = f"{estimate}_low", f"{estimate}_high"
    return {legend: of(estimate), LOW: of(low), HIGH: of(high), NUMBER_OF: of(n)}


@dataclass(frozen=True)
class Rows:
    """A table of what is the case now, with a row for each value of a label."""

    title: str
    description: str
    label: str
    columns: Mapping[str, tuple[str, str]]
    """The expression and its unit under each heading."""

    def built(self) -> table.Panel:
        """Grafana's panel."""
        panel = (
            table.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(SOURCE)
            .no_value(UNDEFINED)
            .grid_pos(dashboard.GridPos(h=8, w=WHOLE_WIDTH))
        )
        for ref, (heading, (expression, unit)) in zip(_REFS, self.columns.items(), strict=False):
            at_the_end = _query(expression, heading, ref).instant().format(PromQueryFormat.TABLE)
            panel = panel.with_target(at_the_end).override_by_name(heading, [_property("unit", unit)])
        renamed = {f"Value #{ref}": heading for ref, heading in zip(_REFS, self.columns, strict=False)}
        for name, options in (
            ("joinByField", {"byField": self.label, "mode": "outer"}),
            ("filterFieldsByName", {"include": {"names": [self.label, *renamed]}}),
            ("organize", {"renameByName": renamed}),
        ):
            panel = panel.with_transformation(dashboard.DataTransformerConfig(name, options=options))
        return panel


def board(
    title: str,
    uid: str,
    description: str,
    *,
    choices: Mapping[str, tuple[str, str]],
    rows: Mapping[str, Sequence[Curves | Rows]],
    annotations: Sequence[builders.AnnotationQuery] = (),
) -> builders.Dashboard:
    """A dashboard: the panels of each row under its heading, refreshed twice a minute, with marks over all.

    Each of `choices` is a variable: under a label its title, and the metric whose values of it are offered.
    """
    made = (
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
    )
    for each in annotations:
        made = made.annotation(each)
    for label, (shown, metric) in choices.items():
        made = made.with_variable(_choice(label, shown, metric))
    for heading, panels in rows.items():
        made = made.with_row(builders.Row(heading))
        for panel in panels:
            made = made.with_panel(panel.built())
    return made


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


def _query(expression: str, legend: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(SOURCE)


def _legend() -> common_builders.VizLegendOptions:
    return (
        common_builders.VizLegendOptions()
        .show_legend(True)
        .display_mode(common.LegendDisplayMode.TABLE)
        .placement(common.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull"])
    )


def _by_factors() -> common_builders.ScaleDistributionConfig:
    return common_builders.ScaleDistributionConfig().type(common.ScaleDistribution.LOG).log(10)


def _on_the_right(label: str) -> list[dashboard.DynamicConfigValue]:
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


def _with_band(panel: timeseries.Panel) -> timeseries.Panel:
    faint = [_property("custom.lineWidth", 0), _property("color", {"mode": "fixed", "fixedColor": "gray"})]
    filled = [_property("custom.fillBelowTo", LOW), _property("custom.fillOpacity", 12)]
    return panel.max(1).override_by_name(LOW, faint).override_by_name(HIGH, [*faint, *filled])


def _with_page_line(panel: timeseries.Panel, at: float) -> timeseries.Panel:
    steps = [dashboard.Threshold(None, "green"), dashboard.Threshold(at, "red")]
    return panel.thresholds(
        builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
    ).thresholds_style(
        common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    )


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(name, value)
