"""Where and in which arithmetic a network is trained."""

from __future__ import annotations

import torch
from torch import nn

from unicare.core.errors import SettingsError
from unicare.train.settings import LoopSettings

__all__ = ["resolve_precision", "to_channels_last"]


def resolve_precision(settings: LoopSettings) -> tuple[str, str]:
    """Device and precision that "auto" stands for on this machine.

    Raises:
        SettingsError: the device isn't there.
    """
    has = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    device = settings.device
    if device == "auto":
        device = "cuda" if has["cuda"] else "cpu"
    if not has[device]:
        raise SettingsError(f"loop.device={device}: this machine has none", mend="set loop.device=cpu")
    if settings.precision != "auto":
        return device, settings.precision
    if device == "cuda":
        quick = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        # bfloat16 with AVX-512 or AMX tiles is several times quicker; emulated, it is slower than float32
        quick = device == "cpu" and _cpu_has_bfloat16()
    return device, "bf16-mixed" if quick else "32-true"


def _cpu_has_bfloat16() -> bool:
    names = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)


def to_channels_last(model: nn.Module) -> None:
    """Lay out the weights of 2D and 3D convolutions channels-last, in place."""
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    for parameter in model.parameters():
        if parameter.ndim in formats:
            parameter.data = parameter.data.to(memory_format=formats[parameter.ndim])
