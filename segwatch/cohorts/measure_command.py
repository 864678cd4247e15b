"""`segwatch measure`, once it is called: one case, or a folder of cases whose table is written."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from segwatch.cohorts.lungs import Lungs
from segwatch.cohorts.measuring import How, asked_unit, listed, measure_all, request_for
from segwatch.cohorts.opinions import AskedOpinion
from segwatch.errors import BadInput, RefusedVolume
from segwatch.features.files import Request, measure_files, scene_of_files
from segwatch.features.kernels.compiled import announce_compiling
from segwatch.features.measuring import Measures, measure_scene
from segwatch.features.profiles import options
from segwatch.features.registry import CATALOGUE, chosen

COMPILING = "compiling the measures for this machine, once (about 20 s) …"


def how_to_measure(
    *,
    profile: str,
    components: str,
    axis: str | None,
    min_voxels: int | None,
    features: str,
    native: bool,
    ct_unit: str,
    whole: bool,
    lungs: Lungs,
    opinion: AskedOpinion,
) -> How:
    """The command line's options, checked.

    Raises:
        BadInput: one of them is none of those allowed.
    """
    return How(
        options=options(profile, components, axis, min_voxels),
        features=chosen(features),
        native=native,
        ct_unit=asked_unit(ct_unit),
        whole=whole,
        lungs=lungs,
        opinion=opinion,
    )


def measure_one(
    ct: Path | None, lesion: Path | None, how: How, *, as_json: bool, figure: Path | None
) -> None:
    """Measure one case and print it."""
    if ct is None or lesion is None:
        raise BadInput("--ct and --lesion are needed, or --cohort and --out")
    request = request_for(ct, lesion, Path(how.lungs.given) if how.lungs.given else None, how)
    announce_compiling(lambda: typer.echo(COMPILING, err=True))
    with readable_and_writable():
        measures = measure_files(request) if figure is None else _draw(request, figure)
    if as_json:
        typer.echo(json.dumps(as_dict(measures)))
    else:
        Console().print(_table(measures))


def measure_folder(folder: Path | None, out: Path | None, how: How, workers: int) -> None:
    """Measure a cohort's folder, write its table, and say what was refused."""
    from segwatch.cohorts.columns import KEYS
    from segwatch.cohorts.write_table import check_suffix, measures_table, table_of, write_table

    if folder is None or out is None:
        raise BadInput("--cohort and --out belong together")
    check_suffix(out)
    parts = out.with_name(f".{out.name}.parts")  # hidden: no case, where the table lies among them
    with readable_and_writable():
        rows = measure_all(listed(folder), how, parts, workers)
        refused = [row for row in rows if "refused" in row]
        refusals = out.with_name(f"{out.stem}.refused.csv")
        refusals.unlink(missing_ok=True)
        write_table(out, measures_table([row for row in rows if "refused" not in row], how.features))
        if refused:
            write_table(refusals, table_of(refused, (*KEYS, "refused", "reason")))
        shutil.rmtree(parts)
    console = Console(stderr=True)
    for row in refused:
        console.print(f"refused: {row['case']}: {row['reason']}", style="red", markup=False)
    console.print(f"{out}: {len(rows) - len(refused)} of {len(rows)} cases")


@contextlib.contextmanager
def readable_and_writable() -> Iterator[None]:
    """What the operating system refuses is an error in words."""
    try:
        yield
    except OSError as error:
        raise RefusedVolume(f"a file cannot be read or written: {error}", kind="unreadable") from None


def as_dict(measures: Measures) -> dict[str, object]:
    """The measures as `--json` prints them; what was made from display values is marked."""
    marked = {"ct_unit": "display"} if measures.ct_unit == "display" else {}
    return {
        "status": measures.status,
        "features": measures.features,
        "undefined": measures.undefined,
        **marked,
    }


def _draw(request: Request, figure: Path) -> Measures:
    from segwatch.features.figure import check_path, draw

    check_path(figure)
    scene = scene_of_files(request, streamed=False)
    measures = measure_scene(scene, request.wanted)
    draw(scene, measures, figure)
    return measures


def _table(measures: Measures) -> Table:
    title = f"{measures.status} (profile {measures.options.profile}, CT in {measures.ct_unit})"
    table = Table("feature", "value", "unit", "why there is none", title=title)
    for name, value in measures.features.items():
        shown = "" if value is None else f"{value:.6g}"
        table.add_row(name, shown, CATALOGUE[name].card.unit, measures.undefined.get(name, ""))
    return table
