"""What stands in a log before its services come: topics, and who may do what with them.

Strimzi makes both from its own resources. Where it is not, this does, as the principal `platform`.
"""

import time
from collections.abc import Sequence

from segwatch.errors import LogUnavailable
from segwatch.streaming.access import HOSPITAL, centre
from segwatch.streaming.connect import open_log
from segwatch.streaming.kafka.rights import give_rights
from segwatch.streaming.settings import ConnectionSettings
from segwatch.streaming.topics import make_centre_topics, make_hospital_topics

PARTITIONS = 3
"""How many members a stage can have at most."""
PAUSE_SECONDS = 1.0


def lay_out(
    settings: ConnectionSettings,
    sites: Sequence[str] | None = None,
    *,
    partitions: int = PARTITIONS,
    patience: float = 0.0,
) -> Sequence[str]:
    """Make what topics are missing, and give each principal its rights; the names of the new topics.

    Args:
        settings: of the platform.
        sites: those that a centre expects; None in a hospital.
        partitions: of a hospital's topics, where order between studies does not matter.
        patience: how many seconds the log may take to come up.

    Raises:
        LogUnavailable: it did not come up.
        LogRefused: it did not take the rights.
    """
    until = time.monotonic() + patience
    while True:
        try:
            with open_log(settings) as log:
                made = (
                    make_hospital_topics(log, partitions) if sites is None else make_centre_topics(log, sites)
                )
            break
        except LogUnavailable:
            if time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)
    give_rights(settings, HOSPITAL if sites is None else centre(sites))
    return made
