import hashlib
import threading
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from pydantic import ValidationError

from segwatch.contracts.base import ObjectRef
from segwatch.errors import BadInput, CorruptObject, MissingObject, StoreUnavailable
from segwatch.volumes.backends import LocalFolder, Remote
from segwatch.volumes.store import VolumeStore
from tests.support.folders import made


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path: Path) -> str:
    return str(made(tmp_path / "store")) if request.param == "folder" else f"memory://{uuid4().hex}"


@pytest.fixture
def store(place: str) -> VolumeStore:
    return VolumeStore(place)


def reference(data: bytes, suffix: str = "b2") -> ObjectRef:
    sha = hashlib.sha256(data).hexdigest()
    return ObjectRef(key=f"objects/{sha[:2]}/{sha}.{suffix}", sha256=sha, bytes=len(data))


def test_bytes_come_back_under_their_hash(store: VolumeStore):
    put = store.put(b"voxels", "b2")
    assert put == reference(b"voxels")
    assert store.get(put) == b"voxels"


def test_volumes_and_masks_come_back_as_they_were(store: VolumeStore):
    array = np.random.default_rng(0).integers(-1000, 400, (3, 4, 5)).astype(np.int16)
    volume, mask = store.save_volume(array), store.save_mask(array > 0)
    np.testing.assert_array_equal(store.load_volume(volume), array)
    np.testing.assert_array_equal(store.load_mask(mask), array > 0)
    assert volume.key.endswith(".b2")
    assert mask.key.endswith(".b2m")


def test_putting_twice_changes_nothing(tmp_path: Path):
    store = VolumeStore(tmp_path)
    first = store.put(b"voxels", "b2")
    before = (tmp_path / first.key).stat()
    assert store.put(b"voxels", "b2") == first
    after = (tmp_path / first.key).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_putting_again_mends_a_damaged_object(tmp_path: Path):
    store = VolumeStore(tmp_path)
    put = store.put(b"voxels", "b2")
    (tmp_path / put.key).write_bytes(b"vOxels")
    assert store.get(store.put(b"voxels", "b2")) == b"voxels"


def test_a_missing_object_is_named(store: VolumeStore):
    with pytest.raises(MissingObject, match="objects/") as caught:
        store.get(reference(b"never stored"))
    assert caught.value.kind == "missing_object"


def test_bytes_that_changed_on_the_disk_are_corrupt(tmp_path: Path):
    store = VolumeStore(tmp_path)
    put = store.put(b"voxels", "b2")
    (tmp_path / put.key).write_bytes(b"vOxels")
    with pytest.raises(CorruptObject, match="hash"):
        store.get(put)
    (tmp_path / put.key).write_bytes(b"vox")
    with pytest.raises(CorruptObject, match="3 bytes"):
        store.get(put)


def test_an_object_of_another_size_is_not_even_read(tmp_path: Path):
    store = VolumeStore(tmp_path)
    put = store.put(b"voxels", "b2")
    with (tmp_path / put.key).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(CorruptObject, match="bytes"):
        store.get(put)


def test_no_half_written_file_is_left_or_seen(tmp_path: Path):
    VolumeStore(tmp_path).put(b"voxels", "b2")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        Path(reference(b"voxels").key).name
    ]


def test_many_writers_of_one_object_agree(tmp_path: Path):
    data = bytes(range(256)) * 4096
    writers = [threading.Thread(target=VolumeStore(tmp_path).put, args=(data, "b2")) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert VolumeStore(tmp_path).get(reference(data)) == data


def test_results_come_back_and_the_latest_counts(store: VolumeStore):
    assert store.get_result("ab" * 16) is None
    store.put_result("ab" * 16, b'{"n":1}')
    store.put_result("ab" * 16, b'{"n":\n2}')
    assert store.get_result("ab" * 16) == b'{"n":\n2}'
    assert store.get_result("cd" * 16) is None


def test_a_damaged_result_counts_as_none(tmp_path: Path):
    store = VolumeStore(tmp_path)
    store.put_result("ab" * 16, b"result")
    path = tmp_path / "results" / "ab" / ("ab" * 16)
    path.write_bytes(path.read_bytes()[:-1])
    assert store.get_result("ab" * 16) is None


@pytest.mark.parametrize("result", ["../escape", "AB" * 16, "", "ab" * 16 + "/x"])
def test_only_ids_name_results(store: VolumeStore, result: str):
    with pytest.raises(ValueError, match="id"):
        store.put_result(result, b"x")
    with pytest.raises(ValueError, match="id"):
        store.get_result(result)


@pytest.mark.parametrize(("data", "suffix"), [(b"", "b2"), (b"x", "../b2"), (b"x", "")])
def test_only_objects_with_a_plain_suffix_are_stored(store: VolumeStore, data: bytes, suffix: str):
    with pytest.raises(ValueError, match="suffix"):
        store.put(data, suffix)


def test_a_reference_cannot_leave_the_store(tmp_path: Path):
    (tmp_path / "secret.b2").write_bytes(b"secret")
    store = VolumeStore(made(tmp_path / "store"))
    forged = reference(b"secret").model_copy(update={"key": "objects/../../secret.b2"})
    with pytest.raises(MissingObject):
        store.get(forged)


def test_a_store_whose_folder_vanished_is_away_and_its_objects_are_not_missing(tmp_path: Path):
    store = VolumeStore(made(tmp_path / "store"))
    put = store.put(b"voxels", "b2")
    (tmp_path / "store").rename(tmp_path / "gone")
    with pytest.raises(StoreUnavailable, match="mount its volume"):
        store.get(put)
    with pytest.raises(StoreUnavailable, match="mount its volume"):
        store.put(b"voxels", "b2")
    with pytest.raises(StoreUnavailable):
        store.get_result("ab" * 16)


def test_a_disk_that_goes_in_mid_write_is_not_replaced_by_a_new_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = VolumeStore(made(tmp_path / "store"))

    def goes_after_the_look(_folder: LocalFolder, _key: str) -> bool:
        (tmp_path / "store").rename(tmp_path / "away")
        return False

    monkeypatch.setattr(LocalFolder, "_holds", goes_after_the_look)
    with pytest.raises(StoreUnavailable):
        store.put_result("1" * 32, b"masks")
    assert not (tmp_path / "store").exists()


def test_an_object_is_not_called_missing_while_its_disk_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    store = VolumeStore(made(tmp_path / "store"))
    put = store.put(b"voxels", "b2")
    away = (tmp_path / "store").rename(tmp_path / "away")
    look = Path.is_dir

    def comes_back(path: Path) -> bool:
        if away.exists():
            away.rename(tmp_path / "store")
        return look(path)

    monkeypatch.setattr(Path, "is_dir", comes_back)
    assert store.get(put) == b"voxels"


def test_a_store_that_cannot_be_made_is_away(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        VolumeStore(tmp_path / "file" / "store").put(b"voxels", "b2")


class Unplugged(MemoryFileSystem):
    """A file system whose network is gone."""

    cachable = False

    def info(self, path, **_):
        raise TimeoutError("no route to host")

    def pipe_file(self, path, value, **_):
        raise TimeoutError("no route to host")

    cat_file = info


def test_a_remote_store_that_does_not_answer_is_away():
    backend = Remote(Unplugged(), "/bucket")
    for call in (lambda: backend.read("k"), lambda: backend.size("k"), lambda: backend.write("k", (b"x",))):
        with pytest.raises(StoreUnavailable, match="no route to host"):
            call()


@pytest.mark.parametrize("url", ["nosuch://bucket", "s3a0://bucket"])
def test_a_url_that_nobody_knows_is_a_bad_setting(url: str):
    with pytest.raises(BadInput, match="driver"):
        VolumeStore(url)


def test_a_link_that_leads_out_of_the_store_is_not_read(tmp_path: Path):
    """Also where the file behind it is exactly what the reference asks for."""
    store, secret = VolumeStore(made(tmp_path / "store")), tmp_path / "secret"
    secret.write_bytes(b"a file of the machine's")
    wanted = reference(secret.read_bytes())
    link = tmp_path / "store" / wanted.key
    link.parent.mkdir(parents=True)
    link.symlink_to(secret)
    with pytest.raises(MissingObject):
        store.get(wanted)
    assert store.get(store.put(secret.read_bytes(), "b2")) == secret.read_bytes(), (
        "a true object takes its place"
    )
    assert not link.is_symlink()


def test_nothing_is_written_through_a_folder_that_leads_out_of_the_store(tmp_path: Path):
    store, elsewhere = VolumeStore(made(tmp_path / "store")), tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "store" / "objects").symlink_to(elsewhere)
    with pytest.raises(StoreUnavailable, match="leads out of the store"):
        store.put(b"voxels", "b2")
    assert not [path for path in elsewhere.rglob("*") if path.is_file()]


def test_a_store_that_is_itself_reached_by_a_link_works(tmp_path: Path):
    """As Kubernetes mounts volumes."""
    (tmp_path / "volume").mkdir()
    (tmp_path / "mounted").symlink_to(tmp_path / "volume")
    store = VolumeStore(tmp_path / "mounted")
    assert store.get(store.put(b"voxels", "b2")) == b"voxels"


@pytest.mark.parametrize(
    "key",
    [
        "objects/../../etc/passwd",
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://elsewhere/objects/ab",
        "objects/ab/" + "ab" * 32 + ".b2/../x",
        "objects/ab/" + "ab" * 32 + ".b2\n",
        "objects\\ab\\" + "ab" * 32 + ".b2",
        "objects/ab/" + "AB" * 32 + ".b2",
    ],
)
def test_a_reference_names_a_place_in_the_store_or_is_no_reference(key: str):
    with pytest.raises(ValidationError):
        ObjectRef(key=key, sha256="ab" * 32, bytes=1)
