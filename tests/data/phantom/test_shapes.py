"""Solids against geometry known in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from unicare.data.phantom.shapes import (
    Block,
    Difference,
    Ellipsoid,
    Grown,
    HalfSpace,
    Intersection,
    Loft,
    Painted,
    Rough,
    Shell,
    Solid,
    Tube,
    Union,
    rotation,
    rough,
    tube,
)
from unicare.data.phantom.tissues import Tissue

_TURN = rotation((20, -35, 50))

SOLIDS: dict[str, Solid] = {
    "ellipsoid": Ellipsoid((3, -2, 5), (10, 20, 15), _TURN),
    "loft": Loft((0, 10, 30), ((5, 8), (12, 9), (2, 2)), ((0, 0), (3, 1), (6, -4)), (1, 2, 3), _TURN),
    "boxy loft": Loft((0, 30), ((15, 8), (10, 9)), power=4),
    "tube": tube(((0, 0, 0), (20, 5, 0), (25, 30, 10)), (3, 5, 2)),
    "block": Block((1, 2, 3), (10, 4, 8), _TURN, round_mm=2),
    "union": Union((Ellipsoid((0, 0, 0), (10, 10, 10)), Ellipsoid((14, 0, 0), (8, 8, 8))), blend_mm=5),
    "cut": Intersection((Ellipsoid((0, 0, 0), (10, 12, 14)), HalfSpace((0, 0, 2), (0, 0, 1)))),
    "difference": Difference(Ellipsoid((0, 0, 0), (12, 12, 12)), Ellipsoid((5, 0, 0), (10, 10, 10))),
    "grown": Grown(Ellipsoid((0, 0, 0), (6, 12, 18)), 3),
    "shell": Shell(Ellipsoid((0, 0, 0), (12, 12, 12)), 2),
    "rough": rough(Ellipsoid((0, 0, 0), (12, 15, 12)), np.random.default_rng(1), 1.0, 15),
}


def cloud(solid: Solid, count: int = 40_000, margin_mm: float = 8.0) -> np.ndarray:
    low, high = solid.bounds_mm
    points = np.random.default_rng(0).uniform(low - margin_mm, high + margin_mm, (count, 3))
    return points.astype(np.float32)


@pytest.mark.parametrize("name", SOLIDS)
def test_box_holds_the_solid(name: str) -> None:
    solid = SOLIDS[name]
    points = cloud(solid)
    inside = Painted(solid, Tissue.LIVER).inside(points)
    low, high = solid.bounds_mm
    assert 100 < inside.sum() < len(points)
    assert ((points[inside] >= low) & (points[inside] <= high)).all()


@pytest.mark.parametrize("name", SOLIDS)
def test_distance_is_negative_inside_and_continuous(name: str) -> None:
    solid = SOLIDS[name]
    points = cloud(solid, 4000)
    step = np.float32(0.05) * np.array([[0.6, -0.64, 0.48]], dtype=np.float32)
    before, after = solid.distance_mm(points), solid.distance_mm(points + step)
    assert before.dtype == np.float32
    assert before.shape == (4000,)
    crossed = np.sign(before) != np.sign(after)
    assert np.abs(before[crossed]).max(initial=0) < 0.5


def test_volume_of_a_turned_ellipsoid() -> None:
    solid = SOLIDS["ellipsoid"]
    low, high = solid.bounds_mm
    points = cloud(solid, 200_000, 0.0)
    share = (solid.distance_mm(points) < 0).mean()
    assert share * np.prod(high - low) == pytest.approx(4 / 3 * np.pi * 10 * 20 * 15, rel=0.02)


def test_loft_of_equal_circles_is_a_cylinder() -> None:
    solid = Loft((-10, 10), ((5, 5), (5, 5)))
    points = np.array([[4.9, 0, 0], [5.1, 0, 0], [3.6, 3.6, 0], [0, 0, 9.9], [0, 0, 10.1]], dtype=np.float32)
    assert (solid.distance_mm(points) < 0).tolist() == [True, False, False, True, False]


def test_tube_runs_through_its_points_with_its_radii() -> None:
    solid = tube(((0, 0, 0), (30, 0, 0)), (2, 8))
    points = np.array([[0, 1.9, 0], [0, 2.1, 0], [15, 4.9, 0], [15, 5.1, 0], [30, 0, 7.9]], dtype=np.float32)
    assert (solid.distance_mm(points) < 0).tolist() == [True, False, True, False, True]


def test_pieces_are_the_whole() -> None:
    whole = Painted(rough(SOLIDS["tube"], np.random.default_rng(3), 0.5, 10), Tissue.CORONARY)
    points = cloud(whole.solid)
    assert len(whole.pieces) > 1
    together = np.any([piece.inside(points) for piece in whole.pieces], axis=0)
    np.testing.assert_array_equal(together, whole.inside(points))


def test_combinations_are_those_of_sets() -> None:
    one, two = Ellipsoid((0, 0, 0), (10, 8, 9)), Block((6, 0, 0), (5, 5, 5))
    points = cloud(Union((one, two)))
    in_one, in_two = one.distance_mm(points) < 0, two.distance_mm(points) < 0
    np.testing.assert_array_equal(Union((one, two)).distance_mm(points) < 0, in_one | in_two)
    np.testing.assert_array_equal(Intersection((one, two)).distance_mm(points) < 0, in_one & in_two)
    np.testing.assert_array_equal(Difference(one, two).distance_mm(points) < 0, in_one & ~in_two)


def test_blending_only_adds() -> None:
    sharp = Union((Ellipsoid((0, 0, 0), (10, 10, 10)), Ellipsoid((14, 0, 0), (8, 8, 8))))
    points = cloud(sharp)
    soft = SOLIDS["union"].distance_mm(points) < 0
    assert (soft >= (sharp.distance_mm(points) < 0)).all()
    assert soft.sum() > (sharp.distance_mm(points) < 0).sum()


def test_grown_and_shell_measure_in_millimetres() -> None:
    ball = Ellipsoid((0, 0, 0), (10, 10, 10))
    line = np.zeros((5, 3), dtype=np.float32)
    line[:, 2] = [7.9, 8.1, 9.9, 10.1, 12.1]
    assert (Grown(ball, 2).distance_mm(line) < 0).tolist() == [True, True, True, True, False]
    assert (Shell(ball, 2).distance_mm(line) < 0).tolist() == [False, True, True, False, False]


def test_roughness_moves_the_surface_and_is_seeded() -> None:
    ball = Ellipsoid((0, 0, 0), (20, 20, 20))
    first, second = (rough(ball, np.random.default_rng(5), 1.0, 20) for _ in range(2))
    points = cloud(ball)
    np.testing.assert_array_equal(first.distance_mm(points), second.distance_mm(points))
    moved = first.distance_mm(points) - ball.distance_mm(points)
    assert 0.5 < moved.std() < 2.0
    assert isinstance(first, Rough)
    assert isinstance(tube(((0, 0, 0), (9, 0, 0)), 1.0), Tube)
