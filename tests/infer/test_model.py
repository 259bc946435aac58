"""Segmentation from Python: what a person gives, and what is said when it isn't enough."""

import json

import numpy as np
import pytest

import unicare
from unicare.core.errors import PromptError, SettingsError, WeightsError
from unicare.core.prompt import Box, CasePrompts, Prompt
from unicare.data.nifti import load_volume, save_labels


@pytest.fixture
def model(tiny_weights):
    return unicare.Model(tiny_weights, device="cpu")


@pytest.fixture
def image(make_input, make_volume):
    folder = make_input({"a": CasePrompts("a", {1: {500: Prompt(Box(5, 6, 30, 36))}})}, {"a": make_volume()})
    return folder / "images" / "a.nii.gz"


def test_five_lines_of_python(model, image, tmp_path):
    case = unicare.load(image)
    segmentation = model.segment(case, prompts=image.parents[1] / "prompts.json")
    segmentation.save(tmp_path / "seg.nii.gz")
    np.testing.assert_array_equal(load_volume(tmp_path / "seg.nii.gz").data, segmentation.labels)
    voxels = int((segmentation.labels == 500).sum())
    told = segmentation.volumes_ml()
    assert sum(told.values()) == pytest.approx(voxels * case.reference.voxel_ml)


def test_a_path_and_prompts_made_in_python_do_as_well(model, image):
    prompts = CasePrompts("any", {1: {500: Prompt(Box(5, 6, 30, 36))}})
    by_file = model.segment(image, image.parents[1] / "prompts.json")
    np.testing.assert_array_equal(model.segment(image, prompts).labels, by_file.labels)


def test_masks_are_looked_for_beside_prompts(model, image):
    volume = load_volume(image)
    mask = np.zeros(volume.shape, dtype=np.uint8)
    mask[8:20, 9:30, 1] = 1
    path = image.parents[1] / "prompts.json"
    save_labels(path.parent / "m.nii.gz", volume, mask)
    path.write_text(json.dumps({"a": {"1": {"500": [None, None, {"mask": "m.nii.gz"}]}}}))
    assert set(np.unique(model.segment(image, path).labels)) <= {0, 500}
    path.write_text(json.dumps({"a": {"1": {"500": [None, None, {"mask": "none.nii.gz"}]}}}))
    with pytest.raises(PromptError, match=r"none\.nii\.gz"):
        model.segment(image, path)


def test_what_is_not_enough_is_told(model, image, tmp_path):
    with pytest.raises(PromptError, match="boxes or points"):
        model.segment(image)
    with pytest.raises(PromptError, match="boxes or points"):
        model.segment(image, structures=["liver"])
    path = tmp_path / "other.json"
    path.write_text(json.dumps({"x": {"0": None}, "y": {"0": None}}))
    with pytest.raises(PromptError, match="no prompts for case a; found x, y"):
        model.segment(image, path)
    path.write_text(json.dumps({"a": {"1": {"5": "box"}}}))
    with pytest.raises(PromptError, match="case a, slice 1, label 5"):
        model.segment(image, path)


def test_prompts_that_do_not_fit_are_told(model, image):
    with pytest.raises(PromptError, match="outside the slice"):
        model.segment(image, CasePrompts("a", {1: {500: Prompt(Box(5, 6, 300, 36))}}))


def test_devices_and_weights_that_are_not_there(tmp_path, tiny_weights):
    with pytest.raises(SettingsError, match="auto, cpu or cuda"):
        unicare.Model(tiny_weights, device="tpu")
    with pytest.raises(WeightsError, match="no such file"):
        unicare.Model(tmp_path / "none.safetensors")


def test_a_session_starts_from_a_path(model, image):
    session = model.session(image)
    assert session.box(500, 1, Box(5, 6, 30, 36)).shape == (40, 48)
    assert session.segmentation.labels.shape == (40, 48, 6)
