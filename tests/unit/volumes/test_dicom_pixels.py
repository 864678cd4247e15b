"""Stored values are the same, whatever coded them; gdcm codes here, as a scanner or a PACS would."""

from collections.abc import Callable
from pathlib import Path

import gdcm
import numpy as np
import pydicom
import pytest
from pydicom.pixels import get_decoder
from pydicom.uid import AllTransferSyntaxes

from segwatch.errors import RefusedVolume
from segwatch.volumes.dicom_pixels import DECODED
from segwatch.volumes.image import Volume
from segwatch.volumes.read import read_ct
from tests.support.images import dicom_slices, little_ct

CODED = {
    "plain": None,
    "JPEG 2000": gdcm.TransferSyntax.JPEG2000Lossless,
    "JPEG-LS": gdcm.TransferSyntax.JPEGLSLossless,
    "JPEG lossless": gdcm.TransferSyntax.JPEGLosslessProcess14_1,
    "RLE": gdcm.TransferSyntax.RLELossless,
}
CT = Volume(
    np.arange(-1000, -1000 + 2 * 32 * 32, dtype=np.int16).reshape(2, 32, 32) // 2,
    little_ct().geometry.model_copy(update={"shape_zyx": (2, 32, 32)}),
)


def series(
    folder: Path, words: Callable[[np.ndarray], np.ndarray], coded_bits: int, syntax, **header
) -> Path:
    """The CT as files of these words, coded with so many bits; the header is written afterwards."""
    folder.mkdir()
    for k, data in enumerate(dicom_slices(CT)):
        stored = words(np.frombuffer(data.PixelData, "<u2").astype(np.int64) - 1024)
        data.PixelData = stored.astype("<u2").tobytes()
        data.BitsStored, data.HighBit = coded_bits, coded_bits - 1
        path = folder / f"{k}.dcm"
        data.save_as(path, enforce_file_format=True)
        if syntax is not None:
            code(path, syntax)
        again = pydicom.dcmread(path)
        for keyword, value in header.items():
            setattr(again, keyword, value)
        again.save_as(path)
    return folder


def code(path: Path, syntax) -> None:
    reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
    reader.SetFileName(str(path))
    assert reader.Read()
    change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
    change.SetInput(reader.GetImage())
    assert change.Change()
    writer.SetFileName(str(path))
    writer.SetFile(reader.GetFile())
    writer.SetImage(change.GetOutput())
    assert writer.Write()


@pytest.mark.parametrize("syntax", CODED.values(), ids=CODED)
@pytest.mark.parametrize(
    ("words", "coded_bits", "header"),
    [
        # Twelve signed bits whose sign was never extended, coded as unsigned.
        (lambda hu: hu & 0xFFF, 12, {"PixelRepresentation": 1, "RescaleIntercept": 0}),
        # Twelve unsigned bits under overlays.
        (lambda hu: (hu + 1024) | 0x9000, 16, {"BitsStored": 12, "HighBit": 11}),
        (lambda hu: hu & 0xFFFF, 16, {"PixelRepresentation": 1, "RescaleIntercept": 0}),
        (lambda hu: hu + 1024, 16, {}),
    ],
    ids=["sign not extended", "overlays", "signed", "unsigned"],
)
def test_the_value_is_the_stored_bits_with_their_sign(tmp_path, syntax, words, coded_bits, header):
    found = read_ct(series(tmp_path / "ct", words, coded_bits, syntax, **header))
    np.testing.assert_array_equal(found.array, CT.array)


def test_bits_above_the_lowest_are_found_by_the_high_bit(tmp_path):
    folder = series(tmp_path / "ct", lambda hu: (hu + 1024) << 4, 16, None, BitsStored=12, HighBit=15)
    np.testing.assert_array_equal(read_ct(folder).array, CT.array)


@pytest.mark.parametrize(
    ("syntax", "header"),
    [
        (None, {"BitsStored": 20}),
        (None, {"BitsStored": 0}),
        (CODED["JPEG-LS"], {"BitsStored": 12, "HighBit": 15}),  # decoders differ on it
    ],
)
def test_bits_that_cannot_be_are_refused(tmp_path, syntax, header):
    with pytest.raises(RefusedVolume) as caught:
        read_ct(series(tmp_path / "ct", lambda hu: hu + 1024, 16, syntax, **header))
    assert caught.value.kind in ("unreadable", "truncated_file")


@pytest.mark.parametrize("padding", [-2000, 0, 3071, 62512])
def test_what_the_header_calls_padding_is_air_where_it_touches_the_border(tmp_path, padding):
    folder = tmp_path / "ct"
    folder.mkdir()
    for k, data in enumerate(dicom_slices(little_ct())):
        stored = np.frombuffer(data.PixelData, "<u2").reshape(4, 5).copy()
        stored[0, :2] = stored[2, 2] = np.uint16((padding + 1024) & 0xFFFF)
        data.PixelData = stored.tobytes()
        data.PixelPaddingValue = (padding + 1024) & 0xFFFF
        data.save_as(folder / f"{k}.dcm", enforce_file_format=True)
    found = read_ct(folder).array
    assert (found[:, 0, :2] == -1000).all()
    assert (found[:, 2, 2] == ((padding + 1024) & 0xFFFF) - 1024).all()


def test_all_that_is_offered_can_be_decoded_and_nothing_else_can():
    decoded = set()
    for uid in AllTransferSyntaxes:
        try:
            if get_decoder(uid).is_available:
                decoded.add(uid)
        except NotImplementedError:
            continue
    assert decoded - set(DECODED) <= {"1.2.840.10008.1.2.1.99"} | {
        uid for uid in decoded if "High-Throughput" in uid.name
    }
    assert set(DECODED) <= decoded
