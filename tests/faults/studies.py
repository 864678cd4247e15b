"""The studies that go through the site, spread over the run: made here, dropped into ingest's inbox.

Most are tiny phantoms (16 x 64 x 64) that bring their lesion and lung masks, so that segmentation has only to
put them on the grid; every twelfth is one of 32 x 128 x 128 without masks, which the demonstration's nnU-Net
segments. Some patients have several studies.
"""

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from segwatch.contracts.identity import pseudonym
from segwatch.files import whole_folder
from segwatch.phantoms.phantom import make_phantom
from segwatch.phantoms.write import write_case
from segwatch.volumes.nifti import write_nifti

TINY, WHOLE = (16, 64, 64), (32, 128, 128)
SEGMENTED_BY_MODEL = 12
STUDIES_OF_A_PATIENT = 3


@dataclass
class Studies:
    """Drops `count` studies over `seconds`.

    Attributes:
        cases: the names of the inbox entries that were dropped, and the study that each brings.
    """

    inbox: Path
    secret: str
    seed: int
    count: int
    seconds: float
    cases: dict[str, str] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to drop them, from a thread."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Drop no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    @property
    def dropped(self) -> int:
        """How many different studies were dropped."""
        return self._next

    @property
    def done(self) -> bool:
        """Whether all were."""
        return self._thread is not None and not self._thread.is_alive()

    def pseudonym_of(self, number: int) -> str:
        """What the hospital calls a study, worked out here and not learnt from ingest."""
        return pseudonym(self.secret.encode(), "study", f"study-{number}")

    def every(self) -> set[str]:
        """The pseudonyms of all studies."""
        return {self.pseudonym_of(number) for number in range(self.count)}

    def take(self) -> int | None:
        """The number of the next study, for a fault that brings one itself; None where there is none left."""
        with self._lock:
            if self._next >= self.count:
                return None
            self._next += 1
            return self._next - 1

    def drop(self, number: int, name: str | None = None) -> str:
        """Let a study appear in the inbox, whole and at once; the entry's name."""
        name = name or f"case-{number:05d}"
        by_model = number % SEGMENTED_BY_MODEL == 5
        phantom = make_phantom(self.seed * 100_003 + number, shape=WHOLE if by_model else TINY)
        whose = {"patient": f"patient-{number // STUDIES_OF_A_PATIENT}", "study": f"study-{number}"}
        with whole_folder(self.inbox / name) as made:
            write_case(phantom, made, truth=False)
            if by_model:
                (made / "lung.nii.gz").unlink()
            else:
                write_nifti(made / "lesion_predicted.nii.gz", phantom.lesion, phantom.geometry)
            (made / "study.json").write_text(json.dumps(whose))
            self.cases[name] = self.pseudonym_of(number)
        return name

    def _run(self) -> None:
        began = time.monotonic()
        while not self._stop.is_set():
            due = began + self.seconds * self._next / self.count
            if self._stop.wait(max(0.0, due - time.monotonic())):
                return
            number = self.take()
            if number is None:
                return
            self.drop(number)
