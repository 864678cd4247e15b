"""`segwatch models list|show|verify`: what scorers there are, what they say, and whether they load."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from segwatch.errors import RefusedModel

if TYPE_CHECKING:
    from segwatch.scoring.bundle import Scorer
    from segwatch.scoring.manifest import ScorerManifest

SHOWN = ("auroc", "sensitivity", "binary_specificity", "mae")

Folder = Annotated[Path, typer.Argument(help="A bundle's folder.")]
Folders = Annotated[Path, typer.Argument(help="A bundle's folder, or a folder of bundles.")]


def register(app: typer.Typer) -> None:
    """Add the room's commands."""
    models = typer.Typer(help="Scorers' bundles: list, show, verify.", no_args_is_help=True)
    models.command("list")(list_models)
    models.command("show")(show)
    models.command("verify")(verify)
    app.add_typer(models, name="models")


def list_models(folder: Folders = Path("deploy/models")) -> None:
    """List the scorers in a folder, with what their training rows gave out of fold."""
    from segwatch.scoring.bundle import load

    for bundle in bundles(folder):
        try:
            typer.echo(f"{bundle}: {in_a_line(load(bundle))}")
        except RefusedModel as error:
            typer.echo(f"{bundle}: refused: {error}")


def show(folder: Folder) -> None:
    """Show a scorer's model card, after its hash was checked."""
    from segwatch.scoring.bundle_files import read_files
    from segwatch.scoring.manifest import CARD_FILE

    identity = read_files(folder).identity
    card = folder / CARD_FILE
    if not card.is_file():
        raise RefusedModel(f"{folder} has no {CARD_FILE}: take the bundle from its source again")
    typer.echo(card.read_text(encoding="utf-8").rstrip())
    typer.echo(f"\nIdentity: {identity.name}, sha256 {identity.sha256}")


def verify(folder: Folders) -> None:
    """Load a scorer as the service would, or every one in a folder; exit code 2 where one is refused."""
    from segwatch.scoring.bundle import load

    refused = []
    for bundle in bundles(folder):
        try:
            typer.echo(f"{bundle}: loads, {in_a_line(load(bundle))}")
        except RefusedModel as error:
            refused.append(f"{bundle}: {error}")
    if refused:
        raise RefusedModel("refused:\n  " + "\n  ".join(refused))


def bundles(folder: Path) -> list[Path]:
    """The bundle folders: the folder itself, or those that lie in it.

    Raises:
        RefusedModel: there is none.
    """
    from segwatch.scoring.manifest import MANIFEST_FILE

    if (folder / MANIFEST_FILE).is_file():
        return [folder]
    found = [path.parent for path in sorted(folder.glob(f"*/{MANIFEST_FILE}")) if _is_a_scorers(path)]
    if not found:
        raise RefusedModel(
            f"{folder} is no scorer's bundle and holds none: {MANIFEST_FILE} is what makes one"
        )
    return found


def in_a_line(scorer: "Scorer") -> str:
    """A scorer in one line: who it is, what it reads, what it was trained on and how good it was."""
    manifest, cohort = scorer.manifest, scorer.manifest.cohort
    return (
        f"{manifest.name} ({manifest.model} on {manifest.feature_set}: {len(manifest.features)} features), "
        f"sha256 {scorer.identity.sha256[:12]}, {cohort.studies} studies of {cohort.patients} patients"
        f"{_figures(manifest)}{_site(manifest)}{_paging(manifest)}"
    )


def _figures(manifest: "ScorerManifest") -> str:
    known = [
        f"{name} {figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
        for name in SHOWN
        if (figure := manifest.figures.get(name)) is not None
    ]
    whose = "" if manifest.changed_for_a_site is None else "the fleet's, "
    return f"; out of fold {whose}{', '.join(known)}" if known else ""


def _site(manifest: "ScorerManifest") -> str:
    changed, site = manifest.changed_for_a_site, manifest.interval.site
    adapted = "" if changed is None else f"; adapted to a site by {changed.studies} reviewed studies"
    return adapted if site is None else f"{adapted}; interval weighted to {site.studies} studies of a site"


def _paging(manifest: "ScorerManifest") -> str:
    if manifest.good_masks is None and manifest.changed_for_a_site is not None:
        return "; whether it is fit for paging is unknown: good masks were not tried anew"
    return "; unfit for paging" if manifest.unfit_for_paging else ""


def _is_a_scorers(manifest: Path) -> bool:
    """A lesion model's bundle has a manifest too; a scorer's names its format."""
    return '"segwatch-scorer/' in manifest.read_text(encoding="utf-8", errors="replace")
