"""What must be done so that a Grafana has our dashboards, and doing it.

Every push says in Grafana's own history which content it wrote. So a dashboard whose latest version says
something else was changed by hand, and that work is not lost unless somebody says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from segwatch.dashboards.board import Board, differences, essence
from segwatch.dashboards.grafana import Grafana, Live
from segwatch.errors import BadInput

MESSAGE = "segwatch dashboards push, content "


class BoardState(Enum):
    """How a dashboard stands in Grafana."""

    SAME = "is as it should be"
    MISSING = "is not in Grafana"
    OLDER = "is an older one that was pushed"
    EDITED = "was changed by hand in Grafana"
    UNKNOWN = "differs, and Grafana does not show who changed it"
    MOVED = "lies in another folder"
    PROVISIONED = "is read by Grafana from a file, and can be changed there only"


IN_NEED_OF_A_WORD = (BoardState.EDITED, BoardState.UNKNOWN, BoardState.MOVED)


@dataclass(frozen=True)
class Standing:
    """One dashboard, and how it stands."""

    board: Board
    live: Live | None
    state: BoardState

    def shown(self) -> str:
        """One line: which, how, and who did it when."""
        who = ""
        if self.state in IN_NEED_OF_A_WORD and self.live is not None and self.live.written:
            written = self.live.written
            who = f" (version {written['version']}, by {written.get('createdBy') or 'somebody'}"
            who += f", {written.get('created') or 'at a time that is not shown'})"
        return f"{self.board.title} ({self.board.uid}) {self.state.value}{who}"

    def differences(self) -> Iterator[str]:
        """What would be otherwise after a push; Grafana's content is the old one."""
        if self.state is BoardState.SAME or self.live is None:
            return
        if self.state is BoardState.MOVED:
            yield f"folder: {self.live.folder or 'the root'}"
        yield from differences(essence(self.live.content), essence(self.board.content))


def standing(board: Board, live: Live | None, folder: str) -> Standing:
    """How a dashboard stands.

    Args:
        board: as it should be.
        live: as Grafana has it; None where it has none.
        folder: the uid of the folder that it should lie in.
    """
    return Standing(board, live, _state(board, live, folder))


def _state(board: Board, live: Live | None, folder: str) -> BoardState:
    if live is None:
        return BoardState.MISSING
    pushed = _pushed(live)
    # A newer Grafana shows an old format in its own: where nobody wrote after us, it is what we wrote.
    same = pushed == board.fingerprint() or essence(live.content) == essence(board.content)
    if live.provisioned:
        return BoardState.SAME if same else BoardState.PROVISIONED
    if same:
        return BoardState.SAME if live.folder == folder else BoardState.MOVED
    if live.written is None:
        return BoardState.UNKNOWN
    if pushed is None:
        return BoardState.EDITED
    return BoardState.OLDER if live.folder == folder else BoardState.MOVED


def _pushed(live: Live) -> str | None:
    """The fingerprint that the latest version was pushed with; None where something else wrote it."""
    message = str((live.written or {}).get("message") or "")
    return message.removeprefix(MESSAGE) if message.startswith(MESSAGE) else None


def checked_folder(grafana: Grafana, uid: str, title: str) -> bool:
    """Whether the folder is there already.

    Raises:
        BadInput: a folder of that title is somebody else's.
    """
    if grafana.has_folder(uid):
        return True
    others = [other for other, named in grafana.folders().items() if named == title]
    if others:
        raise BadInput(
            f"Grafana has a folder {title!r} already that this command did not make (its uid is"
            f" {others[0]}): use it with --folder-uid {others[0]}, or name another with --folder"
        )
    return False


def look(grafana: Grafana, boards: Sequence[Board], folder: str) -> list[Standing]:
    """How each dashboard stands."""
    return [standing(board, grafana.board(board.uid), folder) for board in boards]


def push(
    grafana: Grafana, boards: Sequence[Board], uid: str, title: str, *, overwrite: bool
) -> Iterator[str]:
    """Bring every dashboard into the folder; a line for each thing that was done.

    Raises:
        BadInput: something would be lost, and `overwrite` does not allow that. Nothing was written then.
        GrafanaRefused: Grafana is away or does not allow it.
    """
    is_there = checked_folder(grafana, uid, title)
    found = look(grafana, boards, uid)
    _refuse_losses(found, overwrite=overwrite)
    todo = [each for each in found if each.state is not BoardState.SAME]
    if todo and not is_there:
        grafana.make_folder(uid, title)
        yield f"made the folder {title} ({uid})"
    for each in todo:
        version = each.live.version if each.live else 0
        grafana.save(each.board.content, version, uid, MESSAGE + each.board.fingerprint())
        yield f"wrote {each.shown()}"
    if not todo:
        yield f"nothing to do: {len(found)} dashboards are as they should be"


def _refuse_losses(found: Sequence[Standing], *, overwrite: bool) -> None:
    provisioned = [each for each in found if each.state is BoardState.PROVISIONED]
    if provisioned:
        raise BadInput(
            f"{_listed(provisioned)}\nNothing was written. Change the files that Grafana reads"
            " (`segwatch dashboards provision`), or take the provider out and push again."
        )
    losses = [each for each in found if each.state in IN_NEED_OF_A_WORD]
    if losses and not overwrite:
        raise BadInput(
            f"{_listed(losses)}\nNothing was written. `segwatch dashboards diff` shows the changes;"
            " --overwrite writes over them (Grafana's history has the old versions)."
        )


def _listed(found: Sequence[Standing]) -> str:
    return "\n".join(each.shown() for each in found)
