"""Whether boxes are tight, told by points."""

import numpy as np
import pytest

from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.infer.tightness import boxes_are_tight
from unicare.prompts.simulate import PromptSettings, simulate_slice


def discs(settings: PromptSettings, seed: int, radius: float = 6.0, slices: int = 100) -> CasePrompts:
    """Prompts of a disc on some slices."""
    rows, columns = np.mgrid[:64, :64]
    mask = np.hypot(rows - 31.3, columns - 30.8) < radius
    rng = np.random.default_rng(seed)
    found = {index: simulate_slice(mask, settings, rng) for index in range(slices)}
    return CasePrompts("disc", {index: {7: prompt} for index, prompt in found.items() if prompt})


TIGHT = PromptSettings(box_margin_voxels=(0, 0), point_count=(5, 5))


@pytest.mark.parametrize("seed", range(10))
def test_tight_boxes_are_found_tight(seed: int) -> None:
    assert boxes_are_tight(discs(TIGHT, seed))


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "settings",
    [
        PromptSettings(point_count=(5, 5)),
        PromptSettings(box_margin_voxels=(1, 1), point_count=(5, 5)),
        PromptSettings(box_margin_voxels=(0, 2), point_count=(5, 5)),
        PromptSettings(box_margin_voxels=(0, 0), point_count=(5, 5), box_jitter_fraction=0.1),
        PromptSettings(box_margin_voxels=(0, 0), points=False),
    ],
)
def test_other_boxes_are_not(settings: PromptSettings, seed: int) -> None:
    assert not boxes_are_tight(discs(settings, seed))


def test_few_points_on_fine_grids_say_nothing() -> None:
    assert not boxes_are_tight(discs(TIGHT, 0, radius=29.0, slices=1))


def test_a_point_outside_its_box_says_that_boxes_are_not_to_be_trusted() -> None:
    prompts = discs(TIGHT, 0)
    astray = Prompt(Box(10, 10, 20, 20), (Point(25, 15),))
    assert not boxes_are_tight(CasePrompts("disc", {**prompts.slices, 40: {7: astray}}))
