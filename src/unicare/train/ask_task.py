"""Training of the unified network: prompted, and corrected by clicks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from unicare.core.errors import SettingsError
from unicare.infer.question import POINT_RADIUS
from unicare.models.ask import Ask, AskSettings, Question
from unicare.models.weights import FORMAT, load_weights
from unicare.train.batches import episode_batches
from unicare.train.cine import SunnybrookCine
from unicare.train.episodes import AskBatch, Episodes, EpisodeSettings
from unicare.train.losses import OverlapLoss
from unicare.train.patients import VirtualPatients
from unicare.train.pool import fill_pool
from unicare.train.random_shapes import RandomShapes
from unicare.train.scene import World

__all__ = ["AskTask", "AskTrainSettings", "corrected"]


class ModelSettings(BaseModel):
    """The network's shape; see ``models.ask.AskSettings``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    channels: tuple[int, ...] = AskSettings.channels
    blocks: tuple[int, ...] = AskSettings.blocks
    fine_channels: int = AskSettings.fine_channels
    query_size: int = AskSettings.query_size
    depth_mixing: bool = AskSettings.depth_mixing
    grid: int = AskSettings.grid


class AskTrainSettings(BaseModel):
    """What the unified network is trained on."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    shares: dict[str, float] = Field(default={"shapes": 1.0})
    """How often each world is drawn from: shapes, patients, cine."""
    cine_path: Path | None = None
    """scd_lv.npz of the Sunnybrook Cardiac Data, for the world `cine`."""
    pool: Path | None = None
    """Folder of virtual patients' slices, for the world `patients`; filled when it is empty."""
    pool_size: int = Field(default=2000, ge=1)
    """Stacks of slices in that folder."""
    pool_seed: int = Field(default=0, ge=0)
    """Seed of the virtual patients."""
    episodes: EpisodeSettings = EpisodeSettings()
    """How scenes are asked about."""
    corrections: float = Field(default=0.3, ge=0, le=1)
    """How often a batch is answered first, and asked again with that answer and a click on an error."""
    workers: int = Field(default=1, ge=0)
    """Processes that make batches."""
    validation_batches: int = Field(default=24, ge=0)
    """Batches of held-out scenes that the averaged weights are validated on."""
    initial_weights: Path | None = None
    """Weights to start from; None: random ones."""


@dataclass(frozen=True)
class AskTask:
    """The network, its batches and its loss, for the training loop.

    Attributes:
        model_settings: the network's shape.
        data: what it is trained on.
    """

    model_settings: ModelSettings
    data: AskTrainSettings

    def build_model(self) -> nn.Module:
        """A fresh network, or one with the weights that the settings name."""
        model = Ask(AskSettings(**self.model_settings.model_dump()))
        if self.data.initial_weights is not None:
            load_weights(model, self.data.initial_weights)
        return model

    def batches(self, first: int, seed: int) -> Iterator[AskBatch]:
        """Batches number ``first`` and on."""
        episodes = Episodes(self._worlds("train"), self.data.shares, self.data.episodes)
        return episode_batches(episodes.batch, first, seed, self.data.workers)

    def loss(
        self, model: nn.Module, batch: AskBatch, fabric: Fabric
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """Dice and cross-entropy per slice; some batches are answered twice, with a click in between."""
        question = batch.question
        if float(torch.rand(())) < self.data.corrections:
            with torch.no_grad():
                first = model(question).float().sigmoid()
            question = corrected(question, first, batch.truth)
        logits = model(question).float()
        return _LOSS(logits[:, None], batch.truth[:, None])

    def validate(self, model: nn.Module) -> Mapping[str, float]:
        """Mean Dice per world over held-out scenes."""
        figures = {}
        for name, share in sorted(self.data.shares.items()):
            if share > 0:
                episodes = Episodes(self._worlds("validation"), {name: 1.0}, self.data.episodes)
                figures[f"dice_{name}"] = _mean_dice(model, episodes, self.data.validation_batches)
        return figures

    def metadata(self) -> Mapping[str, str]:
        """The network's shape, for the header of the weights."""
        return {"format": FORMAT, "model": json.dumps(self.model_settings.model_dump())}

    def settings(self) -> Mapping[str, Any]:
        """The recipe's other sections as plain values."""
        return {
            "model": self.model_settings.model_dump(mode="json"),
            "data": self.data.model_dump(mode="json"),
        }

    def _worlds(self, split: str) -> dict[str, World]:
        makers = {
            "shapes": partial(RandomShapes, self.data.episodes.longest_run),
            "patients": partial(self._patients, split),
            "cine": partial(_cine, self.data.cine_path, split),
        }
        return {name: makers[name]() for name, share in self.data.shares.items() if share > 0}

    def _patients(self, split: str) -> World:
        folder = self.data.pool
        if folder is None:
            raise SettingsError(
                "virtual patients are to be drawn from, but there is no place to keep them",
                mend="set data.pool to a folder, or data.shares.patients to 0",
            )
        return VirtualPatients(fill_pool(folder, self.data.pool_size, self.data.pool_seed), split)


_LOSS = OverlapLoss(volume_dice=0.0, slice_dice=1.0, bce=1.0)


def _cine(path: Path | None, split: str) -> World:
    return SunnybrookCine(path if path is not None else Path("scd_lv.npz"), split)


def corrected(question: Question, answer: Tensor, truth: Tensor) -> Question:
    """The question again, with the first answer as its mask prompt and a click where it was wrong.

    Args:
        question: N slices.
        answer: probabilities (N, H, W).
        truth: (N, H, W).
    """
    prompts = question.prompts.clone()
    prompts[:, 3] = answer.to(prompts.dtype)
    wrong = (answer >= 0.5) != (truth >= 0.5)
    weights = wrong.flatten(1).float() * torch.rand_like(answer).flatten(1)
    click = weights.argmax(dim=1)
    height, width = truth.shape[1:]
    rows = torch.arange(height, device=truth.device)[None, :] - (click // width)[:, None]
    columns = torch.arange(width, device=truth.device)[None, :] - (click % width)[:, None]
    dots = torch.exp(-0.5 * (rows[:, :, None] ** 2 + columns[:, None, :] ** 2) / POINT_RADIUS**2)
    clicked = wrong.flatten(1).any(dim=1) & (torch.rand(len(truth), device=truth.device) < 0.6)
    positive = truth.flatten(1).gather(1, click[:, None])[:, 0] >= 0.5
    for channel, chosen in ((1, clicked & positive), (2, clicked & ~positive)):
        prompts[:, channel] = torch.maximum(prompts[:, channel], dots * chosen[:, None, None])
    return Question(**{**vars(question), "prompts": prompts})


def _mean_dice(model: nn.Module, episodes: Episodes, batches: int) -> float:
    device = next(model.parameters()).device
    figures = []
    for number in range(batches):
        batch = episodes.batch(np.random.default_rng([2**31, number]))
        predicted = model(batch.question.to(device)).float().cpu() > 0
        truth = batch.truth >= 0.5
        overlap = (predicted & truth).flatten(1).sum(1)
        total = predicted.flatten(1).sum(1) + truth.flatten(1).sum(1)
        figures += (2.0 * overlap / total.clamp(min=1)).tolist()
    return float(np.mean(figures))
