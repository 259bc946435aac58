"""The network that answers "where is X in this region": images and prompts in, logits out.

A residual U-Net over in-plane slices. Slices of a region exchange what they see by depthwise kernels of three
along the depth axis ("light 3D"; docs/decisions/0006-depth.md has the measurement). Sequences are a set: one
shared stem, an embedding of each sequence's name, the mean over those that are there. What is asked for is an
embedding that modulates every level and finally queries the decoded features by a dot product.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import cast

import torch
from torch import Tensor, nn

from unicare.core.case import SEQUENCES
from unicare.core.structure import structure_table

__all__ = ["Ask", "AskSettings", "Question"]


@dataclass(frozen=True)
class AskSettings:
    """Shape of the network.

    Attributes:
        grid: points along H and W of a region.
        channels: features at 1/2, 1/4, 1/8 and 1/16 of the grid.
        blocks: residual blocks at each of these levels of the encoder.
        fine_channels: features at the full grid.
        query_size: length of the embedding of what is asked for.
        depth_mixing: whether slices of a region exchange features, at 1/8 and 1/16 of the grid.
        image_channels: windows that each image is given in.
        prompt_channels: box, points, negative points, previous answer, other labels.
    """

    grid: int = 96
    channels: tuple[int, ...] = (32, 64, 128, 256)
    blocks: tuple[int, ...] = (1, 2, 2, 2)
    fine_channels: int = 16
    query_size: int = 64
    depth_mixing: bool = True
    image_channels: int = 2
    prompt_channels: int = 5

    def as_dict(self) -> dict[str, object]:
        """Plain values, for YAML and for the header of the weights."""
        return asdict(self)


@dataclass
class Question:
    """A batch of regions, cut into their slices, and what is asked in each.

    N slices of any number of regions lie one behind the other, and K ≥ N images of them: a slice has as many
    images as there are sequences.

    Attributes:
        images: (K, C, H, W), each in C windows.
        sequences: (K,), position in ``SEQUENCES``.
        slice_of_image: (K,), which of the N slices an image shows.
        prompts: (N, P, H, W): box, points, negative points, previous answer, other labels.
        structures: (N,), compact ids of what is asked for, 0 for unknown.
        thickness: (N,), log2 of the slice spacing over the grid spacing; 0 for single slices.
        before: (N,), the slice before in the same region; the slice itself where there is none.
        after: (N,), the slice after in the same region; the slice itself where there is none.
    """

    images: Tensor
    sequences: Tensor
    slice_of_image: Tensor
    prompts: Tensor
    structures: Tensor
    thickness: Tensor
    before: Tensor
    after: Tensor

    def to(self, device: torch.device | str) -> Question:
        """The same question on another device."""
        return Question(**{name: value.to(device) for name, value in vars(self).items()})


class Block(nn.Module):
    """Two 3×3 convolutions around a residual, told what is asked for by a bias per channel."""

    def __init__(self, channels_in: int, channels: int, stride: int, query_size: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.tell = nn.Linear(query_size, channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Conv2d(channels_in, channels, stride, stride, bias=False)

    def forward(self, features: Tensor, query: Tensor) -> Tensor:
        """Features (N, C, h, w) and query (N, Q) to features (N, C', h', w')."""
        told = self.tell(query)[:, :, None, None]
        inner = torch.relu(self.norm1(self.conv1(features)) + told)
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(features))


class DepthMixing(nn.Module):
    """Each slice takes a learned share, per channel, of the slice before and the slice after it.

    The shares depend on how far apart the slices are, and start at zero. Without channels nothing is mixed.
    """

    def __init__(self, channels: int, query_size: int) -> None:
        super().__init__()
        self.shares = nn.Linear(query_size, 2 * channels) if channels else None
        if self.shares is not None:
            nn.init.zeros_(self.shares.weight)
            nn.init.zeros_(self.shares.bias)

    def forward(self, features: Tensor, query: Tensor, question: Question) -> Tensor:
        """Features (N, C, h, w) to the same shape."""
        if self.shares is None:
            return features
        before, after = self.shares(query)[:, :, None, None].chunk(2, dim=1)
        mixed: Tensor = features + before * features[question.before] + after * features[question.after]
        return mixed


class Ask(nn.Module):
    """The unified network.

    Args:
        settings: its shape.
    """

    def __init__(self, settings: AskSettings | None = None) -> None:
        super().__init__()
        self.settings = settings or AskSettings()
        channels, query_size = self.settings.channels, self.settings.query_size
        fine = self.settings.fine_channels
        self.structure_embedding = nn.Embedding(len(structure_table()), query_size)
        self.thickness_embedding = nn.Linear(2, query_size)
        self.sequence_embedding = nn.Embedding(len(SEQUENCES), fine)
        for embedding in (self.structure_embedding, self.sequence_embedding):
            nn.init.normal_(embedding.weight, std=0.02)  # what was never learned then says next to nothing
        self.fine = nn.Conv2d(self.settings.image_channels + self.settings.prompt_channels, fine, 3, 1, 1)
        self.stem = nn.Conv2d(fine, channels[0], 3, 2, 1, bias=False)
        self.stem_norm = nn.BatchNorm2d(channels[0])
        self.encoder = nn.ModuleList()
        self.encoder_mixing = nn.ModuleList()
        self.decoder = nn.ModuleList()
        self.decoder_mixing = nn.ModuleList()
        self.lift = nn.ModuleList()
        for level, width in enumerate(channels):
            before = channels[max(0, level - 1)]
            blocks = [
                Block(before if i == 0 else width, width, 2 if i == 0 and level else 1, query_size)
                for i in range(self.settings.blocks[level])
            ]
            self.encoder.append(nn.ModuleList(blocks))
            self.encoder_mixing.append(self._mixing(level, width))
            if level:
                self.lift.append(nn.Conv2d(width, before, 1))
                self.decoder.append(Block(before, before, 1, query_size))
                self.decoder_mixing.append(self._mixing(level - 1, before))
        self.head_lift = nn.Conv2d(channels[0], fine, 1)
        self.head = nn.Conv2d(fine, fine, 3, 1, 1)
        self.head_query = nn.Linear(query_size, fine + 1)

    def forward(self, question: Question) -> Tensor:
        """Logits (N, H, W), positive where X is."""
        alone = (question.before == question.after).to(question.thickness.dtype)
        thickness = torch.stack([question.thickness, alone], dim=1)
        query = self.structure_embedding(question.structures) + self.thickness_embedding(thickness)
        fine, features = self._look(question)
        levels = []
        for blocks, mixing in zip(self.encoder, self.encoder_mixing, strict=True):
            for block in cast(nn.ModuleList, blocks):
                features = block(features, query)
            features = mixing(features, query, question)
            levels.append(features)
        for level in reversed(range(len(self.decoder))):
            lifted = nn.functional.interpolate(self.lift[level](features), scale_factor=2.0, mode="nearest")
            features = self.decoder[level](lifted + levels[level], query)
            features = self.decoder_mixing[level](features, query, question)
        return self._answer(fine, features, query)

    def _mixing(self, level: int, channels: int) -> DepthMixing:
        """Depth is mixed where grids are coarse: there it costs next to nothing."""
        mixed = self.settings.depth_mixing and level >= len(self.settings.channels) - 2
        return DepthMixing(channels if mixed else 0, self.settings.query_size)

    def _look(self, question: Question) -> tuple[Tensor, Tensor]:
        """Fine features (N, F, H, W) and stem features (N, C, H/2, W/2), means over a slice's images."""
        several = len(question.images) > len(question.prompts)
        prompts = question.prompts[question.slice_of_image] if several else question.prompts
        seen = torch.cat([question.images, prompts], dim=1).contiguous(memory_format=torch.channels_last)
        names = self.sequence_embedding(question.sequences)[:, :, None, None]
        fine = torch.relu(self.fine(seen) + names)
        features = torch.relu(self.stem_norm(self.stem(fine)))
        if not several:
            return fine, features
        count = len(question.prompts)
        return (
            _mean_over_images(fine, question.slice_of_image, count),
            _mean_over_images(features, question.slice_of_image, count),
        )

    def _answer(self, fine: Tensor, features: Tensor, query: Tensor) -> Tensor:
        """Logits (N, H, W): the decoded features, queried by what is asked for."""
        lifted = nn.functional.interpolate(
            self.head_lift(features), scale_factor=2.0, mode="bilinear", align_corners=False
        )
        decoded = torch.relu(self.head(lifted + fine))
        asked = self.head_query(query)
        logits: Tensor = torch.einsum("bchw,bc->bhw", decoded, asked[:, :-1]) + asked[:, -1, None, None]
        return logits


def _mean_over_images(features: Tensor, slice_of_image: Tensor, count: int) -> Tensor:
    """Mean of (K, C, h, w) over the images of each of ``count`` slices, (N, C, h, w)."""
    images_per_slice = torch.bincount(slice_of_image, minlength=count)
    total = features.new_zeros((count, *features.shape[1:])).index_add_(0, slice_of_image, features)
    mean = total / images_per_slice[:, None, None, None].to(features.dtype)
    return mean.contiguous(memory_format=torch.channels_last)
