"""dcmtk's storescu as a scanner: what it sends is one whole study, however it is interrupted."""

import signal
import subprocess
import time
from copy import deepcopy

import pytest
from pydicom.uid import SecondaryCaptureImageStorage, XRayRadiationDoseSRStorage, generate_uid

from tests.pacs.conftest import QUIET_SECONDS, Ingest
from tests.support.pacs import Archive, dcmtk, examination, slow_wire
from tests.support.streaming import eventually


@pytest.fixture
def slices(ingest: Ingest):
    """A series that nobody has sent before."""
    return examination(next(ingest.seeds))


def _images_there(ingest: Ingest) -> int:
    entries = [path for path in (ingest.folder / "inbox").glob("exam-*") if path.is_dir()]
    return sum(len(list(entry.glob("*/*.dcm"))) for entry in entries)


def test_a_series_in_one_association_is_one_study(ingest: Ingest, slices) -> None:
    ingest.scanner().send(slices)
    study = ingest.wait_for(slices)
    assert (study.geometry.shape_zyx, study.arrived_by, study.arrival) == ((24, 64, 64), "c-store", None)


def test_an_aborted_association_is_no_study_until_all_is_sent_again(ingest: Ingest, slices) -> None:
    ingest.scanner().send(slices[:9], "--abort")
    time.sleep(2 * QUIET_SECONDS)
    assert ingest.announced(slices) == []
    ingest.scanner().send(slices)
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24
    ingest.rest()
    assert len(ingest.announced(slices)) == 1


def test_a_sender_that_is_killed_half_way_is_no_study_until_all_is_sent_again(ingest: Ingest, slices) -> None:
    with slow_wire(ingest.dicom, 40_000) as port, ingest.scanner(port).begin(slices) as sender:
        eventually(lambda: _images_there(ingest) >= 3, 60)
        sender.send_signal(signal.SIGKILL)
    time.sleep(2 * QUIET_SECONDS)
    assert ingest.announced(slices) == []
    ingest.scanner().send(slices)
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24


def test_a_pause_longer_than_the_quiet_time_within_an_association_makes_no_part(
    ingest: Ingest, slices
) -> None:
    with slow_wire(ingest.dicom, 2_000_000, 80_000, 3 * QUIET_SECONDS) as port:
        ingest.scanner(port).send(slices)
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24


def test_three_associations_at_once_that_share_a_series_are_one_study(ingest: Ingest, slices) -> None:
    senders = [ingest.scanner().begin(slices[first::3]) for first in range(3)]
    for sender in senders:
        assert sender.wait(60) == 0
        assert sender.stdout is not None
        sender.stdout.close()
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24
    ingest.rest()
    assert len(ingest.announced(slices)) == 1


def test_three_scanners_at_once_are_three_studies(ingest: Ingest) -> None:
    each = [examination(next(ingest.seeds)) for _ in range(3)]
    senders = [ingest.scanner().begin(slices) for slices in each]
    for sender in senders:
        assert sender.wait(60) == 0
        assert sender.stdout is not None
        sender.stdout.close()
    for slices in each:
        assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24


def test_slices_that_come_after_the_announcement_make_a_version(ingest: Ingest, slices) -> None:
    ingest.scanner().send(slices[:20])
    first = ingest.wait_for(slices)
    ingest.scanner().send(slices[20:])
    second = ingest.wait_for(slices, versions=2)
    assert second.arrival is not None
    assert (first.geometry.shape_zyx[0], second.geometry.shape_zyx[0], second.arrival.version) == (20, 24, 2)


def test_the_same_again_is_a_duplicate(ingest: Ingest, slices) -> None:
    ingest.scanner().send(slices)
    ingest.wait_for(slices)
    ingest.rest()
    ingest.scanner().send(slices)
    eventually(lambda: not ingest.is_empty(), 20)
    ingest.rest()
    assert len(ingest.announced(slices)) == 1


def test_the_archive_says_how_many_images_there_are_and_the_study_waits_for_them(
    ingest: Ingest, archive: Archive, slices, tmp_path
) -> None:
    archive.store(slices, tmp_path)
    ingest.scanner().send(slices[:20])
    time.sleep(3 * QUIET_SECONDS)
    assert ingest.announced(slices) == []
    ingest.scanner().send(slices[20:])
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24


def _company(slices) -> list:
    """What comes beside a CT: a localizer, projections, monitoring slices, a dose page, a dose report."""
    others = {
        "localizer": ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, 1),
        "mip": ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "MIP"]}, 20),
        "thick": ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}, 12),
        "monitoring": ({"SeriesDescription": "Monitoring"}, 4),
        "dose page": ({"SOPClassUID": SecondaryCaptureImageStorage, "Modality": "OT"}, 1),
        "dose report": ({"SOPClassUID": XRayRadiationDoseSRStorage, "Modality": "SR"}, 1),
    }
    found = []
    for changed, count in others.values():
        series = generate_uid()
        for each in deepcopy(slices[:count]):
            each.SeriesInstanceUID, each.SOPInstanceUID = series, generate_uid()
            for keyword, value in changed.items():
                setattr(each, keyword, value)
            if each.Modality == "SR":
                del each.PixelData
            each.file_meta.MediaStorageSOPClassUID = each.SOPClassUID
            each.file_meta.MediaStorageSOPInstanceUID = each.SOPInstanceUID
            found.append(each)
    return found


def test_a_whole_examination_is_one_study_and_its_company_makes_no_letter(ingest: Ingest, slices) -> None:
    letters = ingest.letters()
    company = _company(slices)
    ingest.scanner().send([*company[:10], *slices, *company[10:]])
    assert ingest.wait_for(slices).geometry.shape_zyx[0] == 24
    ingest.rest()
    assert [ingest.announced([each]) for each in company] == [[]] * len(company)
    assert ingest.letters() == letters
    assert 'segwatch_ingest_set_aside_images_total{rule="localizer"}' in ingest.metrics()


def test_another_title_goes_by_its_own_rules(ingest: Ingest) -> None:
    slices = examination(next(ingest.seeds))
    other = examination(next(ingest.seeds), slices=32)
    for data in other:
        data.StudyInstanceUID = slices[0].StudyInstanceUID
    ingest.scanner(called="LUNG").send([*slices, *other])
    assert ingest.wait_for(other).geometry.shape_zyx[0] == 32
    ingest.rest()
    assert ingest.announced(slices) == []


def test_a_title_that_is_not_ours_is_refused_at_the_door(ingest: Ingest, slices) -> None:
    with ingest.scanner(called="SKULL").begin(slices) as sender:
        said = sender.communicate(timeout=60)[0]
    assert sender.returncode != 0
    assert "Called AE Title Not Recognized" in said


def test_echo_is_answered_and_a_query_is_not_offered(ingest: Ingest) -> None:
    def run(name: str, *options: str) -> "subprocess.CompletedProcess[str]":
        command = [dcmtk(name), "-aec", "SEGWATCH", *options, "127.0.0.1", str(ingest.dicom)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert run("echoscu").returncode == 0
    found = run("findscu", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID")
    assert "No Acceptable Presentation Contexts" in found.stdout + found.stderr
