"""One study in, its masks out."""

from dataclasses import replace

import numpy as np
import pytest

from segwatch.contracts.topics import SEGMENTED
from segwatch.errors import CorruptObject, MissingObject, Unprocessable
from segwatch.segmentation.second_opinion import NnunetOpinion
from segwatch.volumes.grid import GRID, resample_ct, resample_mask


def test_given_masks_are_taken_as_they_are(received, segmentation, store, phantom):
    event = received(lesion=True, lung=True)
    [made] = segmentation().handle(event)
    assert (made.data.lesion, made.data.lung) == (event.data.lesion, event.data.lung)
    assert (made.data.lesion_source, made.data.lung_method) == ("given", "given")
    assert made.data.model is None
    np.testing.assert_array_equal(store.load_mask(made.data.lesion), phantom.lesion)


def test_a_given_lesion_mask_is_compared_with_the_lesion_models_own(
    received, segmentation, lesion_model, phantom
):
    [made] = segmentation(lesion_model=lesion_model).handle(received(lesion=True))
    assert (made.data.lesion_source, made.data.model, lesion_model.asked) == ("given", None, 1)
    opinion, theirs = made.data.second_opinion, phantom.ct > lesion_model.above
    shared = int((phantom.lesion & theirs).sum())
    assert opinion.model == lesion_model.identity
    assert opinion.dice == pytest.approx(2 * shared / (phantom.lesion.sum() + theirs.sum()))
    assert opinion.precision == pytest.approx(shared / phantom.lesion.sum())
    assert opinion.recall == pytest.approx(shared / theirs.sum())


def test_a_given_lesion_mask_without_any_model_has_no_second_opinion(received, segmentation):
    [made] = segmentation().handle(received(lesion=True))
    assert made.data.second_opinion is None


def test_no_model_is_the_second_opinion_of_its_own_mask(received, segmentation, lesion_model):
    handler = segmentation(lesion_model=lesion_model, opinion=NnunetOpinion(lesion_model))
    [made] = handler.handle(received())
    assert (made.data.second_opinion, lesion_model.asked) == (None, 1)
    other = replace(handler, opinion=NnunetOpinion(type(lesion_model)("b" * 64)))
    [made] = other.handle(received())
    assert made.data.second_opinion.dice == 1.0


def test_a_ct_of_unknown_unit_is_shown_to_no_second_model(received, segmentation, lesion_model):
    [made] = segmentation(lesion_model=lesion_model).handle(received(lesion=True, ct_unit="unknown"))
    assert (made.data.second_opinion, lesion_model.asked) == (None, 0)


def test_a_study_that_the_second_model_cannot_take_is_measured_all_the_same(
    received, segmentation, lesion_model, monkeypatch
):
    def too_thin(*_):
        raise Unprocessable("too thin", kind="too_thin")

    monkeypatch.setattr(lesion_model, "predict", too_thin)
    [made] = segmentation(lesion_model=lesion_model).handle(received(lesion=True))
    assert made.data.second_opinion is None


def test_what_features_measure_lies_on_the_grid(received, segmentation, store, phantom):
    [made] = segmentation().handle(received(lesion=True, lung=True))
    assert made.data.grid.shape_zyx == GRID
    ct = store.load_volume(made.data.ct_on_grid)
    assert ct.dtype == np.int16
    np.testing.assert_array_equal(ct, resample_ct(phantom.ct))
    np.testing.assert_array_equal(store.load_mask(made.data.lesion_on_grid), resample_mask(phantom.lesion))
    np.testing.assert_array_equal(store.load_mask(made.data.lung_on_grid), resample_mask(phantom.lung))


def test_without_a_mask_the_model_is_asked_and_named(received, segmentation, store, phantom, lesion_model):
    [made] = segmentation(lesion_model=lesion_model).handle(received())
    assert (made.data.lesion_source, made.data.model) == ("nnunet", lesion_model.identity)
    assert made.data.probabilities.mean_foreground == 0.9
    np.testing.assert_array_equal(store.load_mask(made.data.lesion), phantom.ct > -500)


def test_the_event_follows_the_study(received, segmentation):
    event = received(lesion=True)
    [made] = segmentation().handle(event)
    assert (made.type, made.key, made.correlation) == (SEGMENTED, event.key, event.correlation)
    assert (made.data.study, made.data.patient) == (event.data.study, event.data.patient)
    assert made.data.received_at == event.data.received_at


def test_a_redelivered_study_costs_nothing_and_has_the_same_name(received, segmentation, lesion_model):
    handler = segmentation(lesion_model=lesion_model)
    assert handler.handle(received()) == handler.handle(received())
    assert lesion_model.asked == 1


def test_a_remembered_result_that_cannot_be_read_is_made_again(received, segmentation, store, lesion_model):
    handler = segmentation(lesion_model=lesion_model)
    [made] = handler.handle(received())
    store.put_result(made.id, b'{"study": "of an older version"}')
    assert handler.handle(received()) == [made]
    assert lesion_model.asked == 2


def test_another_model_makes_another_result_for_it_makes_the_mask_or_the_second_opinion(
    received, segmentation, lesion_model
):
    handler = segmentation()

    def name(digest: str | None, **study: bool) -> str:
        other = None if digest is None else type(lesion_model)(digest)
        return replace(handler, lesion_model=other).handle(received(**study))[0].id

    assert name("a" * 64) != name("b" * 64)
    assert len({name(digest, lesion=True) for digest in (None, "a" * 64, "b" * 64)}) == 3


def test_a_study_without_a_mask_and_without_a_model_is_refused(received, segmentation):
    with pytest.raises(Unprocessable, match="LESION_MODEL") as refused:
        segmentation().handle(received())
    assert refused.value.kind == "no_lesion_model"


def test_a_ct_that_is_not_in_hu_is_not_shown_to_a_model(received, segmentation, lesion_model):
    with pytest.raises(Unprocessable, match="not in HU") as refused:
        segmentation(lesion_model=lesion_model).handle(received(ct_unit="unknown"))
    assert refused.value.kind == "ct_not_in_hu"
    assert lesion_model.asked == 0


def test_a_ct_that_is_not_in_hu_keeps_its_given_mask_and_has_no_lung(received, segmentation):
    [made] = segmentation().handle(received(lesion=True, ct_unit="unknown"))
    assert (made.data.lung, made.data.lung_on_grid, made.data.lung_method) == (None, None, "none")


def test_display_values_that_were_mapped_to_hu_are_segmented(received, segmentation, lesion_model):
    [made] = segmentation(lesion_model=lesion_model).handle(received(ct_unit="display"))
    assert made.data.ct_unit == "display"
    assert made.data.lung_method == "classical"


def test_the_lung_mask_is_classical_without_weights_and_says_so(received, segmentation, store, phantom):
    [made] = segmentation().handle(received(lesion=True))
    assert made.data.lung_method == "classical"
    assert store.load_mask(made.data.lung).shape == phantom.ct.shape


def test_a_lung_model_is_asked_before_the_classical_way(received, segmentation, store, phantom):
    class FakeLungModel:
        sha256 = "c" * 64

        def segment(self, ct: np.ndarray) -> np.ndarray | None:
            return phantom.lung

    [made] = segmentation(lung_model=FakeLungModel()).handle(received(lesion=True))
    assert made.data.lung_method == "lungmask"
    np.testing.assert_array_equal(store.load_mask(made.data.lung), phantom.lung)


def test_an_empty_predicted_mask_is_a_result(received, segmentation, store, lesion_model):
    lesion_model.above = 10_000
    [made] = segmentation(lesion_model=lesion_model).handle(received())
    assert not store.load_mask(made.data.lesion).any()


def test_a_single_slice_goes_on_with_what_lung_there_is(received, segmentation, store, phantom):
    event = received()
    one = event.data.model_copy(
        update={
            "ct": store.save_volume(phantom.ct[16:17]),
            "lesion": store.save_mask(phantom.lesion[16:17]),
            "geometry": phantom.geometry.model_copy(update={"shape_zyx": (1, 128, 128)}),
        }
    )
    [made] = segmentation().handle(replace(event, data=one))
    assert made.data.lung_method in {"classical", "none"}
    assert store.load_volume(made.data.ct_on_grid).shape == GRID


def test_a_missing_object_is_named(received, segmentation, tmp_path):
    event = received(lesion=True)
    (tmp_path / "store" / event.data.ct.key).unlink()
    with pytest.raises(MissingObject, match="restore it"):
        segmentation().handle(event)


def test_a_mask_of_another_shape_is_refused(received, segmentation, store):
    event = received()
    wrong = event.data.model_copy(update={"lesion": store.save_mask(np.ones((2, 3, 4), np.bool_))})
    with pytest.raises(CorruptObject, match="shape"):
        segmentation().handle(replace(event, data=wrong))


def test_studies_are_counted_by_where_their_masks_come_from(received, segmentation, registry):
    segmentation().handle(received(lesion=True, lung=True))
    labels = {"lesion_source": "given", "lung_method": "given"}
    assert registry.get_sample_value("segwatch_segmentation_studies_total", labels) == 1
