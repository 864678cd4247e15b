"""Models: there, and those that the settings and manifests pin. Nothing is loaded."""

from collections.abc import Iterator
from pathlib import Path

from segwatch.errors import RefusedModel
from segwatch.preflight.findings import Finding, fault, ok
from segwatch.preflight.settings_files import Environment
from segwatch.scoring.bundle_files import read_files
from segwatch.segmentation.bundle import open_bundle, open_opinion, sha256_of

SCORERS = ("SCORER", "SHADOW_SCORER")
OPENED = {"LESION_MODEL": open_bundle, "OPINION_MODEL": open_opinion}
WEIGHTS = "LUNG_WEIGHTS"
TAKE_AGAIN = "take it from its source again, or mend the pin"


def models(settings: Environment) -> Iterator[Finding]:
    """Each model that a service's settings name."""
    for name in (*SCORERS, *OPENED, WEIGHTS):
        if name in settings:
            yield _model(name, Path(settings[name]), settings.get(f"{name}_SHA256"))


def _model(name: str, path: Path, pin: str | None) -> Finding:
    if not path.exists():
        return fault(
            "weights", f"{name}: there is nothing at {path}", "copy the model there, readable by the service"
        )
    try:
        sha256 = _verified(name, path, pin)
    except (RefusedModel, OSError) as error:
        check = "weights" if isinstance(error, OSError) or "no such file" in str(error).lower() else "model"
        return fault(check, f"{name}: {error}", TAKE_AGAIN)
    return ok("model", f"{name}: {path} is sha256 {sha256[:12]}…" + ("" if pin else ", not pinned"))


def _verified(name: str, path: Path, pin: str | None) -> str:
    if name in OPENED:
        return OPENED[name](path, pin).identity.sha256
    if name in SCORERS:
        return read_files(path).identity.sha256
    found = sha256_of(path)
    if found != pin:
        raise RefusedModel(f"{path} has the sha256 {found}, the settings pin {pin}")
    return found
