"""What the dashboards are made of: three kinds of panel, written down as data.

Four rules hold for all panels: a share or a mean is drawn with its interval and its n; what is undefined is
shown as that word, never as a 0; gaps stay gaps; colours are told apart by the colour-blind.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import prometheus, statushistory, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from segwatch.dashboards.board import RUNBOOKS

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")
UNDEFINED = "undefined"
WHOLE_WIDTH = 24
HALF_WIDTH = 12
COLUMNS = 96
"""Of a heat map at the most: a quarter of an hour each over a day."""

NUMBER_OF = "n"
LOW = "interval, low"
HIGH = "interval, high"

_REFS = "ABCDEFGHIJKLMN"

_Mapping = dashboard.ValueMap | dashboard.RangeMap | dashboard.RegexMap | dashboard.SpecialValueMap

SOME_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#999999")
"""Okabe and Ito's, which the colour-blind tell apart too (Wong, Nature Methods 8, 441, 2011)."""
WELL, ILL = SOME_COLOURS[0], SOME_COLOURS[5]


@dataclass(frozen=True)
class NamedState:
    """One value of a panel that shows states, in words."""

    value: int
    words: str
    colour: str


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
    from_zero: bool = True
    """Whether the axis begins at 0: what can be negative has none."""
    logarithmic: bool = False
    """Whether the axis is logarithmic: evidence grows by factors."""
    page_above: float | None = None
    """The share above which somebody is paged, drawn as a line."""
    stacked: bool = False
    """Whether the curves are stacked as areas."""
    width: int = HALF_WIDTH
    repeat: str | None = None
    """The variable for each value of which the panel is drawn once, two beside each other."""
    alerts: tuple[str, ...] = ()
    """The alerts whose page leads here; each has its runbook among the panel's links."""

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
            .links(_runbooks(self.alerts))
            .color_scheme(_palette())
            .grid_pos(dashboard.GridPos(h=8, w=self.width))
        )
        for ref, (legend, expression) in zip(_REFS, self.queries.items(), strict=False):
            panel = panel.with_target(_query(expression, legend, ref).range())
        if self.logarithmic:
            panel = panel.scale_distribution(_by_factors())
        elif self.from_zero:
            panel = panel.min(0)
        if self.stacked:
            mode = common_builders.StackingConfig().mode(common.StackingMode.NORMAL).group("A")
            panel = panel.fill_opacity(60).stacking(mode)
        named = [
            legend for legend in self.queries if "{{" not in legend and legend not in (LOW, HIGH, NUMBER_OF)
        ]
        for legend, colour in zip(named, SOME_COLOURS, strict=False):
            panel = panel.override_by_name(legend, [_fixed(colour)])
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
    worst_first: str = ""
    """The heading whose highest value comes first; undefined comes last."""
    states: Mapping[str, Sequence[NamedState]] = field(default_factory=dict)
    """Under a heading, what its values mean."""
    leads_to: str = ""
    """The uid of the board that shows one value of the label, reached by a click on it."""
    alerts: tuple[str, ...] = ()
    """As with `Curves`."""

    def built(self) -> table.Panel:
        """Grafana's panel."""
        panel = (
            table.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(SOURCE)
            .no_value(UNDEFINED)
            .links(_runbooks(self.alerts))
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
            *([("sortBy", _highest_first(self.worst_first))] if self.worst_first else []),
        ):
            panel = panel.with_transformation(dashboard.DataTransformerConfig(name, options=options))
        for heading, states in self.states.items():
            panel = panel.override_by_name(heading, _in_words(states))
        if self.leads_to:
            panel = panel.override_by_name(
                self.label, [_property("links", [_to_board(self.leads_to, self.label)])]
            )
        return panel


@dataclass(frozen=True)
class HeatMap:
    """A row for each value of a label, and time to the right; the colour is the value.

    Shares go from light to dark, which grey and every kind of colour-blindness leave in order. Where there
    are `states`, each has its colour and its words.
    """

    title: str
    description: str
    label: str
    expression: str
    states: Sequence[NamedState] = ()
    alerts: tuple[str, ...] = ()

    def built(self) -> statushistory.Panel:
        """Grafana's panel."""
        panel = (
            statushistory.Panel()
            .title(self.title)
            .description(self.description)
            .datasource(SOURCE)
            .no_value(UNDEFINED)
            .links(_runbooks(self.alerts))
            .show_value(common.VisibilityMode.NEVER)
            .row_height(0.9)
            .max_data_points(COLUMNS)
            .grid_pos(dashboard.GridPos(h=8, w=WHOLE_WIDTH))
            .with_target(_query(self.expression, f"{{{{{self.label}}}}}", "A").range())
        )
        if self.states:
            mode = builders.FieldColor().mode(dashboard.FieldColorModeId.THRESHOLDS)
            return panel.color_scheme(mode).mappings(_mappings(self.states))
        mode = builders.FieldColor().mode(dashboard.FieldColorModeId.CONTINUOUS_BL_PU)
        return panel.color_scheme(mode).unit("percentunit").min(0).max(1)


Panel = Curves | Rows | HeatMap


def _query(expression: str, legend: str, ref: str) -> prometheus.Dataquery:
    return prometheus.Dataquery().expr(expression).legend_format(legend).ref_id(ref).datasource(SOURCE)


def _runbooks(alerts: Sequence[str]) -> list[Builder[dashboard.DashboardLink]]:
    return [
        builders.DashboardLink(f"What to do: {alert}")
        .type(dashboard.DashboardLinkType.LINK)
        .url(f"{RUNBOOKS}{alert}.md")
        .target_blank(True)
        for alert in alerts
    ]


def _to_board(uid: str, label: str) -> dict[str, object]:
    return {"title": "Open", "url": f"/d/{uid}?var-{label}=${{__value.text}}&${{__url_time_range}}"}


def _highest_first(heading: str) -> dict[str, object]:
    return {"fields": {}, "sort": [{"field": heading, "desc": True}]}


def _in_words(states: Sequence[NamedState]) -> list[dashboard.DynamicConfigValue]:
    return [
        _property("mappings", _mappings(states)),
        _property("custom.cellOptions", {"type": "color-background"}),
    ]


def _mappings(states: Sequence[NamedState]) -> list[_Mapping]:
    options = {
        str(each.value): dashboard.ValueMappingResult(text=each.words, color=each.colour, index=index)
        for index, each in enumerate(states)
    }
    return [dashboard.ValueMap(options=options)]


def _palette() -> builders.FieldColor:
    return builders.FieldColor().mode(dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


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
        _fixed("#777777"),
        _property("custom.fillOpacity", 0),
        _property("custom.lineStyle", {"fill": "dash", "dash": [4, 6]}),
        _property("unit", "short"),
        _property("max", None),
    ]


def _with_band(panel: timeseries.Panel) -> timeseries.Panel:
    faint = [_property("custom.lineWidth", 0), _fixed("gray")]
    filled = [_property("custom.fillBelowTo", LOW), _property("custom.fillOpacity", 12)]
    return panel.max(1).override_by_name(LOW, faint).override_by_name(HIGH, [*faint, *filled])


def _with_page_line(panel: timeseries.Panel, at: float) -> timeseries.Panel:
    steps = [dashboard.Threshold(None, "transparent"), dashboard.Threshold(at, ILL)]
    return panel.thresholds(
        builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(steps)
    ).thresholds_style(
        common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    )


def _fixed(colour: str) -> dashboard.DynamicConfigValue:
    return _property("color", {"mode": "fixed", "fixedColor": colour})


def _property(name: str, value: object) -> dashboard.DynamicConfigValue:
    return dashboard.DynamicConfigValue(name, value)
