"""Painting: order, grids, deformation."""

from __future__ import annotations

import numpy as np
import pytest

from unicare.data.phantom.anatomy import Anatomy
from unicare.data.phantom.patient import sample_anatomy
from unicare.data.phantom.shapes import Ellipsoid, Layered, Painted, rotation, tube
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.warp import SmoothWarp, random_warp

BALL = Painted(Ellipsoid((0, 0, 0), (20, 20, 20)), Tissue.LIVER)


def grid(spacing: float, shape: tuple[int, int, int], degrees: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) * spacing
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine


@pytest.mark.parametrize("degrees", [(0, 0, 0), (30, -40, 70)])
def test_a_ball_has_its_volume_on_any_grid(degrees: tuple[float, ...]) -> None:
    shape = (50, 48, 52)
    labels = Anatomy([BALL], None, {}).tissues(grid(1.0, shape, degrees), shape)
    assert labels.dtype == np.uint8
    assert labels.shape == shape
    assert (labels == Tissue.LIVER).sum() == pytest.approx(4 / 3 * np.pi * 20**3, rel=0.01)
    assert set(np.unique(labels)) == {Tissue.AIR, Tissue.LIVER}


def test_later_shapes_paint_over_earlier_ones_where_they_may() -> None:
    half = Painted(Ellipsoid((20, 0, 0), (20, 20, 20)), Tissue.SPLEEN)
    scar = Painted(Ellipsoid((0, 0, 0), (60, 60, 60)), Tissue.SCAR, frozenset({Tissue.SPLEEN}))
    labels = Anatomy([BALL, half, scar], None, {}).tissues(grid(1.0, (41, 41, 41)), (41, 41, 41))
    assert labels[10, 20, 20] == Tissue.LIVER
    assert labels[35, 20, 20] == Tissue.SCAR
    assert (labels == Tissue.SPLEEN).sum() == 0
    assert labels[0, 0, 0] == Tissue.AIR


def test_layers_lie_around_the_core() -> None:
    coated = Layered(
        Ellipsoid((0, 0, 0), (10, 10, 10)), ((4.0, Tissue.SKIN), (2.0, Tissue.FAT), (0.0, Tissue.MUSCLE))
    )
    line = Anatomy([coated], None, {}).tissues(grid(1.0, (41, 1, 1)), (41, 1, 1))[20:, 0, 0]
    assert line[[0, 9, 11, 13, 15]].tolist() == [
        Tissue.MUSCLE,
        Tissue.MUSCLE,
        Tissue.FAT,
        Tissue.SKIN,
        Tissue.AIR,
    ]


def test_splitting_into_pieces_changes_nothing() -> None:
    pipe = Painted(tube(((-40, -40, -40), (0, 30, 0), (40, 40, 40)), (4, 8, 3)), Tissue.AORTA_ARCH)
    shape = (90, 90, 90)
    labels = Anatomy([pipe], None, {}).tissues(grid(1.0, shape), shape)
    points = (np.indices(shape).reshape(3, -1).T - 44.5).astype(np.float32)
    np.testing.assert_array_equal(labels.ravel() == Tissue.AORTA_ARCH, pipe.inside(points))


@pytest.mark.parametrize("seed", range(3))
def test_a_warp_on_a_grid_is_the_warp_of_its_points(seed: int) -> None:
    rng = np.random.default_rng(seed)
    warp = random_warp(rng, 4.0)
    shape = (13, 9, 7)
    affine = grid(9.0, shape, (20, 50, -30))
    points = np.indices(shape).reshape(3, -1).T @ affine[:3, :3].T + affine[:3, 3]
    expected = warp(points.astype(np.float32))
    np.testing.assert_allclose(warp.on_grid(affine, shape).reshape(3, -1).T, expected, atol=2e-3)
    moved = np.abs(expected - points)
    assert (moved <= warp.reach_mm + 1e-3).all()
    assert 0.5 < moved.mean() < 8


def test_any_function_serves_as_a_warp() -> None:
    shape = (41, 41, 41)
    anatomy = Anatomy([BALL], lambda points: points + np.float32([15, 0, 0]), {})
    labels = anatomy.tissues(grid(2.0, shape), shape)
    centre = np.argwhere(labels == Tissue.LIVER).mean(axis=0)
    np.testing.assert_allclose(centre, [20 - 7.5, 20, 20], atol=0.1)


def test_the_same_point_has_the_same_tissue_on_every_grid() -> None:
    anatomy = sample_anatomy(np.random.default_rng(4), trunk=False)
    assert isinstance(anatomy.warp, SmoothWarp)
    fine_shape, coarse_shape = (81, 81, 81), (27, 27, 27)
    affine = grid(1.5, fine_shape, (10, 20, 30))
    every_third = affine.copy()
    every_third[:3, :3] *= 3
    every_third[:3, 3] += affine[:3, :3] @ (1, 1, 1)
    fine = anatomy.tissues(affine, fine_shape)[1::3, 1::3, 1::3]
    # Rounding may decide otherwise for a point that lies on a surface.
    assert (fine != anatomy.tissues(every_third, coarse_shape)).mean() < 5e-4


def test_a_grid_elsewhere_is_empty() -> None:
    affine = grid(1.0, (4, 4, 4))
    affine[:3, 3] = 500
    assert not Anatomy([BALL], None, {}).tissues(affine, (4, 4, 4)).any()
