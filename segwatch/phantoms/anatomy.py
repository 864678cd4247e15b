"""A chest without disease: outlines of body, lungs and organs, and their HU."""

from dataclasses import dataclass

import numpy as np

from segwatch.phantoms.patient import Patient
from segwatch.phantoms.space import EXTENT_ZYX_MM, Array, Space, clouds, paint, radial, soft

AIR, FAT, MUSCLE, BLOOD, LIVER, MARROW, CORTEX = -1000.0, -100.0, 45.0, 45.0, 58.0, 160.0, 480.0
BLOOD_WITH_CONTRAST = 210.0
_RIB_DISTANCE_MM = 28.0
_SPINE_Y = 0.66


@dataclass(frozen=True, slots=True)
class Outlines:
    """Distances in mm (negative inside) from what bounds the lungs, all (z, y, x)."""

    body: Array
    cage: Array
    centre: Array
    diaphragm: Array
    heart: Array
    half_depth: float

    @property
    def lungs(self) -> Array:
        """Distance from the lungs' surface, negative inside."""
        return np.maximum(np.maximum(self.cage + 3, -self.centre), -self.diaphragm)


def outlines(space: Space, patient: Patient) -> Outlines:
    """Where body, rib cage, mediastinum with the heart, and diaphragm lie."""
    half_x, half_y = patient.body
    x, y, h = space.x, space.y, space.height
    shoulders = 1 + 0.06 * np.clip((h - 0.6) / 0.4, 0, 1)
    body = radial(x, y, half_x * shoulders, half_y * np.ones_like(h), patient.squareness)
    inner_x, inner_y = half_x - patient.fat - patient.wall, half_y - patient.fat - patient.wall
    apex = np.clip((h - 0.4) / 0.6, 0, 1) ** 2
    cage = radial(x, y, inner_x * (1 - 0.42 * apex), inner_y * (1 - 0.3 * apex), 2.3)
    heart = _heart(space, patient)
    return Outlines(
        body=body,
        cage=cage,
        centre=np.minimum(_mediastinum(space, inner_y), heart),
        diaphragm=_diaphragm(space, patient, inner_x, inner_y),
        heart=heart,
        half_depth=inner_y,
    )


def _heart(space: Space, patient: Patient) -> Array:
    (a, b, c), (cx, cy, cz) = patient.heart, patient.heart_at
    turned_x = (space.x - cx) * 0.91 - (space.y - cy) * 0.42
    turned_y = (space.x - cx) * 0.42 + (space.y - cy) * 0.91
    z = space.z - cz * EXTENT_ZYX_MM[0]
    rho = np.sqrt((turned_x / a) ** 2 + (turned_y / b) ** 2 + (z / c) ** 2)
    return (rho - 1) * np.float32(min(a, b, c))


def _mediastinum(space: Space, half_depth: float) -> Array:
    """A waist between sternum and spine, wider above the heart, and the spine with its muscles."""
    x, y, h = space.x, space.y, space.height
    waist = 9 + 19 * np.exp(-(((y + 0.2 * half_depth) / (0.6 * half_depth)) ** 2)) * (0.75 + 0.35 * h)
    spine = np.hypot(x, (y - _SPINE_Y * half_depth - 8) * 0.85) - 27
    return np.asarray(np.minimum(np.abs(x) - waist, spine), np.float32)


def _diaphragm(space: Space, patient: Patient, half_x: float, half_y: float) -> Array:
    """Height above the diaphragm's two domes in mm; they fall off towards the wall."""
    x, y = space.x, space.y
    right, left = patient.dome
    middle = np.float32(0.48 * half_x)
    top = np.where(x < 0, right, left).astype(np.float32) * EXTENT_ZYX_MM[0]
    away = ((np.abs(x) - middle) / (0.62 * half_x)) ** 2 + ((y + 0.1 * half_y) / (0.95 * half_y)) ** 2
    return np.asarray(space.z - (top - 42 * away), np.float32)


def tissue(space: Space, patient: Patient, lines: Outlines, blood: float, rng: np.random.Generator) -> Array:
    """HU of everything but lesions and lung vessels, before the scanner."""
    edge = space.edge
    hu = np.full(space.shape, AIR, np.float32)
    paint(hu, _table(space, patient), -350.0)
    paint(hu, soft(lines.body, edge), FAT)
    muscle = lines.body + patient.fat + 2.5 * clouds(rng, space.shape, (4, 9, 9))
    paint(hu, soft(muscle, edge), MUSCLE)
    sheets = 6 * clouds(rng, space.shape, (3, 7, 7))
    paint(hu, 0.8 * soft(np.abs(lines.cage - 13 + sheets) - 1.5, edge) * soft(muscle, edge), FAT)
    _bones(hu, space, patient, lines)
    inside = soft(lines.cage + 1, edge)
    paint(hu, inside * soft(lines.centre, edge), -20 + 25 * clouds(rng, space.shape, (6, 12, 12)))
    paint(hu, inside * soft(lines.diaphragm, edge), np.where(space.x < 0, LIVER, LIVER - 10))
    paint(hu, soft(lines.heart + 4, edge), blood)
    _great_vessels(hu, space, lines, blood)
    _spine(hu, space, lines)
    back = np.clip(space.y / lines.half_depth, -1, 1)
    air = patient.aeration + patient.dependent * 0.5 * back + 9 * clouds(rng, space.shape, (8, 24, 24))
    paint(hu, soft(lines.lungs, edge), air)
    return hu


def _bones(hu: Array, space: Space, patient: Patient, lines: Outlines) -> None:
    """Ribs run downwards to the front round the cage; sternum; shoulder blades in the upper half."""
    depth = np.abs(lines.cage - 5.5) - 4.5
    slope = -0.5 * space.y + 0.12 * np.abs(space.x)
    phase = (space.z - slope) / _RIB_DISTANCE_MM + patient.rib_phase
    along = np.abs(phase - np.floor(phase) - 0.5) * _RIB_DISTANCE_MM - 6.0
    rib = np.maximum(depth, along)
    behind_sternum = np.abs(space.x) < 0.35 * lines.half_depth
    rib = np.where(behind_sternum & (space.y < 0), 9, rib)
    sternum = radial(space.x, space.y + lines.half_depth + 4, 19.0, 6.5, 3.0) + 0 * space.height
    blade = _shoulder_blade(space, lines)
    bone = np.minimum(np.minimum(rib, sternum), blade)
    paint(hu, soft(bone, space.edge), CORTEX)
    paint(hu, soft(bone + 2.6, space.edge), MARROW)


def _shoulder_blade(space: Space, lines: Outlines) -> Array:
    """A thin plate behind and beside the cage on either side."""
    plate = np.abs(lines.cage - 17) - 3.2
    angle = np.arctan2(space.y, np.abs(space.x))
    span = (np.abs(angle - 0.75) - 0.33) * 90
    return np.asarray(np.maximum(np.maximum(plate, span), (0.52 - space.height) * 120), np.float32)


def _great_vessels(hu: Array, space: Space, lines: Outlines, blood: float) -> None:
    """Descending aorta beside the spine; above the heart the ascending aorta and the vena cava."""
    d = lines.half_depth
    above = (0.42 - space.height) * 80
    descending = np.hypot(space.x - 17, space.y - 0.34 * d) - 11.5
    ascending = np.maximum(np.hypot(space.x + 4, space.y + 0.36 * d) - 14.5, above)
    cava = np.maximum(np.hypot(space.x + 22, space.y + 0.3 * d) - 9, above)
    vessels = np.minimum(np.minimum(ascending, cava), descending)
    paint(hu, soft(vessels, space.edge), blood)


def _spine(hu: Array, space: Space, lines: Outlines) -> None:
    """Vertebral bodies with discs, the canal behind them, and the processes."""
    y = space.y - _SPINE_Y * lines.half_depth
    body = radial(space.x, y, 17.0, 14.0, 2.6)
    process = np.maximum(np.abs(space.x) - 3.2, np.abs(y - 40) - 14)
    across = np.maximum(np.abs(y - 22 - 0.12 * np.abs(space.x)) - 4, np.abs(space.x) - 30)
    bone = np.minimum(np.minimum(body, process), across)
    paint(hu, soft(bone, space.edge) + 0 * space.height, CORTEX * 0.75)
    paint(hu, soft(bone + 3.2, space.edge) + 0 * space.height, MARROW)
    disc = np.abs(np.mod(space.z, 24.0) - 12) > 9.5
    paint(hu, soft(body, space.edge) * disc, 85.0)
    paint(hu, soft(np.hypot(space.x, y - 22) - 8, space.edge) + 0 * space.height, 25.0)


def _table(space: Space, patient: Patient) -> Array:
    """The couch under the patient: two thin curved plates."""
    curve = space.y - (patient.body[1] + 9) + 0.0011 * space.x**2
    within = np.abs(space.x) < 165
    plate = np.minimum(np.abs(curve) - 2, np.abs(curve - 26 - 0.0006 * space.x**2) - 1.5)
    return soft(plate, space.edge) * within * np.ones_like(space.height)
