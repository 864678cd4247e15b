"""A model is taken in whole and verified, or not at all."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from segwatch.errors import BadInput, RefusedModel
from segwatch.segmentation.installing import from_folder, from_tar, install, lying_in

MODELS = Path(__file__).resolve().parents[3] / "deploy" / "models"


def tar_of(folder: Path, name: str = ".") -> io.BytesIO:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(folder, arcname=name)
    stream.seek(0)
    return stream


@pytest.mark.parametrize("model", ["demo-lesion", "demo-scorer", "covid20-opinion"])
@pytest.mark.parametrize("name", [".", "bundle"])
def test_a_bundle_of_every_kind_comes_by_tar(tmp_path: Path, model: str, name: str) -> None:
    found = install(from_tar(tar_of(MODELS / model, name)), tmp_path / "it")

    assert {path.name for path in (tmp_path / "it").iterdir()} == {
        path.name for path in (MODELS / model).iterdir()
    }
    assert dict(lying_in(tmp_path)) == {"it": f"{found.name} sha256 {found.sha256}"}


def test_a_changed_file_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    spoilt = tmp_path / "source"
    shutil.copytree(MODELS / "demo-lesion", spoilt)
    with (spoilt / "fold_0" / "checkpoint_final.pth").open("ab") as file:
        file.write(b"!")
    models = tmp_path / "models"
    models.mkdir()

    with pytest.raises(RefusedModel, match=r"checkpoint_final\.pth was changed"):
        install(from_folder(spoilt), models / "lesion")
    assert list(models.iterdir()) == []


def test_half_a_tar_leaves_nothing(tmp_path: Path) -> None:
    whole = tar_of(MODELS / "demo-lesion").getvalue()

    with pytest.raises(BadInput, match="no whole tar"):
        install(from_tar(io.BytesIO(whole[: len(whole) // 2])), tmp_path / "lesion")
    assert list(tmp_path.iterdir()) == []


def test_a_tar_that_leads_out_is_refused(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("../outside"))
    stream.seek(0)

    with pytest.raises(BadInput):
        install(from_tar(stream), tmp_path / "models" / "lesion")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "models" / "lesion").exists()


def test_a_model_that_is_there_is_never_changed(tmp_path: Path) -> None:
    install(from_folder(MODELS / "demo-scorer"), tmp_path / "scorer")

    with pytest.raises(BadInput, match="is there already"):
        install(from_folder(MODELS / "covid20-scorer"), tmp_path / "scorer")


def test_another_pin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedModel, match="was asked for"):
        install(from_folder(MODELS / "demo-lesion"), tmp_path / "lesion", "0" * 64)


def test_one_file_of_weights_needs_its_pin(tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "unet.pth").write_bytes(b"weights")
    pin = "9f3a1e8b"

    with pytest.raises(RefusedModel, match="give its sha256"):
        install(from_folder(weights), tmp_path / "lung")
    with pytest.raises(RefusedModel, match="was asked for"):
        install(from_folder(weights), tmp_path / "lung", pin)


def test_what_is_spoilt_later_shows_in_the_list(tmp_path: Path) -> None:
    install(from_folder(MODELS / "demo-scorer"), tmp_path / "scorer")
    (tmp_path / "scorer" / "model.skops").write_bytes(b"other")

    assert dict(lying_in(tmp_path))["scorer"].startswith("refused: ")
