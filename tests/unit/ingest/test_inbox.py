import json
import os
import time
from pathlib import Path

from segwatch.ingest.inbox import put_back
from services.ingest.inbox import Inbox, Receipt


def fill(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def test_entries_are_what_does_not_begin_with_a_dot(inbox: Inbox):
    fill(inbox.root / "case", "a.dcm", "sub/b.dcm")
    fill(inbox.root / ".tmp-case", "a.dcm")
    fill(inbox.root, "loose.nii.gz")
    (inbox.root / "empty").mkdir()
    entries = inbox.entries()
    assert {name: [file for file, _, _ in files] for name, files in entries.items()} == {
        "case": ["a.dcm", "sub/b.dcm"],
        "loose.nii.gz": ["."],
        "empty": [],
    }


def test_what_a_file_system_keeps_in_the_folder_for_itself_is_no_entry(inbox: Inbox):
    (inbox.root / "lost+found").mkdir(mode=0o700)
    fill(inbox.root, "@eaDir/case/thumb.jpg", "Thumbs.db", "case/a.dcm")

    assert set(inbox.entries()) == {"case"}


def test_a_dangling_link_is_part_of_an_entry_and_does_not_stop_the_look(inbox: Inbox):
    fill(inbox.root / "case", "a.dcm")
    (inbox.root / "case" / "b.dcm").symlink_to(inbox.root / "nowhere")
    assert len(inbox.fingerprint("case")) == 2


def test_clearing_removes_what_was_seen_and_nothing_that_came_later(inbox: Inbox):
    fill(inbox.root / "case", "a.dcm", "sub/b.dcm")
    seen = inbox.fingerprint("case")
    fill(inbox.root / "case", "late.dcm")
    inbox.clear("case", seen)
    assert [path.name for path in (inbox.root / "case").rglob("*")] == ["late.dcm"]
    inbox.clear("case", inbox.fingerprint("case"))
    assert "case" not in inbox.entries()


def test_clearing_a_link_leaves_what_it_points_to(inbox: Inbox, tmp_path: Path):
    theirs = fill(tmp_path / "theirs", "ct.nii.gz")
    (inbox.root / "case").symlink_to(theirs)
    inbox.clear("case", inbox.fingerprint("case"))
    assert (theirs / "ct.nii.gz").is_file()
    assert inbox.entries() == {}


def test_a_loose_file_can_be_cleared_and_rejected(inbox: Inbox):
    fill(inbox.root, "a.nii.gz", "b.nii.gz")
    inbox.clear("a.nii.gz", inbox.fingerprint("a.nii.gz"))
    inbox.reject("b.nii.gz", "b.nii.gz")
    assert inbox.entries() == {}
    assert (inbox.root / ".rejected" / "b.nii.gz").is_file()


def test_a_second_rejection_keeps_the_first(inbox: Inbox):
    names = []
    for content in ("first.dcm", "second.dcm", "third.dcm"):
        fill(inbox.root / "case", content)
        names.append(inbox.name_if_rejected("case"))
        inbox.reject("case", names[-1])
    assert names == ["case", "case-2", "case-3"]
    assert [[p.name for p in (inbox.root / ".rejected" / name).iterdir()] for name in names] == [
        ["first.dcm"], ["second.dcm"], ["third.dcm"],
    ]  # fmt: skip


def test_an_entry_is_told_from_all_that_ever_bore_its_name(inbox: Inbox):
    def write() -> str:
        (inbox.root / "case").mkdir()
        (inbox.root / "case" / "ct.nii.gz").write_bytes(b"the same")
        os.utime(inbox.root / "case" / "ct.nii.gz", (1, 1))
        return inbox.content("case")

    first = write()
    assert Inbox(inbox.root).content("case") == first  # after a crash
    time.sleep(0.02)  # a disk's clock ticks every 4 ms
    inbox.reject("case", "case")
    put_back(inbox.root, "case")
    assert inbox.content("case") != first
    second = inbox.content("case")
    inbox.reject("case", "case")
    assert write() not in (first, second)


def test_a_receipt_says_what_became_of_a_case(inbox: Inbox):
    inbox.leave_receipt(Receipt("case", None, "rejected", "no_ct", "nothing there"))
    inbox.leave_receipt(Receipt("case", "5" * 32, "announced"))
    told = json.loads((inbox.root / ".receipts" / "case.json").read_text())
    assert told == {
        "case": "case",
        "study": "5" * 32,
        "outcome": "announced",
        "kind": None,
        "reason": None,
        "version": 1,
        "incomplete": None,
        "series": [],
    }
    assert len(list((inbox.root / ".receipts").iterdir())) == 1


def test_attempts_that_did_not_end_are_counted_over_restarts(inbox: Inbox):
    for _ in range(2):
        inbox.begin_attempt("case")
    assert Inbox(inbox.root).unfinished_attempts("case") == 2
    inbox.end_attempt("case")
    assert inbox.unfinished_attempts("case") == 0


def test_a_name_that_leaves_no_room_for_an_ending_has_a_receipt_and_can_be_rejected(inbox: Inbox):
    for name in ("x" * 255, "ä" * 127):
        (inbox.root / name).mkdir()
        rejected = inbox.name_if_rejected(name)
        inbox.leave_receipt(Receipt(name, None, "rejected", "unreadable", "why"))
        inbox.reject(name, rejected)
        (inbox.root / name).mkdir()
        inbox.reject(name, inbox.name_if_rejected(name))
    told = [json.loads(path.read_text())["case"] for path in (inbox.root / ".receipts").iterdir()]
    assert sorted(told) == ["x" * 255, "ä" * 127]
    assert len(list((inbox.root / ".rejected").iterdir())) == 4
