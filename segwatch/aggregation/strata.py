"""The hospital's quality by how the CTs were made: scanner, kernel, slice thickness and so on.

None of this leaves the hospital. A stratum that stands out says where to look, not what is wrong.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

from segwatch.contracts.studies import Scanner

MOST_VALUES = 20
"""Values of a stratum that are shown; those with fewer studies are `other`."""
OTHER = "other"
UNKNOWN = "unknown"
FEWEST_STUDIES = 10
"""In a stratum and outside it, for either to be compared."""
FALSE_ALARM = 0.01
"""How often any of all strata stands out by chance alone."""

Strata = Mapping[str, str]
"""The value of each stratum that a study belongs to."""


@dataclass(frozen=True, slots=True)
class StratumQuality:
    """Studies of one value of a stratum, and how many of them need attention."""

    stratum: str
    value: str
    studies: int
    needs_attention: int

    @property
    def ratio(self) -> float:
        """The share that needs attention."""
        return self.needs_attention / self.studies


def strata_of(scanner: Scanner | None) -> dict[str, str]:
    """Which strata a study belongs to; what its file does not say is `unknown`."""
    found = scanner or Scanner()
    model = " ".join(text for text in (found.manufacturer, found.model) if text)
    values = {
        "scanner": model,
        "station": found.station,
        "software": found.software,
        "kernel": found.kernel,
        "slice_thickness_mm": _number(found.slice_thickness_mm, 1),
        "tube_voltage_kv": _number(found.peak_kilovoltage, 0),
        "contrast": "yes" if found.contrast_agent else "no" if scanner else None,
        "protocol": found.protocol and found.protocol[:8],
    }
    return {stratum: value or UNKNOWN for stratum, value in values.items()}


def by_stratum(studies: Iterable[tuple[Strata, bool]]) -> list[StratumQuality]:
    """The quality of each value of each stratum, the largest values first.

    Args:
        studies: the strata of each study, and whether it needs attention.
    """
    counts: dict[str, Counter[str]] = {}
    attention: dict[str, Counter[str]] = {}
    for strata, needs_attention in studies:
        for stratum, value in strata.items():
            counts.setdefault(stratum, Counter())[value] += 1
            attention.setdefault(stratum, Counter())[value] += needs_attention
    return [
        each for stratum, values in counts.items() for each in _largest(stratum, values, attention[stratum])
    ]


def standing_out(strata: Sequence[StratumQuality]) -> tuple[StratumQuality, float] | None:
    """The stratum whose share that needs attention is most surely above the rest's, and the rest's share.

    A one-sided test of two shares, corrected for how many strata are large enough to be compared.
    """
    totals = Counter[str]()
    failed = Counter[str]()
    for each in strata:
        totals[each.stratum] += each.studies
        failed[each.stratum] += each.needs_attention
    compared = [
        (each, totals[each.stratum] - each.studies, failed[each.stratum] - each.needs_attention)
        for each in strata
        if each.value not in (OTHER, UNKNOWN)
        and min(each.studies, totals[each.stratum] - each.studies) >= FEWEST_STUDIES
    ]
    if not compared:
        return None
    bound = NormalDist().inv_cdf(1 - FALSE_ALARM / len(compared))
    best, rest, rest_failed = max(compared, key=lambda one: _z(*one))
    return (best, rest_failed / rest) if _z(best, rest, rest_failed) > bound else None


def _z(each: StratumQuality, rest: int, rest_failed: int) -> float:
    pooled = (each.needs_attention + rest_failed) / (each.studies + rest)
    spread = sqrt(pooled * (1 - pooled) * (1 / each.studies + 1 / rest))
    return (each.ratio - rest_failed / rest) / spread if spread else 0.0


def _largest(stratum: str, counts: Counter[str], attention: Counter[str]) -> Iterator[StratumQuality]:
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    for value in ordered[:MOST_VALUES]:
        yield StratumQuality(stratum, value, counts[value], attention[value])
    rest = ordered[MOST_VALUES:]
    if rest:
        studies = sum(counts[value] for value in rest)
        yield StratumQuality(stratum, OTHER, studies, sum(attention[value] for value in rest))


def _number(value: float | None, digits: int) -> str | None:
    return None if value is None else f"{value:.{digits}f}"
