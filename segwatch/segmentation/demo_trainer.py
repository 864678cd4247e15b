"""nnU-Net's trainer, shortened for the demo model: minutes on a CPU instead of days on a GPU."""

from collections.abc import Callable
from typing import Any

import torch
from nnunetv2.training.lr_scheduler.polylr import PolyLRScheduler
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

ITERATIONS = 25


class DemoTrainer(nnUNetTrainer):  # type: ignore[misc] # nnU-Net carries no types
    """Whole volumes, no augmentation, AdamW, few epochs, no deep supervision.

    The parameters keep nnU-Net's names: it finds them by inspection.
    """

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int | str,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cpu"),  # noqa: B008 - nnU-Net's signature; immutable
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_iterations_per_epoch = ITERATIONS
        self.num_val_iterations_per_epoch = 1
        self.initial_lr = 3e-3
        self.enable_deep_supervision = False
        self.after_epoch: Callable[[], None] = _nothing

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        """AdamW gets further than SGD in 300 steps."""
        optimizer = torch.optim.AdamW(self.network.parameters(), self.initial_lr, weight_decay=1e-4)
        return optimizer, PolyLRScheduler(optimizer, self.initial_lr, self.num_epochs)

    @staticmethod
    def get_training_transforms(
        patch_size: Any,  # noqa: ANN401 - nnU-Net's signature
        rotation_for_DA: Any,  # noqa: ANN401, N803 - nnU-Net's signature
        deep_supervision_scales: Any,  # noqa: ANN401 - nnU-Net's signature
        mirror_axes: Any,  # noqa: ANN401 - nnU-Net's signature
        do_dummy_2d_data_aug: bool,
        **rest: Any,  # noqa: ANN401 - nnU-Net's signature
    ) -> Any:  # noqa: ANN401 - nnU-Net carries no types
        """What validation uses: phantoms vary enough by themselves."""
        rest.pop("use_mask_for_norm", None)
        return nnUNetTrainer.get_validation_transforms(deep_supervision_scales, **rest)

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> Any:  # noqa: ANN401, N802 - as above
        """Without rotation a patch need not be drawn larger than it is used; nor is prediction mirrored."""
        rotation, dummy, _, _ = super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        self.inference_allowed_mirroring_axes = None
        return rotation, dummy, self.configuration_manager.patch_size, None

    def plot_network_architecture(self) -> None:
        """Nobody looks at it."""

    def on_epoch_end(self) -> None:
        """Say that an epoch is over."""
        super().on_epoch_end()
        self.after_epoch()


def _nothing() -> None:
    """What happens after an epoch where nobody asked."""
