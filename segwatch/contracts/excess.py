"""What federation's members tell one another where they share the sites out: a topic of the centre's own."""

from typing import Annotated

from pydantic import Field

from segwatch.contracts.base import Contract
from segwatch.contracts.decisions import SiteName

LEAST_LOG10 = -300.0
"""Far below what is found together with however many sites; behind a decision there is no evidence at all."""


class SiteExcess(Contract):
    """How far a site's evidence of a change lies below its threshold; the last record of a site counts.

    The sites are judged together, so each member needs this figure of the sites that others watch. It is made
    from released pulses alone. A record without a value takes back what was said of the site.
    """

    site: SiteName
    log10_excess: Annotated[float, Field(ge=LEAST_LOG10, le=0)] = Field(
        description="Logarithm of the evidence over the threshold; 0 is an alarm."
    )
