"""What the network is given: runs of slices, windows, drawn prompts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.prompt import Box, Point, Prompt
from unicare.core.region import Region
from unicare.infer.question import (
    PROMPT_CHANNELS,
    draw_prompts,
    image_cover,
    region_of,
    runs_of_slices,
    thickness_of,
    window_image,
)


@settings(deadline=None)
@given(chosen=st.sets(st.integers(0, 60)), longest=st.integers(1, 12))
def test_runs_hold_every_slice_once_without_gaps(chosen, longest):
    runs = runs_of_slices(sorted(chosen), longest)
    assert [index for run in runs for index in run] == sorted(chosen)
    assert all(1 <= len(run) <= longest and run.step == 1 for run in runs)


def test_long_runs_are_cut_into_nearly_equal_ones():
    lengths = [len(run) for run in runs_of_slices(range(17), 8)]
    assert max(lengths) - min(lengths) <= 1
    assert len(lengths) == 3


@pytest.fixture
def region(make_volume):
    volume = make_volume((60, 60, 6), spacing_mm=(1.0, 1.0, 8.0))
    return region_of(
        volume, 2, range(2, 4), {2: Prompt(Box(20, 20, 40, 40)), 3: Prompt(Box(22, 20, 40, 44))}, 64
    )


def test_a_drawn_box_covers_as_much_as_the_box(region):
    drawn = draw_prompts(region, {2: Prompt(Box(20, 22, 40, 39))}, {})
    cell = region.size[0] / region.grid[0] * region.size[1] / region.grid[1]
    assert drawn[0, 0].sum() * cell == pytest.approx(20 * 17, rel=1e-4)
    assert not drawn[:, 1].any()


def test_points_are_drawn_where_they_lie(region):
    own = Prompt(Box(20, 20, 40, 40), (Point(24, 33),), (Point(38, 21),))
    drawn = draw_prompts(region, {3: own}, {3: [Prompt(Box(30, 30, 35, 35), (Point(31, 32),))]})
    for channel, point in ((1, Point(24, 33)), (2, Point(38, 21))):
        peak = np.unravel_index(drawn[channel, 1].argmax(), region.grid)
        np.testing.assert_allclose(
            peak, np.array(region.to_grid(point.x + 0.5, point.y + 0.5)) - 0.5, atol=0.6
        )
    other = np.round(np.array(region.to_grid(31.5, 32.5)) - 0.5).astype(int)
    assert drawn[2, 1][tuple(other)] > 0.8
    assert drawn[4].max() == pytest.approx(0.5)
    assert len(drawn) == len(PROMPT_CHANNELS)


@pytest.mark.parametrize(("scale", "shift"), [(7.0, 0.0), (0.01, -3.0), (1000.0, 1e5)])
def test_windows_do_not_know_the_unit_of_an_image(region, make_volume, scale, shift):
    image = region.sample(make_volume((60, 60, 6), spacing_mm=(1.0, 1.0, 8.0)))
    drawn = draw_prompts(region, {2: Prompt(Box(20, 20, 40, 40)), 3: Prompt(Box(22, 20, 40, 44))}, {})
    one, other = (
        window_image(image, drawn),
        window_image(image * np.float32(scale) + np.float32(shift), drawn),
    )
    assert one.shape == (2, *region.shape)
    np.testing.assert_allclose(one, other, atol=0.02)


@pytest.mark.parametrize("value", [0.0, -1e6, 1e20])
def test_windows_of_a_constant_image_are_finite(region, value):
    image = np.full(region.shape, value, dtype=np.float32)
    assert np.isfinite(window_image(image, draw_prompts(region, {}, {}))).all()


def test_thickness_is_the_logarithm_of_slice_over_grid_spacing(region, make_volume):
    step_mm = region.size[0] / region.grid[0]
    assert 2 ** thickness_of(region) == pytest.approx(8.0 / step_mm)
    alone = Region.around(make_volume(), Box(5, 5, 20, 20), range(1, 2), 16)
    assert thickness_of(alone) == 0.0


def test_the_cover_of_an_image_ends_where_the_image_ends(make_volume):
    volume = make_volume((40, 40, 3), spacing_mm=(1.0, 1.0, 4.0))
    corner = Region.around(volume, Box(0, 0, 20, 20), range(0, 1), 54)
    cover = image_cover(corner, volume.shape)
    h0, w0 = corner.to_grid(0, 0)
    assert h0 > 1
    assert not cover[: int(h0), :].any()
    assert not cover[:, : int(w0)].any()
    assert (cover[int(h0) + 1 :, int(w0) + 1 :] == 1).all()
