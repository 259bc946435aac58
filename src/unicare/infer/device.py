"""Where the network computes, and in which arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from unicare.core.errors import SettingsError

__all__ = ["autocast", "multiplies_bfloat16_quickly", "resolve_device"]


def resolve_device(name: str) -> torch.device:
    """``auto`` (a GPU if there is one), ``cpu`` or ``cuda``.

    Raises:
        SettingsError: a GPU is asked for and there is none, or the name is unknown.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SettingsError(f"--device {name}", expected="auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise SettingsError(
            "--device cuda: no usable GPU",
            expected="a CUDA build of torch and a driver",
            mend="use --device cpu",
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")


def multiplies_bfloat16_quickly(device: torch.device) -> bool:
    """Whether bfloat16 products are quicker than float32 ones there: AMX on CPUs, tensor cores on GPUs."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_amx_tile_supported())


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """A context in which the network computes in a precision: ``auto``, ``float32`` or ``bfloat16``.

    Raises:
        SettingsError: the name is unknown.
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise SettingsError(f"--precision {precision}", expected="auto, float32 or bfloat16")
    if precision == "float32" or (precision == "auto" and not multiplies_bfloat16_quickly(device)):
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
