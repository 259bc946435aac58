"""Ways to treat depth, as variants of the network: what `depth.py` compares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from unicare.models.ask import Ask, AskSettings, DepthMixing, Question


class Neighbours(Ask):
    """2.5D: the stem also sees the images and prompts of the slice before and the slice after."""

    def _look(self, question: Question) -> tuple[Tensor, Tensor]:
        # images of one sequence of a run lie one behind the other, so a neighbour is as far away as its slice
        owner = question.slice_of_image
        image = torch.arange(len(owner), device=owner.device)
        images = [question.images]
        for neighbour in (question.before[owner], question.after[owner]):
            images += [question.images[image + neighbour - owner], question.prompts[neighbour]]
        return super()._look(replace(question, images=torch.cat(images, dim=1)))


class FullMixing(nn.Module):
    """A 3×1×1 convolution over all channels, the identity in its middle, that knows how thick slices are."""

    def __init__(self, channels: int, query_size: int) -> None:
        super().__init__()
        self.before = nn.Conv2d(channels, channels, 1, bias=False)
        self.after = nn.Conv2d(channels, channels, 1, bias=False)
        self.scale = nn.Linear(query_size, 2 * channels)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor, query: Tensor, question: Question) -> Tensor:
        before, after = (1.0 + self.scale(query))[:, :, None, None].chunk(2, dim=1)
        told = before * self.before(features[question.before]) + after * self.after(features[question.after])
        return features + told


class FullyMixed(Ask):
    """Full instead of depthwise kernels along depth, at the same levels."""

    def _mixing(self, level: int, channels: int) -> nn.Module:  # type: ignore[override]
        light = super()._mixing(level, channels)
        return light if light.shares is None else FullMixing(channels, self.settings.query_size)


class MixedThroughout(Ask):
    """Depthwise kernels along depth at every level."""

    def _mixing(self, level: int, channels: int) -> DepthMixing:
        return DepthMixing(channels, self.settings.query_size)


def neighbours(settings: AskSettings) -> Ask:
    own, prompts = settings.image_channels, settings.prompt_channels
    return Neighbours(replace(settings, depth_mixing=False, image_channels=3 * own + 2 * prompts))


VARIANTS: dict[str, Callable[[AskSettings], Ask]] = {
    "2D": lambda settings: Ask(replace(settings, depth_mixing=False)),
    "2.5D": neighbours,
    "light 3D": Ask,
    "full 3×1×1": FullyMixed,
    "light 3D, all levels": MixedThroughout,
}


def build(variant: str, settings: AskSettings, seed: int) -> Ask:
    """A network that at first answers as the 2D one of this seed: what it has beyond it starts at zero."""
    torch.manual_seed(seed)
    plain = VARIANTS["2D"](settings).state_dict()
    network = VARIANTS[variant](settings)
    state = network.state_dict()
    for name, value in plain.items():
        if state[name].shape == value.shape:
            state[name] = value
        else:  # the stem's first kernel, with the neighbours' channels between images and prompts
            own = settings.image_channels
            state[name] = torch.zeros_like(state[name])
            state[name][:, :own] = value[:, :own]
            state[name][:, -settings.prompt_channels :] = value[:, own:]
    network.load_state_dict(state)
    return network.to(memory_format=torch.channels_last)
