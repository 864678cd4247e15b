"""nnU-Net's trainer for phantoms on a CPU, found by nnU-Net through `nnUNet_extTrainer`."""

from typing import Any

import torch

from segwatch.segmentation.demo_trainer import DemoTrainer

EPOCHS = 5


class PhantomTrainer(DemoTrainer):
    """Minutes instead of days. The parameters keep nnU-Net's names: it finds them by inspection."""

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cpu"),  # noqa: B008 - nnU-Net's signature; immutable
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs = EPOCHS
