"""The predictors that a demo compares: the network, one that sees no image, one broken on purpose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicare.core.errors import UnicareError

__all__ = ["PREDICTORS", "Folders", "Predictor", "PredictorSettings"]

Progress = Callable[..., None]


@dataclass(frozen=True)
class Folders:
    """Where a predictor reads and writes.

    Attributes:
        input: images/ and prompts.json.
        output: where its predictions go.
        network: where the network's predictions lie.
    """

    input: Path
    output: Path
    network: Path


@dataclass(frozen=True)
class PredictorSettings:
    """How predictors run; fields as in ``DemoSettings``."""

    workers: int = 2
    device: str = "auto"
    weights: Path | None = None
    overwrite: bool = False


Predictor = Callable[[Folders, PredictorSettings, Progress], Mapping[str, str]]
"""Predicts a folder; gives case to sentence for those that couldn't be predicted."""


def _network(folders: Folders, settings: PredictorSettings, progress: Progress) -> Mapping[str, str]:
    from unicare.infer.batch import BatchSettings, predict_folder

    how = BatchSettings(
        weights=settings.weights,
        workers=settings.workers,
        device=settings.device,
        overwrite=settings.overwrite,
    )
    return predict_folder(folders.input, folders.output, how, progress).errors


def _ellipse(folders: Folders, settings: PredictorSettings, progress: Progress) -> Mapping[str, str]:
    """Fills the ellipse of every box: what can be had without looking at the image."""
    from unicare.data.layouts.flat import list_cases, read_case
    from unicare.models.baselines import EllipseSegmenter
    from unicare.prompts.axes import fit_to_volume
    from unicare.prompts.contract import read_prompts

    prompts = read_prompts(folders.input / "prompts.json").cases
    cases = list_cases(folders.input, prompts)
    segmenter = EllipseSegmenter()
    failed: dict[str, str] = {}
    for done, (name, files) in enumerate(cases.items(), start=1):
        out = folders.output / f"{name}_pred.nii.gz"
        if settings.overwrite or not out.exists():
            try:
                case = read_case(name, files)
                segmenter.segment(case, fit_to_volume(prompts[name], case.reference)).save(out)
            except UnicareError as error:
                failed[name] = str(error)
        progress(done, len(cases), name)
    return failed


def _broken(folders: Folders, settings: PredictorSettings, progress: Progress) -> Mapping[str, str]:
    """The network's own answers, spoilt as submissions are: mirrored, with a stray voxel, some missing.

    Every fifth case is left out; in every other one of the rest, left and right are swapped; in all of them a
    corner voxel takes the label of a structure.
    """
    from unicare.data.nifti import load_labels, save_labels

    files = sorted(folders.network.glob("*_pred.nii.gz"))
    for done, path in enumerate(files, start=1):
        out = folders.output / path.name
        if done % 5 and (settings.overwrite or not out.exists()):
            answer = load_labels(path)
            labels = np.array(answer.data[:, ::-1] if done % 2 else answer.data)
            labels[0, 0, 0] = labels.max()
            save_labels(out, answer, labels)
        progress(done, len(files), path.name)
    return {}


PREDICTORS: Mapping[str, Predictor] = {"unicare": _network, "ellipse": _ellipse, "broken": _broken}
"""By the name that the report shows; the network comes first, since others may spoil its answers."""
