"""Another pseudonym secret than the store's is refused, with what it would mean."""

from pathlib import Path

import pytest

from segwatch.errors import BadSettings
from segwatch.volumes.store import VolumeStore
from services.ingest.fingerprint import fingerprint, refuse_another_secret
from tests.support.folders import made

SECRET, OTHER = b"a secret of enough bytes", b"another secret of enough bytes"


def test_a_stores_first_secret_is_its_secret_and_another_is_refused(tmp_path: Path) -> None:
    store = VolumeStore(made(tmp_path / "store"))
    refuse_another_secret(store, SECRET)
    refuse_another_secret(store, SECRET)
    with pytest.raises(BadSettings, match="counted again") as refused:
        refuse_another_secret(store, OTHER)
    place = tmp_path / "store" / next(word for word in str(refused.value).split() if "results/" in word)
    place.unlink()  # as the message says
    refuse_another_secret(store, OTHER)


def test_nothing_of_the_secret_lies_in_the_store(tmp_path: Path) -> None:
    refuse_another_secret(VolumeStore(made(tmp_path / "store")), SECRET)
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET not in written
    assert fingerprint(SECRET) in written
    assert fingerprint(SECRET) != fingerprint(OTHER)
