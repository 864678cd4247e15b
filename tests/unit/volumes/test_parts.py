"""Parts of volumes: slices of a stored one, bits of a mask, and bytes that are used while they are hashed."""

import numpy as np
import pytest

from segwatch.errors import CorruptObject
from segwatch.volumes.codec import decode_bits, decode_slices, encode_mask, encode_volume
from segwatch.volumes.store import VolumeStore


@pytest.mark.parametrize("shape", [(9, 300, 400), (3, 1000, 1000), (5, 2, 3)])
def test_wanted_slices_are_those_of_the_whole(shape):
    array = np.random.default_rng(0).integers(-1000, 1000, shape).astype(np.int16)
    data = encode_volume(array)
    for wanted in ([0], [shape[0] - 1], [1, 2], []):
        flags = np.zeros(shape[0], np.bool_)
        flags[wanted] = True
        part = decode_slices(data, flags)
        assert part.shape == shape
        assert np.array_equal(part[flags], array[flags])


def test_slices_far_from_the_wanted_are_not_unpacked():
    array = np.full((20, 500, 500), 7, np.int16)
    flags = np.zeros(20, np.bool_)
    flags[0] = True
    assert not decode_slices(encode_volume(array), flags)[-1].any()


def test_as_many_slices_are_wanted_or_not_as_there_are():
    with pytest.raises(CorruptObject, match="slices"):
        decode_slices(encode_volume(np.ones((3, 4, 5), np.int16)), np.ones(2, np.bool_))


def test_a_masks_bits_are_those_of_packbits():
    mask = np.random.default_rng(0).random((3, 5, 7)) < 0.5
    bits, shape = decode_bits(encode_mask(mask))
    assert shape == mask.shape
    assert np.array_equal(bits, np.packbits(mask))


def test_bytes_are_used_and_the_result_is_handed_out(tmp_path):
    store = VolumeStore(tmp_path)
    assert store.use(store.put(b"some bytes", "b2"), len) == 10


def test_what_was_made_from_changed_bytes_is_never_handed_out(tmp_path):
    store, used = VolumeStore(tmp_path), []
    reference = store.put(b"some bytes", "b2")
    (tmp_path / reference.key).write_bytes(b"SOME BYTES")
    with pytest.raises(CorruptObject, match="hash"):
        store.use(reference, used.append)
    assert used == [b"SOME BYTES"]


def test_changed_bytes_are_named_also_where_the_work_stumbles_over_them(tmp_path):
    store = VolumeStore(tmp_path)
    reference = store.put(b"12", "b2")
    (tmp_path / reference.key).write_bytes(b"xx")
    with pytest.raises(CorruptObject, match="hash"):
        store.use(reference, int)


def test_an_error_of_the_work_comes_through(tmp_path):
    store = VolumeStore(tmp_path)
    with pytest.raises(ValueError, match="invalid literal"):
        store.use(store.put(b"no number", "b2"), int)
