"""Which phantoms the demo cohort consists of: patients, sets, scanners from standard to beyond sharp."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from segwatch.phantoms.scanner import SCANNERS, STANDARD, ScannerProfile

WORST = 1.4
"""Severity 0 is the standard scanner, 1 the sharp one; the cohort goes beyond it."""
TEST_SHARE, OOD_SHARE = 0.2, 0.15
OOD_SCANNERS = ("low_dose", "thick", "contrast")
"""Scanners that no training case has."""


@dataclass(frozen=True)
class DemoCase:
    """One phantom under one scanner. The patient is the phantom's seed."""

    name: str
    seed: int
    set_name: str
    scanner: ScannerProfile

    @property
    def patient(self) -> str:
        """The patient's name: the same phantom under another scanner is the same patient."""
        return f"phantom-{self.seed}"


def planned(patients: int, seed: int) -> Sequence[DemoCase]:
    """Three cases a patient, drawn from `seed`; a patient is in one set only.

    `train` and `test` see the standard scanner, a severity anywhere, and one near the sharp scanner; `ood`
    sees scanners that neither has.
    """
    generator = np.random.default_rng(seed)
    ood, test = round(patients * OOD_SHARE), round(patients * TEST_SHARE)
    cases: list[DemoCase] = []
    for number in range(patients):
        anywhere, near = generator.uniform(0.0, WORST), generator.uniform(0.7, WORST)
        severities = (0.0, round(float(anywhere), 2), round(float(near), 2))
        name = "ood" if number < ood else "test" if number < ood + test else "train"
        scanners = (
            [SCANNERS[scanner] for scanner in OOD_SCANNERS]
            if name == "ood"
            else [between(severity) for severity in severities]
        )
        cases += [
            DemoCase(f"phantom-{seed + number}-{scan}-{scanner.name}", seed + number, name, scanner)
            for scan, scanner in enumerate(scanners)
        ]
    return cases


def between(severity: float) -> ScannerProfile:
    """The scanner that lies `severity` of the way from the standard one to the sharp one.

    Dose and slice thickness change by factors, kernel and streaks by steps.
    """
    sharp = SCANNERS["sharp"]
    return replace(
        STANDARD,
        name=f"severity-{severity:.2f}",
        kernel=f"{STANDARD.kernel}-{sharp.kernel}",
        sharpness=STANDARD.sharpness + severity * (sharp.sharpness - STANDARD.sharpness),
        streaks=min(STANDARD.streaks + severity * (sharp.streaks - STANDARD.streaks), 1.0),
        slice_thickness_mm=_factor(STANDARD.slice_thickness_mm, sharp.slice_thickness_mm, severity),
        tube_current_ma=_factor(STANDARD.tube_current_ma, sharp.tube_current_ma, severity),
    )


def _factor(start: float, end: float, severity: float) -> float:
    return start * float((end / start) ** severity)
