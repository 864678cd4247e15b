"""What is said not to be shown follows from what was made."""

from dataclasses import replace

import numpy as np
import pytest

from segwatch.cohorts.lungs import Lungs
from segwatch.onboarding.recipes import MaskRecipe
from segwatch.onboarding.words import MadeOf, made_words, not_shown

OWN = MaskRecipe("a", "a", "given")
ON_A_CHANGED_SCAN = MaskRecipe("b", "a", "network", (("dose", 0.5),))
TRUE = MaskRecipe("c", "a", "truth")
SPOILT = MaskRecipe("d", "a", "truth", (), (("grown", 0.5),))


def made(**changes: object) -> MadeOf:
    everything = MadeOf(
        recipes=[OWN] * 30 + [ON_A_CHANGED_SCAN] * 30 + [TRUE, SPOILT],
        dice=np.array([0.9] * 30 + [0.3] * 30 + [1.0, 0.5]),
        patients=12,
        by_case=False,
        given=False,
        seen=(),
        without_mask=(),
        refused=(),
        folds=5,
        networks=5,
        left=0,
        lungs=Lungs(made="classical", version="1"),
        display=False,
    )
    return replace(everything, **changes)


def test_how_masks_came_about_is_counted():
    words = made_words(made(left=7))
    assert words[0] == "62 masks of 12 patients, 31 failed."
    assert any(word.startswith("changed-scan: 30 masks, 30 failed") for word in words)
    assert "Changes of scans: dose 30." in words
    assert any("7 more masks were planned" in word for word in words)


def test_other_hospitals_are_never_shown():
    assert not_shown(made())[0].startswith("Other hospitals")


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"recipes": [OWN, TRUE], "dice": np.array([0.3, 1.0])}, "its networks were not there"),
        ({"dice": np.array([0.9] * 60 + [1.0, 0.5])}, "only 0 of its own 60 masks"),
        ({"given": True}, "it was said, and could not be looked at"),
        ({"seen": ("a-fold0",)}, "another scan of the same patient (a-fold0)"),
        ({"by_case": True}, "each case was taken for a patient"),
        ({"networks": 2}, "2 of 5 have one"),
        ({"without_mask": tuple("abcdefg")}, "7 cases of the raw data that no fold has"),
        ({"refused": (("a", "too thin"),)}, "1 masks that could not be made or measured (a: too thin)"),
        ({"display": True}, "8-bit display values"),
    ],
)  # fmt: skip
def test_what_was_not_there_is_said_not_to_be_shown(changes, word):
    assert word in " ".join(not_shown(made(**changes)))
    assert word not in " ".join(not_shown(made()))
