"""Which lung mask a case is measured with, as `--lung` says: a file, or one made as segmentation makes it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from segwatch.contracts.studies import LungMethod
from segwatch.errors import BadInput
from segwatch.extras import sentence
from segwatch.features.files import MakeLung
from segwatch.segmentation.lung_classical import VERSION
from segwatch.segmentation.segmenter import LungPredictor, lung_of
from segwatch.volumes.case_files import case_image, expected_image

LUNG = "lung"
ENDING = ".nii.gz"


@dataclass(frozen=True)
class Lungs:
    """Where lung masks come from.

    Attributes:
        given: a file's name in each case's folder, or a folder with CASE.nii.gz; of a single case its file.
            Empty: `lung.nii.gz` (.nii, .nrrd, .mha) in the case's folder, where it is there.
        made: how masks are made in place of those that cases bring: `classical` by thresholds, `lungmask`
            by its network; `none` where none is made.
        version: of what makes them: a number of ours, or the weights' sha256. weights: the network's file.
    """

    given: str = ""
    made: LungMethod = "none"
    version: str = ""
    weights: str = ""

    def of(self, case: Path) -> Path | None:
        """The file of a case, by its folder; None where the case brings none, or one is made."""
        if self.made != "none":
            return None
        if self.given:
            given = Path(self.given)
            return expected_image(given, case.name) if given.is_dir() else case / given
        return case_image(case, LUNG)


def asked_lungs(text: str | None, weights: Path | None = None, sha256: str | None = None) -> Lungs:
    """Where lung masks come from, as `--lung`, `--lung-weights` and `--lung-weights-sha256` say.

    Raises:
        BadInput: weights without hash, or of what needs none; RefusedModel, the weights are not what is said.
    """
    if text == "lungmask":
        if weights is None or sha256 is None:
            raise BadInput(
                "--lung lungmask needs --lung-weights and --lung-weights-sha256, which `segwatch score` and "
                "`segwatch measure` take: unpinned weights are not loaded"
            )
        _network(str(weights), sha256)  # what is wrong with it is said here, and not of every case
        return Lungs(made="lungmask", version=sha256, weights=str(weights))
    if weights is not None or sha256 is not None:
        raise BadInput("--lung-weights and --lung-weights-sha256 belong to --lung lungmask")
    if text == "own":
        return Lungs(made="classical", version=VERSION)
    return Lungs(given=text or "")


def check_for_cases(lungs: Lungs) -> None:
    """Nothing, where every case can have a lung mask of its own.

    Raises:
        BadInput: a single file is named.
    """
    path = Path(lungs.given)
    if not path.is_dir() and path.name != lungs.given:
        raise BadInput(
            f"--lung {lungs.given}: of several cases it is own, lungmask, the name of a file in each case's "
            f"folder, or a folder with CASE{ENDING}"
        )


def maker(lungs: Lungs) -> MakeLung | None:
    """What makes a case's lung mask, as the segmentation stage does where none is given."""
    if lungs.made == "none":
        return None
    model = _network(lungs.weights, lungs.version) if lungs.weights else None
    return lambda ct, unit: lung_of(ct, unit, None, model).mask


@cache
def _network(weights: str, sha256: str) -> LungPredictor:
    try:
        from segwatch.segmentation.lung_model import LungModel
    except ModuleNotFoundError as error:
        raise BadInput(sentence("--lung lungmask", "segmentation", error)) from None
    return LungModel(Path(weights), sha256)
