"""Bad input at every door: each has its own name, is counted, can be replayed, and holds up nothing."""

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from segwatch.contracts.base import Geometry
from segwatch.contracts.topics import MEASURED, RECEIVED, SCORED, SEGMENTED
from segwatch.phantoms.phantom import Phantom, make_phantom
from segwatch.phantoms.write import write_case
from segwatch.streaming.log import Outgoing, outgoing
from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from segwatch.volumes.store import VolumeStore
from tests.integration.bad_input.conftest import SECONDS, Ward
from tests.support.folders import made
from tests.support.images import dicom_slices, save_all
from tests.support.streaming import eventually

SHAPE = (16, 64, 64)


def a_case(folder: Path, seed: int) -> Phantom:
    """A good case with its own mask, written to the folder."""
    phantom = make_phantom(seed, shape=SHAPE)
    write_case(phantom, folder, truth=False)
    write_nifti(folder / "lesion_predicted.nii.gz", phantom.lesion, phantom.geometry)
    return phantom


def drop(ward: Ward, name: str, made: Path) -> None:
    """Let what was made appear in the inbox at once."""
    shutil.move(made, ward.inbox / name)


def counted(ward: Ward, service: str, line: str) -> float:
    """The value of a metric's line, 0 where it is not there yet."""
    found = re.search(rf"^{re.escape(line)} (\S+)$", ward.metrics(service), re.MULTILINE)
    return float(found[1]) if found else 0.0


def truncated(folder: Path) -> None:
    a_case(folder, 601)
    whole = (folder / "ct.nii.gz").read_bytes()
    (folder / "ct.nii.gz").write_bytes(whole[: len(whole) // 2])


def not_a_ct(folder: Path) -> None:
    phantom = make_phantom(602, shape=SHAPE)
    slices = dicom_slices(Volume(phantom.ct, phantom.geometry))
    for each in slices:
        each.Modality = "MR"
        each.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4"
    save_all(slices, folder)


def another_shape(folder: Path) -> None:
    phantom = a_case(folder, 603)
    write_nifti(folder / "lesion_predicted.nii.gz", phantom.lesion[:-1], cut(phantom.geometry, SHAPE[0] - 1))


def not_a_number(folder: Path) -> None:
    phantom = a_case(folder, 604)
    ct = phantom.ct.astype(np.float32)
    ct[3, 4, 5] = np.nan
    write_nifti(folder / "ct.nii.gz", ct, phantom.geometry)


def not_even_a_volume(folder: Path) -> None:
    folder.mkdir()
    (folder / "ct.nii.gz").write_bytes(gzip.compress(b"no volume at all. " * 500))


def cut(geometry: Geometry, slices: int) -> Geometry:
    return geometry.model_copy(update={"shape_zyx": (slices, *geometry.shape_zyx[1:])})


REFUSED: dict[str, Callable[[Path], None]] = {
    "truncated_file": truncated,
    "not_ct": not_a_ct,
    "shape_mismatch": another_shape,
    "not_finite": not_a_number,
    "unreadable": not_even_a_volume,
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_input_is_named_counted_and_kept(ward: Ward, tmp_path: Path, kind: str):
    REFUSED[kind](tmp_path / "made")
    drop(ward, f"bad-{kind}", tmp_path / "made")
    receipt = ward.receipt(f"bad-{kind}")
    assert (receipt["outcome"], receipt["kind"]) == ("rejected", kind)
    assert (ward.inbox / ".rejected" / f"bad-{kind}").is_dir()
    letter = ward.letter("ingest", kind)
    assert letter["reason"]
    assert counted(ward, "ingest", f'segwatch_dead_letters_total{{error="{kind}",stage="ingest"}}') >= 1


def test_a_rejected_case_that_was_mended_goes_its_way_when_it_is_replayed(ward: Ward, tmp_path: Path):
    truncated(tmp_path / "made")
    drop(ward, "mended", tmp_path / "made")
    assert ward.receipt("mended")["outcome"] == "rejected"
    rejected = ward.inbox / ".rejected" / "mended"
    write_nifti(rejected / "ct.nii.gz", *_ct_of(601))
    (letter,) = (
        each
        for each in json.loads(ward.segwatch("deadletters", "list", "--json").stdout)
        if "mended" in ward.segwatch("deadletters", "show", each["id"]).stdout
    )
    replayed = ward.segwatch("deadletters", "replay", letter["id"])
    assert replayed.returncode == 0, replayed.stderr
    eventually(lambda: ward.receipt("mended")["outcome"] == "announced", SECONDS)
    assert ward.about(SCORED, ward.receipt("mended")["study"]).status in ("scored", "outside")


def _ct_of(seed: int) -> tuple[np.ndarray, Geometry]:
    phantom = make_phantom(seed, shape=SHAPE)
    return phantom.ct, phantom.geometry


def test_an_empty_mask_is_no_error_and_never_good(ward: Ward, tmp_path: Path):
    phantom = a_case(tmp_path / "made", 605)
    nothing = np.zeros_like(phantom.lesion)
    write_nifti(tmp_path / "made" / "lesion_predicted.nii.gz", nothing, phantom.geometry)
    drop(ward, "empty", tmp_path / "made")
    study = ward.receipt("empty")["study"]
    assert ward.about(MEASURED, study).status == "empty"
    scored = ward.about(SCORED, study)
    assert (scored.status, scored.predicted_dice) == ("undefined", None)
    assert scored.predicted_failed
    assert scored.needs_attention


def test_a_single_slice_is_measured_as_far_as_it_can_be_and_goes_to_review(ward: Ward, tmp_path: Path):
    phantom = make_phantom(606, shape=SHAPE)
    middle = int(np.argmax(phantom.lesion.sum((1, 2))))
    one, geometry = slice(middle, middle + 1), cut(phantom.geometry, 1)
    made = tmp_path / "made"
    made.mkdir()
    write_nifti(made / "ct.nii.gz", phantom.ct[one], geometry)
    write_nifti(made / "lung.nii.gz", phantom.lung[one], geometry)
    write_nifti(made / "lesion_predicted.nii.gz", phantom.lesion[one], geometry)
    drop(ward, "one-slice", made)
    study = ward.receipt("one-slice")["study"]
    measured = ward.about(MEASURED, study)
    assert measured.status == "partly_undefined"
    assert measured.features["segmentation_smoothness"] is None
    assert ward.about(SCORED, study).needs_attention


def test_a_second_delivery_is_said_to_be_one_and_nothing_is_done_twice(ward: Ward, tmp_path: Path):
    a_case(tmp_path / "one", 607)
    a_case(tmp_path / "two", 607)
    drop(ward, "first-delivery", tmp_path / "one")
    study = ward.receipt("first-delivery")["study"]
    drop(ward, "second-delivery", tmp_path / "two")
    second = ward.receipt("second-delivery")
    assert (second["outcome"], second["study"]) == ("duplicate", study)
    ward.about(SCORED, study)
    for topic in (RECEIVED, SEGMENTED, MEASURED, SCORED):
        assert sum(event.key == study for event in ward.events(topic)) == 1


def test_a_message_that_breaks_its_schema_is_dead_lettered_by_the_stage_that_read_it(ward: Ward):
    with ward.log.producer() as producer:
        producer.send([Outgoing(MEASURED, b"x", b'{"study": 1}', (("ce_id", b"1"),))])
    letter = ward.letter("scoring", "invalid_message")
    assert (letter["topic"], letter["attempts"]) == (MEASURED, 1)
    assert (
        counted(ward, "scoring", 'segwatch_dead_letters_total{error="invalid_message",stage="scoring"}') >= 1
    )


def test_a_missing_object_is_dead_lettered_and_replayed_to_features_alone(ward: Ward, tmp_path: Path):
    a_case(tmp_path / "made", 608)
    drop(ward, "good", tmp_path / "made")
    study = ward.receipt("good")["study"]
    ward.about(SCORED, study)
    (segmented,) = (event for event in ward.events(SEGMENTED) if event.key == study)
    mask = VolumeStore(str(ward.hospital.store)).load_mask(segmented.data.lesion_on_grid)
    absent = VolumeStore(made(tmp_path / "elsewhere")).save_mask(~mask)
    other = "7" * 32
    broken = segmented.data.model_copy(update={"study": other, "lesion_on_grid": absent})
    event = type(segmented)("8" * 32, SEGMENTED, other, "/test", segmented.time, broken)
    with ward.log.producer() as producer:
        producer.send([outgoing(SEGMENTED, event)])
    letter = ward.letter("features", "missing_object")

    VolumeStore(str(ward.hospital.store)).save_mask(~mask)
    replayed = ward.segwatch("deadletters", "replay", letter["id"])
    assert replayed.returncode == 0, replayed.stderr
    assert ward.about(MEASURED, other).status in ("measured", "partly_undefined")
    assert sum(event.key == other for event in ward.events(RECEIVED)) == 0
    again = ward.segwatch("deadletters", "replay", letter["id"])
    assert again.returncode == 2
    assert "--again" in again.stderr


def test_after_all_of_this_a_good_study_goes_its_whole_way(ward: Ward, tmp_path: Path):
    a_case(tmp_path / "made", 609)
    drop(ward, "last", tmp_path / "made")
    assert ward.about(SCORED, ward.receipt("last")["study"]).status in ("scored", "outside")
    assert [each.tend() for each in ward.hospital.services] == [None] * 5
