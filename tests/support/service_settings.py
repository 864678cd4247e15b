"""Each service's own settings class, and an environment that holds nothing but what a test gives."""

import importlib
import os
from collections.abc import Mapping

import pytest
from pydantic.fields import FieldInfo

from segwatch.streaming.settings import ServiceSettings

SERVICES = ("ingest", "segmentation", "features", "scoring", "aggregation", "federation")


def settings_of(service: str) -> type[ServiceSettings]:
    """The one settings class that `services.SERVICE.settings` defines."""
    module = importlib.import_module(f"services.{service}.settings")
    (kind,) = (
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, ServiceSettings) and each.__module__ == module.__name__
    )
    return kind


def shown_default(field: FieldInfo) -> str:
    """A setting's default as pages show it: in backticks, or nothing where there is none."""
    if field.is_required():
        return "needed"
    return "" if field.default in (None, "") else f"`{field.default}`"


def use_environment(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    """Set these variables, and no other setting of segwatch."""
    for name in [name for name in os.environ if name.startswith("SEGWATCH_")]:
        monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
