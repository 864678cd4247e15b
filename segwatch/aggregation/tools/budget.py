"""`segwatch privacy budget`: what a study and what a patient can have lost so far, from the ledger.

The loss is counted as the noise was drawn: a block costs each of its studies that is within its patient's
limit the block's epsilon, and the others nothing. It adds up over a study's blocks, and over a patient's
studies, whatever epoch or policy they were released under.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from segwatch.aggregation.ledger.fold import Damage, fold
from segwatch.aggregation.ledger.ledger import Ledger
from segwatch.aggregation.mechanism.policy import study_bound
from segwatch.aggregation.mechanism.slots import KINDS
from segwatch.contracts.ledger import BlockClosed
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import Pulse
from segwatch.streaming.log import Record


@dataclass
class Spent:
    """What was released under one policy in one epoch."""

    blocks: Counter[str] = field(default_factory=Counter)
    studies: int = 0


@dataclass
class Budget:
    """What the ledger's closed blocks have cost.

    Attributes:
        spent: by epoch and policy version, in the ledger's order.
        policies: every policy that was in force, by version.
        study, patient: each one's loss so far, by pseudonym.
        entered: how many of each patient's studies entered figures.
        twice: studies that are in more than one block of a kind: there must be none.
        damages: records of the ledger that cannot be read.
        first_epoch: the first that the ledger knows; above 1 where an earlier ledger was lost.
        unscored: the largest loss of an examination that got no score: each is in one pulse's number.
    """

    spent: dict[tuple[int, str], Spent] = field(default_factory=dict)
    policies: Mapping[str, SitePolicy] = field(default_factory=dict)
    study: dict[bytes, float] = field(default_factory=dict)
    patient: dict[bytes, float] = field(default_factory=dict)
    entered: Counter[bytes] = field(default_factory=Counter)
    twice: int = 0
    damages: int = 0
    first_epoch: int = 0
    unscored: float = 0.0

    @property
    def worst_study(self) -> float:
        """The largest loss of a study."""
        return max(self.study.values(), default=0.0)

    @property
    def worst_patient(self) -> float:
        """The largest loss of a patient, over all studies."""
        return max(self.patient.values(), default=0.0)

    @property
    def patient_bound(self) -> float:
        """The most that a patient can lose under the policies so far: the count goes on over policies."""
        studies = max((policy.studies_per_patient for policy in self.policies.values()), default=0)
        return studies * max(map(study_bound, self.policies.values()), default=0.0)


def budget_of(records: Iterable[Record]) -> Budget:
    """Fold a ledger's records."""
    found, ledger = Budget(), Ledger()
    seen: dict[str, set[bytes]] = {kind: set() for kind in KINDS}
    for step in fold(ledger, records):
        if isinstance(step, Damage):
            found.damages += 1
            continue
        if ledger.epoch is not None:
            found.first_epoch = found.first_epoch or ledger.epoch.epoch
        if isinstance(step.entry, BlockClosed):
            _spend(found, step.entry, ledger.policy, seen[step.entry.figures.kind])
    found.policies = ledger.policies
    return found


def _spend(found: Budget, block: BlockClosed, policy: SitePolicy, seen: set[bytes]) -> None:
    figures = block.figures
    spent = found.spent.setdefault((figures.epoch, policy.version), Spent())
    spent.blocks[figures.kind] += 1
    spent.studies += figures.k if figures.kind == "pulse" else 0
    if isinstance(figures, Pulse):
        found.unscored = max(found.unscored, figures.epsilon_unscored or 0.0)
    for slot in block.studies:
        study, patient = bytes.fromhex(slot.study), bytes.fromhex(slot.patient)
        found.twice += study in seen
        seen.add(study)
        loss = figures.epsilon if slot.ordinal <= policy.studies_per_patient else 0.0
        found.study[study] = found.study.get(study, 0.0) + loss
        found.patient[patient] = found.patient.get(patient, 0.0) + loss
        found.entered[patient] += figures.kind == "pulse" and loss > 0
