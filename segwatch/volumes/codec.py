"""Volumes and masks as bytes, lossless: a header of our own, then blosc2 chunks.

```
magic  4 bytes   "SWV1" (volume) or "SWM1" (mask, eight voxels a byte)
dtype  4 bytes   numpy's name, little-endian ("<i2"), padded with spaces; "|b1" for a mask
shape  3 × 8     z, y, x, unsigned, little-endian
then for each MiB of data: length of the chunk (4 bytes), the chunk
```
Bytes are taken as hostile: nothing in them is executed or unpickled (blosc2's own cframes carry pickled
metadata), and every size is checked against the header before memory is taken.
"""

import math
import struct
from collections.abc import Iterator
from typing import Any

import blosc2
import numpy as np
from numpy.typing import NDArray

from segwatch.errors import CorruptObject
from segwatch.volumes.image import MOST_VOXELS, Array, Mask

_VOLUME = b"SWV1"
_MASK = b"SWM1"
_HEADER = struct.Struct("<4s4s3Q")
_LENGTH = struct.Struct("<I")
_CHUNK = 2**20
"""Two slices of the grid: who needs a few slices unpacks little more."""
_BLOCK = 2**18
"""What is shuffled at once: fits the second-level cache, and unpacks faster than smaller ones."""
_DTYPES = frozenset({"|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8"})


def encode_volume(array: Array) -> bytes:
    """The bytes of an array (z, y, x) of whole numbers up to 32 bits, float32 or float64.

    Raises:
        TypeError: another type of number. ValueError: not three axes, or an empty one.
    """
    return b"".join(volume_parts(array))


def volume_parts(array: Array) -> Iterator[bytes]:
    """The same bytes, a part at a time, and the same for the same array each time; raises as it does."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    if little.dtype.str not in _DTYPES:
        raise TypeError(f"arrays of {array.dtype} are not stored; masks go through encode_mask")
    return _parts(_VOLUME, little.dtype.str, array.shape, little.reshape(-1).view(np.uint8))


def decode_volume(data: bytes) -> Array:
    """The array that `encode_volume` wrote.

    Raises:
        CorruptObject: not such bytes.
    """
    dtype, shape = _volume_header(data)
    return _unpacked(data, math.prod(shape) * dtype.itemsize).view(dtype).reshape(shape)


def decode_slices(data: bytes, wanted: Mask) -> Array:
    """The array that `encode_volume` wrote, unpacked only where it holds wanted slices.

    Args:
        wanted: for each slice along z, whether it is needed. What lies in others may be 0.

    Raises:
        CorruptObject: not such bytes, or another number of slices.
    """
    dtype, shape = _volume_header(data)
    if wanted.shape != shape[:1]:
        raise CorruptObject(f"the volume has {shape[0]} slices, not {wanted.size}: segment the study again")
    a_slice = shape[1] * shape[2] * dtype.itemsize
    size = shape[0] * a_slice
    begins = np.arange(0, size, _CHUNK)
    lasts = np.minimum(begins + _CHUNK, size) - 1
    upto = np.concatenate(([0], np.cumsum(wanted)))
    holds_wanted = upto[lasts // a_slice + 1] > upto[begins // a_slice]
    return _unpacked(data, size, holds_wanted).view(dtype).reshape(shape)


def encode_mask(mask: Mask) -> bytes:
    """The bytes of a boolean array (z, y, x), eight voxels a byte before compression.

    Raises:
        TypeError: not boolean. ValueError: not three axes, or an empty one.
    """
    if mask.dtype != np.bool_:
        raise TypeError(f"a mask is boolean, not {mask.dtype}")
    return b"".join(_parts(_MASK, "|b1", mask.shape, np.packbits(mask)))


def decode_mask(data: bytes) -> Mask:
    """The mask that `encode_mask` wrote.

    Raises:
        CorruptObject: not such bytes.
    """
    bits, shape = decode_bits(data)
    return np.unpackbits(bits, count=math.prod(shape)).view(np.bool_).reshape(shape)


def decode_bits(data: bytes) -> tuple[NDArray[np.uint8], tuple[int, int, int]]:
    """The mask that `encode_mask` wrote as numpy's `packbits` gives it, flat, and its shape (z, y, x).

    Raises:
        CorruptObject: not such bytes.
    """
    dtype, shape = _header(data, _MASK)
    if dtype != "|b1":
        raise CorruptObject("the mask's header names another type than boolean")
    voxels = math.prod(shape)
    return _unpacked(data, (voxels + 7) // 8), shape


def _parts(magic: bytes, dtype: str, shape: tuple[int, ...], raw: NDArray[np.uint8]) -> Iterator[bytes]:
    if len(shape) != 3 or 0 in shape:
        raise ValueError(f"an array (z, y, x) with voxels is stored, not one of shape {shape}")
    yield _HEADER.pack(magic, dtype.encode().ljust(4), *shape)
    options = {
        "typesize": np.dtype(dtype).itemsize,
        "codec": blosc2.Codec.LZ4,  # a fifth larger than zstd, and unpacked in a third of the time
        "clevel": 1,
        "filters": [blosc2.Filter.SHUFFLE],
        "filters_meta": [0],
        "blocksize": _BLOCK,
        "nthreads": 1,
    }
    for start in range(0, len(raw), _CHUNK):
        chunk = blosc2.compress2(raw[start : start + _CHUNK], **options)
        yield _LENGTH.pack(len(chunk))
        yield chunk


def _header(data: bytes, magic: bytes) -> tuple[str, tuple[int, int, int]]:
    if len(data) < _HEADER.size:
        raise CorruptObject(f"the object has {len(data)} bytes, too few for its header")
    found, dtype, z, y, x = _HEADER.unpack_from(data)
    if found != magic:
        raise CorruptObject(f"the object does not begin with {magic.decode()}")
    if not 0 < z * y * x <= MOST_VOXELS:
        raise CorruptObject("the object's header claims an impossible shape")
    return dtype.decode("latin-1").rstrip(" "), (z, y, x)


def _volume_header(data: bytes) -> tuple[np.dtype[Any], tuple[int, int, int]]:
    dtype, shape = _header(data, _VOLUME)
    if dtype not in _DTYPES:
        raise CorruptObject("the volume's header names an unknown type of number")
    return np.dtype(dtype), shape


def _unpacked(data: bytes, size: int, wanted: Mask | None = None) -> NDArray[np.uint8]:
    """The data behind the header, once all chunks together are known to hold exactly `size` bytes.

    Chunks that are not wanted are 0.
    """
    chunks = list(_chunks(data, size))
    out = np.empty(size, np.uint8)  # from large pages, where numpy's zeros are not
    for place, chunk in enumerate(chunks):
        start = place * _CHUNK
        stop = min(start + _CHUNK, size)
        if wanted is not None and not wanted[place]:
            out[start:stop] = 0
            continue
        try:
            blosc2.decompress2(chunk, dst=out[start:stop], nthreads=1)
        except (RuntimeError, ValueError) as error:
            raise CorruptObject(f"a chunk of the object cannot be unpacked: {error}") from None
    return out


def _chunks(data: bytes, size: int) -> Iterator[memoryview]:
    view, at = memoryview(data), _HEADER.size
    for start in range(0, size, _CHUNK):
        if at + _LENGTH.size > len(data):
            raise CorruptObject("the object ends before its last chunk")
        (length,) = _LENGTH.unpack_from(data, at)
        chunk = view[at + _LENGTH.size : at + _LENGTH.size + length]
        if len(chunk) < length or length < blosc2.MIN_HEADER_LENGTH:
            raise CorruptObject("a chunk of the object is cut short")
        unpacked, packed, _ = blosc2.get_cbuffer_sizes(chunk)
        if packed != length or unpacked != min(_CHUNK, size - start):
            raise CorruptObject("a chunk of the object has another size than its header needs")
        yield chunk
        at += _LENGTH.size + length
    if at != len(data):
        raise CorruptObject("the object goes on behind its last chunk")
