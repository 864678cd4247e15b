"""`segwatch calibrate`, once it is called: reads reviews, writes the site's bundle, says what it is worth."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import typer

from segwatch.cohorts.reviews import Sheet, read_sheet, rows_reviewed, studies_of
from segwatch.cohorts.table import Cohort, read_measures
from segwatch.errors import RefusedCohort
from segwatch.scoring.bundle import Scorer, load, save
from segwatch.scoring.bundle_files import read_files
from segwatch.scoring.explain import WITHIN
from segwatch.scoring.manifest import CARD_FILE, WITHOUT_OPINION
from segwatch.training.adapt import gains_of
from segwatch.training.site_calibration import SiteCalibration, SiteStudies, calibrate_to_site
from segwatch.training.site_report import site_card, site_lines
from segwatch.training.site_threshold import Criterion


def calibrate_bundle(
    bundle: Path,
    reviews: Path,
    studies: Path | None,
    out: Path,
    *,
    name: str | None,
    criterion: Criterion | None,
    seed: int,
) -> None:
    """Write the site's bundle, and print what the reviews say.

    Raises:
        RefusedModel: the bundle cannot be loaded.
        RefusedCohort: the reviews or the studies are not what they must be, or too few.
    """
    scorer = load(bundle)
    found = calibrate_to_site(
        scorer,
        site_studies(scorer, reviews, studies),
        day=datetime.now(UTC).date().isoformat(),
        name=name,
        criterion=criterion,
        seed=seed,
    )
    card = site_card(found.manifest, (bundle / CARD_FILE).read_text(encoding="utf-8"))
    files = read_files(bundle)
    less = None if scorer.without_opinion is None else bundle / WITHOUT_OPINION
    identity = save(out, files.model, found.manifest, card, files.burden, without_opinion=less)
    typer.echo(_correction(found))
    for line in site_lines(found.manifest):
        typer.echo(line)
    if studies is None:
        typer.echo("No --studies: the rate is that of the table of reviews itself.")
    typer.echo(f"{out}: scorer {identity.name}, sha256 {identity.sha256}")


def site_studies(scorer: Scorer, reviews: Path, studies: Path | None) -> SiteStudies:
    """The reviews with the measures of the studies that they were chosen from.

    Raises:
        RefusedCohort: as `read_sheet` and `read_measures`, or a reviewed study has no measures.
    """
    sheet = read_sheet(reviews)
    rows = _in_the_sheet(sheet, scorer, reviews) if studies is None else read_measures(studies)
    return SiteStudies(rows, sheet.reviews, np.array(rows_reviewed(sheet, rows), dtype=np.int64))


def _in_the_sheet(sheet: Sheet, scorer: Scorer, reviews: Path) -> Cohort:
    names = scorer.manifest.feature_names
    there = next(iter(sheet.lines.values()))
    beside = (WITHIN,) if WITHIN in there and WITHIN not in names else ()
    rows = studies_of(sheet, (*names, *beside))
    if rows is None:
        missing = [name for name in ("patient", *names) if name not in there]
        raise RefusedCohort(
            f"{reviews} has no column {', '.join(missing)}: give the studies' measures with --studies, as "
            "`segwatch review sample` and `segwatch measure --cohort` write them"
        )
    return rows


def _correction(found: SiteCalibration) -> str:
    if found.correction is None:
        return found.no_correction
    return f"{gains_of(found.correction.tried)}\ntaken: {found.correction.taken}"
