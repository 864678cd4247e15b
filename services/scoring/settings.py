"""Scoring's own settings, beside those that every service has."""

from pathlib import Path

from segwatch.streaming.settings import ServiceSettings


class ScoringSettings(ServiceSettings):
    """Which scorer is served."""

    scorer: Path
    """The bundle's folder, with model.skops and manifest.json, as `segwatch train` writes it."""
    shadow_scorer: Path | None = None
    """A second bundle's folder: it scores beside it and changes nothing until `segwatch scorer promote`."""
