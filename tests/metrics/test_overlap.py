import numpy as np
import pytest

from unicare.core.errors import GeometryError
from unicare.metrics.overlap import dice
from unicare.metrics.rules import Figure, Rule


def cube(shape, start, stop):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


def test_cube_shifted_by_one_of_its_four_voxels():
    truth = cube((10, 10, 10), (2, 2, 2), (6, 6, 6))
    prediction = cube((10, 10, 10), (3, 2, 2), (7, 6, 6))
    assert dice(truth, prediction) == Figure(0.75, Rule.MEASURED)


def test_half_of_it():
    truth = cube((4, 4, 4), (0, 0, 0), (4, 4, 4))
    prediction = cube((4, 4, 4), (0, 0, 0), (4, 4, 2))
    assert dice(truth, prediction).value == pytest.approx(2 / 3)


def test_apart_is_zero_but_measured():
    truth = cube((8, 8, 8), (0, 0, 0), (2, 2, 2))
    prediction = cube((8, 8, 8), (5, 5, 5), (7, 7, 7))
    assert dice(truth, prediction) == Figure(0.0, Rule.MEASURED)


def test_empty_masks():
    nothing, something = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    assert dice(nothing, nothing) == Figure(1.0, Rule.BOTH_EMPTY)
    assert dice(something, nothing) == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert dice(nothing, something) == Figure(0.0, Rule.TRUTH_EMPTY)


def test_any_number_but_zero_is_inside():
    truth = np.array([0, 420, 500, 0])
    prediction = np.array([0, 1, 1, 0], dtype=np.uint8)
    assert dice(truth, prediction).value == 1.0


def test_other_grid_is_refused():
    with pytest.raises(GeometryError, match=r"\(3, 3, 4\).*\(3, 3, 3\)"):
        dice(np.ones((3, 3, 3)), np.ones((3, 3, 4)))


def test_figures_are_plain_numbers():
    assert type(dice(np.array([1, 1]), np.array([1, 0])).value) is float
