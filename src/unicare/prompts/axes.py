"""Which axes prompts count along: slices along S or the acquisition axis, x along rows or columns."""

from __future__ import annotations

from unicare.core.errors import SettingsError
from unicare.core.volume import Volume

__all__ = ["choose_slice_axis"]


def choose_slice_axis(volume: Volume, slice_axis: str | int) -> int:
    """The axis of a PLS volume that a choice of slice axis means.

    Args:
        volume: for its acquisition axis.
        slice_axis: ``"pls"`` or ``"auto"`` (axis 2), ``"acquisition"`` (that of the thick slices, axis 2
            if there is none), or 0, 1, 2.

    Raises:
        SettingsError: anything else.
    """
    if slice_axis in ("pls", "auto"):
        return 2
    if slice_axis == "acquisition":
        axis = volume.acquisition_axis
        return 2 if axis is None else axis
    if isinstance(slice_axis, int) and 0 <= slice_axis <= 2:
        return slice_axis
    raise SettingsError("unknown slice axis", found=slice_axis, expected="auto, pls, acquisition, 0, 1 or 2")
