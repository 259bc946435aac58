"""`unicare train`: a recipe in, weights out."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from unicare.train.ask_task import AskTask, AskTrainSettings, ModelSettings
from unicare.train.loop import train
from unicare.train.settings import load_recipe, validate_section

__all__ = ["run_recipe"]


def run_recipe(recipe: str | Path, out: str | Path, overrides: Iterable[str] = ()) -> Path:
    """Trains by a recipe, or goes on with a run that stopped; returns the exported weights.

    Args:
        recipe: YAML file with the sections loop, model, data.
        out: folder of the run.
        overrides: texts like ``loop.steps=100``.

    Raises:
        SettingsError: an unknown key or an impossible value.
    """
    read = load_recipe(recipe, overrides)
    task = AskTask(
        model_settings=validate_section(ModelSettings, read.model, "model", read.source),
        data=validate_section(AskTrainSettings, read.data, "data", read.source),
    )
    return train(task, read.loop, out)
