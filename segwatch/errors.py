"""Every error that crosses a room's wall, in one tree.

```
SegwatchError
├── Unprocessable        this study or message can never be processed: dead letter, with `kind` and reason
│   ├── InvalidMessage   a message does not keep to its schema
│   ├── RefusedVolume    an image cannot be measured soundly (segwatch.volumes names the kinds)
│   ├── MissingObject    the volume store has no object under a reference
│   └── CorruptObject    the object's bytes do not have the hash that the reference names
├── Transient            something that we need is away: retried with back-off, the study stays
│   ├── StoreUnavailable the volume store is away, full or slow
│   ├── LogUnavailable   the broker or the log's file is away, slow or refuses connections
│   ├── TopicRemade      a topic was deleted and made again: what was read of it is to be read anew
│   ├── ScorerAway       a decision makes a scorer count that this service was not given
│   ├── AuditUnavailable the audit log cannot be written now, so nothing leaves
│   ├── (segwatch.keeper.secrets) KubernetesUnavailable, its API is away
│   ├── (segwatch.archive.peer) ArchiveUnavailable, the PACS does not answer or broke off
│   └── (services.ingest) InputUnavailable, an input cannot be read now; SpoolFull, a StoreUnavailable
├── LogRefused           the log answered: not allowed, or no such topic
├── LostPlace            another member took this consumer's place; the record is handed out again there
├── BadSettings          the environment: a service cannot start with these settings; says which one
├── BadInput             an argument, or a file that somebody named, is not what it must be
│   ├── RefusedCohort    no scorer can soundly be trained or evaluated on a table or a folder of cases
│   ├── RefusedModel     a model's files are not what they must be, so they are not loaded
│   ├── CannotReplay     a dead letter cannot be given back to its stage
│   └── (research.covid20_cohort) RefusedSource, the published data are not as they must be
├── (segwatch.dashboards.grafana) GrafanaRefused, Grafana is away, or does not do what is asked
└── NoGain               no correction of a scorer surely gains, so none is made
```
"""


def in_one_line(error: Exception, most: int = 200) -> str:
    """What an error says, for a sentence of ours: one line of `most` letters at the most."""
    return " ".join(str(error).split())[:most] or type(error).__name__


class SegwatchError(Exception):
    """Root of all errors that segwatch raises on purpose."""


class Unprocessable(SegwatchError):
    """This study or message can never be processed, however often it is tried.

    Attributes:
        kind: a short, stable name of what is wrong (`truncated_file`), used in metrics and dead letters.
    """

    def __init__(self, reason: str, *, kind: str) -> None:
        super().__init__(reason)
        self.kind = kind


class InvalidMessage(Unprocessable):
    """A message does not keep to its schema: a missing attribute, another type, or a field that is off."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, kind="invalid_message")


class RefusedVolume(Unprocessable):
    """An image that cannot be measured soundly. `kind` says why; the message names the file."""


class MissingObject(Unprocessable):
    """The volume store has no object under a reference."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, kind="missing_object")


class CorruptObject(Unprocessable):
    """The object's bytes do not have the hash that the reference names."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, kind="corrupt_object")


class Transient(SegwatchError):
    """Something that the work needs is away: try again, with back-off; the study stays where it is."""


class StoreUnavailable(Transient):
    """The volume store is away, full or slow."""


class LogUnavailable(Transient):
    """The broker or the log's file is away, slow or refuses connections."""


class TopicRemade(Transient):
    """A topic that was being read was deleted and made again: a place in the old one is none in the new."""


class AuditUnavailable(Transient):
    """The audit log cannot be written now, so nothing leaves: try again."""


class ScorerAway(Transient):
    """A decision makes a scorer count that this service was not given: studies wait until it is."""


class LogRefused(SegwatchError):
    """The log answered that this principal may not do this, or that the topic does not exist."""


class LostPlace(SegwatchError):
    """Another member took this consumer's place: fenced, or its partitions were revoked."""


class BadSettings(SegwatchError):
    """A service cannot start with the settings of its environment. The message names one and what to do."""


class BadInput(SegwatchError):
    """An argument, or a file that somebody named, is not what it must be. The message says which, and why."""


class RefusedCohort(BadInput):
    """A cohort that no scorer can soundly be trained or evaluated on. The message says why and where."""


class RefusedModel(BadInput):
    """A model's files are missing, changed, or hold what no model of ours has: they are not loaded."""


class CannotReplay(BadInput):
    """A dead letter cannot be given back: unknown, replayed already, or its origin cannot take it."""


class NoGain(SegwatchError):
    """No correction of a scorer is better than none by more than chance: the scorer stays as it is."""
