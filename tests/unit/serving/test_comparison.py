"""What would change if the shadow counted, over studies that both scorers have scored."""

import pytest

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import ShadowScore, StudyScored
from segwatch.serving.comparison import WINDOW, Pair, Verdict, compare, pages, pair_of
from tests.support.site_world import scored

SHADOW = ModelIdentity(name="shadow", sha256="ef" + "0" * 62)
OTHER = ModelIdentity(name="other", sha256="01" + "0" * 62)


def shadow(*, flagged: bool, dice: float | None = 0.8, scorer: ModelIdentity = SHADOW) -> ShadowScore:
    status = "scored" if dice is not None else "undefined"
    return ShadowScore(
        scorer=scorer, status=status, predicted_dice=dice, predicted_failed=flagged, needs_attention=flagged
    )


def pair(number: int, *, flagged: bool, beside: ShadowScore) -> Pair:
    study: StudyScored = scored(
        number, needs_attention=flagged, predicted_failed=flagged, predicted_dice=0.5, shadow=beside
    )
    found = pair_of(study)
    assert found is not None
    return found


def test_flags_shares_and_dice_of_both_are_told_over_the_same_studies() -> None:
    pairs = [
        pair(0, flagged=True, beside=shadow(flagged=True)),
        pair(1, flagged=True, beside=shadow(flagged=False, dice=0.9)),
        pair(2, flagged=False, beside=shadow(flagged=True, dice=None)),
        pair(3, flagged=False, beside=shadow(flagged=False, dice=0.7)),
    ]
    found = compare(pairs)
    assert found is not None
    assert (found.studies, found.newly_flagged, found.no_longer_flagged) == (4, 1, 1)
    assert found.counts.flagged == found.shadow.flagged == 0.5
    assert found.counts.predicted_dice == 0.5
    assert found.shadow.predicted_dice == pytest.approx(0.8)


def test_studies_by_other_scorers_are_left_out_and_the_last_ones_are_taken() -> None:
    before = [pair(n, flagged=True, beside=shadow(flagged=True, scorer=OTHER)) for n in range(9)]
    now = [pair(n, flagged=n < 50, beside=shadow(flagged=False)) for n in range(WINDOW + 50)]
    found = compare([*before, *now])
    assert found is not None
    assert found.studies == WINDOW
    assert found.counts.flagged == 0
    assert compare([]) is None
    assert pair_of(scored(1)) is None


def said(flagged: bool, ratio: float | None = None) -> Verdict:
    return Verdict(SHADOW, flagged, flagged, 0.5, ratio)


def test_pages_are_rings_of_the_hospitals_own_detector() -> None:
    good, bad = said(False), said(True)
    assert pages([good] * WINDOW) == 0
    assert pages([good] * 100 + [bad] * 20) == 1
    assert pages([(number % 4 == 0 and bad) or good for number in range(WINDOW)]) == 0
    # By its failure probabilities a scorer that flags alike can be sure, or not.
    assert pages([said(False, 0.05)] * 100 + [said(True, 20.0)] * 20) == 1
    assert pages([said(False, 1.0)] * 100 + [said(True, 1.0)] * 20) == 0
