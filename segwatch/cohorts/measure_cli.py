"""`segwatch measure`: one case, or a folder of cases."""

from pathlib import Path
from typing import Annotated

import typer

Optional = Path | None


def measure(
    ct: Annotated[Optional, typer.Option(help="CT: NIfTI, a DICOM file or a series' folder.")] = None,
    lesion: Annotated[Optional, typer.Option(help="Lesion mask, NIfTI on the CT's voxels.")] = None,
    lung: Annotated[Optional, typer.Option(help="Lung mask, likewise; may be left out.")] = None,
    native: Annotated[bool, typer.Option("--native", help="Measure without resampling or rounding.")] = False,
    profile: Annotated[str, typer.Option(help="paper or authors-code.")] = "paper",
    components: Annotated[str, typer.Option(help="26 or l1.")] = "26",
    axis: Annotated[str | None, typer.Option(help="Slices compared along z, y or x.")] = None,
    min_voxels: Annotated[
        int | None, typer.Option(help="Smoothness of components with more voxels only.")
    ] = None,
    ct_unit: Annotated[str, typer.Option(help="auto, hu, display (8-bit, mapped to HU).")] = "auto",
    features: Annotated[
        str, typer.Option(help="paper4, cheap, measured, all, or names with commas.")
    ] = "measured",
    skip_checksum: Annotated[
        bool, typer.Option("--skip-checksum", help="Do not read files past what is needed.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    figure: Annotated[Optional, typer.Option(help="Picture to write: where each value comes from.")] = None,
    cohort: Annotated[Optional, typer.Option(help="Folder of cases, instead of one case.")] = None,
    out: Annotated[Optional, typer.Option(help="Table to write for a cohort (.parquet, .csv).")] = None,
    workers: Annotated[int, typer.Option(min=0, help="Processes for a cohort; 0 is one a core.")] = 0,
) -> None:
    """Measure a lesion mask without ground truth: one case, or a cohort's folder.

    Exit code 0 also where features have no value; 2 where the input is refused.
    """
    from segwatch.cohorts import measure_command as commands
    from segwatch.errors import BadInput

    how = commands.how(
        profile=profile,
        components=components,
        axis=axis,
        min_voxels=min_voxels,
        features=features,
        native=native,
        ct_unit=ct_unit,
        whole=not skip_checksum,
    )
    if cohort is not None or out is not None:
        if not (ct is lesion is lung is figure is None) or as_json:
            raise BadInput("--cohort and --out go without --ct, --lesion, --lung, --figure and --json")
        commands.measure_folder(cohort, out, how, workers)
    else:
        commands.measure_one(ct, lesion, lung, how, as_json=as_json, figure=figure)
