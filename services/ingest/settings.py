"""Settings of ingest, all with the prefix `SEGWATCH_`."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from segwatch.streaming.ground import folder_of
from segwatch.streaming.settings import ServiceSettings
from segwatch.volumes.hounsfield import AskedUnit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class IngestSettings(ServiceSettings):
    """Where CTs come in and where they go. DICOM and STOW-RS listen on HTTP_HOST.

    Attributes:
        inbox: the watched folder; what comes over the network is spooled there too.
        store: folder or fsspec URL of the volume store.
        pseudonym_secret_file: at least 16 bytes; whoever has it can link pseudonyms to identifiers.
        quiet_seconds: an entry that has not changed for so long is complete.
        ct_unit: what the CTs' values are: `auto` looks, `hu` and `display` are taken at their word.
        dicom_port: for C-STORE; 0 is off.
        dicom_ae_title: callers must call by this title.
        stow_port: for STOW-RS; 0 is off.
        stow_token_file: the bearer token that STOW-RS asks for; needed beyond loopback.
        tls_cert_file: ingest's certificate for C-STORE and STOW-RS; both are plain without.
        tls_key_file: its key.
        tls_client_ca_file: authorities of the certificates that senders must show.
        min_free_mb: below this much free disk nothing more is taken over the network.
    """

    inbox: Path
    store: str
    pseudonym_secret_file: Path
    quiet_seconds: Annotated[float, Field(ge=0, le=3600)] = 5.0
    ct_unit: AskedUnit = "auto"
    dicom_port: Annotated[int, Field(ge=0, le=65535)] = 0
    dicom_ae_title: Annotated[str, Field(pattern=r"^[!-\[\]-~]{1,16}$")] = "SEGWATCH"
    stow_port: Annotated[int, Field(ge=0, le=65535)] = 0
    stow_token_file: Path | None = None
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None
    min_free_mb: Annotated[int, Field(ge=0)] = 512

    def disks(self) -> dict[str, Path]:
        """The inbox, and the store where it is a folder."""
        return {"inbox": self.inbox, **folder_of(self.store)}

    def certificates(self) -> dict[str, Path | None]:
        """Kafka's, and those of its doors."""
        doors = {"tls_cert_file": self.tls_cert_file, "tls_client_ca_file": self.tls_client_ca_file}
        return super().certificates() | doors

    @model_validator(mode="after")
    def _nobody_stores_from_afar_without_a_token(self) -> Self:
        if self.stow_port and self.stow_token_file is None and self.http_host not in LOOPBACK:
            raise ValueError(
                f"STOW_PORT on HTTP_HOST={self.http_host} needs STOW_TOKEN_FILE, or HTTP_HOST=127.0.0.1"
            )
        return self

    @model_validator(mode="after")
    def _a_certificate_has_its_key(self) -> Self:
        if (self.tls_cert_file is None) != (self.tls_key_file is None):
            raise ValueError("TLS_CERT_FILE and TLS_KEY_FILE belong together: give both or neither")
        if self.tls_client_ca_file is not None and self.tls_cert_file is None:
            raise ValueError("TLS_CLIENT_CA_FILE needs TLS_CERT_FILE: without TLS nobody shows any")
        return self
