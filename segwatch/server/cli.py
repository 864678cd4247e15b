"""`segwatch install BUNDLE KIND`: unpacks a bundle, sees that it is whole, and runs its own `install`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer

from segwatch.errors import BadInput
from segwatch.tar_files import unpack

INSTALLER = "install"
Kind = Literal["hospital", "centre"]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command(INSTALLER)(install)


def install(
    bundle: Annotated[
        Path, typer.Argument(help="What `make bundle` wrote: the tarball, or its unpacked folder.")
    ],
    kind: Annotated[Kind, typer.Argument(help="hospital or centre.")] = "hospital",
    settings: Annotated[
        Path | None, typer.Option(help="The edited settings; those of the last time without.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Only see whether it came whole.")] = False,
) -> None:
    """Install a bundle on this server, without network: one of Debian or Ubuntu, as root."""
    if not bundle.exists():
        raise BadInput(f"there is no {bundle}: give the tarball of `make bundle`, or its unpacked folder")
    if settings is not None and not settings.is_file():
        raise BadInput(f"there is no settings file {settings}")
    with tempfile.TemporaryDirectory(prefix="segwatch-") as folder:
        unpacked = bundle if bundle.is_dir() else _unpacked(bundle, Path(folder))
        if not (unpacked / INSTALLER).is_file():
            raise BadInput(f"{bundle} holds no bundle of ours: it has no file `{INSTALLER}`")
        given = ["--settings", str(settings.resolve())] if settings is not None else []
        words = ["--check"] if check else [kind, *given]
        sys.stdout.flush()
        code = subprocess.run(["sh", str(unpacked / INSTALLER), *words], check=False).returncode
    raise typer.Exit(code)


def _unpacked(bundle: Path, folder: Path) -> Path:
    try:
        with bundle.open("rb") as stream:
            unpack(stream, folder, str(bundle))
    except OSError as error:
        raise BadInput(f"{bundle} cannot be unpacked ({error})") from None
    inside = list(folder.iterdir())
    return inside[0] if len(inside) == 1 else folder
