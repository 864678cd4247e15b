"""The features service's own settings, beside those that every service has."""

from typing import Literal

from segwatch.streaming.settings import ServiceSettings


class FeaturesSettings(ServiceSettings):
    """Where volumes lie, and how the paper's features are read."""

    store: str
    """The volume store: a folder, or a URL that fsspec knows."""
    profile: Literal["paper", "authors-code"] = "paper"
    components: Literal["26", "l1"] = "26"
    features: str = "all"
    """A set's name (paper4, cheap, measured, all), or features' names with commas between."""
