"""`python -m deploy.server`: what the bundle's `install` runs, and the units themselves."""

import os
from pathlib import Path
from typing import Annotated

import typer

from deploy.local.machine.jars import find_java
from deploy.server import install as steps
from deploy.server import kafka, systemd
from deploy.server.bundle import make
from deploy.server.layout import CURRENT, ETC, PREVIOUS, PYTHON, Kind, Layout
from deploy.server.settings import example, read_edited
from segwatch.cli import run
from segwatch.contracts.topics import listed_sites
from segwatch.errors import BadInput
from segwatch.files import write_whole
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
    start: Annotated[bool, typer.Option(help="Start the units where systemd runs.")] = True,
) -> None:
    """Make users, folders, secrets, certificates, settings and units; run again after each change."""
    layout = Layout(root)
    file = layout.at(f"{ETC}/{kind}.env")
    source = settings or file
    if not source.is_file():
        raise BadInput(
            f"there is no {source}: write one from `python -m deploy.server example {kind}`, and edit it"
        )
    _refuse_the_other(layout, kind)
    text = source.read_bytes()
    found = steps.install(kind, read_edited(kind, source), layout, say)
    write_whole(file, text)  # only now: the last ones that were good are there until others are
    write_whole(layout.at(f"{ETC}/{KIND}"), f"{kind}\n")
    if start and root == Path("/"):
        systemd.start([f"segwatch-{each.name}.service" for each in found])


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
    """Go back to the version before: its programs, its units; settings and data stay."""
    layout = Layout(root)
    current, previous = layout.at(CURRENT), layout.at(PREVIOUS)
    kind = _installed(layout)
    if not previous.exists() or kind is None:
        raise BadInput(f"there is no version to go back to ({PREVIOUS})")
    newer, older = current.readlink(), previous.readlink()
    _link(current, older)
    _link(previous, newer)
    say(f"{older.name} runs again, {newer.name} stays in {newer}")
    if root == Path("/"):
        os.chdir(layout.at(f"{CURRENT}/app"))
        os.execv(PYTHON, [PYTHON, "-m", "deploy.server", "install", kind])  # noqa: S606 - the older version's own


@app.command()
def uninstall(root: Root = Path("/")) -> None:
    """Remove units and programs; data, settings, secrets and users stay."""
    steps.uninstall(Layout(root), say)


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


def _link(link: Path, to: Path) -> None:
    beside = link.with_name(f".{link.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(to)
    beside.replace(link)


if __name__ == "__main__":
    run(app)
