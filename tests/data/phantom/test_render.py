from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import GeometryError
from unicare.data.phantom.contrast import Contrast, sample_contrast
from unicare.data.phantom.render import RenderSettings, render, sample_settings

CLEAN = RenderSettings(blur=(0, 0, 0), texture=0, bias=0, noise=0)


def cube(shape=(24, 24, 12)):
    grid = np.zeros(shape, dtype=np.uint8)
    grid[6:18, 6:18, 3:9] = 1
    return grid


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_perfect_scan_shows_the_means():
    image = render(cube(), Contrast.of({0: 2.0, 1: 5.0}), (1, 1, 1), CLEAN, rng())
    np.testing.assert_array_equal(image, np.where(cube() == 1, 5, 2))
    assert image.dtype == np.float32


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), sequence=st.sampled_from(["CT", "LGE", "bSSFP", "T2"]))
def test_any_settings_give_a_finite_image_that_the_seed_decides(seed, sequence):
    grid = np.random.default_rng(seed).integers(0, 53, (6, 20, 24)).astype(np.uint8)
    contrast = sample_contrast(sequence, rng(seed))
    chosen = sample_settings(rng(seed), modality=contrast.modality, slice_axis=0)
    first = render(grid, contrast, (8, 1.4, 1.4), chosen, rng(1))
    np.testing.assert_array_equal(first, render(grid, contrast, (8, 1.4, 1.4), chosen, rng(1)))
    assert np.isfinite(first).all()
    assert first.shape == grid.shape
    if sequence != "CT":
        assert first.min() >= 0
    assert not np.array_equal(first, render(grid, contrast, (8, 1.4, 1.4), chosen, rng(2)))


def test_thick_slices_average_their_layers():
    grid = np.zeros((4, 4, 6), dtype=np.uint8)
    grid[:, :, :2] = 1
    image = render(
        grid, Contrast.of({0: 0.0, 1: 9.0}), (1, 1, 3), replace(CLEAN, oversample=(1, 1, 3)), rng()
    )
    assert image.shape == (4, 4, 2)
    np.testing.assert_allclose(image[0, 0], [6, 0])


def test_blur_mixes_tissues_at_borders_and_keeps_the_total():
    grid = cube((40, 40, 20))
    sharp = render(grid, Contrast.of({1: 1.0}), (1, 1, 1), CLEAN, rng())
    blurred = render(grid, Contrast.of({1: 1.0}), (1, 1, 1), replace(CLEAN, blur=(2, 2, 1)), rng())
    assert blurred.sum() == pytest.approx(sharp.sum(), rel=1e-4)
    assert 0.3 < blurred[6, 12, 6] < 0.9


def test_magnitude_noise_is_positive_where_there_is_no_signal():
    grid = np.zeros((40, 40, 10), dtype=np.uint8)
    image = render(grid, Contrast.of({0: 0.0, 1: 1.0}), (1, 1, 1), replace(CLEAN, noise=0.1), rng())
    # The mean of a Rayleigh distribution; the 0.9 quantile of the means is 0.9.
    assert image.mean() == pytest.approx(0.09 * np.sqrt(np.pi / 2), rel=0.05)


@pytest.mark.parametrize("grain", [0.0, 0.6])
def test_ct_noise_has_the_sd_that_was_asked_for(grain):
    grid = np.zeros((48, 48, 8), dtype=np.uint8)
    noisy = replace(CLEAN, noise=20, noise_blur=grain)
    image = render(grid, Contrast.of({0: 40.0}, modality="CT"), (1, 1, 1), noisy, rng())
    assert image.std() == pytest.approx(20, rel=0.05)
    assert image.mean() == pytest.approx(40, abs=1)
    neighbours = np.corrcoef(image[:-1].ravel(), image[1:].ravel())[0, 1]
    assert (neighbours > 0.2) == (grain > 0)


def test_a_coil_brightens_what_lies_near_it():
    grid = np.ones((40, 20, 10), dtype=np.uint8)
    near = replace(CLEAN, coil=2.0, coil_at=(0.0, 0.5, 0.5))
    profile = render(grid, Contrast.of({1: 1.0}), (1, 1, 1), near, rng())[:, 10, 5]
    assert profile[0] > 1.5 * profile[-1]
    assert (np.diff(profile) < 1e-3).all()


def test_a_ghost_repeats_the_object_along_the_phase_axis():
    ghost = replace(CLEAN, ghost=0.2, ghost_axis=0, ghost_shift=0.5)
    image = render(cube(), Contrast.of({1: 1.0}), (1, 1, 1), ghost, rng())
    assert image[0, 12, 6] > 0.1
    assert image[0, 2, 6] == 0


def test_the_circular_view_blanks_corners_in_every_slice():
    grid = np.ones((4, 20, 20), dtype=np.uint8)
    image = render(grid, Contrast.of({1: 1.0}), (8, 1, 1), replace(CLEAN, view=0.9, outside=-3), rng())
    assert (image[:, 0, 0] == -3).all()
    assert (image[:, 10, 10] == 1).all()


def test_cutting_frequencies_rings_at_edges():
    image = render(
        cube(), Contrast.of({0: 1.0, 1: 5.0}), (1, 1, 1), replace(CLEAN, kept_frequencies=0.5), rng()
    )
    assert image.max() > 5.1


@pytest.mark.parametrize(
    "grid", [np.zeros((4, 4), np.uint8), np.full((4, 4, 4), 9, np.uint8), np.zeros((4, 4, 5), np.uint8)]
)
def test_grids_that_do_not_fit_are_refused(grid):
    with pytest.raises(GeometryError, match="expected"):
        render(grid, Contrast.of({1: 1.0}), (1, 1, 1), replace(CLEAN, oversample=(1, 1, 2)), rng())
