"""Several members of one federation: which sites are whose, and what each must know of the others' sites.

A site is read and shown by one member; Kafka's group says which (`Membership`). Whether sites changed is
judged over all of them together, so each member tells how its own stand, in a topic whose last record of a
site counts. What is told is made from released pulses alone and can be made again.
"""

import logging
from collections.abc import Collection, Mapping

from segwatch.contracts.envelope import Event, decode, utc_now
from segwatch.contracts.excess import SiteExcess
from segwatch.contracts.identity import result_id
from segwatch.contracts.topics import EXCESS
from segwatch.errors import InvalidMessage
from segwatch.streaming.closing import bounded
from segwatch.streaming.log import Log, Membership, Outgoing, Producer, Record, outgoing
from segwatch.streaming.stage import group_of

STAGE = "federation"
SOURCE = f"/{STAGE}"
_log = logging.getLogger(__name__)


class Sharing:
    """This member's place among the others, and what was told of each site.

    Args:
        log: the centre's.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._share: Membership | None = None
        self._producer: Producer | None = None
        self._told: dict[str, float] = {}

    def held(self, topics: Collection[str]) -> frozenset[str] | None:
        """Which of the sites' topics are ours now; None while we have no place.

        Raises:
            LogUnavailable, LogRefused.
        """
        if self._share is None:
            self._share = self._log.share(group_of(STAGE))
        return self._share.held(topics)

    def take(self, record: Record) -> None:
        """The next record of the topic: what some member, or we, said of a site."""
        site = (record.key or b"").decode(errors="replace")
        if record.value is None:
            self._told.pop(site, None)
            return
        try:
            said: SiteExcess = decode(EXCESS, record.key, record.value, record.headers).data
        except InvalidMessage as error:
            _log.error("passed over an excess", extra={"offset": record.at.offset, "why": str(error)})
        else:
            self._told[said.site] = said.log10_excess

    def others(self, sites: Collection[str], ours: Collection[str]) -> Mapping[str, float]:
        """What was last told of those of the sites that are not ours: whoever has them, or had."""
        told = dict(self._told)
        return {site: told[site] for site in sites if site in told and site not in ours}

    def tell(self, ours: Mapping[str, float | None]) -> None:
        """Say how our sites stand, where that is not what was told last; None takes back what was.

        Raises:
            LogUnavailable, LogRefused: call again later.
        """
        news = [_record(site, excess) for site, excess in ours.items() if self._told.get(site) != excess]
        if not news:
            return
        if self._producer is None:
            self._producer = self._log.producer()
        self._producer.send(news)
        for site, excess in ours.items():
            if excess is None:
                self._told.pop(site, None)
            else:
                self._told[site] = excess

    def close(self) -> None:
        """Leave the group, so that others take our sites over at once."""
        for each, what in ((self._share, "the place among the members"), (self._producer, "the producer")):
            if each is not None:
                bounded(each.close, what)
        self._share = self._producer = None
        self._told = {}


def _record(site: str, excess: float | None) -> Outgoing:
    if excess is None:
        return Outgoing(EXCESS, site.encode(), None)
    said = SiteExcess(site=site, log10_excess=excess)
    id_ = result_id(STAGE, site, repr(excess))
    return outgoing(EXCESS, Event(id_, EXCESS, site, SOURCE, utc_now(), said))
