"""The log of a hospital or of the centre: a broker with an authority of its own, or a file."""

from pathlib import Path

from deploy.local.kafka.broker import Broker
from deploy.local.kafka.log_address import LogAddress
from segwatch.streaming.authority import Authority


class Cluster:
    """One log and who may come to it.

    Args:
        name: the hospital's, or `central`.
        folder: of all that belongs to it.
        embedded: whether the log is a file instead of a broker.

    Attributes:
        authority: signs its principals' certificates, and
        broker: wants them; both None where the log is a file.
    """

    def __init__(self, name: str, folder: Path, *, embedded: bool) -> None:
        self.name = name
        self.folder = folder.resolve()
        self.authority = None if embedded else Authority(self.folder / "keys", name)
        self.broker = (
            Broker(self.folder / "broker", name=f"{name} broker", authority=self.authority)
            if self.authority
            else None
        )

    @property
    def log_address(self) -> LogAddress:
        """The log, as the one who makes its topics and rights comes to it."""
        return self.broker.log_address if self.broker else LogAddress(file=self.folder / "log.sqlite")

    def known_as(self, principal: str) -> LogAddress:
        """The log as one of its principals comes to it."""
        return self.log_address.known_as(self.authority.issue(principal) if self.authority else None)
