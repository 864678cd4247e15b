"""What every message is built from: closed, frozen, finite, and each field marked whether it may leave.

A field that may leave the hospital says so with `leaves()`; a field that says nothing stays inside.
The mark travels into the JSON Schema as `x-leaves-hospital`.
"""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

LEAVES = "x-leaves-hospital"

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A sha256 in lower-case hex."""
Pseudonym = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
"""A keyed hash that stands for a study or a patient inside one hospital."""
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$")]
"""A short name of a model, a scorer or a feature."""
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


def _in_utc(moment: datetime) -> datetime:
    if moment.tzinfo:
        with suppress(OverflowError):  # of a wrong clock's year 1 or 9999 a day is no matter
            return moment.astimezone(UTC)
    return moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time in UTC; one that names no zone is taken for UTC."""


def leaves(**more: Any) -> Any:  # noqa: ANN401 - pydantic's Field returns Any by design
    """A field that may leave the hospital. Every other field stays inside."""
    return Field(json_schema_extra={LEAVES: True}, **more)


class Contract(BaseModel):
    """Base of all messages: unknown fields, coercions, NaN and infinities are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class ObjectRef(Contract):
    """A claim check: where an object lies in the hospital's volume store, and the hash of its bytes.

    The key is made of the hash, so an object can be written again but never changed.
    """

    key: Annotated[str, StringConstraints(pattern=r"^objects/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,8}$")]
    sha256: Digest
    bytes: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _key_is_made_of_the_hash(self) -> "ObjectRef":
        if self.key[11:75] != self.sha256 or self.key[8:10] != self.sha256[:2]:
            raise ValueError("the key does not carry the sha256")
        return self


class Geometry(Contract):
    """Where an array (z, y, x) lies in the patient, in DICOM's LPS coordinates, in mm.

    `direction` holds the unit vectors of the array's axes x, y, z as rows of three.
    Canonical axial orientation (`segwatch.volumes`) means that x runs to the patient's left, y to
    posterior and z to superior, up to the tilt that is allowed there.
    """

    shape_zyx: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]
    spacing_zyx_mm: tuple[
        Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]
    ]
    origin_xyz_mm: tuple[float, float, float]
    direction: tuple[float, float, float, float, float, float, float, float, float]

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        z, y, x = self.spacing_zyx_mm
        return z * y * x / 1000


class ModelIdentity(Contract):
    """Which model made a result: its name and the sha256 of its bundle."""

    name: Name = leaves()
    sha256: Digest = leaves()

    @property
    def shown(self) -> str:
        """As people read it: the name, and the hash as far as it tells two apart."""
        return f"{self.name} ({self.sha256[:12]})"
