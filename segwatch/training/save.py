"""Writes what was trained as a bundle, with the scorer of studies that have no second opinion inside it."""

from collections.abc import Sequence
from pathlib import Path

from segwatch.contracts.base import ModelIdentity
from segwatch.scoring.bundle import save
from segwatch.scoring.manifest import WITHOUT_OPINION
from segwatch.training.report import ReportRow, model_card
from segwatch.training.train import Trained


def save_trained(out: Path, trained: Trained, rows: Sequence[ReportRow]) -> ModelIdentity:
    """Write the bundle, and its card with the report's rows.

    Returns:
        Who the scorer is. Its manifest pins the one without second opinion, where there is one.

    Raises:
        OSError: the folder cannot be written.
    """
    manifest = trained.manifest
    if trained.without_opinion is not None:
        less = trained.without_opinion
        inner = save(
            out / WITHOUT_OPINION, less.skops, less.manifest, model_card(less.manifest, ()), less.burden
        )
        manifest = manifest.model_copy(update={"without_opinion_sha256": inner.sha256})
    return save(out, trained.skops, manifest, model_card(manifest, rows), trained.burden)
