"""Maps of probabilities of one case, a file a label, against its truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import ImageError, UnicareError
from unicare.core.volume import Volume
from unicare.data.nifti import load_volume
from unicare.evaluate.files import find_probability
from unicare.evaluate.findings import Finding, Kind
from unicare.evaluate.grid import check_same_grid
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.probability import (
    brier,
    crps_volume_ml,
    expected_calibration_error,
    volumes_from_probability_ml,
)
from unicare.metrics.rules import Figure

__all__ = ["probability_figures"]

_ROUNDING = 1e-5  # how far beyond 0 and 1 stored probabilities may be: what scaled integers are off by


def _crps(truth: NDArray[Any], probability: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    return crps_volume_ml(truth, volumes_from_probability_ml(probability, spacing_mm).tolist(), spacing_mm)


_MEASURES: Mapping[str, Callable[[NDArray[Any], NDArray[Any], Sequence[float]], Figure]] = {
    "brier": brier,
    "expected_calibration_error": expected_calibration_error,
    "crps_volume_ml": _crps,
}


def probability_figures(
    case: str, truth_path: Path, truth: Volume, labels: Sequence[int], settings: EvaluationSettings
) -> tuple[dict[int, dict[str, Figure]], list[Finding]]:
    """Measures the map of probabilities of every label.

    Args:
        case: the case's id.
        truth_path: for messages.
        truth: label map.
        labels: those that are scored.
        settings: with the folder, and which metrics are wanted.

    Returns:
        Label to figures, and what there is to say about labels without a usable map.
    """
    figures: dict[int, dict[str, Figure]] = {}
    findings: list[Finding] = []
    assert settings.probabilities is not None
    for label in labels:
        path = find_probability(Path(settings.probabilities), case, label)
        if path is None:
            text = f"no map of probabilities for label {label}; its probabilities are not scored"
            findings.append(Finding(Kind.PROBABILITIES, text, case))
            continue
        try:
            said = _probabilities(path, truth_path, truth)
        except UnicareError as error:
            findings.append(Finding(Kind.PROBABILITIES, f"{error}; not scored", case))
            continue
        figures[label] = {
            name: _MEASURES[name](truth.data == label, said, truth.spacing_mm)
            for name in settings.probability_metrics
        }
    return figures, findings


def _probabilities(path: Path, truth_path: Path, truth: Volume) -> NDArray[np.float32]:
    volume = load_volume(path)
    check_same_grid(truth_path, truth, path, volume)
    lowest, highest = float(volume.data.min()), float(volume.data.max())
    if lowest < -_ROUNDING or highest > 1 + _ROUNDING:
        raise ImageError(
            f"{path}: not a map of probabilities",
            found=f"values from {lowest:g} to {highest:g}",
            expected="0 to 1",
            mend="write probabilities, not logits or percentages",
        )
    said: NDArray[np.float32] = np.clip(volume.data, 0.0, 1.0)
    return said
