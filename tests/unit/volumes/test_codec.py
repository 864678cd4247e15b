import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from segwatch.errors import CorruptObject
from segwatch.volumes.codec import decode_mask, decode_volume, encode_mask, encode_volume

shapes = st.tuples(*[st.integers(1, 6)] * 3)
dtypes = st.sampled_from(["i1", "u1", "<i2", "<u2", "<i4", "<u4", "<f4", "<f8"])


@settings(deadline=None)
@given(st.data())
def test_a_volume_comes_back_as_it_was(data):
    array = data.draw(dtypes.flatmap(lambda dtype: arrays(dtype, shapes)))
    back = decode_volume(encode_volume(array))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@settings(deadline=None)
@given(arrays(bool, shapes))
def test_a_mask_comes_back_as_it_was(mask):
    back = decode_mask(encode_mask(mask))
    assert back.dtype == np.bool_
    np.testing.assert_array_equal(back, mask)


def test_a_volume_of_several_chunks_comes_back_as_it_was():
    array = np.random.default_rng(0).integers(-1000, 400, (40, 512, 512)).astype(np.int16)
    np.testing.assert_array_equal(decode_volume(encode_volume(array)), array)
    np.testing.assert_array_equal(decode_mask(encode_mask(array > 0)), array > 0)


def test_big_endian_and_strided_arrays_are_stored_by_value():
    array = np.arange(24, dtype=">i2").reshape(2, 3, 4).transpose(2, 1, 0)[::-1]
    back = decode_volume(encode_volume(array))
    assert back.dtype == np.dtype("<i2")
    np.testing.assert_array_equal(back, array)


def test_the_same_array_gives_the_same_bytes():
    array = np.random.default_rng(0).integers(-1000, 400, (4, 50, 60)).astype(np.int16)
    assert encode_volume(array) == encode_volume(array.copy(order="F"))


def test_an_empty_mask_of_a_whole_grid_takes_a_few_bytes():
    assert len(encode_mask(np.zeros((50, 512, 512), bool))) < 200


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_hostile_bytes_are_corrupt_or_some_array_and_nothing_else(data):
    encode, decode = data.draw(st.sampled_from([(encode_volume, decode_volume), (encode_mask, decode_mask)]))
    array = np.random.default_rng(1).integers(0, 2, (3, 40, 50)).astype(np.int16)
    good = bytearray(encode(array > 0 if encode is encode_mask else array))
    for _ in range(data.draw(st.integers(1, 3))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    hostile = bytes(good[: data.draw(st.integers(0, len(good)))])
    with contextlib.suppress(CorruptObject):
        decode(hostile)


def test_a_header_that_claims_terabytes_takes_no_memory():
    header = struct.pack("<4s4s3Q", b"SWV1", b"<i2 ", 2**40, 1, 1)
    with pytest.raises(CorruptObject, match="impossible shape"):
        decode_volume(header)


def test_a_header_that_claims_more_than_its_chunks_hold_takes_no_memory():
    good = encode_volume(np.zeros((2, 3, 4), np.int16))
    claims = struct.pack("<4s4s3Q", b"SWV1", b"<i2 ", 2**10, 2**10, 2**10) + good[32:]
    with pytest.raises(CorruptObject, match="another size"):
        decode_volume(claims)


@pytest.mark.parametrize("behind", [b"\0", b"\0" * 40])
def test_bytes_behind_the_last_chunk_are_corrupt(behind):
    with pytest.raises(CorruptObject, match="goes on"):
        decode_volume(encode_volume(np.zeros((2, 3, 4), np.int16)) + behind)


def test_a_mask_is_no_volume_and_a_volume_no_mask():
    with pytest.raises(CorruptObject, match="SWV1"):
        decode_volume(encode_mask(np.ones((2, 3, 4), bool)))
    with pytest.raises(CorruptObject, match="SWM1"):
        decode_mask(encode_volume(np.ones((2, 3, 4), np.int16)))


def test_a_type_that_is_no_number_is_not_read():
    good = bytearray(encode_volume(np.zeros((2, 3, 4), np.int16)))
    good[4:8] = b"|O  "
    with pytest.raises(CorruptObject, match="unknown type"):
        decode_volume(bytes(good))


def test_what_is_no_volume_is_not_written():
    with pytest.raises(TypeError, match="encode_mask"):
        encode_volume(np.ones((2, 3, 4), bool))
    with pytest.raises(TypeError, match="boolean"):
        encode_mask(np.ones((2, 3, 4), np.uint8))
    with pytest.raises(ValueError, match="shape"):
        encode_volume(np.ones((2, 3), np.int16))
    with pytest.raises(ValueError, match="shape"):
        encode_mask(np.ones((2, 0, 3), bool))
