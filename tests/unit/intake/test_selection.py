"""Which series of an examination is its study: the rules for chest CT, a site's own, and odd images."""

import json

import numpy as np
import pytest
from pydicom.uid import SecondaryCaptureImageStorage, XRayRadiationDoseSRStorage
from typer.testing import CliRunner

from segwatch.cli import app
from segwatch.contracts.base import Geometry
from segwatch.contracts.intake import IntakeRules
from segwatch.errors import BadInput
from segwatch.intake.explain import explain
from segwatch.intake.rules import default_rules, read_rules
from segwatch.intake.selection import select
from segwatch.intake.series import series_of
from segwatch.volumes.image import Volume
from tests.support.images import dicom_slices, save_all

AXIAL = ("ORIGINAL", "PRIMARY", "AXIAL")
CORONAL = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0]


def ct(count=12, step=2.0, scan="1", kind=AXIAL, **elements):
    """A series of an examination; every image's header bears the elements."""
    geometry = Geometry(
        shape_zyx=(count, 4, 5),
        spacing_zyx_mm=(step, 0.7, 0.7),
        origin_xyz_mm=(0.0, 0.0, 0.0),
        direction=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0),
    )
    slices = dicom_slices(Volume(np.zeros(geometry.shape_zyx, np.int16), geometry))
    for each in slices:
        each.StudyInstanceUID, each.FrameOfReferenceUID = "1.2.3", "1.2.3.4"
        each.AcquisitionNumber, each.ImageType = scan, list(kind)
        for name, value in elements.items():
            setattr(each, name, value)
    return slices


def coronal(count=12):
    slices = ct(count, kind=("DERIVED", "SECONDARY", "REFORMATTED"), ImageOrientationPatient=CORONAL)
    for number, each in enumerate(slices):
        each.ImagePositionPatient = [0.0, 2.0 * number, 0.0]
    return slices


def judged(*series, rules=None, announced=None):
    """What becomes of each series: its verdict and the rule's name, in the order that they were given."""
    headers = {f"{n}-{k}": each for n, slices in enumerate(series) for k, each in enumerate(slices)}
    found = {
        each.series.uid: each for each in select(series_of(headers), rules or default_rules(), announced)
    }
    return [
        (found[each[0].SeriesInstanceUID].verdict, found[each[0].SeriesInstanceUID].rule) for each in series
    ]


COMPANY = {
    "localizer": lambda: ct(1, kind=("ORIGINAL", "PRIMARY", "LOCALIZER")),
    "localizer by its description": lambda: ct(2, SeriesDescription="Topogram 0.6 T20f"),
    "dose_report": lambda: ct(1, SOPClassUID=XRayRadiationDoseSRStorage, Modality="SR"),
    "dose_report by its class": lambda: ct(1, SOPClassUID="1.2.840.10008.5.1.4.1.1.88.22"),
    "secondary_capture": lambda: ct(1, SOPClassUID=SecondaryCaptureImageStorage),
    "secondary_capture in colour": lambda: ct(1, SamplesPerPixel=3),
    "secondary_capture by its type": lambda: ct(1, kind=("DERIVED", "SECONDARY", "SCREEN SAVE")),
    "other_modality": lambda: ct(Modality="PT"),
    "other_class": lambda: ct(SOPClassUID="1.2.840.10008.5.1.4.1.1.20"),
    "projection": lambda: ct(kind=("DERIVED", "SECONDARY", "AXIAL", "MIP")),
    "projection by its description": lambda: ct(SeriesDescription="Thorax_MIP_10mm"),
    "monitoring": lambda: ct(4, SeriesDescription="Monitoring"),
    "monitoring before": lambda: ct(1, SeriesDescription="PreMonitoring"),
    "single_place": lambda: ct(1, SeriesDescription="Chest"),
    "reformat": coronal,
}  # fmt: skip


@pytest.mark.parametrize("what", COMPANY)
def test_company_is_set_aside_with_the_rules_name_and_the_ct_is_chosen(what):
    company, chosen = judged(COMPANY[what](), ct())
    assert company == ("set_aside", what.split()[0])
    assert chosen == ("chosen", "original_axial")


def test_a_whole_examination_gives_one_study():
    company = [make() for make in COMPANY.values()]
    verdicts = [verdict for verdict, _ in judged(ct(step=1.5), ct(step=5.0), *company)]
    assert verdicts == ["chosen", "not_chosen", *["set_aside"] * len(company)]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (ct(step=5.0), ct(step=1.0, kind=("DERIVED", "SECONDARY", "AXIAL"))),
        (ct(step=5.0), ct(step=1.0, kind=("ORIGINAL", "PRIMARY", "OTHER"))),
        (ct(step=1.0), ct(step=1.5)),
        (ct(step=5.0, kind=("ORIGINAL", "PRIMARY")), ct(step=1.0, kind=())),
        (ct(10, step=5.0, kind=("DERIVED", "SECONDARY", "AXIAL")), ct(9, step=1.0)),
    ],
    ids=["original before derived", "axial before other", "thin before thick", "typed first", "enough"],
)  # fmt: skip
@pytest.mark.parametrize("turn", [1, -1])
def test_the_earlier_rule_goes_before_and_then_the_thinnest(better, worse, turn):
    verdicts = [verdict for verdict, _ in judged(*[better, worse][::turn])]
    assert verdicts[::turn] == ["chosen", "not_chosen"]


def test_two_alike_are_told_apart_by_their_uids_whatever_their_order():
    one, other = ct(SeriesInstanceUID="1.2.3.1"), ct(SeriesInstanceUID="1.2.3.2")
    assert [verdict for verdict, _ in judged(one, other)] == ["chosen", "not_chosen"]
    assert [verdict for verdict, _ in judged(other, one)] == ["not_chosen", "chosen"]


def test_each_acquisition_has_its_study_and_a_series_without_number_is_no_further_one():
    assert [verdict for verdict, _ in judged(ct(), ct(scan="2"), ct(step=1.0, scan=""))] == [
        "not_chosen", "chosen", "chosen",
    ]  # fmt: skip
    frames = [ct(FrameOfReferenceUID=f"1.2.{n}") for n in (5, 6)]
    assert [verdict for verdict, _ in judged(*frames)] == ["chosen", "chosen"]


def test_what_was_announced_stays_the_study_though_a_better_series_comes():
    before, better = ct(step=5.0), ct(step=1.0)
    (known,) = series_of({str(k): each for k, each in enumerate(before)})
    assert judged(before, better, announced={known.uid: known.acquisition}) == [
        ("chosen", "announced_before"), ("not_chosen", "announced_before"),
    ]  # fmt: skip
    assert judged(better, announced={known.uid: known.acquisition}) == [("not_chosen", "announced_before")]


def named(slices, name):
    return {f"{name}{k}": each for k, each in enumerate(slices)}


def rules_of(**lists):
    given = {"version": "site-1", "set_aside": [], "choose": []} | lists
    return IntakeRules.model_validate_json(json.dumps(given))


def test_the_first_rule_of_the_sites_file_decides():
    thick, sharp = ct(step=5.0, ConvolutionKernel="B30f"), ct(step=1.0, ConvolutionKernel="B70f")
    soft_first = rules_of(choose=[{"name": "soft", "kernel": "^B[23]"}, {"name": "any"}])
    assert judged(thick, sharp, rules=soft_first) == [
        ("chosen", "soft"),
        ("not_chosen", "other_reconstruction"),
    ]
    assert judged(sharp, rules=soft_first) == [("chosen", "any")]


@pytest.mark.parametrize(
    ("condition", "meets", "does_not"),
    [
        ({"contrast": True}, {"ContrastBolusAgent": "Iomeron"}, {}),
        ({"contrast": False}, {}, {"ContrastBolusAgent": "Iomeron"}),
        ({"description": "lung"}, {"SeriesDescription": "Chest 1.5 LUNG"}, {"SeriesDescription": "Chest"}),
        ({"slices": {"min": 12, "max": 12}}, {}, {"count": 11}),
        ({"slice_distance_mm": {"max": 2}}, {}, {"step": 2.5}),
        ({"kernel": "b70"}, {"ConvolutionKernel": ["B70f", "1"]}, {}),
        ({"unless": {"description": "test"}}, {}, {"SeriesDescription": "a test"}),
    ],
)
def test_every_condition_can_be_met_and_not_met(condition, meets, does_not):
    rules = rules_of(choose=[{"name": "only", **condition}])
    assert judged(ct(**meets), rules=rules) == [("chosen", "only")]
    assert judged(ct(**does_not), rules=rules) == [("no_rule", "no_rule")]


def test_a_series_that_no_rule_meets_says_what_each_lacks():
    rules = rules_of(choose=[{"name": "thick", "slice_distance_mm": {"min": 4}, "image_type": ["DERIVED"]}])
    (each,) = select(series_of(named(ct(), "a")), rules)
    assert (each.verdict, each.why) == (
        "no_rule", "it meets no rule of choose: thick (image_type, slice_distance_mm)",
    )  # fmt: skip


ODD = {
    "localizer": {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
    "secondary_capture": {"SamplesPerPixel": 3},
    "other_class": {"SOPClassUID": SecondaryCaptureImageStorage},
    "other_direction": {"ImageOrientationPatient": CORONAL},
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("place", [0, 6, 11])
def test_one_odd_image_in_a_good_series_is_set_aside_and_said(kind, place):
    slices = ct()
    for name, value in ODD[kind].items():
        setattr(slices[place], name, value)
    (series,) = series_of(named(slices, ""))
    assert [(odd.path, odd.kind) for odd in series.odd] == [(str(place), kind)]
    assert str(place) not in series.files
    assert len(series.files) == 11
    assert judged(slices) == [("chosen", "original_axial")]


def test_half_of_each_is_no_series_with_odd_images():
    slices = ct()
    for each in slices[:6]:
        each.ImageType = ODD["localizer"]["ImageType"]
    (series,) = series_of(named(slices, ""))
    assert (len(series.files), series.odd) == (12, ())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("choose: [", "are not YAML"),
        ("{}", "version"),
        ("version: a\nset_aside: []\nchoose: [{name: x, kernal: B}]", "kernal"),
        ("version: a\nset_aside: []\nchoose: [{name: x, kernel: '('}]", "kernel"),
        ("version: a\nset_aside: []\nchoose: [{name: x, orientation: [axail]}]", "orientation"),
    ],
)
def test_a_rules_file_that_is_wrong_is_refused_with_its_name_and_field(tmp_path, text, said):
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(BadInput, match=said) as caught:
        read_rules(path)
    assert str(path) in str(caught.value)


def test_a_rules_file_that_is_missing_says_how_to_start_one(tmp_path):
    with pytest.raises(BadInput, match="segwatch intake rules"):
        read_rules(tmp_path / "none.yaml")


@pytest.fixture
def examination(tmp_path):
    folder = tmp_path / "exam"
    for name, slices in {
        "lung": ct(step=1.5, SeriesDescription="Chest \x1b[31m lung"),
        "soft": ct(step=5.0),
        "topogram": COMPANY["localizer"](),
    }.items():
        for each in slices:
            each.file_meta.MediaStorageSOPInstanceUID = each.SOPInstanceUID
        save_all(slices, folder / name)
    return folder


def test_explain_says_of_each_series_what_becomes_of_it_the_chosen_first(examination):
    lines = explain(examination, default_rules())
    assert [(each.verdict, each.rule, each.slices) for each in lines] == [
        ("chosen", "original_axial", 12),
        ("not_chosen", "other_reconstruction", 12),
        ("set_aside", "localizer", 1),
    ]
    assert lines[0].slice_distance_mm == 1.5


def test_the_command_prints_it_and_nothing_that_commands_a_terminal(examination):
    shown = CliRunner().invoke(app, ["intake", "explain", str(examination)])
    assert shown.exit_code == 0
    assert shown.output.startswith("chosen      original_axial")
    assert "\x1b[31m" not in shown.output
    as_json = CliRunner().invoke(app, ["intake", "explain", str(examination), "--json"])
    assert [each["verdict"] for each in json.loads(as_json.output)] == ["chosen", "not_chosen", "set_aside"]


def test_the_printed_rules_are_a_file_to_start_from(tmp_path):
    (tmp_path / "mine.yaml").write_text(CliRunner().invoke(app, ["intake", "rules"]).output)
    assert read_rules(tmp_path / "mine.yaml") == default_rules()


def test_a_folder_without_dicom_files_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="holds no DICOM files"):
        explain(tmp_path, default_rules())
    with pytest.raises(BadInput, match="is no folder"):
        explain(tmp_path / "none", default_rules())
