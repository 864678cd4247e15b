"""Which features a scorer is trained on, and in which terms its model reads them.

A name of the catalogue's sets, or names of features with commas between, are read as they are measured. The
sets below take out what a measure owes to the scan: they are terms (`services.scoring.terms`), so a bundle
carries them as data.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.contracts.errors import BadSettings
from services.evaluation.cohort import Cohort, RefusedCohort
from services.features.registry import CATALOGUE, SETS, chosen
from services.scoring.terms import Term, columns, needed

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
        values = columns(self.terms, self.features, raw.values)
        return Cohort(raw.cases, raw.patients, raw.sets, raw.dice, self.columns, values)


def feature_set(text: str) -> FeatureSet:
    """The set of that name, or of those features with commas between.

    Raises:
        RefusedCohort: there is none; the message names those that there are.
    """
    if text in NORMALISED:
        return NORMALISED[text]
    if text not in SETS and "," not in text and text not in CATALOGUE:
        raise RefusedCohort(
            f"there is no feature set {text!r}; there are {', '.join((*SETS, *NORMALISED))}, or name "
            "features with commas between"
        )
    try:
        features = chosen(text)
    except BadSettings as error:
        raise RefusedCohort(str(error)) from None
    if len(set(features)) != len(features):
        raise RefusedCohort(f"--features {text} names a feature twice")
    directions = tuple(SIGNS[CATALOGUE[name].card.good] for name in features)
    return FeatureSet(text if text in SETS else "chosen", features, (), directions)


def _set(name: str, *terms: tuple[Term, int]) -> FeatureSet:
    made = tuple(term for term, _ in terms)
    return FeatureSet(name, needed(made), made, tuple(direction for _, direction in terms))


def _as_it_is(name: str) -> tuple[Term, int]:
    return Term(name=name, formula="value", of=(name,)), SIGNS[CATALOGUE[name].card.good]


NORMALISED: Mapping[str, FeatureSet] = {
    each.name: each
    for each in (
        _set(
            "normal3",
            (
                Term(
                    name="log_components_per_ml",
                    formula="log_ratio",
                    of=("connected_components", "lesion_volume_ml"),
                ),
                -1,
            ),
            _as_it_is("slice_change_at_5mm"),
            (Term(name="logit_within_lungs", formula="logit", of=("lesions_within_lungs",)), 1),
        ),
    )
}
"""The normalised sets, by name."""
