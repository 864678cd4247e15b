"""What an operator's command needs: the log that the environment names, who decides, and why."""

import getpass
import os
import socket
from typing import TYPE_CHECKING

from segwatch.errors import BadInput

if TYPE_CHECKING:
    from segwatch.streaming.log import Log

LONGEST_REASON = 500
"""As the contracts have it (`segwatch.contracts.base.Reason`)."""


def connected() -> "Log":
    """The log that the environment names, to be closed by `with`."""
    from segwatch.streaming.connect import open_log
    from segwatch.streaming.settings import ConnectionSettings, load_settings

    return open_log(load_settings(ConnectionSettings, strangers=True))


def user_at_host() -> str:
    """Who runs the command, and where: `user@host`; the number of a container's user that has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def checked_reason(text: str) -> str:
    """The reason in one line.

    Raises:
        BadInput: there is none, or it is too long.
    """
    reason = " ".join(text.split())
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise BadInput(
            f"--reason needs a sentence of 1 to {LONGEST_REASON} letters: it is what others will read of it"
        )
    return reason
