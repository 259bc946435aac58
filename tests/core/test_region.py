"""Regions: sampled where they say they lie, pasted back to where they came from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.prompt import Box
from unicare.core.region import Region, resize_matrix


def of_world(volume, direction):
    """The volume with the position of every voxel along a direction (mm) as its value."""
    index = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    return volume.with_data((np.asarray(direction) @ world).reshape(volume.shape).astype(np.float32))


def world_of(region, direction):
    index = np.indices(region.shape).reshape(3, -1)
    world = region.affine[:3, :3] @ index + region.affine[:3, 3:]
    return (np.asarray(direction) @ world).reshape(region.shape)


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
@pytest.mark.parametrize("tilt_degrees", [0.0, 25.0])
def test_a_sampled_point_has_the_value_of_its_place(make_volume, slice_axis, direction, tilt_degrees):
    volume = make_volume((50, 52, 54), "PLS", (1.0, 1.4, 2.0), tilt_degrees)
    region = Region.around(volume, Box(18, 17, 30, 32), range(20, 24), 64, slice_axis=slice_axis)
    sampled = region.sample(of_world(volume, direction))
    assert sampled.shape == region.shape
    np.testing.assert_allclose(sampled, world_of(region, direction), atol=0.02)


@pytest.mark.parametrize("codes", ["LPS", "RSA", "IPL", "SAL"])
@pytest.mark.parametrize("direction", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_another_grid_is_sampled_at_the_same_places(make_volume, codes, direction):
    volume = make_volume((50, 52, 12), "LSP", (1.0, 1.4, 8.0), 15.0)
    centre = volume.affine @ np.array([*(n / 2 for n in volume.shape), 1.0])
    other = make_volume((90, 90, 90), codes, (1.2, 1.7, 1.6), -20.0)
    shift = centre - other.affine @ np.array([45.0, 45.0, 45.0, 1.0])
    moved = type(other)(other.data, other.affine + np.outer(shift, (0, 0, 0, 1)), other.file)
    axis = volume.acquisition_axis
    region = Region.around(volume, Box(20, 20, 30, 32), range(5, 8), 20, slice_axis=axis)
    sampled = region.sample(of_world(moved, direction))
    np.testing.assert_allclose(sampled, world_of(region, direction), atol=0.25)  # of voxels of 1.2 mm


def test_a_shorter_sequence_with_the_same_origin_repeats_its_last_slice(make_volume):
    volume = make_volume((40, 48, 10))
    values = np.broadcast_to(np.arange(4, dtype=np.float32), (40, 48, 4)).copy()
    short = make_volume(data=values)
    region = Region.around(volume, Box(10, 10, 30, 30), range(2, 8), 16)
    np.testing.assert_allclose(region.sample(short)[:, 8, 8], [2, 3, 3, 3, 3, 3], atol=1e-5)


def test_a_sequence_of_another_field_of_view_on_the_same_raster_is_cut_where_it_ends(make_volume):
    volume = make_volume((60, 60, 3))
    small = make_volume(data=np.full((20, 60, 3), 7, dtype=np.float32))
    region = Region.around(volume, Box(5, 10, 50, 30), range(0, 3), 16)
    np.testing.assert_allclose(region.sample(small), np.full(region.shape, 7), rtol=1e-5)


def test_what_lies_elsewhere_altogether_is_still_sampled(make_volume):
    volume = make_volume((40, 40, 5))
    far = make_volume((12, 12, 4), "RAS", (2.0, 2.0, 3.0), 10.0)
    shifted = type(far)(far.data, far.affine + np.outer((900.0, 900.0, 900.0, 0), (0, 0, 0, 1)), far.file)
    sampled = Region.around(volume, Box(5, 5, 20, 20), range(0, 3), 16).sample(shifted)
    assert sampled.shape == (3, 16, 16)
    assert np.isfinite(sampled).all()


@settings(deadline=None, max_examples=30)
@given(
    box=st.tuples(*[st.integers(-5, 45)] * 2, *[st.integers(1, 40)] * 2),
    spacing=st.tuples(st.floats(0.4, 3.0), st.floats(0.4, 3.0), st.floats(0.4, 12.0)),
    axis=st.integers(0, 2),
    window=st.none() | st.tuples(*[st.integers(-3, 50)] * 2, *[st.integers(1, 30)] * 2),
)
def test_a_pasted_plane_lies_inside_volume_region_and_window(make_volume, box, spacing, axis, window):
    volume = make_volume((50, 50, 50), spacing_mm=spacing)
    around = Box(box[0], box[1], box[0] + box[2], box[1] + box[3])
    region = Region.around(volume, around, range(3, 5), 16, slice_axis=axis)
    inside = None if window is None else Box(*window[:2], window[0] + window[2], window[1] + window[3])
    crop, values = region.paste(np.ones(region.shape, np.float32), volume.shape, inside)
    place = crop.window
    assert values.shape == (2, place.x1 - place.x0, place.y1 - place.y0)
    assert 0 <= place.x0 <= place.x1
    assert 0 <= place.y0 <= place.y1
    if values.size:
        np.testing.assert_allclose(values, 1.0, rtol=1e-5)
        assert place.x1 <= 50
        assert place.y1 <= 50
        if inside is not None:
            assert place.x0 >= inside.x0
            assert place.y1 <= inside.y1


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_is_sampled_comes_back_when_it_is_pasted(make_volume, axis):
    volume = make_volume((40, 42, 44), "SAL", (1.0, 1.7, 2.6), 12.0)
    smooth = of_world(volume, (0.3, -0.2, 0.5))
    region = Region.around(volume, Box(10, 12, 28, 30), range(8, 11), 64, slice_axis=axis)
    crop, values = region.paste(region.sample(smooth), volume.shape)
    expected = np.moveaxis(smooth.data, axis, 0)[
        8:11, crop.window.x0 : crop.window.x1, crop.window.y0 : crop.window.y1
    ]
    inner = (slice(None), slice(2, -2), slice(2, -2))
    np.testing.assert_allclose(values[inner], expected[inner], atol=0.05)


def test_fine_patterns_are_averaged_when_a_region_is_coarser(make_volume):
    checkers = np.indices((160, 160, 2)).sum(axis=0) % 2 * 100.0
    volume = make_volume(data=checkers.astype(np.float32))
    sampled = Region.around(volume, Box(20, 20, 140, 140), range(0, 2), 16).sample(volume)
    np.testing.assert_allclose(sampled, 50.0, atol=3.0)


def test_regions_are_square_in_millimetres_and_hold_their_box(make_volume):
    volume = make_volume((60, 60, 8), spacing_mm=(0.8, 2.0, 6.0))
    region = Region.around(volume, Box(10, 30, 40, 40), range(1, 4), 32)
    steps = np.sqrt((region.affine[:3, :3] ** 2).sum(axis=0))
    assert steps[1] == pytest.approx(steps[2])
    assert steps[0] == pytest.approx(6.0)
    low, high = np.array(region.to_grid(10, 30)), np.array(region.to_grid(40, 40))
    assert (low > 0).all()
    assert (high < 32).all()
    np.testing.assert_allclose(low + high, 32)


def test_an_answer_is_carried_to_where_it_belongs(make_volume):
    volume = make_volume((60, 60, 4))
    here = Region.around(volume, Box(20, 20, 40, 40), range(1, 3), 48)
    there = Region.around(volume, Box(24, 16, 48, 36), range(1, 3), 40)
    answer = np.zeros(here.shape, dtype=np.float32)
    (h0, w0), (h1, w1) = here.to_grid(26, 24), here.to_grid(34, 32)
    answer[:, round(h0) : round(h1), round(w0) : round(w1)] = 1.0
    carried = here.carry(answer, there)
    hits = np.argwhere(carried[0] > 0.5)
    np.testing.assert_allclose(hits.min(axis=0), there.to_grid(26, 24), atol=1.0)
    np.testing.assert_allclose(hits.max(axis=0) + 1, there.to_grid(34, 32), atol=1.0)
    np.testing.assert_allclose(here.carry(answer, here), answer, atol=1e-6)


def test_what_a_region_does_not_cover_is_carried_as_nothing(make_volume):
    volume = make_volume((200, 200, 2))
    here = Region.around(volume, Box(20, 20, 40, 40), range(0, 1), 32)
    there = Region.around(volume, Box(10, 10, 120, 120), range(0, 1), 32)
    carried = here.carry(np.ones(here.shape, np.float32), there)
    covered = there.size[0] / there.grid[0] * np.sqrt(carried.sum())
    assert covered == pytest.approx(here.size[0], rel=0.2)
    assert carried[0, -8:, -8:].max() == 0


@settings(deadline=None)
@given(
    count_in=st.integers(1, 40),
    origin=st.floats(-20, 60),
    length=st.floats(0.5, 80),
    count_out=st.integers(0, 40),
)
def test_resampling_keeps_what_is_constant(count_in, origin, length, count_out):
    matrix = resize_matrix(count_in, origin, length, count_out)
    assert matrix.shape == (count_out, count_in)
    assert (matrix >= 0).all()
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, rtol=1e-5)


def test_the_same_line_is_left_as_it_is():
    np.testing.assert_array_equal(resize_matrix(7, 0.0, 7.0, 7), np.eye(7))
