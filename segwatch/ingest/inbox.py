"""The watched folder: what lies where in it, and the way back for an entry that was rejected.

```
INBOX/CASE/…            an entry: one study, waiting or in hand
INBOX/.receipts/CASE.json   what became of it (a name of more than 200 bytes is shortened)
INBOX/.rejected/CASE/   an entry that cannot be processed; replaying its dead letter moves it back
INBOX/.attempts/CASE    how often an attempt at it has not come to an end (the process died)
INBOX/.arriving/        instances that are coming in over the network
INBOX/.open/CASE/…      marks of what has brought images over the network and has not ended well
INBOX/.announced/EXAM/  the images of announced series, for a while: late ones are joined to them
INBOX/.aside/CASE/      what is expected beside a CT and is no study, for a while
```
Names that start with a dot are no entries, so a producer may write `.tmp-CASE` and rename it.
"""

from pathlib import Path

from segwatch.errors import CannotReplay

ORIGIN = "inbox"
"""What a dead letter names as the origin of an entry, which never was a record of a topic."""
RECEIPTS, REJECTED, ATTEMPTS, ARRIVING = ".receipts", ".rejected", ".attempts", ".arriving"
CARRIED, ANNOUNCED, ASIDE = ".open", ".announced", ".aside"


def put_back(inbox: Path | None, entry: str) -> None:
    """Move a rejected entry back into the inbox, where ingest finds it as if it were new.

    Raises:
        CannotReplay: the inbox is not named, or has no such rejected entry, or a new one of that name.
    """
    if inbox is None:
        raise CannotReplay(f"{entry!r} came through the inbox: name it with --inbox or SEGWATCH_INBOX")
    if not entry or entry != Path(entry).name or entry.startswith("."):
        raise CannotReplay(f"the letter names the entry {entry!r}, which is no plain name")
    rejected, target = inbox / REJECTED / entry, inbox / entry
    if target.exists():
        raise CannotReplay(f"{target} is there again: move it away first")
    try:
        rejected.rename(target)
    except OSError as error:
        raise CannotReplay(f"{rejected} cannot be moved back: {error.strerror}") from None
