"""Mask prompts: which voxels of which file count on which slice."""

import numpy as np
import pytest

from unicare.core.errors import PromptError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.data.nifti import save_labels
from unicare.infer.masks import boxed_by_masks, read_masks


@pytest.fixture
def saved(tmp_path, make_volume):
    """A mask file with 1 and 2221 in it; stored in axes of another order than the image's."""
    labels = np.zeros((30, 32, 34), dtype=np.int16)
    labels[5:20, 6:22, 7:24] = 1
    labels[8:12, 9:13, 10:14] = 2221
    stored = make_volume(data=np.zeros((34, 30, 32), dtype=np.int16), codes="SPL")
    assert stored.shape == labels.shape
    save_labels(tmp_path / "mask.nii.gz", stored, labels)
    return labels


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_label_s_own_value_counts_where_it_is_there(tmp_path, make_volume, saved, axis):
    grid = make_volume(saved.shape)
    prompts = CasePrompts("a", {11: {2221: Prompt(mask="mask.nii.gz"), 5: Prompt(mask="mask.nii.gz")}}, axis)
    masks = read_masks(prompts, grid, tmp_path)
    stack = np.moveaxis(saved, axis, 0)
    np.testing.assert_array_equal(np.moveaxis(masks[2221], axis, 0)[11], stack[11] == 2221)
    np.testing.assert_array_equal(np.moveaxis(masks[5], axis, 0)[11], stack[11] > 0)
    assert not np.delete(np.moveaxis(masks[5], axis, 0), 11, axis=0).any()


def test_a_mask_of_another_shape_is_refused(tmp_path, make_volume, saved):
    prompts = CasePrompts("a", {1: {5: Prompt(mask="mask.nii.gz")}})
    with pytest.raises(PromptError, match=r"slice 1, label 5.*has another grid"):
        read_masks(prompts, make_volume((30, 32, 33)), tmp_path)


def test_a_missing_mask_is_named(tmp_path, make_volume):
    with pytest.raises(PromptError, match=r"slice 1, label 5.*none\.nii: no image file"):
        read_masks(CasePrompts("a", {1: {5: Prompt(mask="none.nii")}}), make_volume(), tmp_path)


def test_a_mask_alone_gets_the_box_around_it_and_others_stay():
    mask = np.zeros((20, 20, 4), dtype=np.float32)
    mask[3:9, 4:15, 2] = 1
    other = Prompt(points=(Point(1, 1),), mask="m.nii")
    prompts = CasePrompts("a", {0: None, 1: {5: other}, 2: {5: Prompt(mask="m.nii")}})
    boxed = boxed_by_masks(prompts, {5: mask})
    assert boxed.slices[2][5].box == Box(3, 4, 9, 15)
    assert boxed.slices[1][5] == other
    assert prompts.slices[2][5].box is None


@pytest.mark.parametrize(("masks", "words"), [({5: np.zeros((20, 20, 4))}, "empty"), (None, "isn't given")])
def test_a_mask_that_shows_nothing_is_told(masks, words):
    with pytest.raises(PromptError, match=f"slice 2, label 5.*{words}"):
        boxed_by_masks(CasePrompts("a", {2: {5: Prompt(mask="m.nii")}}), masks)
