"""Where a report's pictures come from: truths, predictions, images and prompts of a case."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from unicare.core.errors import UnicareError
from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.data.layouts.flat import list_cases
from unicare.data.nifti import load_labels, load_volume
from unicare.evaluate.files import find_prediction, find_truths
from unicare.evaluate.report.results import Run
from unicare.evaluate.score import check_same_grid
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts

__all__ = ["CaseFiles", "LoadedCase", "Sources", "find_sources", "load_case"]

_IMAGE_ORDER = ("LGE", "T2", "bSSFP")
_log = logging.getLogger("unicare")


@dataclass(frozen=True)
class CaseFiles:
    """The files of one case.

    Attributes:
        case: its id.
        truth: its label map.
        predictions: run to its label map, for runs that have one.
        images: sequence to image.
        prompts: what was given, or None.
    """

    case: str
    truth: Path
    predictions: Mapping[str, Path]
    images: Mapping[str, Path]
    prompts: CasePrompts | None


@dataclass(frozen=True)
class Sources:
    """The files of all cases.

    Attributes:
        cases: case to its files.
        missing: run to the cases that it has no prediction of.
    """

    cases: Mapping[str, CaseFiles]
    missing: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class LoadedCase:
    """One case in memory, all on the truth's grid.

    Attributes:
        truth: label map (P, L, S).
        predictions: run to label map (P, L, S); runs whose file is missing or can't be used have none.
        image: the first sequence that lies on the grid, or None.
        prompts: along the slices of the truth, or None.
    """

    truth: Volume
    predictions: Mapping[str, NDArray[Any]]
    image: Volume | None
    prompts: CasePrompts | None

    @property
    def slice_axis(self) -> int:
        """Along which slices are shown: that of the prompts, or else that of the thick slices."""
        if self.prompts is not None:
            return self.prompts.slice_axis
        return 2 if self.truth.acquisition_axis is None else self.truth.acquisition_axis


def find_sources(
    truth_dir: Path, runs: Sequence[Run], images: Path | None, prompts_json: Path | None
) -> Sources:
    """Finds the files of every case that there is a truth of.

    Raises:
        UnicareError: a folder or prompts.json can't be read at all.
    """
    truths = find_truths(truth_dir)
    sequences = {} if images is None else list_cases(images, truths)
    prompts = {} if prompts_json is None else read_prompts(prompts_json).cases
    cases = {}
    for case, truth in truths.items():
        found = {run.name: find_prediction(run.predictions_dir, case, truth) for run in runs}
        predictions = {run: path for run, path in found.items() if path is not None}
        cases[case] = CaseFiles(case, truth, predictions, dict(sequences.get(case, {})), prompts.get(case))
    missing = {
        run.name: [case for case, files in cases.items() if run.name not in files.predictions] for run in runs
    }
    return Sources(cases, missing)


def load_case(files: CaseFiles) -> LoadedCase:
    """Loads what can be shown of a case; what can't is left out and logged.

    Raises:
        UnicareError: the truth can't be read.
    """
    truth = load_labels(files.truth)
    predictions: dict[str, NDArray[Any]] = {}
    for run, path in files.predictions.items():
        try:
            prediction = load_labels(path)
            check_same_grid(files.truth, truth, path, prediction)
        except UnicareError as error:
            _log.warning("case %s of run %s is left out of the report's pictures: %s", files.case, run, error)
            continue
        predictions[run] = prediction.data
    return LoadedCase(truth, predictions, _image_on_grid(files.images, truth), _fitted(files, truth))


def _fitted(files: CaseFiles, truth: Volume) -> CasePrompts | None:
    if files.prompts is None:
        return None
    try:
        return fit_to_volume(files.prompts, truth)
    except UnicareError as error:
        _log.warning("case %s: its prompts aren't drawn: %s", files.case, error)
        return None


def _image_on_grid(files: Mapping[str, Path], truth: Volume) -> Volume | None:
    """The first sequence that lies on the truth's grid: LGE, T2, bSSFP, then the others."""
    order = sorted(files, key=lambda n: _IMAGE_ORDER.index(n) if n in _IMAGE_ORDER else len(_IMAGE_ORDER))
    for name in order:
        try:
            image = load_volume(files[name])
            check_same_grid(Path(), truth, files[name], image)
        except UnicareError:
            continue
        return image
    return None
