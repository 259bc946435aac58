"""What every segmenter keeps to, whatever it knows of the image."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from unicare.core.case import Case
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.infer.segment import PromptedSegmenter
from unicare.models.base import Segmenter
from unicare.models.baselines import EllipseSegmenter

SEGMENTERS: dict[str, Callable[[Any], Segmenter]] = {
    "ellipse": lambda _: EllipseSegmenter(),
    "prompted": PromptedSegmenter,
}
"""Name to what makes one from a network."""


@pytest.fixture(params=SEGMENTERS)
def segmenter(request: pytest.FixtureRequest, tiny_network: Any) -> Segmenter:
    return SEGMENTERS[request.param](tiny_network)


def prompts(axis: int = 2) -> CasePrompts:
    whole = Prompt(Box(6, 6, 30, 32), (Point(18, 19),))
    part = Prompt(points=(Point(14, 15), Point(16, 15)), negative_points=(Point(25, 25),))
    return CasePrompts("a", {0: None, 1: {200: whole, 2221: part}, 2: {200: whole}, 3: {70000: whole}}, axis)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("codes", ["PLS", "LSP", "AIR"])
def test_an_answer_lies_on_the_reference_and_holds_only_what_is_prompted(segmenter, make_volume, codes, axis):
    case = Case("a", {"T2": make_volume((36, 38, 40), codes), "LGE": make_volume((40, 42, 44), codes)})
    answer = segmenter.segment(case, prompts(axis))
    assert answer.grid is case.sequences["LGE"]
    assert answer.labels.shape == case.reference.shape
    assert answer.labels.dtype.kind in "iu"
    stack = np.moveaxis(answer.labels, axis, 0)
    for index, on_slice in enumerate(stack):
        asked = prompts(axis).slices.get(index) or {}
        assert set(np.unique(on_slice).tolist()) <= {0, *asked}


def test_the_same_question_gives_the_same_answer(segmenter, make_volume):
    case = Case("a", {"CT": make_volume()})
    once, again = segmenter.segment(case, prompts()), segmenter.segment(case, prompts())
    np.testing.assert_array_equal(once.labels, again.labels)


def test_the_case_and_its_prompts_are_left_as_they_are(segmenter, make_volume):
    volume = make_volume()
    before = volume.data.copy()
    asked = prompts()
    segmenter.segment(Case("a", {"CT": volume}), asked)
    np.testing.assert_array_equal(volume.data, before)
    assert asked == prompts()


def test_nothing_prompted_gives_nothing(segmenter, make_volume):
    answer = segmenter.segment(Case("a", {"CT": make_volume()}), CasePrompts("a", {0: None}))
    assert not answer.labels.any()


def test_masks_may_be_given(segmenter, make_volume):
    volume = make_volume()
    mask = np.zeros(volume.shape, dtype=np.float32)
    mask[8:28, 8:30, 1:3] = 1.0
    answer = segmenter.segment(Case("a", {"CT": volume}), prompts(), {200: mask})
    assert answer.labels.shape == volume.shape


def test_an_image_of_one_slice(segmenter, make_volume):
    case = Case("a", {"CT": make_volume((40, 48, 1))})
    answer = segmenter.segment(case, CasePrompts("a", {0: {1: Prompt(Box(0, 0, 40, 48))}}))
    assert answer.labels.shape == (40, 48, 1)
