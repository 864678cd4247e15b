"""A simulated acquisition: slab, kernel and noise between the patient and the image.

Noise goes through the same kernel as the patient does, so a sharp kernel gives fine, strong grain and a
soft one coarse, weak grain: in filtered back-projection the noise power rises with frequency and falls
with the square of the kernel's transfer function (Riederer, Pelc, Chesler, Phys Med Biol 23, 1978).
"""

import numpy as np

from segwatch.phantoms.scanner import ScannerProfile
from segwatch.phantoms.space import Array, Space, blur_z

_SOFT_KERNEL_CUTOFF = 0.62
"""Where a soft kernel passes 1/e, as a share of the Nyquist frequency."""
_AIR_HU, _LARGEST_HU = -1024, 3071


def scan(hu: Array, space: Space, scanner: ScannerProfile, rng: np.random.Generator) -> Array:
    """The image that the scanner makes of a patient; HU, float32, same shape (z, y, x)."""
    slabs = blur_z(hu, scanner.slice_thickness_mm / space.spacing[0])
    passed = _transfer(space, scanner.sharpness)
    image = _filtered(slabs, passed)
    return image + scanner.raw_noise_hu * _thickness_of_body(slabs) * _grain(space, scanner, passed, rng)


def to_hounsfield(image: Array) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """Rounded and limited to the 12 bits that scanners write."""
    return np.clip(np.rint(image), _AIR_HU, _LARGEST_HU).astype(np.int16)


def _frequencies(space: Space) -> tuple[Array, Array]:
    """|fy| and |fx| as shares of the Nyquist frequency of the default grid, so that a kernel's look in mm
    does not depend on the matrix."""
    reference = 0.5 / 2.7
    fy = np.abs(np.fft.fftfreq(space.shape[1], space.spacing[1])) / reference
    fx = np.abs(np.fft.rfftfreq(space.shape[2], space.spacing[2])) / reference
    return fy.astype(np.float32)[:, None], fx.astype(np.float32)[None, :]


def _transfer(space: Space, sharpness: float) -> Array:
    """The kernel's transfer function: 1 at frequency 0; a sharp one passes more, and lifts the middle."""
    f = np.hypot(*_frequencies(space))
    cutoff = _SOFT_KERNEL_CUTOFF * (1 + 1.1 * sharpness)
    lift = 1 + 0.9 * sharpness * np.exp(-(((f - 0.6) / 0.35) ** 2)) * (1 - np.exp(-((f / 0.3) ** 2)))
    return np.asarray(np.exp(-((f / cutoff) ** 2)) * lift, np.float32)


def _filtered(image: Array, passed: Array) -> Array:
    return np.fft.irfft2(np.fft.rfft2(image) * passed, s=image.shape[1:]).astype(np.float32)


def _grain(space: Space, scanner: ScannerProfile, passed: Array, rng: np.random.Generator) -> Array:
    """Noise of this kernel; of deviation 1 where the kernel is soft."""
    fy, fx = _frequencies(space)
    ramp = np.sqrt(np.hypot(fy, fx))
    streaks = (1 - scanner.streaks) + scanner.streaks * 3.2 * np.exp(-((fx / 0.18) ** 2)) * fy
    soft = ramp * _transfer(space, 0.0)
    white = rng.standard_normal(space.shape, dtype=np.float32)
    return _filtered(white, ramp * passed * streaks) / np.float32(_deviation(soft, space.shape[2]))


def _deviation(passed: Array, width: int) -> float:
    """What filtering leaves of white noise of deviation 1 (Parseval; inner columns stand for two)."""
    twice = np.full(passed.shape[1], 2.0)
    twice[0] = 1.0
    if width % 2 == 0:
        twice[-1] = 1.0
    return float(np.sqrt((passed**2 * twice).sum() / (passed.shape[0] * width)))


def _thickness_of_body(hu: Array) -> Array:
    """How much stronger noise is in each slice and place: more where rays cross more tissue."""
    tissue = np.clip(hu / 1000 + 1, 0, 2)
    across = tissue.mean(axis=2, keepdims=True)
    down = tissue.mean(axis=1, keepdims=True)
    crossed = np.sqrt(np.exp(1.6 * (across - 0.35)) * 0.5 + np.exp(1.6 * (down - 0.35)) * 0.5)
    return np.asarray(np.clip(crossed, 0.5, 2.5), np.float32)
