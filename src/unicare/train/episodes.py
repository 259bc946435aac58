"""Episodes of prompted segmentation: a scene is prompted as a person would, its structures are asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from unicare.core.prompt import Prompt
from unicare.core.region import Region
from unicare.core.volume import FileGeometry, Volume
from unicare.infer.asking import Asked, put_together, tensor
from unicare.infer.question import (
    draw_prompts,
    image_cover,
    region_of,
    runs_of_slices,
    thickness_of,
    window_image,
)
from unicare.models.ask import Question
from unicare.prompts.simulate import PromptSettings, simulate_slice
from unicare.train.scene import Scene, World

__all__ = ["AskBatch", "EpisodeSettings", "Episodes"]


class EpisodeSettings(BaseModel):
    """How scenes are asked about."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    slices_per_batch: int = Field(default=32, ge=1)
    """Slices in a batch, over all its regions."""
    longest_run: int = Field(default=8, ge=1)
    """Most slices of a region."""
    grids: dict[int, float] = Field(default={96: 1.0})
    """Points along H and W of a region, and how often; one for a whole batch."""
    targets_per_scene: int = Field(default=3, ge=1)
    """Most structures that one scene is asked for."""
    anonymous: float = Field(default=0.5, ge=0, le=1)
    """How often a structure is asked for without its name."""
    unnamed_sequence: float = Field(default=0.4, ge=0, le=1)
    """How often a sequence's name is hidden."""
    alone: float = Field(default=0.35, ge=0, le=1)
    """How often the other structures' prompts are left out."""
    no_box: float = Field(default=0.1, ge=0, le=1)
    """How often there are only points."""
    no_points: float = Field(default=0.12, ge=0, le=1)
    """How often there is only a box."""
    tight: float = Field(default=0.45, ge=0, le=1)
    """How often boxes are tight."""
    jittered: float = Field(default=0.2, ge=0, le=1)
    """How often boxes are off by up to a tenth of their side, instead."""
    said_tight: float = Field(default=0.5, ge=0, le=1)
    """How often tight boxes are said to be tight."""
    without_spacing: float = Field(default=0.3, ge=0, le=1)
    """How often the slice spacing is withheld, as in images without geometry."""


@dataclass
class AskBatch:
    """What is asked, and the truth.

    Attributes:
        question: N slices.
        truth: (N, H, W), share of each grid cell that the structure covers.
    """

    question: Question
    truth: Tensor


@dataclass(frozen=True, eq=False)
class _Answered:
    """A question about one region, and the truth (D, H, W)."""

    asked: Asked
    truth: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Target:
    """A structure of a scene, and how it is prompted.

    Attributes:
        label: in the scene.
        structure: compact id, 0 where the name is withheld.
        own: slice index to prompt.
        others: slice index to the prompts of the other structures.
        tight: whether the boxes are said to be tight.
    """

    label: int
    structure: int
    own: Mapping[int, Prompt]
    others: Mapping[int, list[Prompt]]
    tight: bool


@dataclass(frozen=True)
class Episodes:
    """Draws batches from worlds.

    Attributes:
        worlds: name to world.
        shares: name to how often it is drawn from.
        settings: how scenes are asked about.
    """

    worlds: Mapping[str, World]
    shares: Mapping[str, float]
    settings: EpisodeSettings = field(default_factory=EpisodeSettings)

    def batch(self, rng: np.random.Generator) -> AskBatch:
        """A batch that depends on nothing but the generator's state."""
        settings = self.settings
        grids = sorted(settings.grids)
        chances = np.array([settings.grids[grid] for grid in grids])
        grid = int(rng.choice(grids, p=chances / chances.sum()))
        wanted = max(1, round(settings.slices_per_batch * (grids[0] / grid) ** 2))
        asked: list[_Answered] = []
        room = wanted
        names = sorted(name for name, share in self.shares.items() if share > 0)
        weights = np.array([self.shares[name] for name in names])
        while room > 0:
            world = self.worlds[str(rng.choice(names, p=weights / weights.sum()))]
            for region in ask_scene(world.scene(rng), grid, settings, rng):
                if room > 0:
                    asked.append(_shortened(region, room))
                    room -= len(asked[-1].truth)
        truth = tensor(np.concatenate([region.truth for region in asked]))
        return AskBatch(put_together([region.asked for region in asked]), truth)


def ask_scene(
    scene: Scene, grid: int, settings: EpisodeSettings, rng: np.random.Generator
) -> list[_Answered]:
    """Prompts a scene and asks for some of its structures."""
    prompt_settings = _draw_prompt_settings(settings, rng)
    prompts = {
        label: _prompt_stack(scene.labels == label, prompt_settings, rng) for label in scene.structures
    }
    prompts = {label: found for label, found in prompts.items() if found}
    labels = sorted(prompts)
    wanted = [label for label in labels if label not in scene.context]
    if not wanted:
        return []
    count = min(len(wanted), int(rng.integers(1, settings.targets_per_scene + 1)))
    chosen = rng.choice(wanted, size=count, replace=False)
    alone = rng.random() < settings.alone
    named = rng.random() >= settings.anonymous
    hidden = rng.random() < settings.unnamed_sequence
    images = {("unknown" if hidden else name): image for name, image in scene.images.items()}
    images = images if not hidden or len(scene.images) == 1 else dict(scene.images)
    tight = _is_tight(prompt_settings) and rng.random() < settings.said_tight
    asked = []
    for label in chosen.tolist():
        others: dict[int, list[Prompt]] = {}
        if not alone:
            for other in labels:
                if other != label:
                    for index, prompt in prompts[other].items():
                        others.setdefault(index, []).append(prompt)
        structure = scene.structures[label] if named else 0
        target = _Target(label, structure, prompts[label], others, tight)
        asked.append(_ask(scene, images, target, grid, settings, rng))
    return asked


def _ask(
    scene: Scene,
    images: Mapping[str, NDArray[np.float32]],
    target: _Target,
    grid: int,
    settings: EpisodeSettings,
    rng: np.random.Generator,
) -> _Answered:
    runs = runs_of_slices(sorted(target.own), settings.longest_run)
    run = runs[int(rng.integers(len(runs)))]
    here = {index: target.own[index] for index in run}
    truth = _volume((scene.labels == target.label).astype(np.float32), scene.spacing_mm)
    region = region_of(truth, 0, run, here, grid)
    drawn = draw_prompts(region, here, target.others, tight=target.tight)
    sampled = [
        (name, _sample(region, _volume(image, scene.spacing_mm), drawn)) for name, image in images.items()
    ]
    thickness = 0.0 if rng.random() < settings.without_spacing else thickness_of(region)
    covered = region.sample(truth) * image_cover(region, truth.shape)
    return _turned(_Answered(Asked(sampled, drawn, target.structure, thickness), covered), rng)


def _sample(region: Region, volume: Volume, drawn: NDArray[np.float32]) -> NDArray[np.float32]:
    return window_image(region.sample(volume), drawn)


def _turned(answered: _Answered, rng: np.random.Generator) -> _Answered:
    """One of the eight turns and flips of the slice, and perhaps the slices the other way round."""
    turns, flip, back = int(rng.integers(4)), bool(rng.integers(2)), bool(rng.integers(2))

    def turn(array: NDArray[np.float32]) -> NDArray[np.float32]:
        turned = np.rot90(array, turns, axes=(-2, -1))
        turned = turned[..., ::-1] if flip else turned
        return turned[..., ::-1, :, :] if back else turned

    asked = answered.asked
    images = [(name, turn(image)) for name, image in asked.images]
    return _Answered(replace(asked, images=images, prompts=turn(asked.prompts)), turn(answered.truth))


def _shortened(answered: _Answered, most: int) -> _Answered:
    """The first slices of a region."""
    asked = answered.asked
    images = [(name, image[:, :most]) for name, image in asked.images]
    return _Answered(replace(asked, images=images, prompts=asked.prompts[:, :most]), answered.truth[:most])


def _draw_prompt_settings(settings: EpisodeSettings, rng: np.random.Generator) -> PromptSettings:
    only = rng.random()
    box = only >= settings.no_box
    points = not settings.no_box <= only < settings.no_box + settings.no_points
    style = rng.random()
    margin = (0, 0) if style < settings.tight else (0, int(rng.integers(1, 6)))
    jitter = 0.0
    if settings.tight <= style < settings.tight + settings.jittered:
        margin, jitter = (0, 2), float(rng.uniform(0.02, 0.1))
    count = 5 if rng.random() < 0.5 else int(rng.integers(1, 6))
    return PromptSettings(
        box=box,
        points=points,
        box_margin_voxels=margin,
        box_jitter_fraction=jitter,
        point_count=(count, count),
        negative_point_count=int(rng.integers(1, 3)) if rng.random() < 0.1 else 0,
        min_foreground_voxels=6,
    )


def _is_tight(settings: PromptSettings) -> bool:
    return settings.box and settings.box_margin_voxels == (0, 0) and settings.box_jitter_fraction == 0


def _prompt_stack(
    mask: NDArray[np.bool_], settings: PromptSettings, rng: np.random.Generator
) -> dict[int, Prompt]:
    prompts = {}
    for index in np.flatnonzero(mask.any(axis=(1, 2))).tolist():
        prompt = simulate_slice(mask[index], settings, rng)
        if prompt is not None:
            prompts[index] = prompt
    return prompts


def _volume(data: NDArray[Any], spacing_mm: tuple[float, float, float]) -> Volume:
    affine = np.diag([*spacing_mm, 1.0])
    return Volume(data, affine, FileGeometry(data.shape, affine))  # type: ignore[arg-type]
