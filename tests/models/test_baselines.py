"""The ellipse: as large as an ellipse is, inside its box, smaller structures on top."""

import numpy as np
import pytest

from unicare.core.case import Case
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.models.baselines import EllipseSegmenter


def segment(volume, slices, axis=2):
    return EllipseSegmenter().segment(Case("a", {"CT": volume}), CasePrompts("a", slices, axis)).labels


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_an_ellipse_touches_its_box_and_has_its_area(make_volume, axis):
    labels = segment(make_volume((50, 52, 54)), {7: {3: Prompt(Box(5, 8, 45, 38))}}, axis)
    on_slice = np.moveaxis(labels, axis, 0)[7] == 3
    rows, columns = np.nonzero(on_slice)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (5, 45, 8, 38)
    assert on_slice.sum() == pytest.approx(np.pi / 4 * 40 * 30, rel=0.02)
    assert on_slice.sum() == (labels != 0).sum()


def test_the_smaller_structure_lies_on_top(make_volume):
    inner, outer = Prompt(Box(15, 15, 25, 25)), Prompt(Box(5, 5, 35, 35))
    for pair in ({1: inner, 2: outer}, {2: outer, 1: inner}):
        labels = segment(make_volume(), {0: pair})
        assert labels[20, 20, 0] == 1
        assert labels[8, 20, 0] == 2


def test_points_alone_span_the_ellipse(make_volume):
    labels = segment(make_volume(), {0: {4: Prompt(points=(Point(5, 5),))}, 1: None})
    assert np.argwhere(labels).tolist() == [[5, 5, 0]]
