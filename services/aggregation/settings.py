"""Aggregation's own settings, beside those that every service has."""

from pathlib import Path

from pydantic import Field

from segwatch.streaming.settings import ServiceSettings


class AggregationSettings(ServiceSettings):
    """The policy, the audit log, the stop rule, and for the demonstration a seed of the noise."""

    policy: Path = Field(description="The site's privacy policy, a YAML file (docs/privacy.md).")
    audit_log: Path = Field(description="The file that says of every block that left, chained by hashes.")
    stop_rule: Path | None = Field(
        default=None, description="The site's rule for /quality, a YAML file; empty for the rule's defaults."
    )
    demo_noise_seed: int | None = Field(
        default=None,
        description="Noise that anybody can draw again: only with a policy whose version starts with demo.",
    )
