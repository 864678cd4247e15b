"""Settings of ingest, all with the prefix `SEGWATCH_`."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from segwatch.errors import BadInput
from segwatch.ingest.titles import BACKFILL_TITLE, TRIAL_TITLE
from segwatch.streaming.ground import folder_of
from segwatch.streaming.settings import ServiceSettings
from segwatch.volumes.hounsfield import AskedUnit
from segwatch.volumes.labels import LesionLabel
from services.ingest.patience import WithoutMask

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
Title = Annotated[str, Field(pattern=r"^[!-\[\]-~]{1,16}$")]
"""An application entity's title (DICOM PS3.5 6.2, AE)."""


class IngestSettings(ServiceSettings):
    """Where CTs come in and where they go. DICOM and STOW-RS listen on HTTP_HOST.

    Attributes:
        inbox: the watched folder; what comes over the network is spooled there too.
        store: folder or fsspec URL of the volume store.
        pseudonym_secret_file: at least 16 bytes; whoever has it can link pseudonyms to identifiers.
        quiet_seconds: an entry that has not changed for so long, and that nothing is bringing, is complete;
            where it is not set, 60 for what comes over the network and 5 for the folder.
        incomplete_seconds: an entry that is not complete and has not changed for so long is taken as it is,
            and counts as undefined.
        intake_rules: the file that says which series of an examination is its study; for chest CT without.
        ct_unit: what the CTs' values are: `auto` looks, `hu` and `display` are taken at their word.
        lesion_label: which label of the hospital's own masks is lesion: a number, a name, or `any`; needed
            where a mask holds several.
        seg_threshold: the share from which a voxel of a fractional DICOM segmentation is lesion.
        mask_wait_seconds: how long a complete CT waits for the hospital's own mask.
        without_mask: what happens where it does not come: `model`, the site's own model makes one; `wait`;
            `no_mask`, the study is announced without, and is undefined.
        dicom_port: for C-STORE; 0 is off.
        dicom_ae_title: callers must call by this title, or by one of the next three.
        dicom_titles: further titles, each with its file of intake rules, as in `LUNG=lung.yaml,SKULL=s.yaml`.
        dicom_backfill_title: what is sent here was fetched from the archive: it carries its own date.
        dicom_trial_title: so was this, and it is counted in no block.
        dicom_callers: titles of those who may call, with commas between; everybody without.
        dicom_associations: how many at the same time; a further one is told to come again.
        pacs: the archive that is asked by C-FIND how many images there are, `TITLE@HOST:PORT`; none without.
        stow_port: for STOW-RS; 0 is off.
        stow_token_file: the bearer token that STOW-RS asks for; needed beyond loopback.
        tls_cert_file: ingest's certificate for C-STORE and STOW-RS; both are plain without.
        tls_key_file: its key.
        tls_client_ca_file: authorities of the certificates that senders must show.
        min_free_mb: below this much free disk nothing more is taken over the network.
        min_free_percent: the same as share of the disk; the larger of the two holds.
        announced_hours: how long images of announced series stay in the inbox, so that late ones join them.
        aside_days: how long what was set aside stays.
        rejected_days: how long what was rejected stays, and receipts.
    """

    inbox: Path
    store: str
    pseudonym_secret_file: Path
    quiet_seconds: Annotated[float, Field(ge=0, le=3600)] | None = None
    incomplete_seconds: Annotated[float, Field(ge=0, le=604800)] = 1800.0
    intake_rules: Path | None = None
    ct_unit: AskedUnit = "auto"
    lesion_label: str = ""
    seg_threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    mask_wait_seconds: Annotated[float, Field(ge=0, le=604800)] = 0.0
    without_mask: WithoutMask = "model"
    dicom_port: Annotated[int, Field(ge=0, le=65535)] = 0
    dicom_ae_title: Title = "SEGWATCH"
    dicom_titles: Annotated[str, Field(pattern=r"^([!-+\--<>-\[\]-~]{1,16}=[^,]+(,|$))*$")] = ""
    dicom_backfill_title: Title = BACKFILL_TITLE
    dicom_trial_title: Title = TRIAL_TITLE
    dicom_callers: Annotated[str, Field(pattern=r"^([!-+\--\[\]-~]{1,16}(,|$))*$")] = ""
    dicom_associations: Annotated[int, Field(ge=1, le=200)] = 20
    pacs: Annotated[str, Field(pattern=r"^[!-?A-\[\]-~]{1,16}@[^@\s]+:\d{1,5}$")] | None = None
    stow_port: Annotated[int, Field(ge=0, le=65535)] = 0
    stow_token_file: Path | None = None
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    tls_client_ca_file: Path | None = None
    min_free_mb: Annotated[int, Field(ge=0)] = 512
    min_free_percent: Annotated[float, Field(ge=0, le=90)] = 2.0
    announced_hours: Annotated[float, Field(ge=0, le=8760)] = 24.0
    aside_days: Annotated[float, Field(ge=0, le=3650)] = 7.0
    rejected_days: Annotated[float, Field(ge=0, le=3650)] = 90.0

    def rules_by_title(self) -> dict[str | None, Path | None]:
        """The file of the intake rules of each called title; under None for all others."""
        further = dict(each.split("=", 1) for each in self.dicom_titles.split(",") if each)
        return {None: self.intake_rules, **{title: Path(path) for title, path in further.items()}}

    def titles(self) -> tuple[str, ...]:
        """Every title by which C-STORE may be called."""
        further = [title for title in self.rules_by_title() if title is not None]
        return (self.dicom_ae_title, self.dicom_backfill_title, self.dicom_trial_title, *further)

    @model_validator(mode="after")
    def _the_label_is_one(self) -> Self:
        try:
            LesionLabel(self.lesion_label)
        except BadInput as error:
            raise ValueError(f"LESION_LABEL: {error}") from None
        return self

    @model_validator(mode="after")
    def _each_title_means_one_thing(self) -> Self:
        if len(set(self.titles())) < len(self.titles()):
            raise ValueError(
                "the titles AE_TITLE, BACKFILL_TITLE, TRIAL_TITLE and TITLES of DICOM must differ"
            )
        return self

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
