"""Cases as nobody should drop them: good ones with anything in them changed, and what is no case at all."""

import gzip
import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path

from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from segwatch.volumes.image import Volume
from segwatch.volumes.nifti import write_nifti
from tests.support.fuzz import ANY_JSON, NO_JSON
from tests.support.images import dicom_slices

Bytes = st.SearchStrategy[bytes]
Elements = dict[int, tuple[str, bytes]]
"""By tag: value representation and bytes."""
HEADER = 348
FIELDS = {
    "sizeof_hdr": 0, "dim": 40, "intent": 56, "datatype": 70, "bitpix": 72, "pixdim": 76, "vox_offset": 108,
    "scl": 112, "xyzt_units": 123, "cal_max": 124, "qform_code": 252, "sform_code": 254, "quaternion": 256,
    "sform": 280, "magic": 344, "extension": 348,
}  # fmt: skip
"""Where a NIfTI-1 header's fields begin."""
ODD_BYTES: Bytes = st.one_of(
    st.binary(min_size=1, max_size=16),
    st.sampled_from([-1, 0, 1, 2, 3, 255, 512, 32767, -32768]).map(lambda n: struct.pack("<h", n)),
    st.sampled_from([0.0, -1.0, float("nan"), float("inf"), 1e38, -1e38, 1e-38]).map(
        lambda x: struct.pack("<f", x)
    ),
    st.just(b"\xff" * 16),
    st.just(bytes(16)),
)
TAGS = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID", "Modality",
    "ImageType", "SamplesPerPixel", "Rows", "Columns", "NumberOfFrames", "PixelSpacing", "BitsAllocated",
    "BitsStored", "HighBit", "PixelRepresentation", "PhotometricInterpretation", "PlanarConfiguration",
    "ImagePositionPatient", "ImageOrientationPatient", "SliceThickness", "SpacingBetweenSlices",
    "RescaleSlope", "RescaleIntercept", "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence",
    "Manufacturer", "ConvolutionKernel", "XRayTubeCurrent", "KVP", "ContrastBolusAgent", "PixelData",
    "SpecificCharacterSet",
)  # fmt: skip
LONG = frozenset({"OB", "OD", "OF", "OL", "OW", "SQ", "UC", "UN", "UR", "UT", "OV", "SV", "UV"})
"""Value representations whose length takes four bytes (DICOM PS3.5 7.1.2)."""
KINDS = ("LO", "US", "FD", "SQ", "UN", "DS", "AT", "IS", "OB")
VALUES: Bytes = st.one_of(
    ODD_BYTES,
    st.sampled_from(
        [b"", b"nan", b"inf", b"1e308", b"-1", b"0", b"1\\2", b"1\\2\\3\\4\\5\\6", b"x" * 300, b"../../etc",
         b"\xfe\xff\x00\xe0\xff\xff\xff\xff", b"\xff\xff\xff\xff", b"LOCALIZER", b"ISO_IR 999", b"\\" * 40]
    ),
)  # fmt: skip
NAMES = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=40).map(str.encode),
    st.binary(min_size=1, max_size=40).filter(lambda name: not {0, 47} & set(name)),
    st.sampled_from(["ä" * 127, "x" * 255, "x" * 251, "a\nb", "-rf", "~", "%s", "CON", "a b", "\u202e"]).map(
        str.encode
    ),
)
"""Names of folders, as bytes."""


def nifti_of(volume: Volume, folder: Path) -> bytes:
    """The volume as a NIfTI file, not compressed."""
    path = folder / "one.nii"
    write_nifti(path, volume.array, volume.geometry)
    return path.read_bytes()


def niftis(good: bytes) -> Bytes:
    """A NIfTI file with fields of its header changed, cut short, compressed or not; or no NIfTI at all."""
    changed = st.lists(st.tuples(st.sampled_from(sorted(FIELDS.values())), ODD_BYTES), max_size=2).map(
        lambda changes: _overwritten(good, changes)
    )
    anywhere = st.lists(st.tuples(st.integers(0, HEADER + 4), ODD_BYTES), max_size=4).map(
        lambda changes: _overwritten(good, changes)
    )
    file = st.one_of(st.just(good), changed, changed, anywhere, NO_JSON, st.binary(max_size=400))
    return st.builds(
        lambda data, end, pack: pack(data[:end]), file, st.sampled_from([*[None] * 8, 100, 360, -1]), PACKED
    )


def dicoms(volume: Volume) -> st.SearchStrategy[list[bytes]]:
    """A series' files with one or two elements changed in one or all, or cut, doubled, damaged, or mixed."""
    series = dicom_slices(volume)
    another = with_elements(dicom_slices(volume)[0], {})
    changes = st.lists(
        st.tuples(st.sampled_from(TAGS), st.sampled_from(["own", "own", "own", *KINDS]), VALUES),
        min_size=1,
        max_size=2,
    )
    spoilt = st.builds(_spoilt, st.just(series), changes, st.booleans(), st.booleans())
    whole = [with_elements(each, {}) for each in series]
    end = len(whole[0])
    return st.one_of(
        spoilt,
        spoilt,
        st.just(whole),
        st.integers(0, end).map(lambda at: [whole[0][:at], *whole[1:]]),
        st.tuples(st.integers(0, end), ODD_BYTES).map(
            lambda each: [_overwritten(whole[0], [each]), *whole[1:]]
        ),
        st.sampled_from([whole[0], another, b"no image at all " * 20, b""]).map(lambda more: [*whole, more]),
        st.sampled_from([[], whole[:1], whole[::2]]),
    )


def identities() -> Bytes:
    """A `study.json`: good ones, JSON of any kind, and no JSON."""
    good = st.fixed_dictionaries({}, optional={"patient": st.text(min_size=1), "study": st.text(min_size=1)})
    return st.one_of(good.map(_dumped), ANY_JSON.map(_dumped), NO_JSON)


def with_elements(
    data: Dataset, changes: Mapping[str, tuple[str, bytes]], *, deflated: bool = False
) -> bytes:
    """The file with elements of these types and bytes, by keyword, in place of its own."""
    made = _elements_of(data)
    for keyword, element in changes.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None
        made[tag] = element
    return _file_of(made, DeflatedExplicitVRLittleEndian if deflated else ExplicitVRLittleEndian)


PACKED: st.SearchStrategy[Callable[[bytes], bytes]] = st.sampled_from(
    [bytes, bytes, bytes, lambda data: gzip.compress(data, 1), lambda data: gzip.compress(data, 1)[:-3]]
)


def _overwritten(data: bytes, changes: Sequence[tuple[int, bytes]]) -> bytes:
    made = bytearray(data)
    for at, odd in changes:
        made[at : at + len(odd)] = odd
    return bytes(made)


def _elements_of(data: Dataset) -> Elements:
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    read = dcmread(BytesIO(buffer.getvalue()))
    items = (read.get_item(tag) for tag in sorted(read.keys()))
    return {int(each.tag): (each.VR, each.value) for each in items}


def _spoilt(
    slices: Sequence[Dataset], changes: list[tuple[str, str, bytes]], every: bool, packed: bool
) -> list[bytes]:
    odd = {
        keyword: (dictionary_VR(keyword)[:2] if kind == "own" else kind, value)
        for keyword, kind, value in changes
    }
    return [
        with_elements(data, odd if every or number == 1 else {}, deflated=packed)
        for number, data in enumerate(slices)
    ]


def _file_of(elements: Elements, syntax: str) -> bytes:
    """A file whose elements hold just these bytes: pydicom would not write most of them."""
    meta, head = FileMetaDataset(), BytesIO()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        syntax,
        "1.2",
        "1.3",
    )
    write_file_meta_info(head, meta)
    body = b"".join(_element(tag, kind, value) for tag, (kind, value) in sorted(elements.items()))
    if syntax == DeflatedExplicitVRLittleEndian:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    return bytes(128) + b"DICM" + head.getvalue() + body


def _element(tag: int, kind: str, value: bytes) -> bytes:
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, kind.encode())
    size = struct.pack("<2xL", len(value)) if kind in LONG else struct.pack("<H", len(value) & 0xFFFF)
    return head + size + value


def _dumped(value: object) -> bytes:
    return json.dumps(value).encode()
