"""Worlds that scenes come from: one contract for all of them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unicare.core.case import SEQUENCES
from unicare.core.errors import SettingsError
from unicare.core.structure import structure_table
from unicare.train.cine import SunnybrookCine
from unicare.train.patients import VirtualPatients
from unicare.train.pool import fill_pool, open_pool
from unicare.train.random_shapes import RandomShapes, smooth_noise
from unicare.train.scene import World

CINE = Path(__file__).parents[3] / "shared" / "data" / "scd_lv" / "scd_lv.npz"


@pytest.fixture(scope="session")
def pool_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pool")
    fill_pool(folder, size=40, seed=3)
    return folder


@pytest.fixture
def worlds(pool_folder: Path) -> dict[str, Callable[[], World]]:
    return {
        "shapes": RandomShapes,
        "patients": lambda: VirtualPatients(open_pool(pool_folder)),
        "cine": lambda: SunnybrookCine(CINE),
    }


@pytest.mark.parametrize("name", ["shapes", "patients", "cine"])
def test_every_world_keeps_the_contract(name: str, worlds: dict[str, Callable[[], World]]) -> None:
    world = worlds[name]()
    for seed in range(6):
        scene = world.scene(np.random.default_rng(seed))
        again = world.scene(np.random.default_rng(seed))
        assert scene.images.keys() == again.images.keys()
        assert np.array_equal(scene.labels, again.labels)
        for sequence, image in scene.images.items():
            assert sequence in SEQUENCES
            assert image.dtype == np.float32
            assert image.shape == scene.labels.shape
            assert np.isfinite(image).all()
            assert np.array_equal(image, again.images[sequence])
        assert set(np.unique(scene.labels)) - {0} <= set(scene.structures)
        assert all(0 <= structure < len(structure_table()) for structure in scene.structures.values())
        assert min(scene.spacing_mm) > 0


def test_held_out_patients_are_not_trained_on() -> None:
    train, validation = (SunnybrookCine(CINE, split) for split in ("train", "validation"))
    assert len(train.images) + len(validation.images) == 805
    assert 0.03 < len(validation.images) / 805 < 0.25
    trained = {image.tobytes() for image in train.images}
    assert not any(image.tobytes() in trained for image in validation.images)


def test_a_pool_goes_on_where_it_stopped(pool_folder: Path) -> None:
    before = {file.name: file.stat().st_mtime_ns for file in pool_folder.glob("*.npz")}
    pool = fill_pool(pool_folder, size=40, seed=3)
    assert {file.name: file.stat().st_mtime_ns for file in pool_folder.glob("*.npz")} == before
    assert pool.tissues.shape == (40, 8, 160, 160)
    with pytest.raises(SettingsError, match="another seed"):
        fill_pool(pool_folder, size=40, seed=4)


def test_missing_cine_images_are_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Sunnybrook"):
        SunnybrookCine(tmp_path / "scd_lv.npz")


@pytest.mark.parametrize("shape", [(1, 64, 64), (6, 40, 90)])
def test_smooth_noise_is_smooth_and_about_standard(shape: tuple[int, int, int]) -> None:
    noise = np.stack([smooth_noise(np.random.default_rng(seed), shape, 4) for seed in range(60)])
    assert abs(noise.mean()) < 0.25
    assert 0.4 < noise.std() < 2.0
    assert np.abs(np.diff(noise, axis=-1)).max() < 0.5 * np.ptp(noise)
