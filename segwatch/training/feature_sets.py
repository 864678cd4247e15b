"""Which features a scorer is trained on, and in which terms its model reads them.

A name of the catalogue's sets, or names of features with commas between, are read as they are measured. The
sets below take out what a measure owes to the scan: they are terms (`segwatch.scoring.terms`), so a bundle
carries them as data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from segwatch.cohorts.table import Cohort
from segwatch.contracts.quality import OPINION
from segwatch.errors import BadInput
from segwatch.features.registry import CATALOGUE, SETS, chosen
from segwatch.scoring.terms import Formula, Term, columns, needed

WITH_OPINION = "-opinion"
"""How the name of a set ends that reads a second opinion beside what another one reads."""
SIGNS: Mapping[str, int] = {"high": 1, "low": -1, "neither": 0}


@dataclass(frozen=True)
class FeatureSet:
    """A named choice of features.

    Attributes:
        name: as a manifest names it.
        features: what a study must have, in order.
        terms: what the model reads; the features themselves where empty.
        directions: for each column that the model reads: 1 where Dice can only rise with it, -1 where it can
            only fall, 0 where nothing is known. Monotone models keep to it.
    """

    name: str
    features: tuple[str, ...]
    terms: tuple[Term, ...]
    directions: tuple[int, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """What the model reads, by name."""
        return tuple(term.name for term in self.terms) or self.features

    def prepare(self, cohort: Cohort) -> Cohort:
        """The same rows with the columns that the model reads.

        Raises:
            RefusedCohort: a feature is not in the table.
        """
        raw = cohort.select(self.features)
        return replace(raw, features=self.columns, values=columns(self.terms, self.features, raw.values))

    @property
    def reads_opinion(self) -> bool:
        """Whether a study needs a second opinion."""
        return any(name in OPINION for name in self.features)

    @property
    def without_opinion(self) -> "FeatureSet | None":
        """The same without what needs a second opinion; None where nothing else is left."""
        terms = self.terms or tuple(Term(name=name, formula="value", of=(name,)) for name in self.features)
        left = [
            column
            for column in zip(terms, self.directions, strict=True)
            if not set(column[0].of) & set(OPINION)
        ]
        if not left:
            return None
        made = _set(self.name.removesuffix(WITH_OPINION), left)
        return made if self.terms else replace(made, terms=())


def feature_set(text: str) -> FeatureSet:
    """The set of that name, or of those features with commas between.

    Raises:
        BadInput: there is none; the message names those that there are.
    """
    if text in NORMALISED:
        return NORMALISED[text]
    if text not in SETS and "," not in text and text not in CATALOGUE:
        raise BadInput(
            f"there is no feature set {text!r}; there are {', '.join((*SETS, *NORMALISED))}, or name "
            "features with commas between"
        )
    features = chosen(text)
    if len(set(features)) != len(features):
        raise BadInput(f"--features {text} names a feature twice")
    directions = tuple(SIGNS[CATALOGUE[name].card.good] for name in features)
    return FeatureSet(text if text in SETS else "chosen", features, (), directions)


Column = tuple[Term, int]
"""A term, and its direction."""


def _as_it_is(name: str) -> Column:
    return Term(name=name, formula="value", of=(name,)), SIGNS[CATALOGUE[name].card.good]


def _term(name: str, formula: Formula, *of: str, direction: int) -> Column:
    return Term(name=name, formula=formula, of=of), direction


def _set(name: str, columns: Sequence[Column]) -> FeatureSet:
    terms = tuple(term for term, _ in columns)
    return FeatureSet(name, needed(terms), terms, tuple(direction for _, direction in columns))


PAPERS = (
    _term("log_components_per_ml", "log_ratio", "connected_components", "lesion_volume_ml", direction=-1),
    _as_it_is("lesion_z_in_lung"),
    _term("slice_loss_per_mm", "rate_of_loss", "segmentation_smoothness", "slice_distance_mm", direction=-1),
    _term("logit_within_lungs", "logit", "lesions_within_lungs", direction=1),
)
"""The paper's four: components per ml, intensity in the lung's spread, overlap lost a mm, in lung."""
DENSE = (
    _as_it_is("dense_lung_dice"),
    _as_it_is("dense_lung_missed_share"),
    _as_it_is("lesion_not_dense_share"),
    _as_it_is("rim_dense_share"),
)
"""Agreement with what is dense in the lung."""
SHAPE = (
    _term("log_volume", "log", "lesion_volume_ml", direction=0),
    _term("log_share_of_lung", "log", "lesion_share_of_lung", direction=0),
    _as_it_is("largest_component_share"),
    _as_it_is("tiny_components_share"),
    _as_it_is("filled_slices_share"),
    _term("log_roughness", "log", "surface_roughness", direction=-1),
    _as_it_is("outside_lung_5mm_share"),
)
SHAPE_OF_ANY_HAND = tuple(column for column in SHAPE if column[0].name != "log_roughness")
"""Without the surface's roughness: an expert's mask, drawn slice by slice, is rougher than a network's."""
TISSUE = (
    _term("hu_spread_in_lungs", "log_ratio", "lesion_hu_spread", "lung_hu_spread", direction=0),
    _term("edge_in_lungs", "log_ratio", "edge_gradient_hu_per_mm", "lung_hu_spread", direction=0),
    _as_it_is("impossible_hu_share"),
)
GIVEN = (
    _term("logit_foreground", "logit", "mean_foreground_probability", direction=1),
    _as_it_is("probability_entropy"),
    _term("logit_agreement", "logit", "fold_agreement", direction=1),
)
"""What segmentation sends beside its own masks; masks from elsewhere come without."""
SECOND_OPINION = tuple(_as_it_is(name) for name in OPINION)
"""How the mask agrees with another model's."""

NORMALISED: Mapping[str, FeatureSet] = {
    each.name: each
    for each in (
        _set("normal4", PAPERS),
        _set("normal8", (*PAPERS, *DENSE)),
        _set("wide", (*PAPERS, *DENSE, *SHAPE, *TISSUE)),
        _set("any-hand", (*PAPERS, *DENSE, *SHAPE_OF_ANY_HAND, *TISSUE)),
        _set("any-hand-opinion", (*PAPERS, *DENSE, *SHAPE_OF_ANY_HAND, *TISSUE, *SECOND_OPINION)),
        _set("wide-given", (*PAPERS, *DENSE, *SHAPE, *TISSUE, *GIVEN)),
    )
}
"""The normalised sets, by name."""
