"""The panels of a committed dashboard, and what a Prometheus answers to their expressions over some time."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deploy.local.machine.loopback_http import request

HERE = Path(__file__).parent
EVERYTHING = ".+"
POINTS = 240
"""Of a curve, from the left to the right."""
SHORTEST_STEP = 1.0
SECONDS = 60.0
OK = 200


@dataclass(frozen=True)
class Span:
    """From when to when, as Unix times."""

    begin: float
    end: float

    @property
    def step(self) -> float:
        """Seconds between two points of a curve."""
        return max((self.end - self.begin) / POINTS, SHORTEST_STEP)


@dataclass(frozen=True)
class Curve:
    """One series: its legend and labels, and its values at `times` (Unix times)."""

    legend: str
    labels: Mapping[str, str]
    times: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True)
class Answer:
    """One expression of a panel, and its series, those without any finite value left out."""

    legend: str
    expression: str
    curves: tuple[Curve, ...]


@dataclass(frozen=True)
class Drawn:
    """One panel as it is drawn: for a repeated one, at one value of its variable."""

    title: str
    panel: Mapping[str, Any]
    answers: tuple[Answer, ...]
    marks: tuple[tuple[float, str], ...] = field(default=())
    """When something was marked, and its colour."""

    @property
    def empty(self) -> list[str]:
        """The expressions that have no data."""
        return [answer.expression for answer in self.answers if not answer.curves]


class RunQueries:
    """A Prometheus on loopback, asked over one stretch of time."""

    def __init__(self, port: int, span: Span) -> None:
        self._port = port
        self.span = span

    def curves(self, expression: str, legend: str = "") -> tuple[Curve, ...]:
        """The series of an expression, by their legends.

        Raises:
            ValueError: Prometheus refuses the expression, or does not answer.
        """
        asked = {
            "query": expression,
            "start": self.span.begin,
            "end": self.span.end,
            "step": self.span.step,
        }
        status, body = request(self._port, f"/api/v1/query_range?{urlencode(asked)}", seconds=SECONDS)
        if status != OK:
            raise ValueError(f"Prometheus answers {status} to {expression}: {body.decode()}")
        made = [_curve(legend, each) for each in json.loads(body)["data"]["result"]]
        return tuple(sorted((each for each in made if each.values), key=lambda each: each.legend))

    def values(self, metric: str, label: str) -> list[str]:
        """The values of a metric's label, as a dashboard's variable offers them."""
        found = {curve.labels.get(label, "") for curve in self.curves(f"max by ({label}) ({metric})")}
        return sorted(found - {""}, key=lambda value: (len(value), value))


def boards() -> dict[str, dict[str, Any]]:
    """Every committed dashboard, by the name of its file."""
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted(HERE.glob("*.json"))}


def drawn_panels(board: Mapping[str, Any], prometheus: RunQueries, site: str = EVERYTHING) -> Iterator[Drawn]:
    """Every panel of a dashboard with its data, a repeated one once for each value of its variable.

    Args:
        board: as committed.
        prometheus: the one that feeds it.
        site: the sites that are chosen, a regular expression.
    """
    chosen = {each["name"]: EVERYTHING for each in board["templating"]["list"]} | {"site": site}
    marks = tuple(_marks(board, prometheus, chosen))
    for panel in board["panels"]:
        if not panel.get("targets"):
            continue
        for values in _repeated(panel, board, prometheus, chosen):
            answers = tuple(_answer(target, prometheus, values) for target in panel["targets"])
            yield Drawn(_filled(panel["title"], values), panel, answers, marks)


def _repeated(
    panel: Mapping[str, Any],
    board: Mapping[str, Any],
    prometheus: RunQueries,
    chosen: Mapping[str, str],
) -> Iterator[Mapping[str, str]]:
    """What the variables are for each time that the panel is drawn."""
    name = panel.get("repeat")
    if not name:
        yield chosen
        return
    variable = next(each for each in board["templating"]["list"] if each["name"] == name)
    query = variable["query"] if isinstance(variable["query"], str) else variable["query"]["query"]
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert asked is not None, query
    values = prometheus.values(*asked.groups())
    fits = [value for value in values if re.fullmatch(chosen[name], value)]
    for value in fits or [EVERYTHING]:
        yield {**chosen, name: value}


def _answer(target: Mapping[str, Any], prometheus: RunQueries, chosen: Mapping[str, str]) -> Answer:
    expression = _filled(target["expr"], chosen)
    legend = target.get("legendFormat", "")
    return Answer(legend, expression, prometheus.curves(expression, legend))


def _marks(
    board: Mapping[str, Any], prometheus: RunQueries, chosen: Mapping[str, str]
) -> Iterator[tuple[float, str]]:
    for mark in board["annotations"]["list"]:
        for curve in prometheus.curves(_filled(mark["expr"], chosen)):
            yield curve.times[0], mark["iconColor"]


def _filled(text: str, chosen: Mapping[str, str]) -> str:
    for name, value in chosen.items():
        text = text.replace(f"${name}", value)
    return text


def _curve(legend: str, found: Mapping[str, Any]) -> Curve:
    labels = found["metric"]
    points = [(float(time), float(value)) for time, value in found["values"]]
    finite = [(time, value) for time, value in points if math.isfinite(value)]
    shown = re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda each: labels.get(each[1], ""), legend)
    return Curve(shown, labels, [time for time, _ in finite], [value for _, value in finite])
