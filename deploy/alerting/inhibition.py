"""What follows from what: an alert is not told while the one that explains it stands."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cause:
    """An alert that explains others.

    Attributes:
        alert: the cause.
        explains: what is not told meanwhile.
        equal: labels that must be the same in both; none where the cause is everybody's.
    """

    alert: str
    explains: tuple[str, ...]
    equal: tuple[str, ...] = ()


_SITES = ("SegwatchSiteSilent", "SegwatchReleaseRefused", "SegwatchReleaseConflict")
_STAGES = ("SegwatchStageBehind", "SegwatchStageStuck", "SegwatchDependencyAway")
_LATE = ("SegwatchStudiesLate", "SegwatchStudiesOftenLate")

CAUSES = (
    # Nobody at the centre looks: what is known of the sites is old.
    Cause("SegwatchFederationDown", _SITES),
    # One bad model update at many sites is one page, which names them.
    Cause("SegwatchFleetQualityDrop", ("SegwatchQualityDrop",)),
    # A process that is down explains why its studies wait.
    Cause("SegwatchInstanceDown", (*_STAGES, *_LATE), ("site",)),
    Cause("SegwatchStageStuck", _LATE, ("site",)),
    Cause("SegwatchStudiesLate", ("SegwatchStudiesOftenLate",), ("site",)),
)


def inhibit_rules() -> list[dict[str, Any]]:
    """Alertmanager's `inhibit_rules`."""
    return [
        {
            "source_matchers": [f'alertname = "{cause.alert}"'],
            "target_matchers": [f'alertname =~ "{"|".join(cause.explains)}"'],
            **({"equal": list(cause.equal)} if cause.equal else {}),
        }
        for cause in CAUSES
    ]
