"""`python -m tests.cluster.studies HOST PORT CA FROM COUNT FIRST`: a PACS that sends studies with masks.

Run on the host outside the cluster; prints a line a study.
"""

import ssl
import sys
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, SegmentationStorage, Verification

from segwatch.phantoms.dicom import slice_dataset
from segwatch.phantoms.phantom import make_phantom
from tests.support.dicom_masks import segmentation, sources

SHAPE = (24, 64, 64)


def study(number: int) -> list[Dataset]:
    """A small CT of its own and the hospital's own lesion mask, as one examination."""
    made = make_phantom(number, shape=SHAPE, load=0.1)
    slices = sources([slice_dataset(made, at, f"PHANTOM-{number}") for at in range(SHAPE[0])])
    return [*slices, segmentation(slices, {"lesion": made.lesion}, made.geometry)]


def send(images: list[Dataset], host: str, port: int, authority: str, source: str) -> int:
    """Over TLS from one of the PACS' addresses; how many were not taken.

    Raises:
        ConnectionError: no association was made.
        TimeoutError: an image was not answered.
    """
    caller = AE(ae_title="PACS")
    for context in (CTImageStorage, SegmentationStorage, Verification):
        caller.add_requested_context(context)
    tls = ssl.create_default_context(cafile=authority)
    tls.check_hostname = False
    link = caller.associate(
        host, port, ae_title="SEGWATCH", bind_address=(source, 0), tls_args=(tls, "ingest")
    )
    if not link.is_established:
        raise ConnectionError("no association")
    answers = [link.send_c_store(each) for each in images]
    link.release()
    if not all("Status" in each for each in answers):
        raise TimeoutError(f"no answer to image {next(n for n, each in enumerate(answers) if not each)}")
    return sum(each.Status != 0 for each in answers)


def send_until_answered(*given: Any) -> int:
    """Again where an answer is missing, as a PACS does: once in some thousand images pynetdicom 3.0.4's own
    caller loses one that came, since its reactor may take it after it was paused.
    """
    try:
        return send(*given)
    except TimeoutError:
        return send(*given)


def main() -> None:
    """Send them one after the other."""
    host, port, authority, source, count, first = sys.argv[1:]
    for number in range(int(first), int(first) + int(count)):
        images = study(number)
        refused = send_until_answered(images, host, int(port), authority, source)
        sys.stdout.write(f"{number} {len(images)} images, {refused} refused\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
