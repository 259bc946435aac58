"""Losses on maps whose overlap is known."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.train.losses import (
    OverlapLoss,
    boundary_band,
    cross_entropy,
    slice_dice_loss,
    volume_dice_loss,
)

SURE = 30.0  # a logit whose probability is 0 or 1


def cube(shift: int = 0) -> torch.Tensor:
    """A cube of 4³ voxels in (1, 8, 16, 16), moved along the last axis."""
    target = torch.zeros(1, 8, 16, 16)
    target[:, 2:6, 4:8, 4 + shift : 8 + shift] = 1
    return target


def sure(target: torch.Tensor) -> torch.Tensor:
    return (2 * target - 1) * SURE


@pytest.mark.parametrize(("shift", "dice"), [(0, 1.0), (1, 0.75), (2, 0.5), (3, 0.25), (4, 0.0)])
@pytest.mark.parametrize("loss", [volume_dice_loss, slice_dice_loss])
def test_dice_of_a_shifted_cube(loss, shift, dice):
    assert loss(sure(cube(shift)), cube(), smooth=1e-6).item() == pytest.approx(1 - dice, abs=1e-4)


def test_a_small_slice_counts_as_much_as_a_large_one_only_per_slice():
    target = torch.zeros(1, 3, 32, 32)
    target[0, 0] = 1
    target[0, 1, :2, :2] = 1
    missed = target.clone()
    missed[0, 1] = 0
    assert slice_dice_loss(sure(missed), target, smooth=1e-6).item() == pytest.approx(0.5, abs=1e-3)
    assert volume_dice_loss(sure(missed), target, smooth=1e-6).item() < 0.01


@settings(deadline=None, max_examples=30)
@given(fraction=st.floats(0.05, 0.95))
def test_fractions_are_best_predicted_as_they_are(fraction):
    target = torch.full((1, 1, 4, 4), fraction)
    right = torch.logit(target)
    for loss in (volume_dice_loss, cross_entropy):
        lowest = loss(right, target)
        assert lowest < loss(right + 0.3, target)
        assert lowest < loss(right - 0.3, target)


def test_what_is_not_valid_changes_nothing():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 4, 8, 8, generator=generator)
    target = (torch.rand(2, 4, 8, 8, generator=generator) > 0.7).float()
    valid = torch.ones(2, 4, 8, 8, dtype=torch.bool)
    valid[:, 2:] = False
    unknown = target.masked_fill(~valid, torch.nan)
    wild = torch.where(valid, logits, -logits).requires_grad_()
    loss, _ = OverlapLoss()(wild, unknown, valid=valid)
    loss.backward()
    assert loss.item() == pytest.approx(OverlapLoss()(logits[:, :2], target[:, :2])[0].item(), rel=1e-5)
    assert torch.isfinite(wild.grad).all()
    assert not wild.grad[:, 2:].any()
    assert wild.grad[:, :2].any()


def test_a_map_without_valid_voxels_and_one_without_weight_count_for_nothing():
    good, bad = cube(), cube(4)
    logits = sure(torch.cat([good, bad, bad]))
    target = torch.cat([good, good, good])
    valid = torch.tensor([True, False, True])[:, None, None, None]
    loss, parts = OverlapLoss(boundary=2)(logits, target, torch.tensor([1.0, 1.0, 0.0]), valid)
    assert loss.item() == pytest.approx(0, abs=1e-5)
    assert set(parts) == {"volume_dice", "slice_dice", "bce"}
    nothing = logits.clone().requires_grad_()
    loss, _ = OverlapLoss()(nothing, target, valid=torch.zeros(3, 1, 1, 1))
    loss.backward()
    assert loss.item() == 0
    assert not nothing.grad.any()


def test_weights_shift_the_mean():
    logits, target = sure(torch.cat([cube(), cube(4)])), torch.cat([cube(), cube()])
    loss = volume_dice_loss(logits, target, torch.tensor([3.0, 1.0]), smooth=1e-6)
    assert loss.item() == pytest.approx(0.25, abs=1e-4)


def test_empty_truth_pulls_down_every_probability():
    logits = torch.zeros(1, 2, 4, 4, requires_grad=True)
    loss, _ = OverlapLoss()(logits, torch.zeros(1, 2, 4, 4))
    loss.backward()
    assert torch.isfinite(loss)
    assert (logits.grad > 0).all()


@pytest.mark.parametrize("shift", [0, 2, 4])
def test_loss_is_safe_in_bfloat16_with_huge_logits(shift):
    logits = (sure(cube(shift)) * 100).bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss, _ = OverlapLoss(boundary=1)(logits, cube())
    loss.backward()
    assert loss.dtype == torch.float32
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


def test_boundary_band_lies_on_both_sides_within_the_slice():
    band = boundary_band(cube())
    expected = torch.zeros(16, 16)
    expected[3:9, 3:9] = 1
    expected[5:7, 5:7] = 0
    assert torch.equal(band[0, 3], expected)
    assert not band[0, 1].any()
    near, far = sure(cube()), sure(cube())
    near[0, 3, 4, 8] = SURE  # beside the cube
    far[0, 3, 14, 14] = SURE
    assert cross_entropy(near, cube(), boundary=3) > cross_entropy(far, cube(), boundary=3)


def test_shapes_that_do_not_fit_are_told():
    with pytest.raises(ValueError, match=r"\(B, D, H, W\)"):
        OverlapLoss()(torch.zeros(1, 1, 4, 4), torch.zeros(1, 4, 4))
