"""How many images a series has, asked of the archive by C-FIND (DICOM PS3.4 C.4.1, at series level)."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pydicom

from segwatch.archive.dimse import Archive
from segwatch.archive.peer import Peer
from segwatch.errors import SegwatchError
from segwatch.intake.series import text_of

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counts:
    """Asks an archive. One that does not answer says nothing: then the quiet time decides, as without it."""

    archive: Peer
    calling: str

    def of(self, headers: Mapping[Path, pydicom.Dataset]) -> dict[str, int]:
        """The number of images of each series of the files' examinations, as far as the archive says."""
        studies = sorted({text_of(header, "StudyInstanceUID") for header in headers.values()} - {""})
        try:
            archive = Archive(self.archive, self.calling)
            found = [each for study in studies for each in archive.series(study)]
        except SegwatchError as error:
            _log.warning("the archive does not say how many images there are: %s", error)
            return {}
        return {each.uid: each.images for each in found if each.images}
