"""Federation's own settings, beside those that every service has."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from segwatch.detection.threshold import DISPERSION, PAGES_A_MONTH
from segwatch.errors import BadSettings
from segwatch.streaming.settings import ServiceSettings


class FederationSettings(ServiceSettings):
    """Over what quality is taken, what a false page costs, which sites are expected, and what they serve."""

    window_pulses: Annotated[int, Field(ge=1, le=1000)] = 3
    """Over how many of a site's last pulses its rolling quality is taken."""
    false_pages_a_month: Annotated[float, Field(gt=0, le=1000)] = PAGES_A_MONTH
    """How many false pages a month the operators bear, from all sites together."""
    dispersion: Annotated[float, Field(ge=1, le=10)] = DISPERSION
    """By how much real counts vary more than independent studies would."""
    training_manifest: Path | None = None
    """The manifest.json of the scorer that the sites serve: drift of portraits' means is shown against it."""
    sites: str = ""
    """The sites that are expected, by commas; empty: every site that has a release topic at the centre."""

    share_sites: bool = False
    """Whether several members share the sites out among themselves; else each of them reads and shows all."""

    def site_names(self) -> tuple[str, ...]:
        """The expected sites, in the order given.

        Raises:
            BadSettings: an empty name between two commas.
        """
        if not self.sites:
            return ()
        names = tuple(name.strip() for name in self.sites.split(","))
        if not all(names):
            raise BadSettings(f"SEGWATCH_SITES={self.sites!r} has an empty name; write site-a,site-b")
        return names
