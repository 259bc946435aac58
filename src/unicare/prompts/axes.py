"""Which axes prompts count along: slices along S or the acquisition axis, x along rows or columns.

The challenge's page counts slices along axis 2 of the PLS volume, x along axis 0 and y along axis 1. Files
made slice by slice from short-axis stacks count the acquired slices instead, and some tools take x for
columns. Both show: every slice is listed, so the number of keys tells, and swapped coordinates soon leave
the slice.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from unicare.core.errors import PromptError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.core.volume import Volume
from unicare.prompts.entry import OVERHANG_VOXELS, show_name

__all__ = ["PROMPT_AXES", "SLICE_AXES", "choose_slice_axis", "fit_to_volume"]

SLICE_AXES = ("auto", "pls", "acquisition")
"""What ``--slice-axis`` may be."""

PROMPT_AXES = ("pl", "lp")
"""What ``--prompt-axes`` may be: x counts rows (P) and y columns (L), or the other way round."""

_log = logging.getLogger("unicare")


def choose_slice_axis(volume: Volume, slice_axis: str | int) -> int:
    """The axis of a PLS volume that a choice of slice axis means when there are no prompts to tell.

    Args:
        volume: for its acquisition axis.
        slice_axis: ``"pls"`` or ``"auto"`` (axis 2), ``"acquisition"`` (that of the thick slices, axis 2
            if there is none), or 0, 1, 2.

    Raises:
        SettingsError: anything else.
    """
    if isinstance(slice_axis, int) and 0 <= slice_axis <= 2:
        return slice_axis
    if slice_axis in ("pls", "auto"):
        return 2
    if slice_axis == "acquisition":
        axis = volume.acquisition_axis
        return 2 if axis is None else axis
    raise SettingsError("unknown slice axis", found=slice_axis, expected="auto, pls, acquisition, 0, 1 or 2")


def fit_to_volume(
    prompts: CasePrompts, volume: Volume, slice_axis: str | int = "auto", prompt_axes: str = "pl"
) -> CasePrompts:
    """Finds the axes that prompts count along, and refuses prompts that don't fit the volume.

    With ``"auto"`` the literal reading (axis 2, or the axis that the prompts already carry) is taken when it
    fits, unless the keys are exactly the slices of the acquisition axis and not those of the literal one;
    else the acquisition axis when that fits. Boxes that overhang by a voxel or two are clipped.

    Args:
        prompts: of one case, as read.
        volume: the image that they are meant for, in PLS axes.
        slice_axis: ``"auto"``, ``"pls"``, ``"acquisition"``, or 0, 1, 2.
        prompt_axes: ``"pl"`` (x counts along axis 0), or ``"lp"`` (x counts columns; swapped here).

    Returns:
        Prompts inside the volume, whose ``slice_axis`` is the one found.

    Raises:
        PromptError: they fit no way that is allowed; names case, slice, label, and the option that mends it.
        SettingsError: an unknown choice of axes.
    """
    if prompt_axes not in PROMPT_AXES:
        raise SettingsError("unknown prompt axes", found=prompt_axes, expected=" or ".join(PROMPT_AXES))
    axes = _possible_axes(prompts, volume, slice_axis)
    turned = prompts if prompt_axes == "pl" else _swapped(prompts)
    problems = {axis: _misfit(turned, volume, axis) for axis in axes}
    fitting = [axis for axis, problem in problems.items() if problem is None]
    if not fitting:
        told = next((axis for axis in axes if _lists_every_slice(prompts, volume, axis)), axes[0])
        raise _with_mend(problems[told], prompts, volume, slice_axis, prompt_axes)
    axis = next((axis for axis in fitting if _lists_every_slice(prompts, volume, axis)), fitting[0])
    if axis != axes[0]:
        _log.info(
            "case %s: slices are counted along the acquisition axis (axis %d of PLS, %d slices)",
            show_name(prompts.case),
            axis,
            volume.shape[axis],
        )
    return _clipped(turned, volume, axis)


def _possible_axes(prompts: CasePrompts, volume: Volume, slice_axis: str | int) -> list[int]:
    """The slice axes that may be meant, the literal one first."""
    if slice_axis != "auto":
        return [choose_slice_axis(volume, slice_axis)]
    axes = [prompts.slice_axis, 2, volume.acquisition_axis]
    return list(dict.fromkeys(axis for axis in axes if axis is not None))


def _lists_every_slice(prompts: CasePrompts, volume: Volume, axis: int) -> bool:
    return prompts.slices.keys() == set(range(volume.shape[axis]))


def _slice_shape(volume: Volume, axis: int) -> tuple[int, int]:
    """Voxels of a slice along x and y: the axes that are left, in PLS order."""
    rows, columns = (length for other, length in enumerate(volume.shape) if other != axis)
    return rows, columns


def _misfit(prompts: CasePrompts, volume: Volume, axis: int) -> PromptError | None:
    """The first thing that doesn't fit when slices lie along an axis, or None."""
    count = volume.shape[axis]
    case = f"case {show_name(prompts.case)}"
    for index in sorted(prompts.slices):
        if not 0 <= index < count:
            return PromptError(
                f"{case}, slice {index}: no such slice",
                found=f"an image of {count} slices along axis {axis} of PLS {volume.shape}",
                expected=f"slices 0 to {count - 1}",
            )
    shape = _slice_shape(volume, axis)
    for index, label, prompt in prompts:
        problem = _prompt_misfit(f"{case}, slice {index}, label {label}", prompt, shape)
        if problem is not None:
            return problem
    return None


def _prompt_misfit(where: str, prompt: Prompt, shape: tuple[int, int]) -> PromptError | None:
    box = prompt.box
    if box is not None and not _box_fits(box, shape):
        return PromptError(
            f"{where}: the box lies outside the slice",
            found=f"[{box.x0}, {box.y0}, {box.x1}, {box.y1}] on {shape[0]}×{shape[1]} voxels",
            expected=f"x from 0 to {shape[0]} and y from 0 to {shape[1]}",
        )
    for point in (*prompt.points, *prompt.negative_points):
        if not (0 <= point.x < shape[0] and 0 <= point.y < shape[1]):
            return PromptError(
                f"{where}: a point lies outside the slice",
                found=f"[{point.x}, {point.y}] on {shape[0]}×{shape[1]} voxels",
                expected=f"x from 0 to {shape[0] - 1} and y from 0 to {shape[1] - 1}",
            )
    far = next((point for point in prompt.points if box is not None and not _near(box, point)), None)
    if far is None or box is None:
        return None
    return PromptError(
        f"{where}: a point lies outside its box",
        found=f"[{far.x}, {far.y}] and the box [{box.x0}, {box.y0}, {box.x1}, {box.y1}]",
        expected="points inside the structure, and the box around it, both as rows then columns",
    )


def _box_fits(box: Box, shape: tuple[int, int]) -> bool:
    """Whether a box meets the slice and overhangs it by a voxel or two at most."""
    return (
        -OVERHANG_VOXELS <= box.x0 < shape[0]
        and -OVERHANG_VOXELS <= box.y0 < shape[1]
        and 0 < box.x1 <= shape[0] + OVERHANG_VOXELS
        and 0 < box.y1 <= shape[1] + OVERHANG_VOXELS
    )


def _near(box: Box, point: Point) -> bool:
    """Whether a point lies in its box, give or take what a box drawn by a sloppy hand leaves out."""
    slack_x = 2 + (box.x1 - box.x0) / 3
    slack_y = 2 + (box.y1 - box.y0) / 3
    return box.x0 - slack_x <= point.x < box.x1 + slack_x and box.y0 - slack_y <= point.y < box.y1 + slack_y


def _with_mend(
    problem: PromptError | None, prompts: CasePrompts, volume: Volume, slice_axis: str | int, prompt_axes: str
) -> PromptError:
    """The problem together with the option that makes the prompts fit, if there is one."""
    other = "lp" if prompt_axes == "pl" else "pl"
    tries = [(slice_axis, other), ("auto", prompt_axes), ("auto", other)]
    for axis_choice, axes_choice in tries:
        turned = prompts if axes_choice == "pl" else _swapped(prompts)
        axes = _possible_axes(prompts, volume, axis_choice)
        if any(_misfit(turned, volume, axis) is None for axis in axes):
            options = []
            if axes_choice != prompt_axes:
                options.append(f"--prompt-axes {axes_choice}")
            if axis_choice != slice_axis:
                options.append(f"--slice-axis {axis_choice}")
            mend = f"they fit with {' '.join(options)}"
            break
    else:
        mend = None
    if problem is None:
        return PromptError(f"case {show_name(prompts.case)}: the prompts don't fit", mend=mend)
    return PromptError(problem.what, found=problem.found, expected=problem.expected, mend=mend)


def _swapped(prompts: CasePrompts) -> CasePrompts:
    """The same prompts with x and y exchanged."""

    def turn(prompt: Prompt) -> Prompt:
        box = prompt.box
        return replace(
            prompt,
            box=None if box is None else Box(box.y0, box.x0, box.y1, box.x1),
            points=tuple(Point(point.y, point.x) for point in prompt.points),
            negative_points=tuple(Point(point.y, point.x) for point in prompt.negative_points),
        )

    slices = {
        index: None if labels is None else {label: turn(prompt) for label, prompt in labels.items()}
        for index, labels in prompts.slices.items()
    }
    return replace(prompts, slices=slices)


def _clipped(prompts: CasePrompts, volume: Volume, axis: int) -> CasePrompts:
    """The same prompts with every box inside its slice."""
    rows, columns = _slice_shape(volume, axis)
    slices = {index: None if labels is None else dict(labels) for index, labels in prompts.slices.items()}
    first = None
    count = 0
    for index, label, prompt in prompts:
        box = prompt.box
        inner = (
            None
            if box is None
            else Box(max(box.x0, 0), max(box.y0, 0), min(box.x1, rows), min(box.y1, columns))
        )
        labels = slices[index]
        if inner != box and labels is not None:
            labels[label] = replace(prompt, box=inner)
            first = first or f"slice {index}, label {label}"
            count += 1
    if first is not None:
        _log.warning(
            "case %s: %d boxes overhang their slice by a voxel or two and are clipped, the first on %s",
            show_name(prompts.case),
            count,
            first,
        )
    return replace(prompts, slices=slices, slice_axis=axis)
