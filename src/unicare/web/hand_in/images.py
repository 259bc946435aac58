"""Images and prompts of a phase for those who take part, as a zip archive that is made as it is sent."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from unicare.core.errors import SubmissionError, UnicareError
from unicare.data.layouts.flat import IMAGES_FOLDER, list_cases
from unicare.evaluate.files import find_truths
from unicare.prompts.check import PROMPTS_FILE
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge, Phase, PhaseState
from unicare.web.hand_in.sight import phase_of
from unicare.web.life.reference import reference_of

__all__ = ["images_of", "zip_stream"]

_BLOCK_BYTES = 2**18
_DAY = (1980, 1, 1, 0, 0, 0)  # zip knows no earlier one; nothing says when a file was made


def images_of(challenge: Challenge, phase_name: str, task_name: str, now: datetime) -> dict[str, Path]:
    """The files that teams are given of a task in a phase: name in the archive to place. No truth is one.

    Raises:
        AccountError: there is no such task or phase, it hands out none, or it hasn't begun.
    """
    phase = phase_of(challenge, phase_name)
    tasks = {task.name: task for task in challenge.tasks_of(phase)} if phase is not None else {}
    if phase is None or task_name not in tasks:
        raise AccountError("there is no such task in such a phase", Reason.NOT_FOUND)
    _refuse_unless_handed_out(phase, now)
    try:
        reference = reference_of(challenge, task_name, phase_name)
        cases = list_cases(reference.folder, find_truths(reference.truth))
    except UnicareError:
        raise AccountError("the images of this phase aren't here yet", Reason.NOT_FOUND) from None
    top = f"{task_name}-{phase_name}"
    found = {
        f"{top}/{IMAGES_FOLDER}/{path.name}": path for files in cases.values() for path in files.values()
    }
    if tasks[task_name].prompts and reference.prompts.is_file():
        found[f"{top}/{PROMPTS_FILE}"] = reference.prompts
    outside = [path for path in found.values() if not path.resolve().is_relative_to(challenge.folder)]
    if outside:
        raise SubmissionError("an image of this phase leads out of the challenge", mend="tell the organisers")
    return found


def _refuse_unless_handed_out(phase: Phase, now: datetime) -> None:
    if phase.kind != "predictions" or not phase.hand_out_images:
        raise AccountError("the images of this phase aren't handed out", Reason.NOT_FOUND)
    if phase.state(now) is PhaseState.UPCOMING:
        raise AccountError("the images are handed out when the phase opens", Reason.NOT_ALLOWED)


def zip_stream(files: dict[str, Path]) -> Iterator[bytes]:
    """A zip archive in blocks; its files are stored as they are, and nothing is held but one block.

    Args:
        files: name in the archive to place.
    """
    outbox = _Outbox()
    with zipfile.ZipFile(outbox, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files.items():
            about = zipfile.ZipInfo(name, _DAY)
            about.external_attr = 0o644 << 16
            about.file_size = path.stat().st_size  # from which zipfile sees whether it needs zip64
            with path.open("rb") as source, archive.open(about, "w") as target:
                while block := source.read(_BLOCK_BYTES):
                    target.write(block)
                    yield outbox.taken()
    yield outbox.taken()


class _Outbox(io.RawIOBase):
    """Where an archive is written to; what lies in it is sent."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, block: object) -> int:
        data = bytes(block)  # type: ignore[call-overload]
        self._waiting += data
        return len(data)

    def taken(self) -> bytes:
        """What came since."""
        taken = bytes(self._waiting)
        self._waiting.clear()
        return taken
