"""The wider catalogue: its cards, and its values on shapes whose measures are known."""

import importlib
import math
import pkgutil
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from segwatch.contracts.base import ModelIdentity
from segwatch.contracts.studies import MaskProbabilities, SecondOpinion
from segwatch.errors import BadInput
from segwatch.features import catalogue
from segwatch.features.card import Card, Feature
from segwatch.features.kernels.masks import BinaryMask
from segwatch.features.measuring import measure
from segwatch.features.page import catalogue_page
from segwatch.features.registry import ALL, CATALOGUE, FEATURES, PAPER4, SETS, chosen, feature
from segwatch.features.scene import NativeMask
from segwatch.volumes.grid import resample_mask

ROOT = Path(__file__).parents[3]


def test_every_feature_of_every_theme_is_in_the_registry_once():
    themes = (
        importlib.import_module(f"{catalogue.__name__}.{each.name}")
        for each in pkgutil.iter_modules(catalogue.__path__)
    )
    written = [each for theme in themes for each in vars(theme).values() if isinstance(each, Feature)]

    assert sorted(ALL) == sorted(each.card.name for each in written)


def test_the_papers_four_come_first_and_in_order():
    assert PAPER4 == (
        "connected_components", "intensity_mode", "segmentation_smoothness", "lesions_within_lungs",
    )  # fmt: skip
    assert ALL[:4] == PAPER4


@pytest.mark.parametrize("each", FEATURES, ids=lambda each: each.card.name)
def test_every_card_is_filled_in(each):
    assert all(getattr(each.card, field.name).strip() for field in fields(Card))


def test_the_docs_page_is_made_from_the_cards():
    assert (ROOT / "docs" / "features.md").read_text() == catalogue_page(), "run `segwatch features page`"


def test_a_set_or_names_choose_features():
    assert chosen("paper4") == SETS["paper4"]
    assert chosen("lesion_volume_ml, tiny_components") == ("lesion_volume_ml", "tiny_components")
    with pytest.raises(BadInput, match="no feature is called 'dice'"):
        chosen("dice")


def test_a_feature_is_found_by_name():
    assert feature("tiny_components") is CATALOGUE["tiny_components"]


def value(name, lesion, *, lung=None, ct=None, spacing=(1, 1, 1), **more):
    ct = np.full(lesion.shape, -500, np.int16) if ct is None else ct
    found = measure(ct, lesion, lung, spacing, ct_unit="hu", features=[name], **more)
    return found.features[name]


def ellipsoid(radii_mm, spacing, margin_mm=3.0, shift=0.0):
    """The voxels whose centres lie in an ellipsoid (z, y, x), `shift` slices off its array's middle."""
    sizes = [
        2 * math.ceil((radius + margin_mm) / step) + 1 for radius, step in zip(radii_mm, spacing, strict=True)
    ]
    axes = [
        (np.arange(size) - size // 2 + off) * step / radius
        for size, step, radius, off in zip(sizes, spacing, radii_mm, (shift, 0, 0), strict=True)
    ]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return z**2 + y**2 + x**2 <= 1


@pytest.mark.parametrize("spacing", [(1, 1, 1), (2, 0.7, 0.7), (5, 0.7, 0.7)])
def test_a_balls_roughness_is_one_whatever_the_spacing(spacing):
    assert value("surface_roughness", ellipsoid((20,) * 3, spacing), spacing=spacing) == pytest.approx(
        1, abs=0.06
    )


def test_two_balls_are_as_smooth_as_one():
    ball = ellipsoid((12,) * 3, (1, 1, 1))
    two = np.concatenate([ball, ball])
    assert value("surface_roughness", two) == pytest.approx(value("surface_roughness", ball))


def test_a_ragged_mask_is_rougher_than_a_ball():
    ball = ellipsoid((12,) * 3, (1, 1, 1))
    ragged = ball & (np.random.default_rng(0).random(ball.shape) < 0.7)
    assert value("surface_roughness", ragged) > 1.5 * value("surface_roughness", ball)


@pytest.mark.parametrize("radii", [(30, 20, 20), (40, 30, 30)])
def test_closer_slices_look_smoother_and_the_corrected_change_does_not(radii):
    def mean_of(name, step):
        """Over places of the ellipsoid between the slices: its tips make one place noisy."""
        masks = [ellipsoid(radii, (step, 0.7, 0.7), shift=place / 8) for place in range(8)]
        return np.mean([value(name, mask, spacing=(step, 0.7, 0.7)) for mask in masks])

    lost = [1 - mean_of("segmentation_smoothness", step) for step in (1.0, 3.0, 6.0)]
    change = [mean_of("slice_change_at_5mm", step) for step in (1.0, 3.0, 6.0)]
    assert max(lost) / min(lost) > 3
    assert max(change) / min(change) < 1.1


def test_the_corrected_change_of_few_slices_is_that_of_their_own_distance():
    """The grid's 50 slices are then some of the scan's, twice."""
    lesion = ellipsoid((60, 40, 40), (9, 2, 2), margin_mm=100)
    assert len(lesion) < 50
    own = value("slice_change_at_5mm", lesion, spacing=(9, 2, 2))
    on_grid = resample_mask(lesion, (50, *lesion.shape[1:]))
    given = NativeMask(BinaryMask(lesion.view(np.uint8)), (9.0, 2.0, 2.0))
    step = 9 * len(lesion) / 50
    assert value("slice_change_at_5mm", on_grid, spacing=(step, 2, 2), native=given) == pytest.approx(own)


def test_volume_is_in_millilitres():
    assert value("lesion_volume_ml", np.ones((2, 5, 10), np.bool_), spacing=(10, 1, 1)) == pytest.approx(1.0)


def test_volume_and_tiny_components_are_those_of_the_mask_before_resampling():
    native = np.zeros((10, 20, 20), np.uint8)
    native[0, 0, 0] = 1
    native[2:8, 2:18, 2:18] = 1
    given = NativeMask(BinaryMask(native), (1.0, 1.0, 1.0))
    on_grid = np.ones((5, 5, 5), np.bool_)
    assert value("tiny_components", on_grid, native=given) == 1
    assert value("tiny_components_share", on_grid, native=given) == 0.5
    assert value("lesion_volume_ml", on_grid, native=given) == pytest.approx(native.sum() / 1000)


def test_a_component_is_tiny_below_a_tenth_of_a_millilitre():
    mask = np.zeros((1, 1, 30), np.bool_)
    mask[0, 0, :10] = True  # 10 voxels of 10 mm³: exactly 0.1 ml
    mask[0, 0, 20:29] = True
    assert value("tiny_components", mask, spacing=(10, 1, 1)) == 1


def test_shares_of_slices_lung_and_largest_component():
    lesion = np.zeros((6, 4, 8), np.bool_)
    lesion[0, 0, 0:3] = True
    lesion[4, 0, 0] = True
    assert value("filled_slices_share", lesion) == pytest.approx(2 / 5)
    assert value("largest_component_share", lesion) == pytest.approx(3 / 4)
    lung = np.zeros_like(lesion)
    lung[0, 0, 2:8] = True
    assert value("lesion_share_of_lung", lesion, lung=lung) == pytest.approx(4 / 9)


def test_left_and_upper_are_the_patients():
    lung = np.ones((10, 4, 10), np.bool_)
    lesion = np.zeros_like(lung)
    lesion[8:, :, 7:] = True  # towards the head (z) and the patient's left (x)
    assert value("lesion_left_share", lesion, lung=lung) == 1
    assert value("lesion_upper_share", lesion, lung=lung) == 1
    assert value("lesion_left_share", lesion[:, :, ::-1], lung=lung) == 0
    assert value("lesion_upper_share", lesion[::-1], lung=lung) == 0
    assert value("lesion_left_share", lung, lung=lung) == 0.5
    assert value("lesion_upper_share", lung, lung=lung) == 0.5


def test_a_lesion_on_the_lungs_middle_counts_half():
    lung = np.ones((5, 3, 5), np.bool_)
    lesion = np.zeros_like(lung)
    lesion[2, 1, 2] = True
    assert value("lesion_left_share", lesion, lung=lung) == 0.5
    assert value("lesion_upper_share", lesion, lung=lung) == 0.5


def test_intensities_within_the_lesion():
    ct = np.full((1, 1, 10), -600, np.int16)
    ct[0, 0, 2:6] = [-951, -950, 200, 201]
    lesion = np.zeros(ct.shape, np.bool_)
    lesion[0, 0, 2:6] = True
    assert value("impossible_hu_share", lesion, ct=ct) == 0.5
    assert value("lesion_hu_spread", lesion, ct=ct) == pytest.approx(np.std([-951, -950, 200, 201]))
    steps = (abs(-951 + 600) + abs(201 + 600)) / 2
    assert value("edge_gradient_hu_per_mm", lesion, ct=ct, spacing=(1, 1, 0.5)) == pytest.approx(steps / 0.5)


def test_a_mask_from_border_to_border_has_no_edge():
    found = measure(np.full((2, 2, 5), -700, np.int16), np.ones((2, 2, 5)), None, (1, 1, 1), features=ALL)
    assert found.undefined["edge_gradient_hu_per_mm"].startswith("no_edge: ")


def test_what_segmentation_sends_is_passed_on():
    lesion = np.ones((2, 2, 2), np.bool_)
    given = MaskProbabilities(mean_foreground=0.9, entropy=0.1)
    assert value("mean_foreground_probability", lesion, probabilities=given) == 0.9
    assert value("probability_entropy", lesion, probabilities=given) == 0.1
    assert value("fold_agreement", lesion, probabilities=given) is None
    assert value("fold_agreement", lesion) is None


def test_a_second_opinion_is_passed_on_and_its_gaps_have_their_reasons():
    lesion = np.ones((2, 2, 2), np.bool_)
    model = ModelIdentity(name="other", sha256="a" * 64)
    names = ("second_opinion_dice", "second_opinion_precision", "second_opinion_recall")

    def measured(opinion):
        ct = np.full((2, 2, 2), -700, np.int16)
        return measure(ct, lesion, None, (1, 1, 1), features=names, second_opinion=opinion)

    whole = measured(SecondOpinion(dice=0.5, precision=0.4, recall=2 / 3, model=model))
    assert list(whole.features.values()) == [0.5, 0.4, 2 / 3]
    assert whole.opinion == model
    nothing = measured(None)
    assert (nothing.opinion, set(nothing.features.values())) == (None, {None})
    assert all(reason.startswith("no_opinion: ") for reason in nothing.undefined.values())
    empty = measured(SecondOpinion(dice=0.0, precision=0.0, recall=None, model=model))
    assert empty.features["second_opinion_dice"] == 0.0
    assert empty.undefined["second_opinion_recall"].startswith("opinion_empty: ")
    small = measured(SecondOpinion(dice=None, precision=None, recall=None, model=model))
    assert all(reason.startswith("too_small: ") for reason in small.undefined.values())


@pytest.mark.parametrize("name", [name for name in ALL if CATALOGUE[name].card.cost != "given"])
def test_the_numbers_of_a_real_case_lie_in_the_cards_range(name):
    rng = np.random.default_rng(5)
    lesion = ellipsoid((12, 10, 8), (2, 1, 1), margin_mm=20)
    lung = ellipsoid((25, 25, 22), (2, 1, 1), margin_mm=0)
    around = [(size - inner) // 2 for size, inner in zip(lesion.shape, lung.shape, strict=True)]
    whole = np.zeros(lesion.shape, np.bool_)
    whole[tuple(slice(at, at + n) for at, n in zip(around, lung.shape, strict=True))] = lung
    ct = np.where(whole, -850, 40).astype(np.int16)
    ct[lesion] = -400
    ct += rng.normal(0, 20, ct.shape).astype(np.int16)
    found = value(name, lesion, lung=whole, ct=ct, spacing=(2, 1, 1))
    assert found is not None
    low, high = {"HU": (-1000, 1000), "1": (0, 2), "ml": (0, 100), "mm": (0, 100)}.get(
        CATALOGUE[name].card.unit, (0, 1000)
    )
    assert low <= found <= high
