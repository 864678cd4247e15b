"""The Covid task of a benchmark of failure detection: its folder, its test cases by domain, its patients.

Zenk et al., Comparative benchmarking of failure detection methods in medical image segmentation, Medical
Image Analysis 2025, arXiv:2406.03323; dataset 520 there: scans of the COVID-19-20 Challenge are learnt from
and tested (domain `ID`), MosMedData and the radiopaedia collection are other domains. Its repository's
`dataset_splits/Dataset520_CovidLungCT` holds `domain_mapping_00.json`, an object that gives each test case
its domain, and `splits_final.json`, nnU-Net's folds of the training cases.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segwatch.cohorts.columns import TRAIN
from segwatch.cohorts.layouts import SourceCase
from segwatch.errors import RefusedCohort

DOMAINS, FOLDS = "domain_mapping_00.json", "splits_final.json"
PREFIXES = ("", "challenge_", "mosmed_")
"""What the benchmark puts before a data set's own case names."""
_ONE_PATIENT = re.compile(r"(radiopaedia_\d+)_\d+_\d+")
"""Scans of one radiopaedia case, of which the collection has several."""


@dataclass(frozen=True)
class BenchmarkSplit:
    """Which cases are tested, each with its domain, and which are learnt from."""

    domains: Mapping[str, str]
    learnt: frozenset[str]

    def set_of(self, case: str) -> str | None:
        """The case's domain, or `train`, by the benchmark's name or the data set's own; None of another."""
        for name in (prefix + case for prefix in PREFIXES):
            if name in self.domains:
                return self.domains[name]
            if name in self.learnt:
                return TRAIN
        return None


@dataclass(frozen=True)
class SplitCases:
    """The cases of a split that are there, whose they are, and what was left out.

    Attributes:
        sources: the cases. whose: each one's patient and set.
        words: how many of each domain, and what is missing.
    """

    sources: Sequence[SourceCase]
    whose: Mapping[str, tuple[str, str]]
    words: str


def is_split(path: Path) -> bool:
    """Whether the path is the benchmark's folder of splits or its mapping of domains, and no CSV."""
    return path.is_dir() or path.suffix == ".json"


def read_split(path: Path) -> BenchmarkSplit:
    """The split in a folder that holds the benchmark's two files, the second of which may be missing; or the
    split in its mapping of domains alone.

    Raises:
        RefusedCohort: a file is missing or is not such a file.
    """
    mapping = path / DOMAINS if path.is_dir() else path
    domains = _json(mapping)
    if not isinstance(domains, dict) or not domains or not all(isinstance(x, str) for x in domains.values()):
        raise RefusedCohort(f"{mapping} does not give each test case its domain: it is an object of names")
    if TRAIN in domains.values():
        raise RefusedCohort(f"{mapping} has a domain {TRAIN!r}, which is the set that scorers learn from")
    folds = mapping.with_name(FOLDS)
    learnt = _learnt(folds) if folds.is_file() else frozenset()
    if both := sorted(learnt & set(domains)):
        raise RefusedCohort(f"{both[0]} is learnt from by {folds} and tested by {mapping}")
    return BenchmarkSplit(domains, learnt)


def chosen_by(split: BenchmarkSplit, sources: Sequence[SourceCase]) -> SplitCases:
    """The tested cases among sources, and those of the training cases that have a prediction.

    Raises:
        RefusedCohort: no tested case is there.
    """
    found = [(source, split.set_of(source.name)) for source in sources]
    taken = [(source, name) for source, name in found if _is_taken(source, name)]
    tested = Counter(name for _, name in taken if name is not None and name != TRAIN)
    if not tested:
        raise RefusedCohort(
            f"none of the split's {len(split.domains)} test cases is there (the first is "
            f"{next(iter(split.domains))}): name the folder that holds them with --source"
        )
    return SplitCases(
        sources=[source for source, _ in taken],
        whose={source.name: (patient_of(source), name) for source, name in taken if name is not None},
        words=_words(split, tested, sum(name == TRAIN for _, name in taken)),
    )


def patient_of(source: SourceCase) -> str:
    """Whose a case is: scans of one radiopaedia case are one patient's, of others each is one."""
    same = _ONE_PATIENT.fullmatch(source.name)
    return source.patient if same is None else same[1]


def _is_taken(source: SourceCase, of_set: str | None) -> bool:
    return of_set is not None and (of_set != TRAIN or source.predicted is not None)


def _words(split: BenchmarkSplit, tested: Mapping[str, int], learnt: int) -> str:
    domains = Counter(split.domains.values())
    each = ", ".join(f"{name} {tested.get(name, 0)} of {count}" for name, count in sorted(domains.items()))
    missing = sum(domains.values()) - sum(tested.values())
    part = f"; {missing} test cases are not there, and figures of a part are not the benchmark's"
    return f"{each}; {learnt} of {len(split.learnt)} to learn from{part if missing else ''}"


def _learnt(path: Path) -> frozenset[str]:
    folds = _json(path)
    try:
        return frozenset(case for fold in folds for part in ("train", "val") for case in fold[part])
    except (TypeError, KeyError):
        raise RefusedCohort(
            f"{path} is not nnU-Net's list of folds, each with train and val: take the benchmark's own"
        ) from None


def _json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RefusedCohort(f"{path} cannot be read ({error.strerror}): take the benchmark's own") from None
    except ValueError as error:
        raise RefusedCohort(f"{path} is no JSON ({error}): take the benchmark's own") from None
