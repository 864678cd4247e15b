"""Which records of the site's ledger count. Every process that reads the same ledger answers the same.

A record is judged by what lies before it in the log, so two writers that disagree (one of them a zombie)
both follow the first record that bears a block's name:

- an epoch counts where its number is above every epoch before it, and a release can name it;
- a change of policy counts where the open pulse and the open portrait begin at the same study;
- neither counts where its policy's version stood for another policy before;
- a block counts where it is the next of its kind, in the epoch in force, and the policy in force lets out
  such figures: what a stranger wrote here does not leave against the policy.

A record that cannot be read may be a block whose studies we would release again. So the ledger is held to
be damaged from there on, and only a new epoch counts.
"""

from segwatch.aggregation.mechanism.allowed import lets_out
from segwatch.aggregation.mechanism.slots import KINDS, Kind
from segwatch.contracts.ledger import BlockClosed, EpochOpened, LedgerRecord, PolicyChanged
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.release import LARGEST_EPOCH

MOST_STUDIES_OF_A_PATIENT = 10**9
"""Far more than anybody has; a number that no index holds would end the process at every start."""
Entry = EpochOpened | PolicyChanged | BlockClosed


class Ledger:
    """What the ledger says up to where it was read.

    Attributes:
        epoch: the epoch in force; None before the first and behind a damage.
        highest_epoch: of all that were opened.
        policies: every policy that was in force, by version.
        closed: blocks of each kind in this epoch, which is the number of the open one.
        studies: studies in the closed blocks of each kind in this epoch.
        blocks_ever: closed blocks of each kind over all epochs.
        studies_ever: studies in closed pulses over all epochs.
    """

    def __init__(self) -> None:
        self.epoch: EpochOpened | None = None
        self.highest_epoch = 0
        self.policies: dict[str, SitePolicy] = {}
        self.closed: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.studies: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.blocks_ever: dict[Kind, int] = dict.fromkeys(KINDS, 0)
        self.studies_ever = 0
        self._policy: SitePolicy | None = None

    @property
    def policy(self) -> SitePolicy:
        """The policy in force."""
        if self._policy is None:
            raise ValueError("no epoch was opened yet")
        return self._policy

    @property
    def policy_or_none(self) -> SitePolicy | None:
        """The policy in force; None before the first epoch."""
        return self._policy

    @property
    def both_begin(self) -> bool:
        """Whether the open pulse and the open portrait begin at the same study: a policy may change there."""
        return self.studies["pulse"] == self.studies["portrait"]

    def read(self, record: LedgerRecord) -> Entry | None:
        """Take the next record of the ledger; the entry if it counts, else None."""
        entry = record.root
        if isinstance(entry, EpochOpened):
            counts = self._open(entry)
        elif isinstance(entry, PolicyChanged):
            counts = self._change(entry)
        else:
            counts = self._close(entry)
        return entry if counts else None

    def damage(self) -> None:
        """The next record cannot be read."""
        self.epoch = None

    def _open(self, entry: EpochOpened) -> bool:
        if not self.highest_epoch < entry.epoch <= LARGEST_EPOCH or not self._is_known_or_new(entry.policy):
            return False
        self.epoch, self.highest_epoch = entry, entry.epoch
        self.closed, self.studies = dict.fromkeys(KINDS, 0), dict.fromkeys(KINDS, 0)
        self._enforce(entry.policy)
        return True

    def _change(self, entry: PolicyChanged) -> bool:
        here = (self.closed["pulse"], self.closed["portrait"])
        if not self._in_force(entry.epoch) or not self.both_begin or not self._is_known_or_new(entry.policy):
            return False
        if (entry.first_pulse, entry.first_portrait) != here:
            return False
        self._enforce(entry.policy)
        return True

    def _close(self, entry: BlockClosed) -> bool:
        figures = entry.figures
        kind: Kind = figures.kind
        if not self._in_force(figures.epoch) or figures.number != self.closed[kind]:
            return False
        if not lets_out(self.policy, figures):
            return False
        if any(counted.ordinal > MOST_STUDIES_OF_A_PATIENT for counted in entry.studies):
            return False
        self.closed[kind] += 1
        self.blocks_ever[kind] += 1
        self.studies[kind] += figures.k
        self.studies_ever += figures.k if kind == "pulse" else 0
        return True

    def _is_known_or_new(self, policy: SitePolicy) -> bool:
        """Whether the policy's version never stood for another."""
        return self.policies.get(policy.version, policy) == policy

    def _in_force(self, epoch: int) -> bool:
        return self.epoch is not None and self.epoch.epoch == epoch

    def _enforce(self, policy: SitePolicy) -> None:
        self._policy = policy
        self.policies.setdefault(policy.version, policy)
