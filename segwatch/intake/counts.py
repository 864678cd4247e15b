"""How many images a series has, and how many of them are there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pydicom

from segwatch.intake.series import Series, text_of


def images_missing(
    headers: Mapping[Path, pydicom.Dataset], series: Sequence[Series], said: Mapping[str, int]
) -> dict[str, int]:
    """How many images of each series are missing, by UID, where somebody says how many it has.

    Args:
        headers: of all files.
        said: what the archive says, by series UID; where it does not, what the images' headers say
            (Number of Series Related Instances, DICOM PS3.3 C.3.4).
    """
    found = {}
    for each in series:
        files = (*each.files, *(odd.path for odd in each.odd))
        there = len({text_of(headers[path], "SOPInstanceUID") or str(path) for path in files})
        numbers = [text_of(headers[path], "NumberOfSeriesRelatedInstances") for path in files]
        wanted = said.get(each.uid) or max((int(text) for text in numbers if text.isdigit()), default=0)
        if wanted:
            found[each.uid] = max(0, wanted - there)
    return found
