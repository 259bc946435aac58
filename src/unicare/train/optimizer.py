"""The optimiser of every training run."""

from __future__ import annotations

import torch
from torch import nn

from unicare.train.settings import LoopSettings

__all__ = ["make_optimizer"]


def make_optimizer(model: nn.Module, settings: LoopSettings) -> torch.optim.AdamW:
    """AdamW that decays weights of convolutions and linear layers, but no biases, norms and embeddings."""
    whole = {
        id(parameter)
        for module in model.modules()
        if isinstance(module, nn.Embedding | nn.EmbeddingBag)
        for parameter in module.parameters(recurse=False)
    }
    decayed: list[nn.Parameter] = []
    kept: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        plain = parameter.ndim < 2 or id(parameter) in whole or "embed" in name.rpartition(".")[2]
        (kept if plain else decayed).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": kept, "weight_decay": 0.0},
    ]
    on_fused_device = all(p.device.type in {"cpu", "cuda"} for p in (*decayed, *kept))
    groups = [group for group in groups if group["params"]]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=settings.betas, fused=on_fused_device)
