"""A cohort: one row a predicted mask, with its true Dice and its measures. CSV or Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.cohorts.cells import check_columns, numbers, read_table, texts
from segwatch.cohorts.columns import BESIDE, KEYS, MADE_BY, REMARKS, SEGMENTER, TRAIN, TRUTH_SHARE
from segwatch.contracts.identity import digest_of
from segwatch.errors import RefusedCohort
from segwatch.scoring.bins import failed

FEWEST_PATIENTS = 5


@dataclass(frozen=True)
class Cohort:
    """Rows in the table's order.

    Attributes:
        cases, patients, sets: names (n,).
        dice: true Dice (n,), 0 to 1.
        features: names (f,). values: their values (n, f), NaN where undefined.
        truth_share: the truth's lesion share of the lung (n,), 0 to 1, as `lesion_share_of_lung` is the
            mask's; NaN where it is not known. None where the table has no such column.
        segmenters: who made each mask (n,). None where the table has no such column.
        opinion, ensemble: see MADE_BY; empty where nothing is said.
    """

    cases: Texts
    patients: Texts
    sets: Texts
    dice: Floats
    features: tuple[str, ...]
    values: Floats
    truth_share: Floats | None = None
    segmenters: Texts | None = None
    opinion: str = ""
    ensemble: str = ""

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def defined(self) -> Flags:
        """Rows without a gap (n,)."""
        return np.asarray(np.isfinite(self.values).all(axis=1), dtype=np.bool_)

    @property
    def set_names(self) -> tuple[str, ...]:
        """The sets, `train` first, then by name."""
        return tuple(sorted(set(self.sets.tolist()), key=lambda name: (name != TRAIN, name)))

    def rows(self, chosen: Flags | Integers) -> "Cohort":
        """The chosen rows, by a flag each or by their numbers."""
        return replace(
            self,
            cases=self.cases[chosen],
            patients=self.patients[chosen],
            sets=self.sets[chosen],
            dice=self.dice[chosen],
            values=self.values[chosen],
            truth_share=None if self.truth_share is None else self.truth_share[chosen],
            segmenters=None if self.segmenters is None else self.segmenters[chosen],
        )

    def of_set(self, name: str) -> "Cohort":
        """The rows of one set."""
        return self.rows(self.sets == name)

    def select(self, features: tuple[str, ...]) -> "Cohort":
        """The same rows with these features, in this order.

        Raises:
            RefusedCohort: a feature is not in the table.
        """
        missing = [name for name in features if name not in self.features]
        if missing:
            raise RefusedCohort(
                f"the cohort lacks the columns {', '.join(missing)}; it has {', '.join(self.features)}"
            )
        columns = [self.features.index(name) for name in features]
        return replace(self, features=features, values=self.values[:, columns])

    def sha256(self) -> str:
        """The hash of its content, whatever the file's format and the rows' order."""
        rows = zip(self.cases, self.patients, self.sets, self.dice, self.values, strict=True)
        listed = [
            [
                str(c),
                str(p),
                str(s),
                None if np.isnan(d) else float(d),
                [None if np.isnan(x) else float(x) for x in v],
            ]
            for c, p, s, d, v in rows
        ]
        return digest_of([list(self.features), sorted(listed, key=lambda row: str(row[0]))])


def read_cohort(path: Path, *, patients_may_share: bool = False) -> Cohort:
    """The cohort in a table with the columns case, patient, set, dice, and one a feature.

    An empty cell (null) is an undefined measure.

    Args:
        path: of the table.
        patients_may_share: whether a patient may be in `train` and in another set, because each is judged
            by a model that was fitted without them.

    Raises:
        RefusedCohort: not such a table; a case twice; a patient in `train` and in another set; a Dice that
            is missing or outside [0, 1]; NaN or an infinity. Names the column and the first case.
    """
    return cohort_in(read_table(path), path, patients_may_share=patients_may_share)


def cohort_in(table: pa.Table, source: Path, *, patients_may_share: bool = False) -> Cohort:
    """The cohort in such a table, which comes from `source`.

    Raises:
        RefusedCohort: as `read_cohort`.
    """
    check_columns(table, source, (*KEYS, "dice"))
    cohort = _rows_of(table, numbers(table, "dice", texts(table, "case")))
    _check_rows(cohort)
    _check_dice(cohort)
    _check_truth_share(cohort)
    if not patients_may_share:
        _check_split(cohort)
    return cohort


def read_measures(path: Path) -> Cohort:
    """The measures in such a table, whose Dice is not looked at: it is NaN, and no column has to hold it.

    Raises:
        RefusedCohort: as `read_cohort`, but for Dice and sets.
    """
    table = read_table(path)
    check_columns(table, path, KEYS)
    cohort = _rows_of(table, np.full(table.num_rows, np.nan))
    _check_rows(cohort)
    return cohort


def stacked(tables: Mapping[str, Cohort]) -> Cohort:
    """All rows of tables that have the same features in some order, each case named after its table too.

    The same masks measured with lung masks made in two ways teach a scorer not to lean on either. Patients
    keep their names, so that both measures of a mask stay on one side of every split.

    Raises:
        RefusedCohort: the tables' features differ.
    """
    first, *others = tables.values()
    for name, table in tables.items():
        if set(table.features) != set(first.features):
            differing = sorted(set(table.features) ^ set(first.features))
            raise RefusedCohort(
                f"{name} and {next(iter(tables))} differ in the columns {', '.join(differing)}"
            )
    if not others:
        return first
    alike = [table.select(first.features) for table in tables.values()]
    named = [np.char.add(table.cases, f"@{name}") for name, table in zip(tables, alike, strict=True)]
    return Cohort(
        np.concatenate(named),
        np.concatenate([table.patients for table in alike]),
        np.concatenate([table.sets for table in alike]),
        np.concatenate([table.dice for table in alike]),
        first.features,
        np.concatenate([table.values for table in alike]),
        _in_all([table.truth_share for table in alike]),
        _in_all([table.segmenters for table in alike]),
        *(_one_of(name, [getattr(table, name) for table in alike], "the tables") for name in MADE_BY),
    )


def _in_all(columns: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """The columns one beneath the other; None where a table lacks it, since a part is never the whole."""
    there = [column for column in columns if column is not None]
    return np.concatenate(there) if len(there) == len(columns) else None


def _rows_of(table: pa.Table, dice: Floats) -> Cohort:
    names = tuple(name for name in table.column_names if name not in (*KEYS, *BESIDE, *REMARKS))
    cases = texts(table, "case")
    values = np.stack([numbers(table, name, cases) for name in names], axis=1)
    return Cohort(
        cases,
        texts(table, "patient"),
        texts(table, "set"),
        dice,
        names,
        values,
        numbers(table, TRUTH_SHARE, cases) if TRUTH_SHARE in table.column_names else None,
        texts(table, SEGMENTER) if SEGMENTER in table.column_names else None,
        *(_made_by(table, name) for name in MADE_BY),
    )


def _made_by(table: pa.Table, name: str) -> str:
    """The one value that the rows have in a column; empty where they have none."""
    if name not in table.column_names:
        return ""
    return _one_of(name, table[name].cast(pa.string()).to_pylist(), "the rows")


def _one_of(name: str, values: Sequence[str | None], whose: str) -> str:
    known = sorted({value for value in values if value})
    if len(known) > 1:
        raise RefusedCohort(
            f"{whose} differ in {name}: {known[0]} and {known[1]}; what they say does not compare, so give "
            "one alone"
        )
    return known[0] if known else ""


def training_rows(cohort: Cohort) -> Cohort:
    """The rows of the set `train`.

    Raises:
        RefusedCohort: too few patients, or one class only, among the rows whose features are defined.
    """
    train = cohort.of_set(TRAIN)
    if not len(train):
        raise RefusedCohort(f"the cohort has no set {TRAIN!r}; it has {', '.join(cohort.set_names)}")
    usable = train.rows(train.defined)
    patients = len(set(usable.patients.tolist()))
    if patients < FEWEST_PATIENTS:
        raise RefusedCohort(
            f"the set {TRAIN!r} has {patients} patients with defined features, fewer than {FEWEST_PATIENTS}: "
            "no scorer can be validated across patients on so few"
        )
    for outcome, word in ((True, "failed (Dice below 0.6)"), (False, "good (Dice of 0.6 or more)")):
        having = len(set(usable.patients[failed(usable.dice) == outcome].tolist()))
        if not having:
            raise RefusedCohort(f"the set {TRAIN!r} has one class only: no study is {word}")
        if having == 1:
            raise RefusedCohort(
                f"in the set {TRAIN!r} only one patient has a study that is {word}: without that patient "
                "there is one class only, so nothing can be validated"
            )
    return train


def _check_rows(cohort: Cohort) -> None:
    names, counts = np.unique(cohort.cases, return_counts=True)
    if (counts > 1).any():
        raise RefusedCohort(f"the case {names[counts > 1][0]} stands in the cohort twice")


def _check_dice(cohort: Cohort) -> None:
    with np.errstate(invalid="ignore"):
        wrong = ~((cohort.dice >= 0) & (cohort.dice <= 1))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise RefusedCohort(
            f"the case {cohort.cases[first]} has the Dice {cohort.dice[first]}, which is not within 0 to 1"
        )


def _check_truth_share(cohort: Cohort) -> None:
    if cohort.truth_share is None:
        return
    with np.errstate(invalid="ignore"):
        wrong = (cohort.truth_share < 0) | (cohort.truth_share > 1)
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise RefusedCohort(
            f"the case {cohort.cases[first]} has the {TRUTH_SHARE} {cohort.truth_share[first]}, which is no "
            "share within 0 to 1"
        )


def _check_split(cohort: Cohort) -> None:
    trained = set(cohort.patients[cohort.sets == TRAIN].tolist())
    both = sorted(trained & set(cohort.patients[cohort.sets != TRAIN].tolist()))
    if both:
        raise RefusedCohort(
            f"the patient {both[0]} is in {TRAIN!r} and in a test set ({len(both)} such patients): "
            "split by patient, or evaluate with --leave-patient-out"
        )
