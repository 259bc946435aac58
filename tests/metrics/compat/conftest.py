"""The libraries themselves, each asked as its users ask it."""

import sys
import warnings
from collections.abc import Callable
from unittest.mock import MagicMock, patch

import numpy as np
import pytest

WHY = "needed to hold --compat against it; `make setup` installs it"

NNUNET_LEFT_OUT = (
    "acvl_utils",
    "acvl_utils.cropping_and_padding",
    "acvl_utils.cropping_and_padding.bounding_boxes",
    "dynamic_network_architectures",
    "dynamic_network_architectures.building_blocks",
    "dynamic_network_architectures.building_blocks.helper",
    "skimage",
    "tifffile",
)
"""What else nnU-Net imports, and what isn't installed: networks and readers of other files."""


def load_monai():
    torch = pytest.importorskip("torch", reason=WHY)
    metrics = pytest.importorskip("monai.metrics", reason=WHY)

    def measure(truth, prediction, spacing_mm, tolerance_mm):
        y, y_pred = (torch.from_numpy(mask[None, None].astype(np.float32)) for mask in (truth, prediction))
        confusion = metrics.get_confusion_matrix(y_pred, y)
        measured = {"include_background": True, "spacing": tuple(spacing_mm)}
        figures = {
            "dice": metrics.compute_dice(y_pred, y),
            "iou": metrics.compute_iou(y_pred, y),
            "precision": metrics.compute_confusion_matrix_metric("precision", confusion),
            "recall": metrics.compute_confusion_matrix_metric("sensitivity", confusion),
            "hausdorff_mm": metrics.compute_hausdorff_distance(y_pred, y, **measured),
            "hd95_mm": metrics.compute_hausdorff_distance(y_pred, y, percentile=95, **measured),
            "assd_mm": metrics.compute_average_surface_distance(y_pred, y, symmetric=True, **measured),
            "nsd": metrics.compute_surface_dice(y_pred, y, [tolerance_mm], **measured),
        }
        return {name: figure.item() for name, figure in figures.items()}

    return measure


def load_medpy():
    binary = pytest.importorskip("medpy.metric.binary", reason=WHY)
    count = np.count_nonzero

    # MedPy catches the error of 0/0 between Python's integers, which is what numpy counted in until lately.
    @patch.object(np, "count_nonzero", lambda *args, **options: int(count(*args, **options)))
    def measure(truth, prediction, spacing_mm, tolerance_mm):
        figures = {
            "dice": binary.dc(prediction, truth),
            "iou": binary.jc(prediction, truth),
            "precision": binary.precision(prediction, truth),
            "recall": binary.recall(prediction, truth),
        }
        for name, function in (
            ("hausdorff_mm", binary.hd),
            ("hd95_mm", binary.hd95),
            ("assd_mm", binary.assd),
        ):
            if truth.any() and prediction.any():
                figures[name] = float(function(prediction, truth, voxelspacing=spacing_mm))
                continue
            figures[name] = np.nan
            with pytest.raises(RuntimeError, match="does not contain any binary object"):
                function(prediction, truth, voxelspacing=spacing_mm)
        return figures

    return measure


def load_surface_distance():
    library = pytest.importorskip("surface_distance", reason=WHY)

    # Version 0.1 asks for np.Inf and np.NaN, which numpy 2 doesn't have any more.
    @patch.object(np, "Inf", np.inf, create=True)
    @patch.object(np, "NaN", np.nan, create=True)
    def measure(truth, prediction, spacing_mm, tolerance_mm):
        distances = library.compute_surface_distances(truth, prediction, spacing_mm)
        return {
            "dice": library.compute_dice_coefficient(truth, prediction),
            "hausdorff_mm": library.compute_robust_hausdorff(distances, 100),
            "hd95_mm": library.compute_robust_hausdorff(distances, 95),
            "assd_mm": np.mean(library.compute_average_surface_distance(distances)),
            "nsd": library.compute_surface_dice_at_tolerance(distances, tolerance_mm),
        }

    return measure


def load_nnunet():
    pytest.importorskip("nnunetv2", reason=WHY)
    with patch.dict(sys.modules, {name: MagicMock() for name in NNUNET_LEFT_OUT}):
        from nnunetv2.evaluation.evaluate_predictions import compute_metrics

    class Memory:
        """Stands for nnU-Net's reader of files."""

        def __init__(self, **masks):
            self.masks = masks

        def read_seg(self, name):
            return self.masks[name][None].astype(np.uint8), {}

    def measure(truth, prediction, spacing_mm, tolerance_mm):
        memory = Memory(truth=truth, prediction=prediction)
        figures = compute_metrics("truth", "prediction", memory, [1])["metrics"][1]
        return {"dice": figures["Dice"], "iou": figures["IoU"]}

    return measure


def load_itk():
    sitk = pytest.importorskip("SimpleITK", reason=WHY)
    sitk.ProcessObject.SetGlobalWarningDisplay(False)

    def measure(truth, prediction, spacing_mm, tolerance_mm):
        images = []
        for mask in (prediction, truth):
            image = sitk.GetImageFromArray(mask.astype(np.uint8))
            image.SetSpacing([float(step) for step in reversed(spacing_mm)])
            images.append(image)
        overlap = sitk.LabelOverlapMeasuresImageFilter()
        overlap.Execute(*images)
        figures = {"dice": overlap.GetDiceCoefficient(1), "iou": overlap.GetJaccardCoefficient(1)}
        farthest = sitk.HausdorffDistanceImageFilter()
        if truth.any() and prediction.any():
            farthest.Execute(*images)
            figures["hausdorff_mm"] = farthest.GetHausdorffDistance()
        else:
            figures["hausdorff_mm"] = np.nan
            with pytest.raises(RuntimeError, match="pixelcount is equal to 0"):
                farthest.Execute(*images)
        return figures

    return measure


LOADERS: dict[str, Callable] = {
    "monai": load_monai,
    "medpy": load_medpy,
    "surface-distance": load_surface_distance,
    "nnunet": load_nnunet,
    "itk": load_itk,
}
LOADED: dict[str, Callable] = {}


@pytest.fixture(scope="session")
def library():
    """Name to a function that says what that library says of two masks; skips where it isn't installed."""

    def ask(name, truth, prediction, spacing_mm, tolerance_mm=2.0):
        if name not in LOADED:
            LOADED[name] = LOADERS[name]()
        with warnings.catch_warnings():
            # Of empty masks, of 0/0, and of names that scipy is about to drop.
            warnings.simplefilter("ignore")
            return LOADED[name](truth.astype(bool), prediction.astype(bool), spacing_mm, tolerance_mm)

    return ask
