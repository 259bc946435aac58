"""Weights in safetensors files: which ship with the package, and how they are read."""

from __future__ import annotations

import hashlib
import json
import os
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from unicare.core.errors import WeightsError
from unicare.models.ask import Ask, AskSettings

__all__ = ["FORMAT", "load_network", "load_weights", "shipped_weights", "weights_sha256"]

FORMAT = "unicare-ask-1"
"""What the header of a weights file says; another number means another network."""


def shipped_weights() -> Path:
    """The weights that come with the package."""
    return Path(str(resources.files("unicare.models").joinpath("shipped", "ask.safetensors")))


def weights_sha256(path: str | os.PathLike[str]) -> str:
    """The file's SHA-256 in hexadecimal, as run manifests give it."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def load_network(path: str | os.PathLike[str] | None = None) -> Ask:
    """Builds the network that a weights file describes, in evaluation mode.

    Args:
        path: a file that ``unicare train`` wrote; by default the shipped one.

    Raises:
        WeightsError: the file is missing, isn't safetensors, or is of another network.
    """
    file = Path(path) if path is not None else shipped_weights()
    tensors, header = _read(file)
    if header.get("format") != FORMAT:
        raise WeightsError(
            f"{file}: weights of something else",
            found=header.get("format", "no format in the header"),
            expected=FORMAT,
            mend="give a file that `unicare train` wrote",
        )
    try:
        network = Ask(AskSettings(**_tuples(json.loads(header["model"]))))
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsError(
            f"{file}: its weights don't fit its own header", found=_first_line(error)
        ) from None
    return network.eval()


def load_weights(network: nn.Module, path: str | os.PathLike[str]) -> None:
    """Fills a network with the weights of a file of the same shape.

    Raises:
        WeightsError: the file can't be read, or its shapes differ.
    """
    tensors, _ = _read(Path(path))
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise WeightsError(f"{path}: weights of another shape", found=_first_line(error)) from None


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file", expected="weights in safetensors format") from None
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            f"{path}: can't be read as safetensors", found=_first_line(error), mend="fetch or train it again"
        ) from None


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
