"""The site's rules file: read, or refused with what is wrong; and whether a series meets a rule."""

import json
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydicom.uid import UID

from segwatch.contracts.envelope import describe
from segwatch.contracts.intake import IntakeRules, Limits, SeriesConditions, SeriesRule
from segwatch.contracts.yaml_fields import fields_of
from segwatch.errors import BadInput, in_one_line
from segwatch.intake.series import Series

DEFAULTS = "chest_ct.yaml"


def default_rules() -> IntakeRules:
    """The rules for chest CT that hold where a site has none of its own."""
    return _rules(default_text(), DEFAULTS)


def default_text() -> str:
    """The file of the defaults, to start from."""
    return (files(__package__) / DEFAULTS).read_text(encoding="utf-8")


def read_rules(path: Path | None) -> IntakeRules:
    """The rules of a YAML file; the defaults where none is named.

    Raises:
        BadInput: the file is missing or is not what its schema says. The message names file and field.
    """
    if path is None:
        return default_rules()
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(
            f"the intake rules {path} cannot be read ({type(error).__name__}): `segwatch intake rules` prints"
            " the defaults to start from"
        ) from None
    return _rules(text, str(path))


def _rules(text: str, name: str) -> IntakeRules:
    try:
        return IntakeRules.model_validate_json(json.dumps(fields_of(text), default=str))
    except yaml.YAMLError as error:
        raise BadInput(f"the intake rules {name} are not YAML: {in_one_line(error, 500)}") from None
    except ValidationError as error:
        raise BadInput(f"the intake rules {name} are refused: {describe(error)}") from None


def first_met(series: Series, rules: Iterable[SeriesRule]) -> SeriesRule | None:
    """The first rule that a series meets."""
    return next((rule for rule in rules if meets(series, rule)), None)


def meets(series: Series, rule: SeriesRule) -> bool:
    """Whether all conditions of the rule hold, and those of its `unless` do not."""
    excepted = rule.unless is not None and not unmet(series, rule.unless)
    return not excepted and not unmet(series, rule)


def unmet(series: Series, conditions: SeriesConditions) -> list[str]:
    """The names of the conditions that do not hold; none where all do."""
    classes = (series.sop_class, UID(series.sop_class).keyword)
    tests: dict[str, Callable[[Any], bool]] = {
        "modality": lambda want: _any_like((series.modality,), want),
        "sop_class": lambda want: _any_like(classes, want),
        "image_type": lambda want: all(_any_like(series.image_type, (each,)) for each in want),
        "image_type_any": lambda want: _any_like(series.image_type, want),
        "orientation": lambda want: series.orientation in want,
        "slices": lambda want: _within(series.places, want),
        "slice_distance_mm": lambda want: _within(series.slice_distance_mm, want),
        "kernel": lambda want: re.search(want, series.kernel, re.IGNORECASE) is not None,
        "contrast": lambda want: series.contrast == want,
        "description": lambda want: re.search(want, series.description, re.IGNORECASE) is not None,
        "colour": lambda want: series.colour == want,
    }
    asked = {name: getattr(conditions, name) for name in tests}
    return [name for name, want in asked.items() if want is not None and not tests[name](want)]


def _any_like(values: Iterable[str], wanted: Iterable[str]) -> bool:
    said = [value.casefold() for value in values]
    return any(fnmatch(value, want.casefold()) for value in said for want in wanted)


def _within(value: float | None, limits: Limits) -> bool:
    if value is None:
        return False
    return (limits.min is None or value >= limits.min) and (limits.max is None or value <= limits.max)
