"""`segwatch cohort import`, `demo-cohort`, `measure` and `score`: what makes a cohort, and what scores one.

What is heavy to import is imported once a command is called.
"""

from pathlib import Path
from typing import Annotated

import typer

Optional = Path | None
Lung = Annotated[
    str | None,
    typer.Option(
        help="Lung masks. own: made, as the services make it; or a file's "
        "name in each case's folder; or a folder with CASE.nii.gz."
    ),
]
LungWeights = Annotated[Path | None, typer.Option(help="R231's weights, for --lung lungmask.")]
LungSha256 = Annotated[str | None, typer.Option(help="The sha256 that they must have.")]
Opinion = Annotated[
    Path | None, typer.Option(help="Bundle of another model: its masks are the second opinion.")
]

COHORT = "Table (.csv, .parquet) of case, patient, set, dice, features; or a folder (docs/evaluation.md)."
"""What `train` and `evaluate` say of their option --cohort."""


def register(app: typer.Typer) -> None:
    """Add the sub-command `cohort` with its commands."""
    cohort = typer.Typer(help="Make a cohort: cases, whose they are, and which set they are in.")
    cohort.callback(no_args_is_help=True)(_cohort)
    cohort.command("import")(import_cases)
    app.add_typer(cohort, name="cohort")
    app.command("demo-cohort")(demo_cohort)
    app.command("measure")(measure)
    app.command("score")(score)


def _cohort() -> None:
    """Make a cohort: cases, whose they are, and which set they are in."""


def import_cases(
    layout: Annotated[str, typer.Argument(help="challenge, mosmed, in-house, jip, nnunet, covid-benchmark.")],
    source: Annotated[Path, typer.Option(help="Folder that is laid out so.")],
    out: Annotated[Path, typer.Option(help="Folder of cases to make.")],
    predictions: Annotated[
        Path | None, typer.Option(help="Folder with CASE.nii.gz: the masks to be judged.")
    ] = None,
    lungs: Annotated[Path | None, typer.Option(help="Folder with CASE.nii.gz: lung masks.")] = None,
    split: Annotated[
        Path | None,
        typer.Option(
            help="CSV with case, patient, set; or the benchmark's folder or JSON of its test cases; "
            "else each case is a patient."
        ),
    ] = None,
    set_name: Annotated[str, typer.Option("--set", help="The set of all cases, without --split.")] = "all",
) -> None:
    """Make a folder of cases from another layout, by links where the file system has them."""
    from segwatch.cohorts.arrange import arrange
    from segwatch.cohorts.benchmark import chosen_by, is_split, read_split
    from segwatch.cohorts.layouts import BENCHMARK, sources
    from segwatch.cohorts.measuring import whose_of

    cases = sources(layout, source, predictions, lungs)
    split = source if split is None and layout == BENCHMARK else split
    if split is not None and is_split(split):
        chosen = chosen_by(read_split(split), cases)
        cases, words = list(chosen.sources), f" ({chosen.words})"
        arrange(cases, out, chosen.whose, set_name)
    else:
        arrange(cases, out, None if split is None else whose_of(split), set_name)
        words = ""
    without = sum(case.lung is None for case in cases)
    lacking = f", {without} without a lung mask" if without else ""
    typer.echo(f"{out}: {len(cases)} cases{lacking}{words}")


def demo_cohort(
    out: Annotated[Path, typer.Option(help="Table to write (.parquet or .csv).")],
    model: Annotated[Path, typer.Option(help="The lesion model's bundle folder.")] = Path(
        "deploy/models/demo-lesion"
    ),
    patients: Annotated[int, typer.Option(min=10, help="How many phantoms.")] = 90,
    seed: Annotated[int, typer.Option(help="Seed of the first phantom; the others follow.")] = 2_000_000,
) -> None:
    """Make a cohort from phantoms: true Dice of the demo lesion model, and the measures of its masks."""
    from segwatch.cohorts.demo_cases import planned
    from segwatch.cohorts.demo_cohort import make_cohort
    from segwatch.progress import progress
    from segwatch.segmentation.bundle import open_bundle
    from segwatch.segmentation.lesion import LesionModel

    cases = planned(patients, seed)
    predictor = LesionModel(open_bundle(model))
    with progress("phantoms segmented and measured", len(cases)) as done:
        rows = make_cohort(cases, out, predictor, done)
    typer.echo(f"{out}: {rows} rows")


def measure(
    ct: Annotated[Optional, typer.Option(help="CT: NIfTI, a DICOM file or a series' folder.")] = None,
    lesion: Annotated[Optional, typer.Option(help="Lesion mask, NIfTI on the CT's voxels.")] = None,
    lung: Annotated[
        str | None,
        typer.Option(help="Lung mask, likewise; or own, lungmask: made. See `score`."),
    ] = None,
    lung_weights: LungWeights = None,
    lung_weights_sha256: LungSha256 = None,
    opinion: Opinion = None,
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
    from segwatch.cohorts.lungs import asked_lungs
    from segwatch.cohorts.measure_command import how_to_measure, measure_folder, measure_one
    from segwatch.cohorts.opinions import asked_opinion
    from segwatch.errors import BadInput

    how = how_to_measure(
        profile=profile,
        components=components,
        axis=axis,
        min_voxels=min_voxels,
        features=features,
        native=native,
        ct_unit=ct_unit,
        whole=not skip_checksum,
        lungs=asked_lungs(lung, lung_weights, lung_weights_sha256),
        opinion=asked_opinion(opinion),
    )
    if cohort is not None or out is not None:
        if not (ct is lesion is figure is None) or as_json:
            raise BadInput("--cohort and --out go without --ct, --lesion, --figure and --json")
        measure_folder(cohort, out, how, workers)
    else:
        measure_one(ct, lesion, how, as_json=as_json, figure=figure)


def score(
    folder: Annotated[
        Path, typer.Argument(help="Folder of cases, as measure --cohort takes it; or one case's.")
    ],
    scorer: Annotated[Path, typer.Option(help="The scorer's bundle folder.")],
    out: Annotated[Optional, typer.Option(help="Table to write (.csv, .parquet), with all reasons.")] = None,
    pictures: Annotated[Optional, typer.Option(help="Folder for a picture of each case.")] = None,
    lung: Annotated[
        str | None,
        typer.Option(
            help="Lung masks. own, lungmask: made, as the services make them; "
            "or a file's name in each case's folder; or a folder with CASE.nii.gz."
        ),
    ] = None,
    lung_weights: LungWeights = None,
    lung_weights_sha256: LungSha256 = None,
    opinion: Opinion = None,
    ct_unit: Annotated[str, typer.Option(help="auto, hu, display (8-bit, mapped to HU).")] = "auto",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 is one a core.")] = 0,
) -> None:
    """Score masks without ground truth: predicted Dice, interval, what needs a look and why.

    A case that cannot be scored stands in the table with its reason; exit code 2 where none could be.
    """
    from segwatch.cohorts.lungs import asked_lungs
    from segwatch.cohorts.opinions import asked_opinion
    from segwatch.cohorts.score_command import score_folder

    score_folder(
        folder,
        scorer,
        lungs=asked_lungs(lung, lung_weights, lung_weights_sha256),
        opinion=asked_opinion(opinion),
        ct_unit=ct_unit,
        workers=workers,
        out=out,
        pictures=pictures,
    )
