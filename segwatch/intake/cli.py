"""`segwatch intake`: what the rules make of an examination, and old examinations from the archive."""

import json
import time
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from segwatch.ingest.titles import BACKFILL_TITLE, TRIAL_TITLE
from segwatch.terminal import say

if TYPE_CHECKING:
    from segwatch.archive.peer import Source

DAY = "%Y-%m-%d"
How = Literal["move", "get", "web"]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    intake = typer.Typer(
        help="Which series of an examination is its study; the archive.", no_args_is_help=True
    )
    intake.command("explain")(explain)
    intake.command("rules")(rules)
    intake.command("backfill")(backfill)
    app.add_typer(intake, name="intake")


Rules = Annotated[Path | None, typer.Option("--rules", help="The site's rules; those for chest CT without.")]


def explain(
    folder: Annotated[Path, typer.Argument(metavar="STUDYFOLDER", help="The DICOM files of an examination.")],
    rules: Rules = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show what the intake rules make of an examination: which series is its study, and why."""
    from segwatch.intake.explain import explain as explained
    from segwatch.intake.rules import read_rules

    lines = [asdict(each) for each in explained(folder, read_rules(rules))]
    if as_json:
        say(json.dumps(lines, indent=1))
        return
    for line in lines:
        distance = line["slice_distance_mm"]
        facts = [
            f"{line['images']} images" + (f" and odd ones ({line['odd']})" if line["odd"] else ""),
            f"{line['slices'] or 'no'} slices",
            "" if distance is None else f"{distance:g} mm",
            line["orientation"],
            line["image_type"],
            line["kernel"],
            f'"{line["description"]}"' if line["description"] else "",
        ]
        say(f"{line['verdict']:<11} {line['rule']:<21} {', '.join(fact for fact in facts if fact)}")
        say(f"{'':<11} {line['why']}")


def rules() -> None:
    """Print the intake rules for chest CT, to start a file of the site's own from."""
    from segwatch.intake.rules import default_text

    say(default_text().rstrip("\n"))


def backfill(
    first: Annotated[datetime, typer.Option("--from", formats=[DAY], help="First day of the examinations.")],
    last: Annotated[datetime, typer.Option("--to", formats=[DAY], help="Last day.")],
    archive: Annotated[str, typer.Option(help="TITLE@HOST:PORT, or for `web` the address up to /studies.")],
    door: Annotated[
        str | None, typer.Option(help="Ingest's HOST:PORT for `get`, its STOW-RS address for `web`.")
    ] = None,
    how: Annotated[How, typer.Option(help="C-MOVE, C-GET or DICOMweb.")] = "move",
    calling: Annotated[str, typer.Option(help="The title that the archive knows us by.")] = "SEGWATCH",
    per_hour: Annotated[int, typer.Option(min=1, help="Examinations an hour, at most.")] = 60,
    title: Annotated[str | None, typer.Option(help="Ingest's for this, where it is not the default.")] = None,
    trial: Annotated[bool, typer.Option("--trial", help="Looked at, and counted in no block.")] = False,
    state: Annotated[Path, typer.Option(help="Where is kept what is done.")] = Path(".segwatch-backfill"),
    token_file: Annotated[Path | None, typer.Option(help="The bearer token of ingest's STOW-RS.")] = None,
) -> None:
    """Bring old CT examinations from the archive to ingest, throttled; a run that was stopped goes on.

    It goes to ingest's title for back-filled studies (SEGWATCH-BACK), or with `--trial` to that for those on
    trial (SEGWATCH-TRIAL). For C-MOVE the archive must know that title's address.
    """
    from segwatch.archive.backfill import backfill as brought
    from segwatch.errors import BadInput, SegwatchError

    if first > last:
        raise BadInput(f"--from {first:{DAY}} is after --to {last:{DAY}}")
    if how != "move" and door is None:
        raise BadInput(f"--how {how} needs --door: where ingest listens")
    goes_to = title or (TRIAL_TITLE if trial else BACKFILL_TITLE)
    source, target = _source(how, archive, door or "", calling, goes_to, trial, token_file)
    failed = counted = 0
    for each in brought(source, first.date(), last.date(), state, target, _throttle(per_hour)):
        counted += 1
        said = each.error or ("brought before" if each.before else f"{each.images} images")
        failed += each.error is not None
        say(f"{counted} {each.study.day} {said}")
    say(f"{counted} examinations, {failed} did not come")
    if failed:
        raise SegwatchError(f"{failed} examinations did not come: run the same again")


def _throttle(per_hour: int) -> "Throttle":
    return Throttle(3600 / per_hour)


class Throttle:
    """Waits so that calls lie at least so many seconds apart."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        time.sleep(max(0.0, self._next - now))
        self._next = max(now, self._next) + self._seconds


def _source(
    how: How, archive: str, door: str, calling: str, title: str, trial: bool, token_file: Path | None
) -> tuple["Source", str]:
    """Where examinations come from, and in words where they go."""
    from segwatch.archive.backfill import GetSource, MoveSource
    from segwatch.archive.dicomweb import WebArchive
    from segwatch.archive.dimse import Archive
    from segwatch.archive.peer import read_peer

    if how == "web":
        headers = {"Authorization": f"Bearer {token_file.read_text().strip()}"} if token_file else {}
        target = f"{door.rstrip('/')}/{'trial' if trial else 'backfill'}"
        return WebArchive(archive.rstrip("/"), target, target_headers=headers), target
    pacs = Archive(read_peer(archive), calling)
    if how == "move":
        return MoveSource(pacs, title), title
    return GetSource(pacs, read_peer(f"{title}@{door}")), title
