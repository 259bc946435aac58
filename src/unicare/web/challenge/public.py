"""Cases that everyone may see: what containers are tried on before the hidden run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from unicare.core.errors import UnicareError
from unicare.data.layouts.flat import list_cases
from unicare.prompts.check import check_input
from unicare.web.challenge.findings import Finding
from unicare.web.challenge.privacy import image_traces
from unicare.web.challenge.schema import Challenge, Task

__all__ = ["PUBLIC_FOLDER", "check_public", "find_public"]

PUBLIC_FOLDER = "public"


def find_public(challenge: Challenge, task: str) -> Path | None:
    """The folder with ``images/`` and ``prompts.json`` that a container's smoke run is given, or None.

    Raises:
        KeyError: no such task.
        ValueError: the folder is a link that leads out of the challenge's.
    """
    written = Path(PUBLIC_FOLDER, challenge.task(task).name)
    folder = (challenge.folder / written).resolve()
    if not folder.is_relative_to(challenge.folder):
        raise ValueError(f"{written.as_posix()} leaves the challenge's folder through a link")
    return folder if folder.is_dir() else None


def check_public(challenge: Challenge, tasks: Iterable[Task]) -> Iterator[Finding]:
    """What is wrong with the public cases of tasks that containers are handed in for."""
    without = []
    for task in tasks:
        name = f"{PUBLIC_FOLDER}/{task.name}"
        try:
            folder = find_public(challenge, task.name)
        except ValueError as error:
            yield Finding("error", name, str(error), mend="copy what the link points to")
            continue
        if folder is None:
            without.append(task.name)
        else:
            yield from _check_task(folder, name, task)
    if without:
        what = f"no public cases of {', '.join(without)}"
        mend = "without them teams see no log of their container before the hidden run; add a case or two"
        yield Finding("warning", PUBLIC_FOLDER, what, mend=mend)


def _check_task(folder: Path, name: str, task: Task) -> Iterator[Finding]:
    if task.prompts:
        for one in check_input(folder):
            yield Finding(one.severity, name, one.message.replace(f"{folder}/", ""))
    try:
        cases = list_cases(folder)
    except UnicareError as error:
        if not task.prompts:
            yield Finding("error", name, str(error).replace(f"{folder}/", ""))
        return
    for files in cases.values():
        for path in files.values():
            yield from image_traces(path, f"{name}/images/{path.name}")
