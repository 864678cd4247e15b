"""A DICOM file's stored values, whatever coded them: the bits that its header names, with its sign.

Source: DICOM PS3.5 8.1.1 (Bits Stored, High Bit, Pixel Representation), PS3.3 C.7.5.1.1.2 (Pixel Padding).
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.pixels.utils import iter_pixels
from pydicom.uid import (
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from segwatch.volumes.dicom_slices import is_the_disks, quietly
from segwatch.volumes.image import Mask
from segwatch.volumes.outside import from_borders
from segwatch.volumes.refusals import refused

UNCOMPRESSED = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian)
DECODED: tuple[UID, ...] = (
    *UNCOMPRESSED,
    JPEGLosslessSV1,
    JPEGLossless,
    JPEGLSLossless,
    JPEG2000Lossless,
    RLELossless,
    JPEGLSNearLossless,
    JPEG2000,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
)
"""The transfer syntaxes whose pixels are read here, lossless ones first. A sender is offered no others."""

Words = Callable[[NDArray[Any]], NDArray[np.int32]]


def frames_of(path: Path) -> list[NDArray[Any]]:
    """The words of a file's images as they were decoded: `words_of` says which bits of them count.

    Raises:
        RefusedVolume: unreadable, truncated_file. OSError: the disk fails.
    """
    try:
        return quietly(lambda: list(iter_pixels(path, raw=True, correct_unused_bits=False)))
    except (RuntimeError, NotImplementedError) as error:
        problem = f"its pixels cannot be decoded ({error}); send it uncompressed"
        raise refused("unreadable", path.name, problem) from None
    except Exception as error:
        if is_the_disks(error):
            raise  # everything else is damage: it breaks a decoder in any way there is
        problem = f"its pixels are cut short or damaged ({error}); send it again"
        raise refused("truncated_file", path.name, problem) from None


def check_length(path: Path, header: pydicom.Dataset) -> None:
    """Nothing, unless a file holds more of uncompressed pixels than its header speaks of, by an image.

    Decoders pass over the rest, and of a CT whose header lost half of its rows there would be half a CT.

    Raises:
        RefusedVolume: unreadable. OSError: the disk fails.
    """
    try:
        one = int(header.Rows) * int(header.Columns) * int(header.get("SamplesPerPixel") or 1)
        image, images = one * int(header.BitsAllocated) / 8, int(header.get("NumberOfFrames") or 1)
    except (AttributeError, TypeError, ValueError):
        return  # another check names what is missing
    most = image * (images + 1)
    if header.file_meta.TransferSyntaxUID not in UNCOMPRESSED or path.stat().st_size < most:
        return
    try:
        pixels = quietly(lambda: pydicom.dcmread(path, specific_tags=["PixelData"])).get("PixelData") or b""
    except Exception as error:
        if is_the_disks(error):
            raise
        return  # damage, which whoever decodes it names
    if image and len(pixels) >= most:
        problem = f"its pixels are {len(pixels)} bytes and its header speaks of {image * images:.0f}"
        raise refused(
            "unreadable", path.name, f"{problem}: its rows, columns or frames are wrong; export it again"
        )


def words_of(header: pydicom.Dataset, name: str) -> Words:
    """What makes stored values of decoded words: Bits Stored bits up to High Bit, signed as the header says.

    A decoder gives all the bits of a code stream: overlays beside the value, and a sign that was never
    extended.

    Raises:
        RefusedVolume: unreadable, the header's bits are none.
    """
    try:
        allocated, stored, signed = (
            int(header[keyword].value) for keyword in ("BitsAllocated", "BitsStored", "PixelRepresentation")
        )
        high = int(header.get("HighBit", stored - 1))
    except (KeyError, TypeError, ValueError):
        raise refused(
            "unreadable", name, "it does not say which bits its pixels hold; export it again"
        ) from None
    if not 1 <= stored <= high + 1 <= allocated <= 32 or signed not in (0, 1):
        problem = f"its header names {stored} bits up to bit {high} of {allocated}; export it again"
        raise refused("unreadable", name, problem)
    if high + 1 != stored and header.file_meta.TransferSyntaxUID not in UNCOMPRESSED:
        problem = f"its compressed pixels end at bit {high} of {stored} stored; send it uncompressed"
        raise refused("unreadable", name, problem)

    def values(words: NDArray[Any]) -> NDArray[np.int32]:
        bits = (words.astype(np.int64) >> (high + 1 - stored)) & ((1 << stored) - 1)
        if signed:
            bits -= (bits >> (stored - 1)) << stored
        return bits.astype(np.int32 if stored < 32 else np.int64)

    return values


def padding_of(header: pydicom.Dataset) -> tuple[int, int] | None:
    """The lowest and the highest stored value that pads an image outside its field of view."""
    try:
        first = int(header["PixelPaddingValue"].value)
        last = int(header["PixelPaddingRangeLimit"].value) if "PixelPaddingRangeLimit" in header else first
        stored, signed = int(header.BitsStored), int(header.PixelRepresentation)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    # Writers disagree on the sign of both elements: the bits are what an image can hold.
    values = [_signed(value, stored) if signed else value & ((1 << stored) - 1) for value in (first, last)]
    return min(values), max(values)


def padded(values: NDArray[Any], padding: tuple[int, int] | None) -> Mask | None:
    """Where a slice of stored values is padding, as its header names it; None where it names none."""
    if padding is None:
        return None
    return from_borders((values >= padding[0]) & (values <= padding[1]))


def _signed(value: int, bits: int) -> int:
    low = value & ((1 << bits) - 1)
    return low - ((low >> (bits - 1)) << bits)
