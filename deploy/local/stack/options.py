"""The options of a run, and what follows from the machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.local.machine import jars
from deploy.local.machine.folders import MODELS, POLICIES
from deploy.local.stack.hospital import SiteSettings

HOSPITALS = 2
STUDIES = 140
"""For each hospital: seven pulses and a portrait, warm within six minutes on two cores."""
DEMO_LESION_MODEL = MODELS / "demo-lesion"
DEMO_SCORER = MODELS / "demo-scorer"
DEMO_POLICY = POLICIES / "demo.yaml"
SAFE_POLICY = POLICIES / "default.yaml"
"""The policy for a user's own cases: its noise is drawn in secret."""
WINDOW_PULSES = 3
"""Federation's default window, which the page's rule stands on."""


@dataclass(frozen=True)
class RunOptions:
    """The options of a run.

    Attributes:
        hospitals, studies: of the story.
        noise_seed: fixes the story's noise; the policy must be a demo's. None: the noise is secret.
        embedded: the embedded log, whatever the machine has.
        keep_data: whether volumes and databases stay when the run is over.
        name: of the run's folder; the time where None.
        lesion_model, scorer, policy: what hospitals are given.
        lung_weights, lung_weights_sha256: lungmask's, where there are any.
        ct_unit: of the user's own CTs.
    """

    hospitals: int = HOSPITALS
    studies: int = STUDIES
    noise_seed: int | None = 1
    embedded: bool = False
    keep_data: bool = False
    name: str | None = None
    lesion_model: Path = DEMO_LESION_MODEL
    scorer: Path = DEMO_SCORER
    policy: Path = DEMO_POLICY
    lung_weights: Path | None = None
    lung_weights_sha256: str | None = None
    ct_unit: str = "auto"

    def site_settings(self, *, doors: bool = False) -> SiteSettings:
        """The settings of every hospital of the run."""
        return SiteSettings(
            lesion_model=self.lesion_model.resolve(),
            scorer=self.scorer.resolve(),
            policy=self.policy.resolve(),
            noise_seed=self.noise_seed,
            ct_unit=self.ct_unit,
            lung_weights=self.lung_weights.resolve() if self.lung_weights else None,
            lung_weights_sha256=self.lung_weights_sha256,
            doors=doors,
        )


def choose_log(embedded: bool, say: Callable[[str], None]) -> bool:
    """Whether the embedded log is used: where it is asked for, or where no broker can run. It is said."""
    why = "LOG=embedded" if embedded else jars.available()
    if why is None:
        return False
    say(
        f"No Kafka in this run ({why}): each hospital and the centre has one SQLite file as its log, and a"
        " copier carries the release records instead of MirrorMaker."
    )
    return True
