"""A cohort: one row a predicted mask, with its true Dice and its measures. CSV or Parquet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from segwatch.arrays import Flags, Floats, Integers, Texts
from segwatch.contracts.identity import digest_of
from segwatch.errors import RefusedCohort
from segwatch.files import csv_delimiter
from segwatch.scoring.bins import failed

TRAIN = "train"
KEYS = ("case", "patient", "set")
MADE_BY = ("opinion", "ensemble")
"""Whose second opinion the features compare with (NAME@SHA256), and what the lesion model's agreement is of:
one of each in a cohort, since those of two do not compare."""
REMARKS = ("status", "undefined", *MADE_BY)
"""What `segwatch measure --cohort` says of each case beside its measures."""
FEWEST_PATIENTS = 5


@dataclass(frozen=True)
class Cohort:
    """Rows in the table's order.

    Attributes:
        cases, patients, sets: names (n,).
        dice: true Dice (n,), 0 to 1.
        features: names (f,). values: their values (n, f), NaN where undefined.
        opinion, ensemble: see MADE_BY; empty where nothing is said.
    """

    cases: Texts
    patients: Texts
    sets: Texts
    dice: Floats
    features: tuple[str, ...]
    values: Floats
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
        """The rows that are flagged, or of these numbers."""
        return replace(
            self,
            cases=self.cases[chosen],
            patients=self.patients[chosen],
            sets=self.sets[chosen],
            dice=self.dice[chosen],
            values=self.values[chosen],
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
    return cohort_in(_read_table(path), path, patients_may_share=patients_may_share)


def cohort_in(table: pa.Table, source: Path, *, patients_may_share: bool = False) -> Cohort:
    """The cohort in such a table, which comes from `source`.

    Raises:
        RefusedCohort: as `read_cohort`.
    """
    _check_columns(table, source, (*KEYS, "dice"))
    cohort = _rows_of(table, _numbers(table, "dice", _texts(table, "case")))
    _check_rows(cohort)
    _check_dice(cohort)
    if not patients_may_share:
        _check_split(cohort)
    return cohort


def read_measures(path: Path) -> Cohort:
    """The measures in such a table, whose Dice is not looked at: it is NaN, and no column has to hold it.

    Raises:
        RefusedCohort: as `read_cohort`, but for Dice and sets.
    """
    table = _read_table(path)
    _check_columns(table, path, KEYS)
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
        *(_one_of(name, [getattr(table, name) for table in alike], "the tables") for name in MADE_BY),
    )


def _rows_of(table: pa.Table, dice: Floats) -> Cohort:
    names = tuple(name for name in table.column_names if name not in (*KEYS, "dice", *REMARKS))
    cases = _texts(table, "case")
    values = np.stack([_numbers(table, name, cases) for name in names], axis=1)
    made_by = (_made_by(table, name) for name in MADE_BY)
    return Cohort(cases, _texts(table, "patient"), _texts(table, "set"), dice, names, values, *made_by)


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


def _read_table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", errors="replace") as file:
                parsing = pyarrow.csv.ParseOptions(delimiter=csv_delimiter(file.readline()))
            # Only an empty cell is null: the text NaN is a value that somebody computed, and is refused.
            options = pyarrow.csv.ConvertOptions(
                null_values=[""], strings_can_be_null=True, column_types=dict.fromkeys(KEYS, pa.string())
            )
            return pyarrow.csv.read_csv(path, parse_options=parsing, convert_options=options)
        if path.suffix == ".parquet":
            return pyarrow.parquet.read_table(path)
    except FileNotFoundError:
        raise RefusedCohort(f"there is no file {path}") from None
    except (pa.ArrowException, OSError) as error:
        raise RefusedCohort(f"{path} cannot be read: {str(error)[:200]}") from None
    raise RefusedCohort(f"{path} is neither .csv nor .parquet")


def _check_columns(table: pa.Table, source: Path, needed: Sequence[str]) -> None:
    names = table.column_names
    missing = [name for name in needed if name not in names]
    if missing:
        raise RefusedCohort(f"{source} lacks the columns {', '.join(missing)}; it has {', '.join(names)}")
    if len(set(names)) != len(names):
        raise RefusedCohort(f"{source} has a column twice")
    if set(names) <= {*needed, "dice", *REMARKS}:
        raise RefusedCohort(f"{source} has no feature column beside {', '.join(needed)}")
    if not table.num_rows:
        raise RefusedCohort(f"{source} has no rows")


def _texts(table: pa.Table, name: str) -> Texts:
    texts = table[name].cast(pa.string()).to_pylist()
    if not all(texts):
        raise RefusedCohort(f"the column {name} is empty in row {[bool(t) for t in texts].index(False) + 1}")
    return np.array(texts, dtype=np.str_)


def _numbers(table: pa.Table, name: str, cases: Texts) -> Floats:
    """A column as floats, null as NaN; NaN itself and infinities refused."""
    column = table[name]
    if column.null_count == len(column):
        return np.full(len(column), np.nan)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise RefusedCohort(f"the column {name} holds {_no_number(column, cases)}")
    numbers = [np.nan if value is None else float(value) for value in column.to_pylist()]
    values = np.array(numbers, dtype=np.float64)
    strange = ~np.isfinite(values) & np.asarray(column.is_valid().to_numpy(), dtype=np.bool_)
    if strange.any():
        first = int(np.flatnonzero(strange)[0])
        raise RefusedCohort(
            f"the column {name} holds {values[first]} (case {cases[first]}): leave a measure that is "
            "undefined empty"
        )
    return values


def _no_number(column: pa.ChunkedArray, cases: Texts) -> str:
    """The first value of a column that is no number, its case, and what is wrong with it."""
    cells = [(case, cell) for case, cell in zip(cases, column.to_pylist(), strict=True) if cell is not None]
    case, cell = next((pair for pair in cells if not _is_number(str(pair[1]))), cells[0])
    if _is_number(str(cell).replace(",", ".", 1)) and not _is_number(str(cell)):
        return f"{cell!r} (case {case}), with a decimal comma: numbers are written with a point"
    return f"{cell!r} (case {case}), which is no number"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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


def _check_split(cohort: Cohort) -> None:
    trained = set(cohort.patients[cohort.sets == TRAIN].tolist())
    both = sorted(trained & set(cohort.patients[cohort.sets != TRAIN].tolist()))
    if both:
        raise RefusedCohort(
            f"the patient {both[0]} is in {TRAIN!r} and in a test set ({len(both)} such patients): "
            "split by patient, or evaluate with --leave-patient-out"
        )
