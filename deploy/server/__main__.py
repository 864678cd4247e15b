"""`python -m deploy.server`: what the bundle's `install` runs, and the units themselves."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.machine.jars import find_java
from deploy.server import install as steps
from deploy.server import kafka, systemd
from deploy.server.bundle import make
from deploy.server.layout import CURRENT, ETC, PREVIOUS, Kind, Layout
from deploy.server.plan import planned
from deploy.server.settings import example, read_edited
from deploy.server.unit_files import TARGET, started
from segwatch.cli import run
from segwatch.contracts.topics import listed_sites
from segwatch.errors import BadInput
from segwatch.files import write_whole
from segwatch.streaming import copies
from segwatch.terminal import say

app = typer.Typer(
    help="One server: a hospital or the centre, by systemd.", no_args_is_help=True, add_completion=False
)
Root = Annotated[Path, typer.Option(help="Where it is made; another than / is for trying.")]
KIND = "kind"


@app.command("example")
def show_example(kind: Annotated[Kind, typer.Argument(help="hospital or centre.")]) -> None:
    """Print the settings file to start from."""
    say(example(kind).rstrip("\n"))


@app.command()
def install(
    kind: Annotated[Kind, typer.Argument(help="hospital or centre.")],
    settings: Annotated[
        Path | None, typer.Option(help="The edited settings; those of the last time without.")
    ] = None,
    root: Root = Path("/"),
    version: Annotated[
        Path | None, typer.Option(help="The folder of the programs that are to run; those of now without.")
    ] = None,
) -> None:
    """Make users, folders, secrets, certificates, settings and units; run again after each change.

    What is refused is refused before anything is stopped, linked or written.
    """
    layout = Layout(root)
    file = layout.at(f"{ETC}/{kind}.env")
    source = settings or file
    if not source.is_file():
        raise BadInput(
            f"there is no {source}: write one from `python -m deploy.server example {kind}`, and edit it"
        )
    _refuse_the_other(layout, kind)
    text = source.read_bytes()
    plan = planned(kind, read_edited(kind, source), layout)
    if root == Path("/"):
        # What runs imports as it goes: no program of its may be exchanged below it.
        systemd.stop([each.name for each in steps.units_of(layout)])
    if version is not None:
        _switch(layout, version)
    steps.install(plan, layout, say)
    write_whole(file, text)
    write_whole(layout.at(f"{ETC}/{KIND}"), f"{kind}\n")
    if root == Path("/"):
        systemd.start([TARGET, *started(plan.programs)])


@app.command()
def bundle(
    out: Annotated[Path, typer.Option(help="The folder for the tarball.")] = Path("dist"),
    segmentation: Annotated[bool, typer.Option(help="With torch and nnU-Net (3 GB more).")] = True,
) -> None:
    """Pack all that a server without network needs."""
    packed = make(out, say, segmentation=segmentation)
    say(f"{packed}: {packed.stat().st_size / 1e6:.0f} MB")


@app.command()
def rollback(root: Root = Path("/")) -> None:
    """Go back to the version before: its programs, its units; settings and data stay.

    It is that version's own installation, which refuses settings that it does not know, and changes nothing.
    """
    layout = Layout(root)
    kind, previous = _installed(layout), layout.at(PREVIOUS)
    if not previous.exists() or kind is None:
        raise BadInput(f"there is no version to go back to ({PREVIOUS})")
    older = previous.readlink()
    python = str(older / "venv/bin/python")
    words = ["install", kind, "--version", str(older), "--root", str(root)]
    os.chdir(older / "app")
    os.execv(python, [python, "-m", "deploy.server", *words])  # noqa: S606 - the older version's own


@app.command()
def uninstall(root: Root = Path("/")) -> None:
    """Remove units and programs; data, settings, secrets and users stay."""
    steps.uninstall(Layout(root), say)


@app.command()
def restore(
    copy: Annotated[Path, typer.Argument(help="What the unit segwatch-backup wrote.")],
) -> None:
    """Put a copy of the ledger or of decisions back where the log has lost them, and start everything."""
    units = [each.name for each in steps.units_of(Layout())]
    systemd.stop(units)
    try:
        systemd.start([f"segwatch-{each}.service" for each in ("kafka", "platform")])
        with kafka.address().open() as log:
            topic, there, put_back = copies.restore(log, copy)
        say(f"{topic}: {put_back} records were put back, {there} were there")
    finally:
        systemd.start([TARGET])


@app.command()
def topics(kind: Annotated[Kind, typer.Argument(help="hospital or centre.")]) -> None:
    """Wait for the log, make topics, give rights: what the unit segwatch-platform runs."""
    kafka.make_topics(kind, listed_sites(Path(f"{ETC}/sites").read_text()))
    say("topics and rights are as they must be")


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False
)
def java(context: typer.Context) -> None:
    """Become Java, whichever there is, with these arguments."""
    found = find_java()
    os.execv(found, [found, *context.args])  # noqa: S606 - the unit's program


def _installed(layout: Layout) -> str | None:
    """What this server is; None where it is nothing yet."""
    file = layout.at(f"{ETC}/{KIND}")
    return file.read_text().strip() if file.is_file() else None


def _refuse_the_other(layout: Layout, kind: Kind) -> None:
    there = _installed(layout)
    if there not in (None, kind):
        raise BadInput(
            f"this server is a {there}, and a {kind} would take its place: use another server, or `uninstall`"
            f" first and remove {ETC}/{KIND}"
        )


def _switch(layout: Layout, version: Path) -> None:
    """Have the links name the version, and the one that it follows."""
    current = layout.at(CURRENT)
    now = current.readlink() if current.is_symlink() else None
    if now == version:
        return
    if now is not None:
        _link(layout.at(PREVIOUS), now)
    _link(current, version)
    say(f"{version.name} runs from now on" + (f"; {now.name} stays in {now}" if now else ""))


def _link(link: Path, to: Path) -> None:
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(to)
    beside.replace(link)


if __name__ == "__main__":
    run(app)
