"""Taking a submission in within a process of its own, with limits that the system keeps."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import unicare
from unicare.core.errors import OutputError
from unicare.web.archive.findings import UploadFinding, UploadKind
from unicare.web.archive.intake import IntakeResult, Reference
from unicare.web.archive.sources import Source
from unicare.web.archive.unpack import UnpackLimits

__all__ = ["ProcessLimits", "check_in_sandboxed_process", "end_with_parent", "limit_this_process"]

_MODULE = "unicare.web.archive.contained_process"
_REPLY_BYTES = 2**24
_TAIL_BYTES = 4000
_GRACE_S = 5
_NICE = 10
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h
_FILE_SLACK_BYTES = 2**20
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_log = logging.getLogger("unicare")


@dataclass(frozen=True)
class ProcessLimits:
    """What a process may take of the machine.

    Attributes:
        memory_bytes: of addresses, 0.3 GB of which are the program's own; a volume takes up to four times
            its voxels' bytes while it is checked.
        cpu_s: of the processor's time.
        wall_s: of time that passes.
        files: that may be open at once.
    """

    memory_bytes: int = 6 * 2**30
    cpu_s: int = 600
    wall_s: int = 900
    files: int = 64


def check_in_sandboxed_process(
    source: Source,
    target: Path,
    reference: Reference,
    limits: UnpackLimits | None = None,
    process: ProcessLimits | None = None,
) -> IntakeResult:
    """Unpacks a submission and checks its predictions, in a process that can't take the machine down.

    If that process takes too much or dies, it is ended, what it wrote is removed, and a finding of kind
    ``stopped`` says why. If the calling process is killed, so is that one.

    Args:
        source: a zip archive, a folder, or files that came one by one: names and places.
        target: a folder that isn't there yet.
        reference: what predictions are checked against.
        limits: how much is taken.
        process: what the process may take.

    Raises:
        OutputError: the target can't be written to, or is there.
    """
    limits, process = limits or UnpackLimits(), process or ProcessLimits()
    target = Path(target).absolute()
    if target.exists():
        raise OutputError("the folder to unpack to is there already", mend="remove it first")
    request = {
        "source": str(source.absolute())
        if isinstance(source, Path)
        else {name: str(path.absolute()) for name, path in source.items()},
        "target": str(target),
        "reference": {
            "folder": str(Path(reference.folder).absolute()),
            "cohort": None if reference.cohort is None else str(Path(reference.cohort).absolute()),
            "task": reference.task,
            "names": dict(reference.names or {}),
            "geometry_only": reference.geometry_only,
        },
        "limits": asdict(limits),
        "process": asdict(process),
        "parent": os.getpid(),
    }
    with tempfile.TemporaryFile() as replies, tempfile.TemporaryFile() as words:
        code = _run(json.dumps(request).encode(), replies, words, process)
        events = list(_events(replies))
        last = _tail(words)
    result = next((event["result"] for event in events if "result" in event), None)
    if result is not None:
        return IntakeResult.from_dict(result)
    _remove(target)
    failed = next((event["output"] for event in events if "output" in event), None)
    if failed is not None:
        raise OutputError(failed)
    return _stopped(code, events, last, process)


def limit_this_process(process: ProcessLimits, file_bytes: int) -> None:
    """Puts this process, and all that it starts, under limits that can't be raised again."""
    wanted = (
        (resource.RLIMIT_AS, process.memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes + _FILE_SLACK_BYTES),
        (resource.RLIMIT_NOFILE, process.files),
        (resource.RLIMIT_CORE, 0),
    )
    for kind, most in wanted:
        _, hard = resource.getrlimit(kind)
        value = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (value, value))
    os.nice(_NICE)  # pages come before checks
    resource.setrlimit(resource.RLIMIT_CPU, (process.cpu_s, process.cpu_s + _GRACE_S))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, process.wall_s + _GRACE_S)  # also when nobody waits for it any more


def end_with_parent(parent: int) -> None:
    """Ends this process when the one that waits for it is gone, so that no two write to the same place.

    Args:
        parent: that process's id.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # gone already
        os.kill(os.getpid(), signal.SIGKILL)


def _run(request: bytes, replies: IO[bytes], words: IO[bytes], process: ProcessLimits) -> int | None:
    """Runs the process to its end; its exit status, or None when it took too long."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryDirectory() as empty:
        asked.write(request)
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-s", "-P", "-m", _MODULE],
            stdin=asked,
            stdout=replies,
            stderr=words,
            cwd=empty,
            env=_environment(empty),
            start_new_session=True,
        )
        try:
            return child.wait(process.wall_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _environment(empty: str) -> dict[str, str]:
    """No more than Python needs: the site's secrets aren't for this process."""
    home = str(Path(unicare.__file__).parents[1])
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": home, "LANG": "C.UTF-8", "HOME": empty, **dict.fromkeys(_THREADS, "1")}


def _events(replies: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The lines of JSON that came; a last one that is cut off is passed over."""
    replies.seek(0)
    for line in replies.read(_REPLY_BYTES).splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _tail(words: IO[bytes]) -> str:
    words.seek(max(0, words.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return words.read().decode("utf-8", "replace")


def _remove(target: Path) -> None:
    for place in (target, target.with_name(f".{target.name}.part")):
        shutil.rmtree(place, ignore_errors=True)


def _stopped(
    code: int | None, events: list[dict[str, Any]], last: str, process: ProcessLimits
) -> IntakeResult:
    """What a team is told when the process didn't come to its end, and what the organisers are told."""
    done = next((event["progress"] for event in reversed(events) if "progress" in event), None)
    where = f" after {done[0]} of {done[1]} cases" if done else ""
    out_of_memory = any("memory" in event for event in events)
    if code is None or code == -signal.SIGALRM:
        why = f"it took longer than {process.wall_s} s"
    elif code == -signal.SIGXCPU:
        why = f"it took more than {process.cpu_s} s of the processor's time"
    elif out_of_memory:
        why = f"it took more than {process.memory_bytes / 2**30:.3g} GB of memory"
    elif code < 0:
        why = "a file made the program that checks it end at once"
    else:
        why = "of a fault that isn't yours; the organisers are told"
        _log.error("the check of a submission ended with status %s: %s", code, last)
    own = code is not None and code > 0 and not out_of_memory
    text = f"the check was stopped{where} because {why}"
    if not own:
        text += "; hand in label maps of their images' sizes, in a small integer type, as .nii.gz"
    organisers = (f"the process that checks ended with status {code}: {last}",) if own else ()
    return IntakeResult(findings=(UploadFinding(UploadKind.STOPPED, text),), organisers=organisers)
