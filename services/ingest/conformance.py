"""`python -m services.ingest.conformance` writes docs/dicom-conformance.md from the code, after PS3.2."""

from collections.abc import Iterable
from pathlib import Path

from pydicom.uid import UID
from pynetdicom import AllStoragePresentationContexts

from segwatch.archive.dimse import FIND, GET, MOVE, STORED
from services.ingest.c_store import IDLE_SECONDS, MOST_ASSOCIATIONS, TRANSFER_SYNTAXES
from services.ingest.settings import IngestSettings
from services.ingest.spool import CANNOT_UNDERSTAND, DUPLICATE_INSTANCE, OUT_OF_RESOURCES, PROCESSING_FAILURE
from services.ingest.stow import MOST_REQUESTS
from services.ingest.stow_part import NOT_OF_THIS_STUDY

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dicom-conformance.md"
VERIFICATION = "1.2.840.10008.1.1"


def offered_classes() -> list[str]:
    """The SOP classes that ingest takes by C-STORE."""
    return sorted({str(each.abstract_syntax) for each in AllStoragePresentationContexts})


def statement() -> str:
    """The whole page."""
    title = IngestSettings.model_fields["dicom_ae_title"].default
    return f"""# DICOM conformance statement

Of segwatch's ingest, after the headings of DICOM PS3.2. Written from the code by
`python -m services.ingest.conformance`; a test asks a running service for every class and syntax named here.

## Conformance statement overview

| network service | user (SCU) | provider (SCP) |
|---|---|---|
| Verification | no | yes |
| Storage, {len(offered_classes())} classes | sent on by C-GET's backfill | yes |
| Study Root Query/Retrieve: C-FIND | yes | no |
| Study Root Query/Retrieve: C-MOVE | yes | no |
| Study Root Query/Retrieve: C-GET | yes | no |
| DICOMweb: STOW-RS | sent on by the web's backfill | yes |
| DICOMweb: QIDO-RS, WADO-RS | yes | no |

Media interchange: files of PS3.10 in the watched folder are read; none are written.

## Implementation model

Scanners and the PACS send to the application entity `{title}` (`SEGWATCH_DICOM_AE_TITLE`). Each instance
is on the disk before it is acknowledged. Examinations are completed, checked, given pseudonyms and handed on
inside the hospital: see [data in](data-in.md). `segwatch intake backfill` queries and retrieves.

## AE specifications: ingest as provider

### Association policies

| | |
|---|---|
| associations at the same time | {MOST_ASSOCIATIONS} (`SEGWATCH_DICOM_ASSOCIATIONS`); \
a further one is rejected, transient, local limit exceeded |
| called title | must be one of this service's: `SEGWATCH_DICOM_AE_TITLE`, `SEGWATCH_DICOM_BACKFILL_TITLE`, \
`SEGWATCH_DICOM_TRIAL_TITLE`, those of `SEGWATCH_DICOM_TITLES` |
| calling title | must be one of `SEGWATCH_DICOM_CALLERS`, where it names any |
| silence of the peer | the association is aborted after {IDLE_SECONDS:.0f} s |
| asynchronous operations | none |
| extended negotiation | none |

### Verification

C-ECHO (`{VERIFICATION}`) is answered with 0x0000.

### Storage

The service takes every storage class, stores what it was sent without changing it (level 2, full), and
coerces nothing. What is no CT, and no mask of one, is set aside.

| status | meaning |
|---|---|
| 0x0000 | it is on the disk |
| {DUPLICATE_INSTANCE:#06X} | another image with this SOP Instance UID was taken before |
| {PROCESSING_FAILURE:#06X} | the disk failed: send again |
| {OUT_OF_RESOURCES:#06X} | the disk is full: send again later |
| {CANNOT_UNDERSTAND:#06X} | no DICOM data set, or without the UIDs of class, study, series or instance |

Transfer syntaxes, for each class and in this order:

{_named("transfer syntax", TRANSFER_SYNTAXES)}

SOP classes:

{_named("SOP class", offered_classes())}

## AE specifications: backfill as user

It asks by C-FIND (`{FIND}`) at the levels STUDY and SERIES, with StudyDate and ModalitiesInStudy as keys, and
for NumberOfSeriesRelatedInstances. It retrieves at the level STUDY by C-MOVE (`{MOVE}`) or C-GET
(`{GET}`); over C-GET it is provider of {len(STORED)} storage classes, by role selection.
One association at a time.

## DICOMweb

`POST /studies` and `/studies/{{study}}`, multipart/related of application/dicom, {MOST_REQUESTS} requests at
the same time; `/backfill/studies` and `/trial/studies` stand for the two titles. The answer is DICOM JSON:
200 where all are stored, 202 where some are, 409 where none is, 503 where there is no room. Failure reasons
are the statuses above, and {NOT_OF_THIS_STUDY:#06X} where an instance is not of the study that the address
names.

## Network interfaces and configuration

TCP/IP, IPv4 and IPv6. Every title, port and limit is a setting: see [ingest](../services/ingest/README.md).

## Support of character sets

Text is not interpreted. Patient IDs, UIDs and protocol names become keyed hashes; PatientName is not read.

## Security

TLS 1.2 or later for C-STORE and STOW-RS (BCP 195), with certificates of senders where an authority is named.
STOW-RS asks for a bearer token. Without the settings both are plain.
"""


def _named(heading: str, uids: Iterable[str]) -> str:
    """A table of UIDs and what they are called."""
    rows = [f"| {UID(each).name} | `{each}` |" for each in uids]
    return "\n".join([f"| {heading} | UID |", "|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(statement())
