"""Settings of segmentation, all with the prefix `SEGWATCH_`."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, model_validator

from segwatch.contracts.base import Digest
from segwatch.streaming.settings import ServiceSettings


class SegmentationSettings(ServiceSettings):
    """Where volumes lie, and which models are used.

    Attributes:
        store: folder or fsspec URL of the volume store.
        lesion_model: bundle folder; without it only studies that bring their own mask are processed.
        lesion_model_sha256: digest that the bundle must have.
        lung_weights: lungmask's R231 weights; without them the lung mask is made classically.
        lung_weights_sha256: needed with `lung_weights`.
        device: torch's: `cpu`, `cuda`, `cuda:1`.
        threads: of torch.
        mirroring: predict mirrored copies too, where the bundle allows it: better, up to 8 times the time.
        opinion_model: bundle folder of the model that gives second opinions. Without it the lesion model
            gives one of masks that came with their study.
        opinion_model_sha256: digest that the bundle must have.
    """

    store: str
    lesion_model: Path | None = None
    lesion_model_sha256: Digest | None = None
    lung_weights: Path | None = None
    lung_weights_sha256: Digest | None = None
    device: Annotated[str, Field(pattern=r"^(cpu|mps|cuda(:\d+)?)$")] = "cpu"
    threads: Annotated[int, Field(ge=1, le=256)] = 1
    mirroring: bool = True
    opinion_model: Path | None = None
    opinion_model_sha256: Digest | None = None

    @model_validator(mode="after")
    def _pins_belong_to_files(self) -> Self:
        if self.lung_weights is not None and self.lung_weights_sha256 is None:
            raise ValueError("LUNG_WEIGHTS needs LUNG_WEIGHTS_SHA256: unpinned weights are not loaded")
        for file in ("lung_weights", "lesion_model", "opinion_model"):
            pin = f"{file}_sha256"
            if getattr(self, file) is None and getattr(self, pin) is not None:
                raise ValueError(f"{pin.upper()} is set, but {file.upper()} is not")
        return self
