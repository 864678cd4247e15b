"""What `segwatch privacy budget` and `segwatch privacy verify` print: for people, and as JSON."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segwatch.aggregation.audit_log.verify import Findings
from segwatch.aggregation.mechanism.policy import study_bound
from segwatch.aggregation.tools.budget import Budget
from segwatch.contracts.audit import AuditLine, BlockReleased
from segwatch.contracts.policy import SitePolicy

if TYPE_CHECKING:
    from segwatch.aggregation.trial.audit import Audit  # needs scipy, which the service does not

CANNOT = (
    "The file alone cannot show that its end was cut off, or that somebody who may write it wrote all of it"
    " anew: the ledger, the release topic and a head that was noted down elsewhere can."
)


def budget_text(budget: Budget) -> str:
    """The budget report, for people."""
    return "\n".join(_budget_lines(budget))


def budget_json(budget: Budget) -> dict[str, Any]:
    """The same for programs. Losses are epsilons."""
    return {
        "worst_study": budget.worst_study,
        "worst_patient": budget.worst_patient,
        "patient_bound": budget.patient_bound,
        "studies": len(budget.study),
        "patients": len(budget.patient),
        "worst_without_score": budget.unscored,
        "studies_in_two_blocks": budget.twice,
        "ledger_damages": budget.damages,
        "first_epoch": budget.first_epoch,
        "policies": {
            version: {"study_bound": study_bound(policy), "studies_per_patient": policy.studies_per_patient}
            for version, policy in budget.policies.items()
        },
        "released": [
            {"epoch": epoch, "policy": version, "studies": spent.studies, "blocks": dict(spent.blocks)}
            for (epoch, version), spent in budget.spent.items()
        ],
    }


def verify_text(path: Path, lines: Sequence[AuditLine], found: Findings, compared: bool) -> str:
    """What verifying found, for people."""
    return "\n".join(_verify_lines(path, lines, found, compared))


def verify_json(lines: Sequence[AuditLine], found: Findings, compared: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "entries": len(lines),
        "blocks": sum(isinstance(line.entry, BlockReleased) for line in lines),
        "head": _head(lines),
        "compared_with_the_log": compared,
        "problems": found.problems,
        "notes": found.notes,
    }


def audit_text(policy: SitePolicy, audit: "Audit") -> str:
    """What the audit found, for people."""
    return "\n".join(_audit_lines(policy, audit))


def audit_json(audit: "Audit") -> dict[str, Any]:
    """The same for programs."""
    return {
        "holds": audit.holds,
        "false_alarm": audit.chance,
        "blocks_with_unequal_copies": audit.unequal,
        "losses": [{**asdict(loss), "holds": loss.holds} for loss in audit.losses],
        "fits": [{**asdict(fit), "holds": fit.holds} for fit in audit.fits],
    }


def _audit_lines(policy: SitePolicy, audit: "Audit") -> Iterator[str]:
    trials = audit.losses[0].trials
    yield f"Policy {policy.version}, {trials} trials in each of two worlds that differ in one study."
    yield f"A sound release path fails one of these tests with a chance of at most {audit.chance:g}."
    yield ""
    yield f"{'loss of':<40} {'promised':>8} {'at least':>8} {'hits':>13}"
    for loss in audit.losses:
        hits = f"{loss.hits[0]} : {loss.hits[1]}"
        yield f"{loss.figure:<40} {loss.promised:>8g} {loss.at_least:>8.3f} {hits:>13} {_word(loss.holds)}"
    yield ""
    yield f"{'noise on':<40} {'scale':>8} {'distance':>8} {'allowed':>8} {'draws':>7}"
    for fit in audit.fits:
        row = f"{fit.figure:<40} {fit.scale:>8g} {fit.distance:>8.4f} {fit.allowed:>8.4f} {fit.draws:>7}"
        yield f"{row} {_word(fit.holds)}"
    yield ""
    yield f"blocks whose copies differ: {audit.unequal} {_word(not audit.unequal)}"
    yield "The release path keeps the promise." if audit.holds else "THE RELEASE PATH BREAKS THE PROMISE."


def _word(holds: bool) -> str:
    return "" if holds else "FAILS"


def _budget_lines(budget: Budget) -> Iterator[str]:
    yield "What the closed blocks of this site's ledger have cost, in epsilon (replace-one, pure):"
    for (epoch, version), spent in budget.spent.items():
        blocks = ", ".join(f"{number} {kind}s" for kind, number in spent.blocks.items())
        yield f"  epoch {epoch}, policy {version}: {blocks}, {spent.studies} studies"
    for version, policy in budget.policies.items():
        bound, most = study_bound(policy), policy.studies_per_patient
        yield f"  policy {version} allows {bound:g} a study, {most} studies a patient: {most * bound:g}"
    yield f"Study:   the worst of {len(budget.study)} has lost {budget.worst_study:g}."
    yield (
        f"Patient: the worst of {len(budget.patient)} has lost {budget.worst_patient:g};"
        f" under these policies no patient can lose more than {budget.patient_bound:g}."
    )
    for studies, patients in sorted(Counter(budget.entered.values()).items()):
        yield f"  {patients} patients with {studies} studies in the figures"
    if budget.unscored:
        yield (
            f"Without a score: an examination loses {budget.unscored:g} at most, each time that it is refused"
            " or given up; it is in no block, and nobody knows whose it is."
        )
    if budget.twice:
        yield f"WRONG: {budget.twice} times a study is in a second block of one kind; the losses count it."
    if budget.damages or budget.first_epoch > 1:
        yield (
            "The ledger was lost or damaged once: what left before is not in these figures;"
            " `segwatch privacy verify` says which blocks."
        )


def _verify_lines(path: Path, lines: Sequence[AuditLine], found: Findings, compared: bool) -> Iterator[str]:
    blocks = sum(isinstance(line.entry, BlockReleased) for line in lines)
    yield f"{path}: {len(lines)} entries in an unbroken chain, {blocks} of them blocks that left"
    if compared and not found.problems:
        yield "every block in the release topic is in the log, to the byte, and every entry is in the ledger"
    yield from (f"note: {note}" for note in found.notes)
    yield from (f"PROBLEM: {problem}" for problem in found.problems)
    if not compared:
        yield "not compared with ledger and release topic"
    if lines:
        yield f"head: {_head(lines)}"
        yield "Note the head down: --head HEAD shows later that nothing up to here was changed or cut off."
    yield CANNOT


def _head(lines: Sequence[AuditLine]) -> str | None:
    return f"{lines[-1].n}:{lines[-1].hash}" if lines else None
