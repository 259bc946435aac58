"""Labels painted one after the other: the more probable wins, a part wins over its whole."""

import numpy as np
import pytest

from unicare.core.prompt import Box
from unicare.core.region import Crop
from unicare.infer.merge import Merge

CROP = Crop(range(1, 2), Box(0, 0, 1, 4))


def painted(*layers, axis=2):
    shape = [1, 4]
    shape.insert(axis, 3)
    merge = Merge(tuple(shape), axis)
    for label, values, *over in layers:
        merge.paint(label, CROP, np.array([[values]], dtype=np.float32), frozenset(over))
    stack = np.moveaxis(merge.labels, axis, 0)
    assert not stack[[0, 2]].any()
    return stack[1, 0].tolist()


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_only_what_is_more_probable_than_not_is_painted(axis):
    assert painted((70000, [-1, 0, 0.1, 9]), axis=axis) == [0, 0, 70000, 70000]


def test_the_more_probable_wins_whichever_comes_first():
    one, other = (1, [1, 2, 3, -1]), (2, [2, 1, -1, 3])
    assert painted(one, other) == painted(other, one) == [2, 1, 1, 2]


def test_a_part_wins_over_its_whole_even_when_less_probable():
    assert painted((200, [5, 5, 5, 5]), (2221, [0.1, -0.1, 9, 0], 200)) == [2221, 200, 2221, 200]


def test_a_part_does_not_win_over_its_whole_s_neighbours():
    assert painted((500, [5, 5, 5, 5]), (2221, [1, 1, 9, 1], 200)) == [500, 500, 2221, 500]


def test_a_number_that_is_none_paints_nothing():
    assert painted((1, [float("nan"), 1, 1, 1])) == [0, 1, 1, 1]
