"""Taking a submission in within a process of its own, with limits that the system keeps."""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import shutil
import signal
from dataclasses import asdict, dataclass
from pathlib import Path

from unicare.core.errors import OutputError
from unicare.web.archive.findings import UploadFinding, UploadKind
from unicare.web.archive.intake import IntakeResult, Reference
from unicare.web.archive.sources import Source
from unicare.web.archive.unpack import UnpackLimits
from unicare.web.child_process import ChildEnd, run_child
from unicare.web.interrupt import Interrupted, InterruptedWorkError, never
from unicare.web.sizes import size_words

__all__ = ["ProcessLimits", "check_in_sandboxed_process", "end_with_parent", "limit_this_process"]

_MODULE = "unicare.web.archive.contained_process"
_REPLY_BYTES = 2**24
_GRACE_S = 5
_FROM_OUTSIDE = (signal.SIGKILL, signal.SIGBUS)
"""By these the kernel ends a process where the machine has no memory left, or a disk fails."""
_NICE = 10
_PR_SET_PDEATHSIG = 1  # from linux/prctl.h
_FILE_SLACK_BYTES = 2**20
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
    *,
    interrupted: Interrupted = never,
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
        interrupted: asked from time to time; the process is ended once it says yes.

    Raises:
        InterruptedWorkError: it said yes; nothing is left in the target.
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
    }
    end = run_child(_MODULE, request, process.wall_s, reply_bytes=_REPLY_BYTES, interrupted=interrupted)
    result = next((event["result"] for event in end.events if "result" in event), None)
    if result is not None:
        return IntakeResult.from_dict(result)
    _remove(target)
    if end.status is None:
        raise InterruptedWorkError
    failed = next((event["output"] for event in end.events if "output" in event), None)
    if failed is not None:
        raise OutputError(failed)
    return _stopped(end, process)


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


def _remove(target: Path) -> None:
    for place in (target, target.with_name(f".{target.name}.part")):
        shutil.rmtree(place, ignore_errors=True)


def _stopped(end: ChildEnd, process: ProcessLimits) -> IntakeResult:
    """What a team is told when the process didn't come to its end, and what the organisers are told."""
    code, last = end.status, end.last_words
    done = next((event["progress"] for event in reversed(end.events) if "progress" in event), None)
    where = f" after {done[0]} of {done[1]} cases" if done else ""
    out_of_memory = any("memory" in event for event in end.events)
    if code == -signal.SIGALRM:
        why = f"it took longer than {process.wall_s} s"
    elif code == -signal.SIGXCPU:
        why = f"it took more than {process.cpu_s} s of the processor's time"
    elif out_of_memory:
        why = f"it took more than {size_words(process.memory_bytes)} of memory"
    elif code is not None and -code in _FROM_OUTSIDE:
        why = "it was ended from outside; the organisers are told"
        _log.error("the check of a submission was ended by signal %s: %s", -code, last)
    elif code is None or code < 0:
        why = "a file made the program that checks it end at once"
    else:
        why = "of a fault that isn't yours; the organisers are told"
        _log.error("the check of a submission ended with status %s: %s", code, last)
    own = code is not None and (code > 0 or -code in _FROM_OUTSIDE) and not out_of_memory
    text = f"the check was stopped{where} because {why}"
    if not own:
        text += "; hand in label maps of their images' sizes, in a small integer type, as .nii.gz"
    organisers = (f"the process that checks ended with status {code}: {last}",) if own else ()
    return IntakeResult(findings=(UploadFinding(UploadKind.STOPPED, text),), organisers=organisers)
