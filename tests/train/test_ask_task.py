"""Training the unified network through the one loop."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from unicare.core.errors import SettingsError
from unicare.models.weights import load_network
from unicare.train.ask_task import corrected
from unicare.train.episodes import Episodes, EpisodeSettings
from unicare.train.random_shapes import RandomShapes
from unicare.train.run import run_recipe

RECIPES = Path(__file__).parents[2] / "configs" / "train"
TINY = [
    "loop.steps=4",
    "loop.warmup_steps=1",
    "loop.precision=32-true",
    "loop.validate_every=4",
    "data.validation_batches=1",
    "data.workers=0",
    "data.episodes={slices_per_batch: 6, grids: {32: 1.0}}",
    "model.channels=[8, 8, 8, 8]",
    "model.blocks=[1, 1, 1, 1]",
    "model.fine_channels=4",
    "model.query_size=8",
    "model.grid=32",
]


@pytest.mark.parametrize("recipe", ["ask_shapes.yaml", "ask.yaml"])
def test_the_shipped_recipes_run(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(RECIPES.parents[1])
    changes = [*TINY, f"data.pool={tmp_path / 'pool'}", "data.pool_size=40", "data.initial_weights=null"]
    weights = run_recipe(RECIPES / recipe, tmp_path / "run", changes)
    network = load_network(weights)
    assert network.settings.grid == 32
    with safe_open(weights, framework="pt") as file:
        assert json.loads(file.metadata()["model"])["channels"] == [8, 8, 8, 8]
    assert (tmp_path / "run" / "settings.yaml").is_file()


def test_unknown_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="shares"):
        run_recipe(RECIPES / "ask.yaml", tmp_path, ["data.share={shapes: 1}"])
    with pytest.raises(SettingsError, match=r"set data\.pool"):
        run_recipe(RECIPES / "ask.yaml", tmp_path, [*TINY, "data.pool=null", "data.initial_weights=null"])


def test_corrections_click_where_the_answer_was_wrong() -> None:
    episodes = Episodes(
        {"shapes": RandomShapes()}, {"shapes": 1.0}, EpisodeSettings(slices_per_batch=16, grids={32: 1.0})
    )
    batch = episodes.batch(np.random.default_rng(1))
    torch.manual_seed(0)
    missed = corrected(batch.question, torch.zeros_like(batch.truth), batch.truth)
    flooded = corrected(batch.question, torch.ones_like(batch.truth), batch.truth)
    new_inside = missed.prompts[:, 1] - batch.question.prompts[:, 1]
    new_outside = flooded.prompts[:, 2] - batch.question.prompts[:, 2]
    assert new_inside.max() > 0
    assert new_outside.max() > 0
    assert (batch.truth[new_inside > 0.999] >= 0.5).all()
    assert (batch.truth[new_outside > 0.999] < 0.5).all()
    assert missed.prompts[:, 2].equal(batch.question.prompts[:, 2])
    assert flooded.prompts[:, 3].min() == 1
