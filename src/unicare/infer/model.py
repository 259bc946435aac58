"""The door for a person who writes Python: a model that segments cases."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from unicare.core.case import Case
from unicare.core.errors import PromptError
from unicare.core.prompt import CasePrompts
from unicare.data.load import load
from unicare.infer.device import resolve_device
from unicare.infer.masks import read_masks
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.infer.session import Session
from unicare.models.base import Segmentation
from unicare.models.weights import load_network
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts

__all__ = ["Model"]


class Model:
    """The unified model.

    Args:
        weights: a safetensors file that ``unicare train`` wrote; by default the shipped one.
        device: ``auto``, ``cpu`` or ``cuda``.
        settings: how cases are asked about.

    Raises:
        WeightsError: the weights can't be used.
        SettingsError: there is no such device.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | None = None,
        device: str = "auto",
        settings: SegmentSettings | None = None,
    ) -> None:
        self.segmenter = PromptedSegmenter(load_network(weights), settings, resolve_device(device))

    def segment(
        self,
        case: Case | str | os.PathLike[str],
        prompts: CasePrompts | str | os.PathLike[str] | None = None,
        structures: Sequence[str] | None = None,
    ) -> Segmentation:
        """Segments every prompted structure of a case.

        Args:
            case: a case, or what ``unicare.load`` takes.
            prompts: of the case, or a prompts.json in which the case (or only one case) is listed. Masks that
                they name are looked for beside prompts.json, else in the working folder.
            structures: names without geometry; not in this version.

        Raises:
            PromptError: no prompts, or prompts that don't fit the image.
        """
        if structures is not None or prompts is None:
            raise PromptError(
                "this version needs boxes or points; names alone, or nothing, aren't enough yet",
                mend="give prompts=, a prompts.json or unicare.CasePrompts",
            )
        case = case if isinstance(case, Case) else load(case)
        folder = Path()
        if not isinstance(prompts, CasePrompts):
            folder = Path(prompts).parent
            prompts = _of_case(Path(prompts), case.id)
        fitted = fit_to_volume(prompts, case.reference)
        return self.segmenter.segment(case, fitted, read_masks(fitted, case.reference, folder))

    def session(self, case: Case | str | os.PathLike[str], slice_axis: int = 2) -> Session:
        """Starts an interactive session: boxes and clicks one after the other, each answered at once."""
        return Session(self.segmenter, case if isinstance(case, Case) else load(case), slice_axis)


def _of_case(path: Path, case: str) -> CasePrompts:
    prompts, errors = read_prompts(path)
    if case in errors:
        raise errors[case]
    if case in prompts:
        return prompts[case]
    if len(prompts) == 1:
        return next(iter(prompts.values()))
    raise PromptError(
        f"{path}: no prompts for case {case}",
        found=", ".join(sorted(prompts)[:5]) or "no case",
        expected="one that is called as the image is",
    )
