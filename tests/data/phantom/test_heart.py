"""Hearts: that they have the parts, sizes and places of hearts, whatever the seed."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cc3d
import numpy as np
import pytest

from unicare.data.phantom.anatomy import Anatomy
from unicare.data.phantom.heart import HeartOptions, build_heart, sample_heart_options, short_axis_affine
from unicare.data.phantom.tissues import Tissue

SHAPE = (84, 80, 86)
AFFINE = np.array([[2.5, 0, 0, -85], [0, 2.5, 0, -115], [0, 0, 2.5, -75], [0, 0, 0, 1]])
ML = 2.5**3 / 1000
LESIONS = (Tissue.SCAR, Tissue.NO_REFLOW, Tissue.OEDEMA)
LEFT = (Tissue.BLOOD_LV, Tissue.PAPILLARY_LV, Tissue.TRABECULA_LV, Tissue.VALVE)


@cache
def heart(seed: int, options: HeartOptions | None = None) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    rng = np.random.default_rng(seed)
    shapes, landmarks = build_heart(rng, options or sample_heart_options(rng))
    return Anatomy(shapes, None, landmarks).tissues(AFFINE, SHAPE), landmarks


def middle(labels: np.ndarray, *tissues: Tissue) -> np.ndarray:
    return AFFINE[:3, :3] @ np.argwhere(np.isin(labels, tissues)).mean(axis=0) + AFFINE[:3, 3]


def volume_ml(labels: np.ndarray, *tissues: Tissue) -> float:
    return float(np.isin(labels, tissues).sum() * ML)


@pytest.mark.parametrize("seed", range(4))
def test_chambers_have_plausible_volumes(seed: int) -> None:
    labels, _ = heart(seed)
    assert 15 < volume_ml(labels, *LEFT) < 420
    assert 20 < volume_ml(labels, Tissue.BLOOD_RV, Tissue.TRABECULA_RV) < 420
    assert 20 < volume_ml(labels, Tissue.BLOOD_LA) < 260
    assert 20 < volume_ml(labels, Tissue.BLOOD_RA) < 260
    assert 45 < volume_ml(labels, Tissue.MYOCARDIUM, *LESIONS) < 420


@pytest.mark.parametrize("seed", range(4))
def test_parts_lie_as_in_people(seed: int) -> None:
    labels, landmarks = heart(seed)
    left, right = middle(labels, *LEFT), middle(labels, Tissue.BLOOD_RV)
    left_atrium, right_atrium = middle(labels, Tissue.BLOOD_LA), middle(labels, Tissue.BLOOD_RA)
    assert right[1] > left[1], "the right ventricle lies in front of the left"
    assert right_atrium[0] > left_atrium[0], "the right atrium lies right of the left"
    assert left_atrium[1] < left[1], "the left atrium lies behind the left ventricle"
    apex, base = landmarks["lv_apex"], landmarks["mitral_centre"]
    assert apex[0] < base[0]
    assert apex[1] > base[1]
    assert apex[2] < base[2]
    ascending, descending = middle(labels, Tissue.AORTA_ASCENDING), middle(labels, Tissue.AORTA_DESCENDING)
    assert descending[1] < left_atrium[1] < ascending[1]
    assert middle(labels, Tissue.VENA_CAVA_SUPERIOR)[2] > right_atrium[2]
    assert middle(labels, Tissue.VENA_CAVA_INFERIOR)[2] < right_atrium[2]
    assert middle(labels, Tissue.PULMONARY_ARTERY)[2] > right[2]


@pytest.mark.parametrize("seed", range(4))
def test_blood_flows_from_chamber_to_chamber(seed: int) -> None:
    labels, _ = heart(seed, HeartOptions())
    for parts in (
        (Tissue.BLOOD_LA, *LEFT),
        (*LEFT, Tissue.AORTA_ASCENDING),
        (Tissue.BLOOD_RA, Tissue.BLOOD_RV),
        (Tissue.BLOOD_RV, Tissue.PULMONARY_ARTERY),
        (Tissue.PULMONARY_VEIN, Tissue.BLOOD_LA),
        (Tissue.VENA_CAVA_INFERIOR, Tissue.VENA_CAVA_SUPERIOR, Tissue.BLOOD_RA),
        (Tissue.AORTA_ASCENDING, Tissue.AORTA_ARCH, Tissue.AORTA_DESCENDING),
    ):
        joined = cc3d.connected_components(np.isin(labels, parts), connectivity=26)
        largest = np.bincount(joined.ravel())[1:].argmax() + 1
        for tissue in parts:
            if tissue not in (Tissue.PAPILLARY_LV, Tissue.TRABECULA_LV, Tissue.VALVE):
                assert (joined[labels == tissue] == largest).mean() > 0.9, f"{tissue.name} in {parts}"


@pytest.mark.parametrize("seed", range(4))
def test_the_wall_holds_the_cavity(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes, landmarks = build_heart(rng, replace(sample_heart_options(rng), infarct=False))
    shape = (120, 120, 5)
    # In the lower half of the ventricle, away from the valves.
    affine = short_axis_affine(landmarks, 1.2, 8.0, shape)
    affine[:3, 3] -= landmarks["lv_axis"] * 14
    labels = Anatomy(shapes, None, landmarks).tissues(affine, shape)
    for index in range(shape[2]):
        cavity = np.isin(labels[:, :, index], LEFT)
        around = np.zeros_like(cavity)
        for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
            around |= np.roll(cavity, step, axis)
        assert cavity.any()
        assert set(np.unique(labels[:, :, index][around & ~cavity])) == {Tissue.MYOCARDIUM}


def test_short_axis_shows_ring_and_crescent_in_their_places() -> None:
    rng = np.random.default_rng(2)
    shapes, landmarks = build_heart(rng, HeartOptions())
    shape = (128, 128, 3)
    affine = short_axis_affine(landmarks, 1.3, 8.0, shape)
    np.testing.assert_allclose(np.linalg.norm(affine[:3, :3], axis=0), (1.3, 1.3, 8.0), rtol=1e-5)
    labels = Anatomy(shapes, None, landmarks).tissues(affine, shape)[:, :, 1]
    left = np.argwhere(np.isin(labels, LEFT)).mean(axis=0)
    right = np.argwhere(labels == Tissue.BLOOD_RV).mean(axis=0)
    assert np.abs(left - 63.5).max() < 6
    assert right[0] < left[0] - 15
    jittered = short_axis_affine(landmarks, 1.3, 8.0, shape, np.random.default_rng(0))
    assert 0.9 < jittered[:3, 2] @ affine[:3, 2] / 64 < 1


def test_systole_thickens_the_wall_and_empties_the_ventricle() -> None:
    relaxed, _ = heart(1, HeartOptions())
    squeezed, _ = heart(1, HeartOptions(systole=1.0))
    ejected = 1 - volume_ml(squeezed, *LEFT) / volume_ml(relaxed, *LEFT)
    assert 0.35 < ejected < 0.8
    wall = volume_ml(squeezed, Tissue.MYOCARDIUM) / volume_ml(relaxed, Tissue.MYOCARDIUM)
    assert 0.75 < wall < 1.3


@pytest.mark.parametrize(
    ("larger", "tissue"),
    [
        (HeartOptions(left_dilation=1.4), Tissue.BLOOD_LV),
        (HeartOptions(wall_mm=15), Tissue.MYOCARDIUM),
        (HeartOptions(right_dilation=1.6), Tissue.BLOOD_RV),
        (HeartOptions(left_atrial_dilation=1.3), Tissue.BLOOD_LA),
        (HeartOptions(size=1.15), Tissue.BLOOD_RA),
    ],
)
def test_illness_shows(larger: HeartOptions, tissue: Tissue) -> None:
    assert volume_ml(heart(0, larger)[0], tissue) > 1.25 * volume_ml(heart(0, HeartOptions())[0], tissue)


@pytest.mark.parametrize("seed", range(4))
def test_an_infarct_lies_in_the_wall(seed: int) -> None:
    ill, _ = heart(seed, HeartOptions(infarct=True))
    well, _ = heart(seed, HeartOptions())
    lesion = np.isin(ill, LESIONS)
    assert lesion.any()
    assert (ill == Tissue.SCAR).any()
    # Only the coronary arteries, drawn later, may differ otherwise.
    assert (well[lesion] == Tissue.MYOCARDIUM).mean() > 0.98
    assert (ill == Tissue.MYOCARDIUM).sum() > 0.3 * lesion.sum()


def test_some_old_infarcts_thin_the_wall() -> None:
    thinner = []
    for seed in range(7):
        ill, well = heart(seed, HeartOptions(infarct=True))[0], heart(seed, HeartOptions())[0]
        wall = (Tissue.MYOCARDIUM, *LESIONS)
        thinner.append(1 - volume_ml(ill, *wall) / volume_ml(well, *wall))
    assert max(thinner) > 0.02
    assert min(thinner) > -0.01
    assert np.median(thinner) < 0.02


def test_atrial_scar_replaces_the_atrial_wall_only() -> None:
    well, _ = heart(1, HeartOptions())
    ill, _ = heart(1, HeartOptions(atrial_scar=True))
    assert (well != Tissue.SCAR_LA).all()
    assert 0.1 < volume_ml(ill, Tissue.SCAR_LA) < volume_ml(ill, Tissue.WALL_LA) * 3


def test_hearts_are_seeded_and_differ() -> None:
    one, other = heart(3)[0], heart(4)[0]
    heart.cache_clear()
    two = heart(3)[0]
    np.testing.assert_array_equal(one, two)
    agree = (one == other)[(one != Tissue.AIR) | (other != Tissue.AIR)].mean()
    assert agree < 0.6
