"""How a phantom is scanned: what changes when a hospital buys a scanner or edits a protocol."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from types import MappingProxyType

REFERENCE_CURRENT_MA = 200.0
REFERENCE_THICKNESS_MM = 5.0


@dataclass(frozen=True, slots=True)
class ScannerProfile:
    """A scanner and its protocol.

    Attributes:
        kernel: the reconstruction kernel's name, as DICOM's Convolution Kernel (0018,1210).
        sharpness: 0 is a soft-tissue kernel, 1 a lung kernel with edge enhancement. A sharper kernel
            also lets more noise through.
        noise_hu: standard deviation at 200 mA, 5 mm and a kernel of sharpness 0, mid-body.
        streaks: 0 to 1, how much of the noise lies in horizontal streaks, as where few photons get
            through the shoulders.
        slice_thickness_mm: the slab that a slice averages; the distance of slices does not change.
        contrast_agent: blood is bright (about 200 HU) instead of 45 HU.
    """

    name: str
    manufacturer: str
    model: str
    kernel: str
    sharpness: float = 0.15
    noise_hu: float = 18.0
    streaks: float = 0.1
    slice_thickness_mm: float = 5.0
    tube_current_ma: float = 200.0
    peak_kilovoltage: float = 120.0
    contrast_agent: bool = False

    @property
    def raw_noise_hu(self) -> float:
        """Noise before the kernel: photons go with tube current times slice thickness."""
        current = REFERENCE_CURRENT_MA / self.tube_current_ma
        thickness = REFERENCE_THICKNESS_MM / self.slice_thickness_mm
        return self.noise_hu * sqrt(current * thickness)


STANDARD = ScannerProfile("standard", "Segwatch Phantoms", "Standard 64", "B40f")
_PROFILES = (
    STANDARD,
    ScannerProfile(
        "sharp",
        "Segwatch Phantoms",
        "Crisp 128",
        "B70f",
        sharpness=1.0,
        streaks=0.15,
        slice_thickness_mm=2.5,
        tube_current_ma=32.0,
    ),
    ScannerProfile("low_dose", "Segwatch Phantoms", "Standard 64", "B40f", streaks=0.3, tube_current_ma=30.0),
    ScannerProfile(
        "thick", "Segwatch Phantoms", "Standard 16", "B30f", sharpness=0.0, slice_thickness_mm=15.0
    ),
    ScannerProfile("contrast", "Segwatch Phantoms", "Standard 64", "B40f", contrast_agent=True),
)
SCANNERS: Mapping[str, ScannerProfile] = MappingProxyType({profile.name: profile for profile in _PROFILES})
"""Profiles by name. `standard` is what the demo model was trained on; `sharp` is the new scanner of the
local run's story."""
