"""Losses for "where is X?": soft Dice and cross-entropy on logits, one map per query."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # the name that everybody gives it  # noqa: N812
from monai.losses.dice import DiceLoss
from torch import Tensor

__all__ = ["OverlapLoss", "boundary_band", "cross_entropy", "slice_dice_loss", "volume_dice_loss"]


@dataclass(frozen=True)
class OverlapLoss:
    """Weighted sum of soft Dice per volume, soft Dice per slice, and binary cross-entropy.

    The volume's Dice is what is scored in 3D, but one large slice hides a small one in it; the slice's Dice
    counts every slice with foreground alike; the cross-entropy is the only part that says anything about
    maps and slices without foreground, and that keeps probabilities calibrated.

    Attributes:
        volume_dice: weight of the Dice loss over whole volumes.
        slice_dice: weight of the Dice loss over single slices that have foreground.
        bce: weight of the binary cross-entropy.
        boundary: additional weight of voxels next to the true boundary in the cross-entropy; 0: none.
        smooth: voxels added to both sides of the Dice fraction, which tames small structures.
    """

    volume_dice: float = 0.5
    slice_dice: float = 0.5
    bce: float = 1.0
    boundary: float = 0.0
    smooth: float = 1.0

    def __call__(
        self, logits: Tensor, target: Tensor, weight: Tensor | None = None, valid: Tensor | None = None
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Loss of a batch of maps, and its parts for the log.

        Args:
            logits: (B, D, H, W), one map per query; any float type, the loss itself is float32.
            target: (B, D, H, W), truth in [0, 1]; fractions (partial volume) are welcome.
            weight: (B,) importance of each map; None: all 1.
            valid: mask that broadcasts to (B, D, H, W); False where the truth says nothing. Maps without
                any valid voxel count for nothing.

        Returns:
            The loss, a float32 scalar, and each part's own value, detached.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits, target, mask, weight = _prepared(logits, target, weight, valid)
            parts = {}
            if self.volume_dice:
                parts["volume_dice"] = volume_dice_loss(logits, target, weight, mask, self.smooth)
            if self.slice_dice:
                parts["slice_dice"] = slice_dice_loss(logits, target, weight, mask, self.smooth)
            if self.bce:
                parts["bce"] = cross_entropy(logits, target, weight, mask, self.boundary)
            loss = logits.sum() * 0  # keeps a gradient even where nothing is asked for
            for name, value in parts.items():
                loss = loss + getattr(self, name) * value
        return loss, {name: value.detach() for name, value in parts.items()}


def volume_dice_loss(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    valid: Tensor | None = None,
    smooth: float = 1.0,
) -> Tensor:
    """Mean over the maps of 1 − soft Dice over the whole volume; arguments as in `OverlapLoss`.

    With fractions as truth it is still lowest where prediction and truth are equal (Wang et al., Dice
    semimetric losses, 2023).
    """
    logits, target, mask, weight = _prepared(logits, target, weight, valid)
    per_map = _dice_loss((logits.sigmoid() * mask)[:, None], (target * mask)[:, None], smooth)[:, 0]  # (B,)
    return _weighted_mean(per_map, weight * mask.flatten(1).any(dim=1))


def slice_dice_loss(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    valid: Tensor | None = None,
    smooth: float = 1.0,
) -> Tensor:
    """Mean over slices (axis D) with foreground of 1 − soft Dice; arguments as in `OverlapLoss`.

    Slices of one map share its weight equally, so that maps with many slices don't outweigh others.
    """
    logits, target, mask, weight = _prepared(logits, target, weight, valid)
    truth = target * mask
    per_slice = _dice_loss(logits.sigmoid() * mask, truth, smooth)  # (B, D)
    present = (truth.flatten(2).amax(dim=2) >= 0.5).float()  # (B, D)
    count = present.sum(dim=1)
    per_map = (per_slice * present).sum(dim=1) / count.clamp(min=1)
    return _weighted_mean(per_map, weight * (count > 0))


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    valid: Tensor | None = None,
    boundary: float = 0.0,
) -> Tensor:
    """Mean over the maps of the voxels' mean binary cross-entropy; arguments as in `OverlapLoss`."""
    logits, target, mask, weight = _prepared(logits, target, weight, valid)
    voxels = mask * (1 + boundary * boundary_band(target)) if boundary else mask
    entropy = F.binary_cross_entropy_with_logits(logits, target, reduction="none") * voxels
    total = voxels.flatten(1).sum(dim=1)
    return _weighted_mean(entropy.flatten(1).sum(dim=1) / total.clamp(min=1e-6), weight * (total > 0))


def boundary_band(target: Tensor) -> Tensor:
    """1 in the voxels on both sides of the truth's boundary within each slice, else 0.

    Args:
        target: (B, D, H, W), truth in [0, 1], cut at a half.
    """
    inside = (target >= 0.5).float()
    grown = F.max_pool2d(inside, 3, stride=1, padding=1)
    shrunk = -F.max_pool2d(-inside, 3, stride=1, padding=1)
    return grown - shrunk


def _prepared(
    logits: Tensor, target: Tensor, weight: Tensor | None, valid: Tensor | None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    if logits.ndim != 4 or logits.shape != target.shape:
        raise ValueError(
            f"logits {tuple(logits.shape)} and target {tuple(target.shape)} must both be (B, D, H, W)"
        )
    logits = logits.float()
    if weight is None:
        weight = logits.new_ones(len(logits))
    target = target.to(logits)
    if valid is None:
        return logits, target, torch.ones_like(logits), weight.to(logits)
    known = (valid > 0).expand(logits.shape)
    # whatever marks unknown voxels in the truth (255, NaN) must not reach a product
    target = torch.where(known, target, torch.zeros_like(target))
    return logits, target, known.to(logits), weight.to(logits)


def _dice_loss(probability: Tensor, target: Tensor, smooth: float) -> Tensor:
    """1 − soft Dice of each sample and channel: (B, C, *) twice → (B, C)."""
    dice = DiceLoss(soft_label=True, reduction="none", smooth_nr=smooth, smooth_dr=smooth)
    loss: Tensor = dice(probability, target)
    return loss.flatten(1)


def _weighted_mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1e-6)
