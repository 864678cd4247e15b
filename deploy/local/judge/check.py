"""Whether anything was lost or counted twice: what went in against what the logs say, the audit log too."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.judge.receipts import CaseReceipt
from deploy.local.judge.site_view import BlockKind, BlockName, SiteView, block_name
from deploy.local.judge.status import RunStatus
from segwatch.aggregation.audit_log.verify import verify
from segwatch.contracts.audit import BlockReleased
from segwatch.errors import BadInput
from segwatch.streaming.log import Log

BLOCK_KINDS: tuple[BlockKind, ...] = ("pulse", "portrait")
SHOWN = 5


def problems(
    site: str,
    cases: Iterable[str],
    receipts: Mapping[str, CaseReceipt],
    view: SiteView,
    at_the_centre: Mapping[BlockName, bytes],
) -> list[str]:
    """Everything that is wrong with one hospital's books; empty where nothing is.

    Args:
        site: the hospital.
        cases: the names of all cases that were dropped into its inbox.
        receipts: ingest's receipts, by case.
        view: what the hospital's log says.
        at_the_centre: value of each block's release at the centre.
    """
    found = [
        *_lost(list(cases), receipts, view),
        *_doubled(view),
        *_miscounted(view),
        *_misreleased(view, at_the_centre),
    ]
    if view.unreadable:
        found.append(f"{view.unreadable} records do not keep to their schema")
    return [f"{site}: {problem}" for problem in found]


@dataclass(frozen=True)
class AuditVerdict:
    """What verifying a hospital's audit log found: a line for people, and what is wrong."""

    summary: str
    problems: list[str]


def check_audit_log(site: str, path: Path, log: Log) -> AuditVerdict:
    """Check the chain of hashes, and hold every entry against the hospital's release topic and ledger.

    What `segwatch privacy verify` only notes (a line torn by a crash, a topic that was lost) is wrong here: a
    run that has come to its end has none of it.

    Raises:
        LogUnavailable, LogRefused: the topics cannot be read.
    """
    try:
        lines, found = verify(path, log, [])
    except BadInput as error:
        return AuditVerdict(f"{site}: no audit log", [f"{site}: {error}"])
    blocks = sum(isinstance(line.entry, BlockReleased) for line in lines)
    wrong = [f"{site}: audit log: {each}" for each in (*found.problems, *found.notes)]
    how = "is broken" if wrong else "is whole, and as ledger and release topic say"
    return AuditVerdict(
        f"{site}: the audit log of {len(lines)} entries, {blocks} of them blocks, {how}", wrong
    )


def check_books(
    status: RunStatus, cases: Mapping[str, Sequence[str]], say: Callable[[str], None]
) -> list[str]:
    """Whether anything was lost or counted twice in any hospital, or left without its audit log saying so.

    Args:
        status: the running stack.
        cases: names of the cases that each hospital was given.
        say: told how each audit log stands.

    Raises:
        LogUnavailable, LogRefused: the topics cannot be read.
    """
    wrong = [
        problem
        for name, site in status.sites.items()
        for problem in problems(
            name, cases[name], site.receipts, site.view, status.centre.released.get(name, {})
        )
    ]
    for hospital in status.stack.hospitals:
        with hospital.log_address.open() as log:
            found = check_audit_log(hospital.name, hospital.audit_log, log)
        say(found.summary)
        wrong += found.problems
    return wrong


def _lost(cases: list[str], receipts: Mapping[str, CaseReceipt], view: SiteView) -> list[str]:
    """Cases without a receipt, and announced or rejected ones that end neither scored nor put aside."""
    silent = [case for case in cases if case not in receipts]
    ended = view.dead_studies | set(view.scored)
    gone = [case for case in cases if case in receipts and not ended & {case, receipts[case].study or case}]
    return _say("cases without a receipt from ingest", silent) + _say(
        "cases neither scored nor among the dead letters", gone
    )


def _doubled(view: SiteView) -> list[str]:
    doubled = [study for study, ids in view.results.items() if len(ids) > 1]
    return _say("studies with two different results of one scorer", doubled)


def _miscounted(view: SiteView) -> list[str]:
    """Blocks must hold the scored studies in the log's order: each once, none left out before the tail."""
    order = list(view.scored)
    found = []
    for kind in BLOCK_KINDS:
        blocks = view.closed(kind)
        counted = [entry.study for block in blocks for entry in block.studies]
        twice = [study for study, times in Counter(counted).items() if times > 1]
        found += _say(f"studies in two {kind}s", twice)
        if counted != order[: len(counted)]:
            found.append(f"the {kind}s do not follow the order of the scored studies")
        size = size_of(view, kind)
        if size is not None and len(order) - len(counted) >= size:
            found.append(f"a {kind} is due and was not closed: {len(order) - len(counted)} studies wait")
    return found


def _misreleased(view: SiteView, at_the_centre: Mapping[BlockName, bytes]) -> list[str]:
    """What left must be the ledger's figures bit for bit, all of them and nothing else."""
    ledger = {block_name(block): block.figures.model_dump_json().encode() for block in view.blocks}
    found = []
    for where, released in (("in the hospital", view.released), ("at the centre", at_the_centre)):
        missing = [_called(name) for name in ledger if name not in released]
        strange = [_called(name) for name in released if name not in ledger]
        other = [_called(name) for name in ledger if name in released and released[name] != ledger[name]]
        found += _say(f"blocks not released {where}", missing)
        found += _say(f"releases {where} that no block of the ledger stands for", strange)
        found += _say(f"releases {where} that differ from the ledger", other)
    return found


def size_of(view: SiteView, kind: BlockKind) -> int | None:
    """How many studies a block of this kind holds; None before the ledger has an epoch."""
    if view.policy is None:
        return None
    return view.policy.pulse_studies if kind == "pulse" else view.policy.portrait_studies


def _called(name: BlockName) -> str:
    kind, epoch, number = name
    return f"{kind} {number + 1} of epoch {epoch}"


def _say(what: str, which: list[str]) -> list[str]:
    if not which:
        return []
    more = f" and {len(which) - SHOWN} more" if len(which) > SHOWN else ""
    return [f"{len(which)} {what}: {', '.join(which[:SHOWN])}{more}"]
