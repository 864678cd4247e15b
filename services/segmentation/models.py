"""The models that the settings name. torch is imported here, and only where there is a model to load."""

from segwatch.errors import BadSettings
from segwatch.segmentation.bundle import OpinionBundle, open_bundle, open_opinion
from segwatch.segmentation.second_opinion import NnunetOpinion, OpinionGiver
from segwatch.segmentation.segmenter import LesionPredictor, LungPredictor
from services.segmentation.settings import SegmentationSettings


def load_lesion_model(settings: SegmentationSettings) -> LesionPredictor | None:
    """The lesion model, verified and loaded; None where no bundle is configured.

    Raises:
        BadSettings: the bundle is not what its manifest says, or nnU-Net or the device is missing.
    """
    if settings.lesion_model is None:
        return None
    bundle = open_bundle(settings.lesion_model, settings.lesion_model_sha256)
    try:
        from segwatch.segmentation.lesion import LesionModel
    except ImportError as error:
        raise BadSettings(_without("LESION_MODEL", error)) from error
    return LesionModel(bundle, device=settings.device, threads=settings.threads, mirroring=settings.mirroring)


def load_opinion(settings: SegmentationSettings) -> OpinionGiver | None:
    """The model that gives second opinions, verified and loaded; None where no bundle is configured.

    Raises:
        BadSettings: as `load_lesion_model`.
    """
    if settings.opinion_model is None:
        return None
    bundle = open_opinion(settings.opinion_model, settings.opinion_model_sha256)
    try:
        if isinstance(bundle, OpinionBundle):
            from segwatch.segmentation.opinion_model import OpinionModel

            return OpinionModel(bundle, threads=settings.threads)
        from segwatch.segmentation.lesion import LesionModel
    except ImportError as error:
        raise BadSettings(_without("OPINION_MODEL", error)) from error
    model = LesionModel(
        bundle, device=settings.device, threads=settings.threads, mirroring=settings.mirroring
    )
    return NnunetOpinion(model)


def load_lung_model(settings: SegmentationSettings) -> LungPredictor | None:
    """The lung model, verified and loaded; None where no weights are configured.

    Raises:
        BadSettings: the weights do not have the pinned hash, or lungmask is missing.
    """
    if settings.lung_weights is None or settings.lung_weights_sha256 is None:
        return None
    try:
        from segwatch.segmentation.lung_model import LungModel
    except ImportError as error:
        raise BadSettings(_without("LUNG_WEIGHTS", error)) from error
    return LungModel(
        settings.lung_weights, settings.lung_weights_sha256, device=settings.device, threads=settings.threads
    )


def _without(setting: str, error: ImportError) -> str:
    return (
        f"{setting} needs the extra `segmentation` (pip install 'segwatch[segmentation]'),"
        f" and {error.name or 'a part of it'} is not installed"
    )
