"""The lesion model: nnU-Net's predictor on a verified bundle, kept alive between studies.

The only module of the service that needs torch for the lesion mask; it is imported only where a bundle is
configured.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.preprocessing.resampling.default_resampling import compute_new_shape
from numpy.typing import NDArray

from segwatch.contracts.studies import MaskProbabilities
from segwatch.errors import RefusedModel, Unprocessable, in_one_line
from segwatch.segmentation.bundle import Bundle
from segwatch.segmentation.confidence import mean_pairwise_dice, summary
from segwatch.segmentation.plans import cascade, flips_to


@dataclass(frozen=True, slots=True)
class Prediction:
    """What the model says of a study: its mask (z, y, x), and how sure it is."""

    mask: NDArray[np.bool_]
    probabilities: MaskProbabilities


class LesionModel:
    """An nnU-Net, loaded once.

    With several folds the mask is that of their mean, and their agreement is told.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        device: str = "cpu",
        threads: int = 1,
        mirroring: bool = True,
        labels: tuple[int, ...] = (),
    ) -> None:
        """Load a bundle.

        Args:
            bundle: verified; its checkpoints are pickles.
            device: a torch device: `cpu`, `cuda`, `cuda:1`.
            threads: how many threads torch may use.
            mirroring: predict mirrored copies too, along the axes that the checkpoint allows, as nnU-Net
                does by itself: up to eight times the work.
            labels: those that are lesion; the bundle's where empty.

        Raises:
            RefusedModel: the files are not what nnU-Net can load, or the device is not there.
        """
        self.identity = bundle.identity
        self._ensemble = bundle.ensemble
        self._threads = threads
        torch.set_num_threads(threads)
        try:
            with redirect_stdout(io.StringIO()):  # nnU-Net prints; stdout is for the service's log lines
                predictor = nnUNetPredictor(
                    use_mirroring=mirroring,
                    perform_everything_on_device=device.startswith("cuda"),
                    device=torch.device(device),
                    allow_tqdm=False,
                )
                predictor.initialize_from_trained_model_folder(str(bundle.folder), bundle.folds)
                predictor.network.to(torch.device(device))
        except Exception as error:  # whatever is in the files, nnU-Net and torch say it in many ways
            raise RefusedModel(
                f"LESION_MODEL: nnU-Net cannot load {bundle.folder} on {device}: {in_one_line(error, 300)}"
            ) from error
        before = predictor.configuration_manager.previous_stage_name
        if before is not None:
            raise RefusedModel(f"LESION_MODEL: the network in {bundle.folder} {cascade(before)}")
        _temper(predictor.label_manager, bundle.temperature)
        self._predictor = predictor
        self._folds = list(predictor.list_of_parameters)
        self._labels = sorted(labels or bundle.lesion_labels)
        self._turn = flips_to(bundle.axes)

    def predict(self, ct: NDArray[Any], spacing_zyx_mm: tuple[float, float, float]) -> Prediction:
        """Segment a CT (z, y, x) in HU; the mask has the same shape.

        Raises:
            Unprocessable: `too_thin`: at the model's spacing nothing of the CT is left.
        """
        self._refuse_too_thin(ct.shape, spacing_zyx_mm)
        with redirect_stdout(io.StringIO()), _threads(self._threads):
            mask, foreground, agreement = self._run(ct[self._turn], spacing_zyx_mm)
        found = summary(mask, foreground, agreement, self._ensemble)
        return Prediction(np.ascontiguousarray(mask[self._turn]), found)

    def foreground(self, ct: NDArray[Any], spacing_zyx_mm: tuple[float, float, float]) -> NDArray[np.float32]:
        """The probability of lesion in each voxel of a CT (z, y, x) in HU; raises as `predict` does."""
        self._refuse_too_thin(ct.shape, spacing_zyx_mm)
        with redirect_stdout(io.StringIO()), _threads(self._threads):
            return np.ascontiguousarray(self._run(ct[self._turn], spacing_zyx_mm)[1][self._turn])

    def _refuse_too_thin(self, shape: tuple[int, ...], spacing: tuple[float, float, float]) -> None:
        plans, wanted = self._predictor.plans_manager, self._predictor.configuration_manager.spacing
        order = plans.transpose_forward
        here = [spacing[axis] for axis in order]
        wanted = [
            *here[: len(here) - len(wanted)],
            *wanted,
        ]  # a 2d model leaves slices as far apart as they are
        size = compute_new_shape([shape[axis] for axis in order], here, wanted)
        if min(size) < 1:
            voxels, mm = (" x ".join(f"{each:g}" for each in sizes) for sizes in (shape, wanted))
            raise Unprocessable(
                f"the CT of {voxels} voxels (z, y, x) is thinner than half a voxel of the lesion model"
                f" ({mm} mm): send more slices, or a mask",
                kind="too_thin",
            )

    def _run(
        self, ct: NDArray[Any], spacing: tuple[float, float, float]
    ) -> tuple[NDArray[np.bool_], NDArray[np.float32], float | None]:
        """The mask, the probability of lesion in each voxel, and the folds' agreement, in training's axes."""
        predictor = self._predictor
        preprocessor = predictor.configuration_manager.preprocessor_class(verbose=False)
        image = np.ascontiguousarray(ct, np.float32)[None]
        data, _, properties = preprocessor.run_case_npy(
            image,
            None,
            {"spacing": list(spacing)},
            predictor.plans_manager,
            predictor.configuration_manager,
            predictor.dataset_json,
        )
        logits, masks = self._logits(torch.from_numpy(data))
        segmentation, probabilities = convert_predicted_logits_to_segmentation_with_correct_shape(
            logits,
            predictor.plans_manager,
            predictor.configuration_manager,
            predictor.label_manager,
            properties,
            return_probabilities=True,
            num_threads_torch=self._threads,
        )
        return self._lesion(segmentation), self._probability(probabilities), mean_pairwise_dice(masks)

    def _logits(self, data: torch.Tensor) -> tuple[torch.Tensor, list[NDArray[np.bool_]]]:
        """The mean logits of all folds at the model's spacing; each fold's mask where there are several.

        They stay in nnU-Net's half precision: in another, voxels between two labels fall otherwise.
        """
        predictor = self._predictor
        total: torch.Tensor | None = None
        masks: list[NDArray[np.bool_]] = []
        for weights in self._folds:
            predictor.list_of_parameters = [weights]
            logits = predictor.predict_logits_from_preprocessed_data(data)
            if len(self._folds) > 1:
                found = predictor.label_manager.convert_logits_to_segmentation(logits).numpy()
                masks.append(self._lesion(found))
            total = logits if total is None else total + logits
        if total is None:
            raise RefusedModel("the bundle has no folds")
        return total / len(self._folds), masks

    def _lesion(self, labels: NDArray[Any]) -> NDArray[np.bool_]:
        return np.asarray(np.isin(labels, self._labels))

    def _probability(self, probabilities: NDArray[Any]) -> NDArray[np.float32]:
        """Of lesion, from the probabilities (channel, z, y, x): of its labels together, or of its regions."""
        manager = self._predictor.label_manager
        if not manager.has_regions:
            channels = [at for at, label in enumerate(manager.all_labels) if label in self._labels]
            return np.asarray(probabilities[channels].sum(axis=0), np.float32)
        within = [
            at
            for at, region in enumerate(manager.foreground_regions)
            if set(np.atleast_1d(region).tolist()) <= set(self._labels)
        ]
        return np.asarray(probabilities[within].max(axis=0, initial=0), np.float32)


def _temper(labels: Any, temperature: float) -> None:  # noqa: ANN401 - nnU-Net carries no types
    """Divide logits by the temperature where they become probabilities: masks do not depend on it."""
    plain = labels.inference_nonlin
    if temperature != 1:
        labels.inference_nonlin = lambda logits: plain(logits / temperature)


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """nnU-Net sets torch's threads as it likes, and stops in the middle where it fails."""
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(wanted)
