"""From an entry of the inbox to its cases: the right series of an examination, once; the rest set aside."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pydicom

from segwatch.contracts.identity import pseudonym, result_id
from segwatch.contracts.intake import IntakeRules
from segwatch.dicom_masks.header import MaskFile, mask_file
from segwatch.dicom_masks.joining import masks_of
from segwatch.errors import RefusedVolume, Unprocessable
from segwatch.ingest.inbox import ANNOUNCED, CARRIED
from segwatch.intake.counts import images_missing
from segwatch.intake.selection import SeriesVerdict, select
from segwatch.intake.series import Acquisition, Series, series_of, text_of
from segwatch.volumes.case_files import case_image
from segwatch.volumes.dicom_slices import CT_CLASSES, read_header, slices_of
from segwatch.volumes.read import dicom_files
from segwatch.volumes.store import VolumeStore
from services.ingest.case import ARRIVED_BY, CT, CaseFiles, InputUnavailable, called_title
from services.ingest.completion import Stillness
from services.ingest.pacs_counts import Counts
from services.ingest.spool import entry_of, short

CUT_OFF = "what brought it over the network was broken off, and did not bring it again"


class NotComplete(Exception):
    """The examination has fewer images than there are: it waits."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Images of an entry that are no study's: by which rule, and whose verdict."""

    rule: str
    verdict: str
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A case of an entry; of DICOM, which series and acquisition it is, and by which rule."""

    case: CaseFiles
    rule: str = ""
    series: Series | None = None


@dataclass(frozen=True)
class Assembly:
    """What an entry holds.

    Attributes:
        masks: files that carry masks, whether or not the CT that they belong to has come.
        places: where each image lies among the announced ones, below the inbox's folder of them.
    """

    cases: tuple[Chosen, ...]
    masks: tuple[Path, ...] = ()
    aside: tuple[Aside, ...] = ()
    places: Mapping[Path, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Examinations:
    """Takes entries apart.

    Attributes:
        rules: of the site, by the title that was called; under None for all others.
        counts: how many images there are, as far as the archive says.
    """

    inbox: Path
    store: VolumeStore
    secret: bytes
    rules: Mapping[str | None, IntakeRules]
    counts: Counts | None = None

    def assemble(self, folder: Path, stillness: Stillness = "still") -> Assembly:
        """The cases of an entry.

        Raises:
            NotComplete: it has fewer images than there are, or what brought it did not end well and nobody
                says how many there are.
            Unprocessable: see `dicom_slices.read_header`, and no_series_matches.
            InputUnavailable, StoreUnavailable: to be tried again.
        """
        if not folder.is_dir() or case_image(folder, CT) is not None:
            return Assembly((Chosen(CaseFiles(folder)),))
        try:
            own = {path: read_header(path) for path in dicom_files(folder)}
            studies = sorted({text_of(header, "StudyInstanceUID") for header in own.values()})
            known = self._announced_files(studies)
        except OSError as error:
            raise InputUnavailable(f"{folder.name} cannot be read now: {error.strerror or error}") from error
        if not own:
            return Assembly((Chosen(CaseFiles(folder)),))
        headers = {**own, **{path: header for path, header in known.items() if path not in own}}
        return self._assembled(folder, own, headers, stillness)

    def remember(self, chosen: Chosen) -> None:
        """Keep in the store that the series stands for its acquisition."""
        series = chosen.series
        if series is not None and series.study_uid:
            known = self._known(series.study_uid)
            known[series.uid] = series.acquisition
            facts = [[uid, each.frame_of_reference, each.number] for uid, each in sorted(known.items())]
            self.store.put_result(self._memory(series.study_uid), json.dumps(facts).encode())

    def masks_alone(self, folder: Path) -> list[Path]:
        """The masks in an examination's folder of announced images whose CT was never announced.

        Raises:
            StoreUnavailable: the store is away. OSError: the disk fails.
        """
        headers = {}
        for path in sorted(folder.rglob("*.dcm")):
            with suppress(RefusedVolume):  # it was damaged after it was taken
                headers[path] = read_header(path)
        every = series_of(headers)
        masks = [path for each in every if each.is_mask for path in each.files]
        here = {mask.path for each in every if not each.is_mask for mask in _masks_of(each, masks, headers)}
        return [path for path in masks if path not in here and not self._was_announced(headers[path], path)]

    def _was_announced(self, header: pydicom.Dataset, path: Path) -> bool:
        """Whether a mask refers to a series that stands for a study."""
        known = self._known(text_of(header, "StudyInstanceUID"))
        mask = mask_file(path)
        return mask is not None and not known.keys().isdisjoint(mask.series)

    def _assembled(
        self,
        folder: Path,
        own: Mapping[Path, pydicom.Dataset],
        headers: Mapping[Path, pydicom.Dataset],
        stillness: Stillness,
    ) -> Assembly:
        every = series_of(headers)
        touched = [each for each in every if own.keys() & set(each.files) or own.keys() & _odd(each)]
        incomplete = self._incomplete(folder, headers, touched, stillness)
        network = (folder / ARRIVED_BY).is_file()
        if len([each for each in touched if not each.is_mask]) == 1 and not network:
            judged = [
                SeriesVerdict(
                    each, "mask" if each.is_mask else "chosen", "given", "it is the folder's only series"
                )
                for each in touched
            ]  # whoever put it there has chosen
        else:
            brought = {path for each in touched if each.is_mask for path in each.files}
            judged = [
                each
                for each in self._judged(folder, every)
                if each.series in touched or (brought and each.verdict == "chosen")
            ]
        masks = tuple(path for each in every if each.is_mask for path in each.files)
        cases = tuple(
            Chosen(
                CaseFiles(
                    folder,
                    each.series.files,
                    tuple(_masks_of(each.series, masks, headers)),
                    incomplete.get(each.series.uid),
                    headers={path: headers[path] for path in each.series.files},
                ),
                each.rule,
                each.series,
            )
            for each in judged
            if each.verdict == "chosen"
        )
        if not cases:
            self._check_is_company(judged, network, headers)
            self._check_in_time(touched)
        return Assembly(cases, masks, _aside(judged, own), _places(headers))

    def _judged(self, folder: Path, series: Sequence[Series]) -> list[SeriesVerdict]:
        rules = self.rules.get(called_title(folder)) or self.rules[None]
        judged: list[SeriesVerdict] = []
        for study in sorted({each.study_uid for each in series}):
            mine = [each for each in series if each.study_uid == study]
            judged += select(mine, rules, self._known(study))
        return judged

    def _check_is_company(
        self, judged: Sequence[SeriesVerdict], network: bool, headers: Mapping[Path, pydicom.Dataset]
    ) -> None:
        """Nothing, where all is expected beside a CT; an error where there is a CT that is not chosen."""
        without_rule = [each for each in judged if each.verdict == "no_rule"]
        if not without_rule and (network or all(each.verdict == "mask" for each in judged)):
            return
        for path in (path for each in without_rule for path in each.series.files):
            if text_of(headers[path], "SOPClassUID") in CT_CLASSES:
                slices_of(headers[path], path)  # a CT whose headers are wrong meets no rule: it is told why
        lines = [
            f"series {number} of {len(judged)} ({len(each.series.files)} images): {each.why}"
            for number, each in enumerate(judged, 1)
        ]
        raise Unprocessable(
            f"no series is chosen: {'; '.join(lines)[:400]}; `segwatch intake explain` says more, and"
            " SEGWATCH_INTAKE_RULES names the rules",
            kind="no_series_matches",
        )

    def _check_in_time(self, touched: Sequence[Series]) -> None:
        """Nothing, where masks came before their CT; an error where they came too long after it."""
        for each in touched:
            if not each.is_mask or not self._known(each.study_uid):
                continue
            for mask in filter(None, map(mask_file, each.files)):
                if mask.series & self._known(each.study_uid).keys():
                    raise Unprocessable(
                        "the CT of this mask was announced, and its images are not here any more"
                        " (SEGWATCH_ANNOUNCED_HOURS): send the CT again with it",
                        kind="mask_too_late",
                    )

    def _incomplete(
        self,
        folder: Path,
        headers: Mapping[Path, pydicom.Dataset],
        touched: Sequence[Series],
        stillness: Stillness,
    ) -> dict[str, str]:
        """Why each series may be a part, by UID; nothing where none may."""
        said = self.counts.of(headers) if self.counts else {}
        missing = images_missing(headers, touched, said)
        broken = {path.name.rpartition(".")[0] for path in (self.inbox / CARRIED / folder.name).glob("*")}
        cut_off = [each.uid for each in touched if short(each.uid) in broken and missing.get(each.uid) != 0]
        short_of = {uid: count for uid, count in missing.items() if count > 0}
        if stillness != "forced" and (short_of or cut_off):
            raise NotComplete
        why = dict.fromkeys(cut_off, CUT_OFF)
        return why | {uid: f"{count} of its images did not come" for uid, count in short_of.items()}

    def _announced_files(self, studies: Sequence[str]) -> dict[Path, pydicom.Dataset]:
        """The images of the examinations that were announced, as long as they are there."""
        folders = [self.inbox / ANNOUNCED / entry_of(study) for study in studies if study]
        files = [path for each in folders if each.is_dir() for path in sorted(each.rglob("*.dcm"))]
        return {path: read_header(path) for path in files}

    def _known(self, study_uid: str) -> dict[str, Acquisition]:
        found = self.store.get_result(self._memory(study_uid)) if study_uid else None
        return {uid: Acquisition(frame, number) for uid, frame, number in json.loads(found or b"[]")}

    def _memory(self, study_uid: str) -> str:
        return result_id("ingest", pseudonym(self.secret, "examination", study_uid), "announced")


def without_ct() -> Unprocessable:
    """The refusal of a mask that has waited for its CT in vain."""
    return Unprocessable(
        "this mask came without its CT: no series that it refers to was announced while it waited"
        " (SEGWATCH_ANNOUNCED_HOURS); send the CT, then replay the letter",
        kind="mask_without_ct",
    )


def _masks_of(
    series: Series, masks: Sequence[Path], headers: Mapping[Path, pydicom.Dataset]
) -> list[MaskFile]:
    """The masks of a series, wherever they came from and whenever, the newest first."""
    images = frozenset(text_of(headers[path], "SOPInstanceUID") for path in series.files)
    return masks_of(masks, series.uid, images)


def _odd(series: Series) -> set[Path]:
    return {odd.path for odd in series.odd}


def _aside(judged: Sequence[SeriesVerdict], own: Mapping[Path, pydicom.Dataset]) -> tuple[Aside, ...]:
    """What is set aside: whole series, and single odd images of those that are not."""
    found = [
        Aside(each.rule, each.verdict, tuple(path for path in each.series.files if path in own))
        for each in judged
        if each.verdict not in ("chosen", "mask")
    ]
    found += [
        Aside(odd.kind, "odd_image", (odd.path,))
        for each in judged
        for odd in each.series.odd
        if odd.path in own
    ]
    return tuple(each for each in found if each.files)


def _places(headers: Mapping[Path, pydicom.Dataset]) -> dict[Path, Path]:
    return {
        path: Path(entry_of(text_of(header, "StudyInstanceUID")))
        / short(text_of(header, "SeriesInstanceUID"))
        / f"{short(text_of(header, 'SOPInstanceUID') or path.name)}.dcm"
        for path, header in headers.items()
    }
