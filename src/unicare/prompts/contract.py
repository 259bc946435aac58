"""prompts.json: read with tolerance, written strictly.

``{case: {slice: null | {label: [box, points]}}}``, where box is ``[x, y, x+h, y+w]`` and points are
``[[x, y], …]``, as the TFM4MedIA track of CARE lays it down. An entry may also be ``[box, points, {…}]`` or
``{"box": …, "points": …, …}``; what else the object holds is ``text``, ``mask``, ``negative_points`` or kept.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from unicare.core.errors import OutputError, PromptError
from unicare.core.prompt import CasePrompts, Point, Prompt
from unicare.prompts.entry import LARGEST_LABEL, MAX_POINTS, read_case, show_name
from unicare.prompts.scan import LARGEST_FILE_BYTES, decode_text, scan_members

__all__ = ["LARGEST_FILE_BYTES", "LARGEST_LABEL", "MAX_POINTS", "PromptFile", "read_prompts", "write_prompts"]


class PromptFile(NamedTuple):
    """What a prompts.json holds.

    Attributes:
        cases: case to prompts, in the file's order, for the cases that could be read.
        errors: case to what is wrong with it, for the others.
    """

    cases: dict[str, CasePrompts]
    errors: dict[str, PromptError]


def read_prompts(path: str | os.PathLike[str]) -> PromptFile:
    """Reads prompts.json. One bad case doesn't stop the others.

    Args:
        path: the file; UTF-8, with or without a byte order mark.

    Returns:
        The good cases and what is wrong with the bad ones. Slices count along axis 2 until the prompts are
        fitted to their volume (``unicare.prompts.axes.fit_to_volume``).

    Raises:
        PromptError: the file itself can't be read, or isn't a JSON object in UTF-8.
    """
    name = str(path)
    cases: dict[str, CasePrompts] = {}
    errors: dict[str, PromptError] = {}
    for case, raw in scan_members(name, decode_text(Path(path))):
        where = f"{name}: case {show_name(case)}"
        if case in cases or case in errors:
            cases.pop(case, None)
            errors[case] = PromptError(f"{where}: listed twice", expected="every case once")
            continue
        try:
            cases[case] = read_case(where, case, raw)
        except PromptError as error:
            errors[case] = error
    return PromptFile(cases, errors)


def write_prompts(path: str | os.PathLike[str], cases: Iterable[CasePrompts]) -> None:
    """Writes prompts.json, all at once: whoever looks sees the old file or the whole new one.

    Plain prompts become ``[box, points]``; text, mask, negative points and further keys go into an object
    behind them.

    Args:
        path: the file.
        cases: written in the order in which they come.

    Raises:
        PromptError: prompts that would not be read back as they are, or a case that comes twice.
        OutputError: the file can't be written.
    """
    target = Path(path)
    beside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            file.write("{")
            seen: set[str] = set()
            for prompts in cases:
                file.write(",\n" if seen else "\n")
                file.write(_case_text(str(path), prompts, seen))
                seen.add(prompts.case)
            file.write("\n}\n")
        os.replace(beside, target)
    except OSError as error:
        raise OutputError(
            f"{path}: can't be written",
            found=error.strerror or str(error),
            expected="a folder with room that you may write to",
        ) from error
    finally:
        _remove(beside)


def _remove(path: Path) -> None:
    """Removes a file that may not be there, or can't be."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return


def _case_text(name: str, prompts: CasePrompts, seen: set[str]) -> str:
    """One case as JSON, a line per slice; refused unless it reads back the same."""
    where = f"{name}: case {show_name(prompts.case)}"
    if prompts.case in seen:
        raise PromptError(f"{where}: comes twice", expected="every case once")
    lines = []
    for index, labels in sorted(prompts.slices.items()):
        entries = {str(label): _entry(prompt) for label, prompt in sorted((labels or {}).items())}
        lines.append(f'    "{index}": {_json(where, entries or None)}')
    inner = "{\n" + ",\n".join(lines) + "\n  }" if lines else "{}"
    ((_, raw),) = scan_members(name, f'{{"case": {inner}}}')
    again = read_case(where, prompts.case, raw)
    if list(again) != list(prompts):
        raise PromptError(
            f"{where}: these prompts can't be written", expected="whole coordinates and JSON values"
        )
    return f"  {_json(where, prompts.case)}: {inner}"


def _json(where: str, value: Any) -> str:
    """One line of JSON, in ASCII so that any file name can be written."""
    try:
        return json.dumps(value, allow_nan=False, default=_plain_number)
    except (TypeError, ValueError, RecursionError) as error:
        raise PromptError(f"{where}: can't be written as JSON", found=str(error)) from error


def _plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's own."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _entry(prompt: Prompt) -> list[Any]:
    """``[box, points]``, followed by an object if there is anything else."""
    entry: list[Any] = [list(prompt.box) if prompt.box is not None else None, _pairs(prompt.points)]
    further = dict(prompt.extra)
    if prompt.text is not None:
        further["text"] = prompt.text
    if prompt.mask is not None:
        further["mask"] = prompt.mask
    if prompt.negative_points:
        further["negative_points"] = _pairs(prompt.negative_points)
    return [*entry, further] if further else entry


def _pairs(points: tuple[Point, ...]) -> list[list[int]]:
    return [[point.x, point.y] for point in points]
