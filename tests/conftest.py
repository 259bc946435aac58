"""What several tests are built from: small weights, networks with a known answer, volumes that lie anyhow."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.data.nifti import save_volume
from unicare.prompts.contract import write_prompts

TINY = {"grid": 32, "channels": [8, 8, 8, 8], "blocks": [1, 1, 1, 1], "fine_channels": 4, "query_size": 8}


def affine_of(
    codes: str = "PLS",
    spacing_mm: tuple[float, float, float] = (1.5, 1.5, 4.0),
    tilt_degrees: float = 0.0,
) -> NDArray[np.float64]:
    """An affine whose file axes run towards ``codes``, turned about an axis that is none of the three."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (code, spacing) in enumerate(zip(codes, spacing_mm, strict=True)):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, axis] = spacing if code in "RAS" else -spacing
    about = np.array([1.0, 2.0, 3.0]) / np.sqrt(14.0)
    cross = np.cross(np.eye(3), about)
    angle = np.deg2rad(tilt_degrees)
    turn = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = (12.0, -30.0, 7.0)
    return affine


@pytest.fixture(scope="session")
def make_volume() -> Callable[..., Volume]:
    """Noise (or given values) in a file whose axes run anyhow: ``make_volume(shape, codes, …)``."""

    def make(
        shape: tuple[int, int, int] = (40, 48, 6),
        codes: str = "PLS",
        spacing_mm: tuple[float, float, float] = (1.5, 1.5, 4.0),
        tilt_degrees: float = 0.0,
        data: NDArray[Any] | None = None,
    ) -> Volume:
        if data is None:
            data = np.random.default_rng(3).normal(100, 20, shape).astype(np.float32)
        return Volume.from_file_axes(data, affine_of(codes, spacing_mm, tilt_degrees))

    return make


@pytest.fixture(scope="session")
def tiny_network() -> Any:
    """A network of random weights, the same every time."""
    import torch

    from unicare.models.ask import Ask, AskSettings

    torch.manual_seed(0)
    shape = {name: tuple(value) if isinstance(value, list) else value for name, value in TINY.items()}
    network = Ask(AskSettings(**shape))
    torch.nn.init.normal_(network.head_query.weight)
    network.head_query.bias.data[-1] = 0.3  # so that about a third of a region is called inside
    return network.eval()


@pytest.fixture(scope="session")
def tiny_weights(tiny_network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of that network in a file, as ``unicare train`` writes them."""
    from unicare.train.checkpoint import export_weights

    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    header = {"format": "unicare-ask-1", "model": json.dumps(tiny_network.settings.as_dict())}
    return export_weights(tiny_network, path, header)


@pytest.fixture(scope="session")
def oracle() -> Callable[..., Any]:
    """A network that says what one of its inputs says: ``oracle("box")``, ``oracle("image")``.

    So geometry can be followed exactly, from the prompt into the region and back onto the volume.
    """
    from torch import Tensor, nn

    from unicare.infer.question import PROMPT_CHANNELS
    from unicare.models.ask import AskSettings, Question, _mean_over_images

    class Oracle(nn.Module):
        def __init__(self, channel: str, grid: int) -> None:
            super().__init__()
            self.settings = AskSettings(grid=grid)
            self.channel = channel
            self.asked: list[Question] = []

        def forward(self, question: Question) -> Tensor:
            self.asked.append(question)
            if self.channel == "image":
                return _mean_over_images(
                    question.images[:, :1], question.slice_of_image, len(question.prompts)
                )[:, 0]
            return 20.0 * (question.prompts[:, PROMPT_CHANNELS.index(self.channel)] - 0.5)

    return lambda channel, grid=128: Oracle(channel, grid)


@pytest.fixture
def make_input(tmp_path: Path, make_volume: Callable[..., Volume]) -> Callable[..., Path]:
    """A folder as ``unicare predict`` takes it: ``make_input({case: prompts}, {file name: volume})``."""

    def make(prompts: Mapping[str, Any], images: Mapping[str, Volume], name: str = "input") -> Path:
        folder = tmp_path / name
        for file, volume in images.items():
            save_volume(folder / "images" / f"{file}.nii.gz", volume)
        folder.mkdir(exist_ok=True)
        path = folder / "prompts.json"
        if all(isinstance(one, CasePrompts) for one in prompts.values()):
            write_prompts(path, prompts.values())
        else:
            path.write_text(json.dumps(prompts), encoding="utf-8")
        return folder

    return make
