from collections.abc import Callable

import pytest
from pydantic import ValidationError

from services.ingest.settings import IngestSettings


def test_nothing_listens_unless_it_is_told_to(settings: Callable[..., IngestSettings]):
    given = settings()
    assert (given.dicom_port, given.stow_port, given.ct_unit) == (0, 0, "auto")


def test_stow_beyond_loopback_needs_a_token(settings: Callable[..., IngestSettings], tmp_path):
    for host in ("0.0.0.0", "::", "10.0.0.1"):
        with pytest.raises(ValidationError, match="STOW_TOKEN_FILE"):
            settings(stow_port=8042, http_host=host)
        assert settings(stow_port=8042, http_host=host, stow_token_file=tmp_path / "token").stow_port
        assert settings(http_host=host).stow_port == 0
    assert settings(stow_port=8042, http_host="127.0.0.1").stow_token_file is None


@pytest.mark.parametrize("title", ["", "SEVENTEEN LETTERS", "back\\slash", "ae" * 9])
def test_an_ae_title_is_one_to_sixteen_plain_characters(settings: Callable[..., IngestSettings], title: str):
    with pytest.raises(ValidationError, match="dicom_ae_title"):
        settings(dicom_ae_title=title)
