"""One entry of the inbox, taken: its cases prepared, what cannot be processed, what is set aside."""

from dataclasses import dataclass, field
from pathlib import Path

from segwatch.errors import Unprocessable
from segwatch.ingest.inbox import ANNOUNCED, ASIDE
from services.ingest.case import unread_files
from services.ingest.completion import Stillness
from services.ingest.examination import Aside, Assembly, Chosen, Examinations
from services.ingest.handler import Ingest, Prepared
from services.ingest.inbox import SeriesReceipt
from services.ingest.patience import Patience

UNREAD = "unread"
"""What is known beside a CT and never read, as the truth is, lies under this name among what is set aside."""
Moves = list[tuple[Path, Path]]


@dataclass(frozen=True, slots=True)
class Ready:
    """A case that can be announced."""

    chosen: Chosen
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Refused:
    """A case that can never be processed, beside others that can."""

    chosen: Chosen
    error: Unprocessable


@dataclass(frozen=True)
class Taken:
    """What an entry holds, before anything is said of it to anybody."""

    folder: Path
    assembly: Assembly
    prepared: tuple[Ready, ...]
    refused: tuple[Refused, ...]
    unread: tuple[Path, ...] = ()

    @property
    def aside(self) -> tuple[Aside, ...]:
        """What is no study's."""
        return self.assembly.aside

    def series(self) -> tuple[SeriesReceipt, ...]:
        """What became of each series, for the receipt; nothing of a case that is a single file."""
        chosen = [
            SeriesReceipt(
                each.chosen.rule, each.prepared.outcome, self._images(each.chosen), each.prepared.study
            )
            for each in self.prepared
            if each.chosen.series
        ]
        refused = [
            SeriesReceipt(each.chosen.rule, "rejected", self._images(each.chosen)) for each in self.refused
        ]
        aside = [SeriesReceipt(each.rule, each.verdict, len(each.files)) for each in self.aside]
        return (*chosen, *refused, *aside)

    def _images(self, chosen: Chosen) -> int:
        """How many images a case has; one that came twice counts once."""
        places = self.assembly.places
        return len({places.get(path, path) for path in chosen.case.series or ()})

    def to_announced(self, inbox: Path) -> Moves:
        """The images of announced series, and where they stay for a while."""
        places = self.assembly.places
        files = [path for each in self.prepared for path in each.chosen.case.series or ()]
        return [
            (path, inbox / ANNOUNCED / places[path])
            for path in (*files, *self.assembly.masks)
            if path in places
        ]

    def to_aside(self, inbox: Path, entry: str) -> Moves:
        """The images that are set aside, and files that nobody read, and where."""
        files = [(each.rule, path) for each in self.aside for path in each.files]
        files += [(UNREAD, path) for path in self.unread]
        return [(path, inbox / ASIDE / entry / why / path.relative_to(self.folder)) for why, path in files]


@dataclass(frozen=True)
class Intake:
    """Takes entries: thread-safe as far as its parts are."""

    examinations: Examinations
    ingest: Ingest
    patience: Patience = field(default_factory=Patience)

    def take(self, folder: Path, stillness: Stillness = "still") -> Taken:
        """Prepare what the entry holds.

        Raises:
            NotComplete: it waits.
            Unprocessable: nothing of it can be processed.
            StoreUnavailable, InputUnavailable: to be tried again.
        """
        unread = unread_files(folder) if folder.is_dir() else []
        assembly = self.patience.with_masks(folder, self.examinations.assemble(folder, stillness))
        prepared: list[Ready] = []
        refused: list[Refused] = []
        for chosen in assembly.cases:
            try:
                prepared.append(Ready(chosen, self.ingest.prepare(chosen.case)))
            except Unprocessable as error:
                if len(assembly.cases) == 1 and not assembly.aside:
                    raise
                refused.append(Refused(chosen, error))
        return Taken(folder, assembly, tuple(prepared), tuple(refused), tuple(unread))
