"""Which series of an examination are its studies, and what becomes of the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segwatch.contracts.intake import IntakeRules, SeriesRule
from segwatch.intake.rules import first_met, meets, unmet
from segwatch.intake.series import Acquisition, Series

Verdict = Literal["chosen", "set_aside", "not_chosen", "no_rule", "mask"]
"""The study; expected company; another reconstruction of a scan that has a study; met by no rule; a mask of
another series."""
NOT_CHOSEN = "other_reconstruction"
ANNOUNCED = "announced_before"
NO_RULE = "no_rule"
MASK = "mask"


@dataclass(frozen=True, slots=True)
class SeriesVerdict:
    """A series, what becomes of it, the name of the rule that says so, and why in plain words."""

    series: Series
    verdict: Verdict
    rule: str
    why: str


def select(
    examination: Sequence[Series], rules: IntakeRules, announced: Mapping[str, Acquisition] | None = None
) -> list[SeriesVerdict]:
    """What becomes of each series of one examination: at most one is chosen for each acquisition.

    Args:
        announced: series of the examination that are studies already, by UID. They stay so, whatever the
            rules would choose now: a scan counts once.
    """
    before = announced or {}
    first = {each.uid: None if each.uid in before else _company(each, rules) for each in examination}
    left = [each for each in examination if first[each.uid] is None]
    judged = {uid: verdict for uid, verdict in first.items() if verdict is not None}
    for scan in _scans(left):
        known = _announced_of(scan, before)
        verdicts = _of_one_scan(scan, rules) if known is None else [_beside(each, known) for each in scan]
        judged |= {each.series.uid: each for each in verdicts}
    return [judged[each.uid] for each in examination]


def _company(series: Series, rules: IntakeRules) -> SeriesVerdict | None:
    if series.is_mask:
        return SeriesVerdict(series, "mask", MASK, "it carries a mask of another series")
    rule = first_met(series, rules.set_aside)
    if rule is None:
        return None
    return SeriesVerdict(series, "set_aside", rule.name, f"it meets the rule {rule.name} of set_aside")


def _scans(examination: Sequence[Series]) -> list[list[Series]]:
    """The series by the acquisition that they were made from. One that does not name its acquisition belongs
    to the first of its frame of reference, since one scan that counts twice is worse than one not chosen."""
    named = [each for each in examination if each.acquisition.number]
    scans: dict[Acquisition, list[Series]] = {}
    for each in [*named, *(each for each in examination if not each.acquisition.number)]:
        frame = each.acquisition.frame_of_reference
        alike = [key for key in scans if not frame or key.frame_of_reference in (frame, "")]
        known = each.acquisition if each.acquisition.number or not alike else min(alike, key=_order)
        scans.setdefault(known, []).append(each)
    return list(scans.values())


def _announced_of(scan: Sequence[Series], announced: Mapping[str, Acquisition]) -> str | None:
    """The series that stands for the scan already."""
    for each in scan:
        if each.uid in announced:
            return each.uid
    scans = {each.acquisition for each in scan}
    return next((uid for uid, acquisition in announced.items() if acquisition in scans), None)


def _beside(each: Series, announced: str) -> SeriesVerdict:
    if each.uid == announced:
        return SeriesVerdict(
            each, "chosen", ANNOUNCED, "it stands for its acquisition since it was announced"
        )
    return SeriesVerdict(
        each, "not_chosen", ANNOUNCED, "another series of its acquisition was announced before"
    )


def _order(acquisition: Acquisition) -> tuple[int, str]:
    return len(acquisition.number), acquisition.number


def _of_one_scan(scan: Sequence[Series], rules: IntakeRules) -> list[SeriesVerdict]:
    for rule in rules.choose:
        met = sorted((each for each in scan if meets(each, rule)), key=_thinnest_first)
        if met:
            return [_judged(each, met[0], rule, rules) for each in scan]
    return [SeriesVerdict(each, "no_rule", NO_RULE, _why_no_rule(each, rules)) for each in scan]


def _judged(each: Series, winner: Series, rule: SeriesRule, rules: IntakeRules) -> SeriesVerdict:
    if each is winner:
        return SeriesVerdict(
            each, "chosen", rule.name, f"the first rule met in its acquisition is {rule.name}"
        )
    if first_met(each, rules.choose) is None:
        return SeriesVerdict(each, "no_rule", NO_RULE, _why_no_rule(each, rules))
    if not meets(each, rule):
        why = f"another series of its acquisition meets {rule.name}, an earlier rule"
    else:
        why = f"another series that meets {rule.name} has thinner slices, or a lower UID"
    return SeriesVerdict(each, "not_chosen", NOT_CHOSEN, why)


def _thinnest_first(series: Series) -> tuple[float, str]:
    distance = series.slice_distance_mm
    return (float("inf") if distance is None else distance, series.uid)


def _why_no_rule(series: Series, rules: IntakeRules) -> str:
    failed = [f"{rule.name} ({', '.join(unmet(series, rule)) or 'unless'})" for rule in rules.choose]
    return f"it meets no rule of choose: {'; '.join(failed)}"
