"""What people decide about a site's alarms: records of a topic that the detectors' folds read.

The centre has one such topic for all sites, each hospital one of its own. None leaves its cluster.
"""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field, StringConstraints, model_validator

from segwatch.contracts.base import Contract, Moment, Reason
from segwatch.contracts.release import Epoch, Number

SiteName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class PulseName(NamedTuple):
    """What a pulse is called within its site. They are in order: a later epoch's numbers begin anew."""

    epoch: int
    number: int


class SiteDecision(Contract):
    """Somebody has looked at a site's alarm, or a change there is known beforehand.

    `acknowledge` takes the alarm away and goes on with the baseline; `rebaseline` takes the level since for
    granted and learns another; `announce` says in a hospital that a change begins with the next study. At
    the centre a decision follows the pulse that it names; in a hospital the studies before `scored_to` in the
    scored topic. `acknowledge_releases` is not about quality: somebody at the centre has looked at what does
    not count before `released_to` in the site's release topic, conflicts and refused records.
    """

    decision: Literal["acknowledge", "rebaseline", "announce", "acknowledge_releases"]
    site: SiteName
    reason: Reason
    who: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    at: Moment
    epoch: Epoch | None = None
    pulse: Number | None = None
    scored_to: Annotated[int, Field(ge=0)] | None = None
    released_to: Annotated[int, Field(ge=0)] | None = None
    release_topic: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """The identity of the topic in which `released_to` is a place."""

    @property
    def follows(self) -> PulseName | None:
        """The pulse that it follows; None where there was none yet."""
        return None if self.epoch is None or self.pulse is None else PulseName(self.epoch, self.pulse)

    @model_validator(mode="after")
    def _a_pulse_has_both_its_numbers(self) -> "SiteDecision":
        if (self.epoch is None) != (self.pulse is None):
            raise ValueError("epoch and pulse name a pulse together")
        return self

    @model_validator(mode="after")
    def _releases_are_named_by_place_and_topic(self) -> "SiteDecision":
        about = self.decision == "acknowledge_releases"
        if not about == (self.released_to is not None) == (self.release_topic is not None):
            raise ValueError("released_to and release_topic name what acknowledge_releases is about")
        return self
