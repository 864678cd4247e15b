"""A tar is unpacked below one folder, or its fault is named, however it was compressed."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from segwatch.errors import BadInput
from segwatch.tar_files import unpack

NOISE = os.urandom(200_000)


def tar_of(*members: tuple[tarfile.TarInfo, bytes], how: str = "w") -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=how) as archive:  # type: ignore[call-overload]
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("how", ["w", "w:gz", "w:xz", "w:bz2"])
def test_what_is_compressed_comes_whole_and_what_is_broken_is_named(tmp_path: Path, how: str):
    whole = tar_of((tarfile.TarInfo("a/b"), NOISE), how=how)
    spoilt = bytearray(whole)
    spoilt[len(whole) // 2 : len(whole) // 2 + 64] = bytes(64)

    unpack(io.BytesIO(whole), tmp_path, "it")
    assert (tmp_path / "a" / "b").read_bytes() == NOISE
    seen = [bytes(spoilt)] if how in ("w:xz", "w:bz2") else []  # the others say nothing of their content
    for broken in (whole[: len(whole) // 2], b"no tar", b"", *seen):
        with pytest.raises(BadInput, match="copy it again"):
            unpack(io.BytesIO(broken), tmp_path, "it")


def link(name: str, kind: bytes, to: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../out"),
        tarfile.TarInfo("/tmp/segwatch-out"),
        link("out", tarfile.SYMTYPE, ".."),
        link("out", tarfile.LNKTYPE, "../other"),
        link("out", tarfile.FIFOTYPE, ""),
    ],
    ids=["above", "absolute", "symlink", "hard link", "pipe"],
)
def test_what_is_no_file_below_is_refused(tmp_path: Path, member: tarfile.TarInfo):
    with pytest.raises(BadInput, match="no file or folder below"):
        unpack(io.BytesIO(tar_of((member, b""))), tmp_path / "in", "it")
    assert not list(tmp_path.iterdir())
