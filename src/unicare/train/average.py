"""Exponential moving average of a network's weights and buffers."""

from __future__ import annotations

import copy

import torch
from torch import nn

__all__ = ["AveragedModel"]


class AveragedModel:
    """A copy of a network that follows it slowly; this is what is validated and exported.

    Floating point weights and buffers (running statistics) are averaged, counters are copied. The memory is
    shorter in the first steps, min(decay, (1 + step) / (10 + step)), so that the first weights are forgotten.

    Attributes:
        model: the averaged network, in evaluation mode, without gradients.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Move the average towards the network after optimiser step number `step` (from 1)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        pairs = [
            *zip(self.model.parameters(), model.parameters(), strict=True),
            *zip(self.model.buffers(), model.buffers(), strict=True),
        ]
        floats = [(mine, theirs) for mine, theirs in pairs if mine.is_floating_point()]
        if floats:
            averages, sources = zip(*floats, strict=True)
            torch._foreach_lerp_(averages, sources, 1 - decay)
        for mine, theirs in pairs:
            if not mine.is_floating_point():
                mine.copy_(theirs)
