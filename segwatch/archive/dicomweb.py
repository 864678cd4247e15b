"""An archive asked by DICOMweb: QIDO-RS says what it has, WADO-RS gives it, ingest's STOW-RS takes it.

Source: DICOM PS3.18 10.4 (retrieve), 10.5 (store), 10.6 (search). A body is handed on as it comes.
"""

import http.client
import json
import shutil
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from urllib.parse import urlencode

from segwatch.archive.peer import ArchivedSeries, ArchivedStudy, ArchiveUnavailable

PATIENCE_SECONDS = 60.0
MOST_STUDIES = 1000
"""Asked for at once; an archive may give fewer, so asking goes on until it has none."""
_STUDY, _SERIES, _MODALITY, _DATE, _IMAGES = "0020000D", "0020000E", "00080060", "00080020", "00201209"


@dataclass(frozen=True)
class WebArchive:
    """Brings examinations from one DICOMweb address to another.

    Attributes:
        source: the archive's address, up to `/studies`.
        target: the same of ingest's door.
        source_headers, target_headers: what else is sent there, as a token.
    """

    source: str
    target: str
    source_headers: dict[str, str] = field(default_factory=dict)
    target_headers: dict[str, str] = field(default_factory=dict)

    def studies(self, first: date, last: date) -> list[ArchivedStudy]:
        """Every examination with a CT series of these days; see `peer.Source`."""
        wanted = {"StudyDate": f"{first:%Y%m%d}-{last:%Y%m%d}", "ModalitiesInStudy": "CT"}
        found: dict[str, str] = {}
        while True:
            page = self._ask("studies", {**wanted, "limit": str(MOST_STUDIES), "offset": str(len(found))})
            new = {_first(each, _STUDY): _first(each, _DATE) for each in page}
            if not new.keys() - found.keys():
                break
            found |= new
        studies = [ArchivedStudy(uid, day, self._series(uid)) for uid, day in found.items()]
        with_ct = [each for each in studies if any(one.modality == "CT" for one in each.series)]
        return sorted(with_ct, key=lambda each: (each.day, each.uid))

    def bring(self, study: ArchivedStudy) -> int:
        """Fetch an examination and hand it on; how many images it has; see `peer.Source`."""
        accept = 'multipart/related; type="application/dicom"; transfer-syntax=*'
        request = urllib.request.Request(  # noqa: S310 - the address is the user's
            f"{self.source}/studies/{study.uid}", headers={"Accept": accept, **self.source_headers}
        )
        with tempfile.TemporaryFile() as body:
            with _opened(request) as answer:
                kind = answer.headers.get("Content-Type", "")
                shutil.copyfileobj(answer, body)
            size = body.tell()
            body.seek(0)
            headers = {"Content-Type": kind, "Content-Length": str(size), **self.target_headers}
            stored = urllib.request.Request(  # noqa: S310
                f"{self.target}/studies", data=body, headers=headers, method="POST"
            )
            with _opened(stored) as answer:
                told = json.load(answer)
        kept = len(told.get("00081199", {}).get("Value", []))
        failed = len(told.get("00081198", {}).get("Value", []))
        if failed:
            raise ArchiveUnavailable(f"{failed} images of an examination could not be stored")
        return kept

    def _series(self, study_uid: str) -> tuple[ArchivedSeries, ...]:
        return tuple(
            ArchivedSeries(_first(each, _SERIES), _first(each, _MODALITY), int(_first(each, _IMAGES) or 0))
            for each in self._ask(f"studies/{study_uid}/series", {"includefield": _IMAGES})
        )

    def _ask(self, path: str, wanted: dict[str, str]) -> list[dict[str, Any]]:
        request = urllib.request.Request(  # noqa: S310
            f"{self.source}/{path}?{urlencode(wanted)}",
            headers={"Accept": "application/dicom+json", **self.source_headers},
        )
        with _opened(request) as answer:
            text = answer.read()
        return list(json.loads(text)) if text else []


def _first(found: dict[str, Any], tag: str) -> str:
    values = found.get(tag, {}).get("Value") or [""]
    return str(values[0])


def _opened(request: urllib.request.Request) -> Any:  # noqa: ANN401 - what urllib gives
    where = request.full_url.partition("?")[0]
    try:
        return urllib.request.urlopen(request, timeout=PATIENCE_SECONDS)  # noqa: S310
    except urllib.error.HTTPError as error:
        error.close()
        raise ArchiveUnavailable(f"{where} answered {error.code}: check its address and token") from None
    except (OSError, http.client.HTTPException) as error:
        raise ArchiveUnavailable(f"{where} does not answer ({error})") from None
