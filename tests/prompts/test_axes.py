from __future__ import annotations

import logging

import numpy as np
import pytest

from unicare.core.errors import PromptError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.core.volume import Volume
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts, write_prompts
from unicare.prompts.simulate import simulate_case


def volume(shape=(60, 80, 20), spacing_mm=(1.0, 1.0, 1.0)) -> Volume:
    """An empty image whose file axes already are P, L, S."""
    affine = np.zeros((4, 4))
    affine[1, 0], affine[0, 1], affine[2, 2], affine[3, 3] = -spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1
    return Volume.from_file_axes(np.zeros(shape, np.uint8), affine)


def one(prompt: Prompt, index: int = 3, count: int = 20) -> CasePrompts:
    slices: dict[int, dict[int, Prompt] | None] = dict.fromkeys(range(count))
    slices[index] = {500: prompt}
    return CasePrompts("a", slices)


def stack(codes: str) -> Volume:
    """A short-axis stack of 9 thick slices with a ball in it; ``codes`` says where the file's axes run to."""
    data = np.zeros((50, 64, 9), np.uint8)
    grid = np.indices(data.shape)
    data[((grid[0] - 30) / 12) ** 2 + ((grid[1] - 24) / 14) ** 2 + ((grid[2] - 4) / 3.5) ** 2 < 1] = 2
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (code, spacing_mm) in enumerate(zip(codes, (1.4, 1.4, 9.0), strict=True)):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, axis] = spacing_mm if code in "RAS" else -spacing_mm
    return Volume.from_file_axes(data, affine)


@pytest.mark.parametrize(
    ("codes", "thick"), [("LPS", 2), ("LSP", 0), ("PSR", 1), ("RAI", 2), ("SAL", 1), ("IRP", 0)]
)
@pytest.mark.parametrize("counted", ["pls", "acquisition"])
def test_both_ways_of_counting_slices_are_found_out(tmp_path, codes, thick, counted):
    labels = stack(codes)
    made = simulate_case("a", labels, slice_axis=counted)
    assert made.slice_axis == (thick if counted == "acquisition" else 2)
    write_prompts(tmp_path / "prompts.json", [made])
    read = read_prompts(tmp_path / "prompts.json").cases["a"]
    fitted = fit_to_volume(read, labels)
    assert fitted.slice_axis == made.slice_axis
    assert fitted.slices == made.slices
    assert len(fitted.labels) == 1
    for index, label, prompt in fitted:
        on_slice = np.take(labels.data, index, axis=fitted.slice_axis) == label
        assert all(on_slice[point] for point in prompt.points)


def test_taking_the_acquisition_axis_is_logged_and_can_be_forbidden(caplog):
    image = volume((10, 60, 80), (8.0, 1.0, 1.0))
    prompts = one(Prompt(Box(20, 30, 40, 70)), count=10)
    with caplog.at_level(logging.INFO, logger="unicare"):
        assert fit_to_volume(prompts, image).slice_axis == 0
    assert "acquisition axis" in caplog.text
    with pytest.raises(PromptError, match=r"slice 3, label 500: the box lies outside.*--slice-axis auto"):
        fit_to_volume(prompts, image, slice_axis="pls")


def test_the_number_of_keys_decides_when_the_coordinates_fit_both_ways():
    image = volume((10, 60, 80), (8.0, 1.0, 1.0))
    small = Prompt(Box(2, 2, 8, 8))
    assert fit_to_volume(one(small, count=10), image).slice_axis == 0
    assert fit_to_volume(one(small, count=80), image).slice_axis == 2
    assert fit_to_volume(CasePrompts("a", {3: {500: small}}), image).slice_axis == 2
    assert fit_to_volume(one(small, count=80), image, slice_axis="pls").slice_axis == 2


def test_prompts_that_fit_stay_as_they_are():
    prompts = one(Prompt(Box(0, 0, 60, 80), (Point(0, 0), Point(59, 79)), (Point(59, 0),), "LV"))
    assert fit_to_volume(prompts, volume()) == prompts


def test_swapped_axes_are_found_out_and_mended():
    swapped = one(Prompt(Box(5, 10, 78, 50), (Point(70, 20),), (Point(77, 49),)))
    with pytest.raises(PromptError) as caught:
        fit_to_volume(swapped, volume())
    message = str(caught.value)
    assert message.startswith("case a, slice 3, label 500: the box lies outside the slice")
    assert "they fit with --prompt-axes lp" in message
    fitted = fit_to_volume(swapped, volume(), prompt_axes="lp")
    assert fitted.slices[3][500] == Prompt(Box(10, 5, 50, 78), (Point(20, 70),), (Point(49, 77),))
    with pytest.raises(PromptError, match="--prompt-axes pl"):
        fit_to_volume(fitted, volume(), prompt_axes="lp")


def test_swapping_is_not_suggested_when_it_does_not_help():
    with pytest.raises(PromptError) as caught:
        fit_to_volume(one(Prompt(Box(5, 10, 300, 50))), volume())
    assert "--prompt-axes" not in str(caught.value)


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        (Prompt(Box(10, 10, 63, 40)), "box lies outside the slice"),
        (Prompt(Box(60, 10, 62, 40)), "box lies outside the slice"),
        (Prompt(Box(10, 10, 20, 90)), "box lies outside the slice"),
        (Prompt(points=(Point(60, 5),)), "point lies outside the slice"),
        (Prompt(points=(Point(5, 80),)), "point lies outside the slice"),
        (Prompt(Box(1, 1, 9, 9), (), (Point(5, 80),)), "point lies outside the slice"),
        (Prompt(Box(5, 50, 25, 70), (Point(55, 10),)), "point lies outside its box"),
    ],
)
def test_what_does_not_fit_is_named(prompt, says):
    with pytest.raises(PromptError, match=f"case a, slice 3, label 500: .*{says}; found .*; expected"):
        fit_to_volume(one(prompt), volume(), slice_axis="pls")


def test_a_slice_that_is_not_there_is_named():
    with pytest.raises(PromptError, match=r"case a, slice 20: no such slice.*expected slices 0 to 19"):
        fit_to_volume(one(Prompt(Box(1, 1, 9, 9)), count=21), volume())


def test_an_overhang_of_two_voxels_is_clipped_with_a_warning(caplog):
    with caplog.at_level(logging.WARNING, logger="unicare"):
        fitted = fit_to_volume(one(Prompt(Box(-2, -1, 62, 81))), volume())
    assert fitted.slices[3][500].box == Box(0, 0, 60, 80)
    assert "clipped" in caplog.text
    assert "slice 3, label 500" in caplog.text


def test_a_point_just_outside_a_sloppy_box_is_accepted():
    prompts = one(Prompt(Box(10, 10, 40, 40), (Point(43, 20),)))
    assert fit_to_volume(prompts, volume()) == prompts


def test_unknown_choices_are_refused():
    prompts = one(Prompt(Box(1, 1, 9, 9)))
    with pytest.raises(SettingsError, match="prompt axes"):
        fit_to_volume(prompts, volume(), prompt_axes="xy")
    with pytest.raises(SettingsError, match="slice axis"):
        fit_to_volume(prompts, volume(), slice_axis="axial")
