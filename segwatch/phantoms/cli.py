"""`segwatch phantom`: synthetic chest CTs with truth."""

from pathlib import Path
from typing import Annotated

import typer

from segwatch.errors import BadInput


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    app.command("phantom")(phantom)


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to write into: one folder a case.")],
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first; the next have the next seeds.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    scanner: Annotated[str, typer.Option(help="Scanner profile.")] = "standard",
    load: Annotated[
        float | None, typer.Option(min=0, max=0.6, help="The lesions' share of the lungs; 0 is none.")
    ] = None,
    dicom: Annotated[
        bool, typer.Option("--dicom", help="Write a DICOM series instead of ct.nii.gz.")
    ] = False,
    truth: Annotated[bool, typer.Option(help="Write lesion_truth.nii.gz too.")] = True,
) -> None:
    """Write synthetic chest CTs (CASE/ct.nii.gz, lung.nii.gz, lesion_truth.nii.gz), or DICOM series."""
    from rich.progress import track

    from segwatch.phantoms.dicom import write_dicom_series
    from segwatch.phantoms.phantom import make_phantom
    from segwatch.phantoms.scanner import SCANNERS
    from segwatch.phantoms.write import write_case

    if scanner not in SCANNERS:
        raise BadInput(f"--scanner {scanner}: there is no such profile; known are {', '.join(SCANNERS)}")
    if taken := [name for name in _names(seed, count, scanner) if (out / name).exists()]:
        raise BadInput(f"{out / taken[0]} exists already: choose another --out or --seed")
    for offset, name in enumerate(track(_names(seed, count, scanner), description="phantoms")):
        made = make_phantom(seed + offset, SCANNERS[scanner], load=load)
        if dicom:
            write_dicom_series(made, out / name)
        else:
            write_case(made, out / name, truth=truth)


def _names(seed: int, count: int, scanner: str) -> list[str]:
    return [f"phantom_{scanner}_{number:05d}" for number in range(seed, seed + count)]
