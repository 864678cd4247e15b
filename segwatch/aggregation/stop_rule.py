"""The site's own rule for its readers: when the model's results are held back until somebody has looked.

A rule of the hospital's, for the hospital: nothing of it leaves. What is not known is never `ok`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError

from segwatch.aggregation.local_watch import LocalChange
from segwatch.aggregation.rolling import Quality
from segwatch.contracts.base import Contract
from segwatch.contracts.envelope import describe
from segwatch.contracts.yaml_fields import fields_of
from segwatch.errors import BadInput, in_one_line

QualityState = Literal["ok", "watch", "stop", "unknown"]
STATES: tuple[QualityState, ...] = ("ok", "watch", "stop", "unknown")


class StopRule(Contract):
    """The file.

    Attributes:
        stop_on_change: whether a change for the worse that nobody has decided on stops.
        stop_above: the share of the latest 20 studies needing attention above which it stops; None never.
        watch_above: the same, from which it is watched.
        watch_evidence: the part of the alarm's threshold from which a change is watched.
        fewest_studies: with fewer in the last 30 days nothing is known.
        unknown_after_days: nor is it where the newest study is older.
    """

    stop_on_change: bool = False
    stop_above: Annotated[float, Field(gt=0, lt=1)] | None = None
    watch_above: Annotated[float, Field(gt=0, lt=1)] = 0.5
    watch_evidence: Annotated[float, Field(gt=0, le=1)] = 0.1
    fewest_studies: Annotated[int, Field(ge=1)] = 20
    unknown_after_days: Annotated[float, Field(gt=0, le=3650)] = 7.0


@dataclass(frozen=True, slots=True)
class KnownQuality:
    """What the hospital knows of its own quality.

    Attributes:
        current: whether everything in the log was read, and can be read.
        change: how it stands by the detector.
        latest: the latest 20 studies. month: the last 30 days'.
        newest: when the newest study was received.
    """

    current: bool
    change: LocalChange | None
    latest: Quality
    month: Quality
    newest: datetime | None


@dataclass(frozen=True, slots=True)
class QualityAnswer:
    """What an integration is told: the state, and why, a sentence each."""

    state: QualityState
    reasons: tuple[str, ...]


def read_stop_rule(path: Path) -> StopRule:
    """The rule in a YAML file.

    Raises:
        BadInput: it cannot be read, or says what no rule says; names the file and the field.
    """
    try:
        return StopRule.model_validate(fields_of(path.read_text(encoding="utf-8")) or {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"the stop rule {path} cannot be read: {in_one_line(error, 500)}") from None
    except ValidationError as error:
        raise BadInput(f"the stop rule {path} is refused: {describe(error)}") from None


def answer(rule: StopRule, known: KnownQuality, now: datetime) -> QualityAnswer:
    """The state by the rule. What stops goes before what is not known, and that before what is watched."""
    stops, watched = _alarms(rule, known)
    if stops:
        return QualityAnswer("stop", stops)
    unknown = _unknown(rule, known, now)
    if unknown:
        return QualityAnswer("unknown", (*unknown, *watched))
    return QualityAnswer("watch" if watched else "ok", watched)


def _alarms(rule: StopRule, known: KnownQuality) -> tuple[tuple[str, ...], tuple[str, ...]]:
    stops: list[str] = []
    watched: list[str] = []
    change, share = known.change, known.latest.needs_attention_ratio
    if change is not None and change.alarm:
        words = f"quality has changed for the worse {_since(change)}, and nobody has decided on it"
        (stops if rule.stop_on_change else watched).append(words)
    elif change is not None and 10 ** (change.log10_evidence - change.log10_threshold) >= rule.watch_evidence:
        watched.append("there are signs of a change for the worse")
    if share is not None and rule.stop_above is not None and share > rule.stop_above:
        stops.append(f"{share:.0%} of the latest {known.latest.studies} studies need attention")
    elif share is not None and share > rule.watch_above:
        watched.append(f"{share:.0%} of the latest {known.latest.studies} studies need attention")
    return tuple(stops), tuple(watched)


def _unknown(rule: StopRule, known: KnownQuality, now: datetime) -> tuple[str, ...]:
    if not known.current:
        return ("the log is not read to its end: it is away, or the service has just started",)
    if known.month.studies < rule.fewest_studies:
        return (f"there were {known.month.studies} studies in 30 days; {rule.fewest_studies} are needed",)
    if known.newest is None or now - known.newest > timedelta(days=rule.unknown_after_days):
        return (f"there was no study for {rule.unknown_after_days:g} days",)
    return ()


def _since(change: LocalChange) -> str:
    return "with the latest studies" if change.began is None else f"since about {change.began:%Y-%m-%d}"
