"""What is written during training: checkpoints to go on from, and weights to use."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from unicare.core.errors import OutputError, WeightsError

__all__ = ["export_weights", "load_checkpoint", "save_checkpoint", "write_atomically"]

KEPT = 2  # the newest, and the one before in case a disk fails on the newest


def save_checkpoint(folder: Path, step: int, state: Mapping[str, Any]) -> Path:
    """Write `step_<number>.pt` whole or not at all, and remove all but the newest two.

    Raises:
        OutputError: the folder can't be written to, or is full.
    """
    path = folder / f"step_{step:09d}.pt"
    write_atomically(path, lambda part: torch.save(dict(state), part))
    for old in _newest_first(folder)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint that can be read, on the CPU; None if the folder has none.

    Raises:
        WeightsError: there are checkpoints, but none can be read.
    """
    paths = _newest_first(folder)
    for path in paths:
        try:
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
            continue
        return state
    if paths:
        raise WeightsError(
            f"{folder}: none of the checkpoints can be read",
            found=", ".join(path.name for path in paths),
            mend="remove them to start anew",
        )
    return None


def export_weights(
    model: nn.Module, path: str | Path, metadata: Mapping[str, str], dtype: str = "float32"
) -> Path:
    """Write a network's weights and buffers as safetensors, whole or not at all.

    Args:
        model: the network.
        path: file to write, usually ``*.safetensors``.
        metadata: texts for the file's header.
        dtype: "float32" or "float16", for everything that is floating point.

    Raises:
        OutputError: the file can't be written.
        WeightsError: a weight isn't finite in that format.
    """
    number_format = {"float32": torch.float32, "float16": torch.float16}[dtype]
    tensors = {}
    seen: set[tuple[int, torch.Size, tuple[int, ...]]] = set()
    for name, tensor in model.state_dict().items():
        same = (tensor.data_ptr(), tensor.shape, tensor.stride())
        if tensor.numel() and same in seen:
            # safetensors has no shared tensors: each name gets a copy of its own
            tensor = tensor.clone()  # noqa: PLW2901
        seen.add(same)
        converted = tensor.detach().cpu()
        if converted.is_floating_point():
            converted = converted.to(number_format)
            if not torch.isfinite(converted).all():
                raise WeightsError(f"weight {name} isn't finite as {dtype}", mend="export as float32")
        tensors[name] = converted.contiguous()
    content = _in_fixed_order(save(tensors, dict(metadata)))
    write_atomically(Path(path), lambda part: part.write_bytes(content))
    return Path(path)


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a file beside `path`, force it to the disk, and move it to its place.

    Raises:
        OutputError: it can't be written; what was there before is still there.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:
        _remove(part)
        # torch's writer reports a full disk as a RuntimeError about positions in the file
        reason = error.strerror if isinstance(error, OSError) else "the disk seems to be full"
        raise OutputError(
            f"{path}: can't be written ({reason})", mend="free space, or another place"
        ) from None
    except BaseException:
        _remove(part)
        raise


def _in_fixed_order(content: bytes) -> bytes:
    """Sort a safetensors header, whose metadata come in random order: same weights, same bytes."""
    size = int.from_bytes(content[:8], "little")
    header = json.dumps(json.loads(content[8 : 8 + size]), sort_keys=True, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)  # data start at a multiple of eight
    return len(header).to_bytes(8, "little") + header + content[8 + size :]


def _remove(part: Path) -> None:
    with contextlib.suppress(OSError):
        part.unlink(missing_ok=True)


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("step_*.pt"), reverse=True)
