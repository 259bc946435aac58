"""A virtual trunk has the anatomy that every trunk has, whatever its seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Anatomy, Shape
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.trunk import build_trunk

_STEP_MM = 5.0
_LOWER_MM = np.array([-240.0, -260.0, -280.0])
_SHAPE = (112, 100, 99)
_SEEDS = (0, 1, 2, 3)
_LIVER = (Tissue.LIVER, Tissue.LIVER_VESSEL, Tissue.LIVER_LESION)


@cache
def _trunk(seed: int) -> tuple[Shape, ...]:
    return tuple(build_trunk(np.random.default_rng(seed), {}))


@cache
def _tissues(seed: int) -> NDArray[np.uint8]:
    affine = np.diag([_STEP_MM] * 3 + [1.0])
    affine[:3, 3] = _LOWER_MM
    return Anatomy(_trunk(seed), None, {}).tissues(affine, _SHAPE)


def _points(seed: int, *tissues: Tissue) -> NDArray[np.float64]:
    """Positions (N, 3) RAS mm of all voxels of the tissues."""
    return np.argwhere(np.isin(_tissues(seed), tissues)) * _STEP_MM + _LOWER_MM


def _millilitres(seed: int, *tissues: Tissue) -> float:
    return len(_points(seed, *tissues)) * _STEP_MM**3 / 1000


@pytest.mark.parametrize("seed", range(8))
def test_liver_has_a_human_volume(seed: int) -> None:
    assert 700 <= _millilitres(seed, *_LIVER) <= 3000


def test_livers_differ() -> None:
    volumes = [_millilitres(seed, *_LIVER) for seed in range(8)]
    assert max(volumes) > 1.4 * min(volumes)


@pytest.mark.parametrize("seed", _SEEDS)
def test_liver_lies_right_of_the_spleen_and_below_the_lungs(seed: int) -> None:
    liver, spleen = _points(seed, *_LIVER), _points(seed, Tissue.SPLEEN)
    assert liver[:, 0].mean() > spleen[:, 0].mean() + 80
    assert liver[:, 2].mean() < _points(seed, Tissue.LUNG)[:, 2].mean() - 60
    assert 60 <= _millilitres(seed, Tissue.SPLEEN) <= 500


@pytest.mark.parametrize("seed", _SEEDS)
def test_liver_holds_its_vessels(seed: int) -> None:
    vessels = _millilitres(seed, Tissue.LIVER_VESSEL)
    assert 0.004 < vessels / _millilitres(seed, *_LIVER) < 0.15


@pytest.mark.parametrize("seed", _SEEDS)
def test_lungs_lie_on_both_sides_and_above_the_belly(seed: int) -> None:
    lung, spine = _points(seed, Tissue.LUNG), _points(seed, Tissue.SPINAL_CORD)
    right = lung[:, 0] > spine[:, 0].mean()
    cell = _STEP_MM**3 / 1000
    assert 1000 < right.sum() * cell < 5000
    assert 1000 < (~right).sum() * cell < 5000
    belly = _points(seed, Tissue.KIDNEY_CORTEX, Tissue.BOWEL)
    assert belly[:, 2].max() < np.percentile(lung[:, 2], 25)


@pytest.mark.parametrize("seed", _SEEDS)
def test_each_column_is_lung_above_liver(seed: int) -> None:
    tissues = _tissues(seed)
    heights = np.arange(_SHAPE[2])
    lung, liver = tissues == Tissue.LUNG, np.isin(tissues, _LIVER)
    both = lung.any(2) & liver.any(2)
    lowest_lung = np.where(lung, heights, _SHAPE[2]).min(2)[both]
    highest_liver = np.where(liver, heights, -1).max(2)[both]
    assert both.sum() > 100
    assert (lowest_lung > highest_liver).all()


@pytest.mark.parametrize("seed", _SEEDS)
def test_kidneys_lie_on_both_sides_of_the_spine(seed: int) -> None:
    kidneys = _points(seed, Tissue.KIDNEY_CORTEX, Tissue.KIDNEY_MEDULLA)
    cord = _points(seed, Tissue.SPINAL_CORD)
    middle = cord[:, 0].mean()
    for side in (kidneys[kidneys[:, 0] > middle], kidneys[kidneys[:, 0] < middle]):
        assert 70 < len(side) * _STEP_MM**3 / 1000 < 350
        assert 30 < abs(side[:, 0].mean() - middle) < 110
        assert side[:, 1].mean() > cord[:, 1].mean() - 30


@pytest.mark.parametrize("seed", _SEEDS)
def test_skin_wraps_everything(seed: int) -> None:
    tissues = _tissues(seed)
    for level in range(10, 90, 8):
        plane = tissues[:, :, level]
        filled = plane > 0
        assert filled.any()
        outside = np.ones_like(filled)
        outside[1:-1, 1:-1] = False
        assert not (filled & outside).any()


@pytest.mark.parametrize("seed", _SEEDS)
def test_every_part_is_there(seed: int) -> None:
    found = {shape.tissue for shape in _trunk(seed)}
    expected = {
        Tissue.SKIN,
        Tissue.FAT,
        Tissue.MUSCLE,
        Tissue.BONE,
        Tissue.MARROW,
        Tissue.CARTILAGE,
        Tissue.DISC,
        Tissue.SPINAL_CORD,
        Tissue.LUNG,
        Tissue.LUNG_VESSEL,
        Tissue.AIRWAY,
        Tissue.OESOPHAGUS,
        Tissue.STOMACH_WALL,
        Tissue.BOWEL,
        Tissue.PANCREAS,
        Tissue.AORTA_DESCENDING,
        Tissue.VENA_CAVA_INFERIOR,
    }
    assert expected <= found
    assert expected <= {Tissue(int(k)) for k in np.unique(_tissues(seed))} | {Tissue.SKIN, Tissue.CARTILAGE}


def test_same_seed_same_trunk_other_seed_other_trunk() -> None:
    affine = np.diag([_STEP_MM] * 3 + [1.0])
    affine[:3, 3] = _LOWER_MM
    again = Anatomy(build_trunk(np.random.default_rng(0), {}), None, {}).tissues(affine, _SHAPE)
    np.testing.assert_array_equal(again, _tissues(0))
    assert (_tissues(1) != again).mean() > 0.05


def test_nothing_lies_outside_the_bounds_it_claims() -> None:
    rng = np.random.default_rng(5)
    points = rng.uniform(_LOWER_MM - 50, _LOWER_MM + np.array(_SHAPE) * _STEP_MM + 50, (60_000, 3)).astype(
        np.float32
    )
    for shape in _trunk(2):
        lower, upper = shape.bounds_mm
        held = ((points >= lower) & (points <= upper)).all(axis=1)
        assert not (shape.inside(points) & ~held).any(), shape.tissue.name


@pytest.mark.parametrize("seed", _SEEDS)
def test_points_are_judged_alike_alone_and_together(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-150, 150, (40_000, 3)).astype(np.float32)
    for shape in _trunk(seed)[::7]:
        together = shape.inside(points)
        np.testing.assert_array_equal(shape.inside(points[1234:1250]), together[1234:1250])


def test_trunk_follows_the_heart() -> None:
    landmarks = {
        "spine": np.array([50.0, -95.0, 0.0], np.float32),
        "aorta_descending": np.array([34.0, -84.0, -90.0], np.float32),
        "vena_cava_inferior": np.array([66.0, -30.0, -70.0], np.float32),
        "lv_apex": np.array([-30.0, 25.0, -25.0], np.float32),
    }
    shapes = build_trunk(np.random.default_rng(3), landmarks)
    joined = {Tissue.AORTA_DESCENDING: "aorta_descending", Tissue.VENA_CAVA_INFERIOR: "vena_cava_inferior"}
    for tissue, name in joined.items():
        vessels = [shape for shape in shapes if shape.tissue == tissue]
        assert any(vessel.inside(landmarks[name][None]).all() for vessel in vessels)
    cord = next(shape for shape in shapes if shape.tissue == Tissue.SPINAL_CORD)
    lower, upper = cord.bounds_mm
    assert abs((lower[0] + upper[0]) / 2 - 50) < 8
