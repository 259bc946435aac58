"""The areas of pieces of surface: known shapes, symmetries, and the library's own table."""

import itertools

import numpy as np
import pytest

from unicare.metrics.compat.surfels import areas_mm2, codes

SPACING_MM = (0.7, 1.5, 8.0)
SPACINGS_MM = [(1.0, 1.0, 1.0), SPACING_MM, *np.random.default_rng(0).uniform(0.3, 20, (4, 3))]


def area_mm2(mask, spacing_mm):
    return areas_mm2(spacing_mm)[codes(np.pad(mask, 1))].sum()


BITS = [np.array(bits, dtype=bool) for bits in itertools.product((0, 1), repeat=8)]


def test_every_pattern_has_its_own_code():
    assert sorted(codes(bits.reshape(2, 2, 2)).item() for bits in BITS) == list(range(256))


@pytest.mark.parametrize("axis", range(3))
def test_a_flat_surface_has_the_area_of_a_voxels_face(axis):
    half = np.zeros((2, 2, 2), dtype=bool)
    half.swapaxes(0, axis)[0] = True
    others = [SPACING_MM[other] for other in range(3) if other != axis]
    for mask in (half, ~half):
        assert areas_mm2(SPACING_MM)[codes(mask)].item() == pytest.approx(np.prod(others))


def test_a_single_voxel_is_an_octahedron():
    # Eight triangles between the middles of the ways to its neighbours.
    a, b, c = (step / 2 for step in SPACING_MM)
    side = 0.5 * np.sqrt((a * b) ** 2 + (b * c) ** 2 + (a * c) ** 2)
    assert area_mm2(np.ones((1, 1, 1), dtype=bool), SPACING_MM) == pytest.approx(8 * side)


def test_a_ball_has_nearly_the_area_of_a_ball():
    grid = np.indices((41, 41, 41)) - 20
    ball = (grid**2).sum(axis=0) <= 18**2
    # Marching cubes over a mask cuts corners at 45 degrees: some percent too much, whatever the resolution.
    assert area_mm2(ball, (1.0, 1.0, 1.0)) == pytest.approx(4 * np.pi * 18**2, rel=0.1)


@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_inside_out_and_mirrored_are_the_same_area(spacing_mm):
    areas = areas_mm2(spacing_mm)
    for bits in BITS:
        mask = bits.reshape(2, 2, 2)
        expected = pytest.approx(areas[codes(mask)].item(), rel=1e-12)
        assert areas[codes(~mask)].item() == expected
        for axis in range(3):
            assert areas[codes(np.flip(mask, axis))].item() == expected


@pytest.mark.parametrize("spacing_mm", SPACINGS_MM)
def test_all_256_patterns_have_the_librarys_area(spacing_mm):
    tables = pytest.importorskip("surface_distance.lookup_tables")
    theirs = tables.create_table_neighbour_code_to_surface_area(spacing_mm)
    kernel = np.asarray(tables.ENCODE_NEIGHBOURHOOD_3D_KERNEL)
    ours = areas_mm2(spacing_mm)
    for bits in BITS:
        mask = bits.reshape(2, 2, 2)
        assert ours[codes(mask)].item() == pytest.approx(theirs[kernel[mask].sum()], rel=1e-12), mask
