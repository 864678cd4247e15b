"""What a cohort's tables are made of, and where what is made for them lies."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from research.covid20_cohort.covid20 import Listed
from research.covid20_cohort.mask_folder import Made
from research.covid20_cohort.training import NetworkRecipe, folds_of
from segwatch.contracts.identity import digest_of
from segwatch.files import Finished


@dataclass(frozen=True)
class Setup:
    """All that decides what the tables hold.

    Attributes:
        recipes: the segmenters.
        folds: into how many the patients are split for training them.
        features: measured of every mask.
        seed: of the split.
    """

    recipes: tuple[NetworkRecipe, ...]
    folds: int
    features: tuple[str, ...]
    seed: int = 0


@dataclass(frozen=True)
class Context:
    """What every process needs to know.

    Attributes:
        setup, cases: what the tables are made of.
        folder: of the networks and of the finished rows.
        masks: where masks lie.
    """

    setup: Setup
    cases: tuple[Listed, ...]
    folder: Path
    masks: Finished[Made]

    @property
    def fold(self) -> Mapping[str, int]:
        """The fold of each patient."""
        return folds_of([case.patient for case in self.cases], self.setup.folds, self.setup.seed)

    def network_file(self, recipe: NetworkRecipe, fold: int) -> Path:
        """Where a fold's network lies."""
        return self.folder / f"{recipe.name}-{made_from(recipe, self.setup, self.cases)}-{fold}.pt"


def made_from(recipe: NetworkRecipe, setup: Setup, cases: Sequence[Listed]) -> str:
    """The digest of all that decides a recipe's networks."""
    files = [(case.name, case.patient, (case.folder / "ct.nii.gz").stat().st_size) for case in cases]
    return digest_of([asdict(recipe), setup.folds, setup.seed, files])[:12]
