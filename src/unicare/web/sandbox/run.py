"""One run of a team's container: started, watched, ended, its output taken over, nothing of it left."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from unicare.core.errors import ContainerError
from unicare.web.interrupt import Interrupted, check_wanted, never
from unicare.web.sandbox.collect import collect_output
from unicare.web.sandbox.engine import ContainerEngine, ContainerSpec, ContainerState
from unicare.web.sandbox.limits import Limits
from unicare.web.sandbox.log_tail import LogTail
from unicare.web.sandbox.places import Places, open_places, run_folder
from unicare.web.sandbox.usage import Usage, UsageMeter

__all__ = ["ContainerRun", "Status", "run_container"]

_LOOK_SECONDS = 0.05
_INSPECT_SECONDS = 0.5
_END_SECONDS = 60.0
_NOT_A_PROGRAM = (126, 127)
_KILLED = 137  # nobody inside can do that to the first process, and we didn't: the kernel, for want of memory
_IMAGE_FAULTS = ('exec: "', "exec format error", "exec user process", "chdir to cwd", 'workdir "')
"""What runtimes say when it is the image that can't be started; some engines' exit codes don't."""


class Status(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    NOT_STARTED = "not started"
    OUT_OF_TIME = "out of time"
    OUT_OF_MEMORY = "out of memory"
    OUTPUT_LIMIT = "output limit"


@dataclass(frozen=True)
class ContainerRun:
    """What came of a run. No path of the host is in it.

    Attributes:
        status: how it ended.
        exit_code: of its program, where it ended by itself.
        seconds: from start to end.
        peak_memory_bytes: with what it wrote to memory; None for short runs and where the host doesn't say.
        log_tail: the end of what it printed.
        printed_bytes: how much it printed altogether.
        violations: what it did that it must not, or what it ran into, each in words for the team.
        collected: names of the files that were taken over.
    """

    status: Status
    exit_code: int | None
    seconds: float
    peak_memory_bytes: int | None
    log_tail: str
    printed_bytes: int
    violations: tuple[str, ...]
    collected: tuple[str, ...]

    def message(self, limits: Limits) -> str:
        """One sentence for the team: how the run ended."""
        match self.status:
            case Status.COMPLETED:
                return f"The container ended by itself after {self.seconds:.1f} s."
            case Status.FAILED:
                return f"The container's program ended with exit code {self.exit_code}; expected 0."
            case Status.NOT_STARTED:
                return (
                    "The container's program could not be started: it isn't in the image, isn't executable "
                    "for everybody, or was made for another processor."
                )
            case Status.OUT_OF_TIME:
                return f"The container was stopped: it ran for longer than {limits.seconds:g} s."
            case Status.OUT_OF_MEMORY:
                allowed = limits.memory_bytes / 1024**2
                return (
                    f"The container was stopped: it needed more memory than the {allowed:.6g} MiB it may use."
                )
            case Status.OUTPUT_LIMIT:
                return "The container was stopped: it wrote more than it may."


def run_container(
    engine: ContainerEngine,
    image: str,
    input_dir: Path,
    output_dir: Path,
    expected: Collection[str],
    limits: Limits,
    *,
    scratch: Path,
    interrupted: Interrupted = never,
) -> ContainerRun:
    """Runs an image once, with /input to read, /output to write to, and nothing else of the host.

    Args:
        engine: as ``find_engine`` gives it.
        image: its name, as ``loaded_image`` gives it.
        input_dir: becomes /input; readable for everybody. Its path is seen from inside: it must say nothing.
        output_dir: where the files of /output that are expected are copied to.
        expected: names of the files that the container should write.
        limits: what it may take.
        scratch: a folder on this host for what is needed during the run.
        interrupted: asked twenty times a second; the container is ended once it says yes.

    Returns:
        How it ended. A container that does wrong is no error.

    Raises:
        InterruptedWorkError: it said yes; nothing of the run is left.
        ContainerError: the engine or the host failed; the team's container may be without fault.
        OutputError: ``output_dir`` can't be written to.
    """
    if input_dir.stat().st_mode & 0o005 != 0o005:
        raise ContainerError(
            "the input can't be read by a container's user", mend="chmod -R a+rX on the folder of inputs"
        )
    with run_folder(scratch) as folder, open_places(folder, limits) as places:
        spec = ContainerSpec(folder.name, image, input_dir, places.output, places.tmp, limits)
        try:
            ended = _run(engine, spec, places, interrupted)
        finally:
            engine.remove(spec.name)
        found = collect_output(places.output, expected, output_dir, limits)
        refused = [f"{name} is {what}; expected a plain file" for name, what in found.refused.items()]
        filled = places.filled()
    return ContainerRun(
        status=ended.status,
        exit_code=ended.exit_code,
        seconds=ended.seconds,
        peak_memory_bytes=ended.usage.peak_memory_bytes,
        log_tail=ended.log_tail,
        printed_bytes=ended.printed_bytes,
        violations=(*ended.violations, *(one for one in filled if one not in ended.violations), *refused),
        collected=found.names,
    )


@dataclass(frozen=True)
class _Ended:
    status: Status
    exit_code: int | None
    seconds: float
    usage: Usage
    log_tail: str
    printed_bytes: int
    violations: list[str]


def _run(engine: ContainerEngine, spec: ContainerSpec, places: Places, interrupted: Interrupted) -> _Ended:
    limits = spec.limits
    process = engine.run(spec)
    began = time.monotonic()
    assert process.stdout is not None
    log = LogTail(process.stdout, limits.log_bytes)
    usage = Usage()
    try:
        stopped = _watch(engine, spec, places, process, usage, interrupted)
        seconds = time.monotonic() - began
        if stopped is not None:
            _end(engine, spec.name, process)
        state = engine.inspect(spec.name)
    finally:
        if process.poll() is None:
            process.kill()  # the engine's command; the container is removed by name
        tail = log.finish()
        process.wait()
        with suppress(OSError):
            process.stdout.close()
    violations = _violations(usage, state, log, limits)
    if stopped is not None:
        status, why = stopped
        violations += [why] if why else []
    else:
        status = _status(state, process.returncode, usage, tail)
    by_itself = status in (Status.COMPLETED, Status.FAILED)
    code = state.exit_code if by_itself else None
    return _Ended(status, code, seconds, usage, tail, log.total_bytes, violations)


def _watch(
    engine: ContainerEngine,
    spec: ContainerSpec,
    places: Places,
    process: subprocess.Popen[bytes],
    usage: Usage,
    interrupted: Interrupted,
) -> tuple[Status, str] | None:
    """Waits for a container's end; why it has to be ended, if it has to."""
    began = time.monotonic()
    inspect_at = began
    meter: UsageMeter | None = None
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_SECONDS)
            return None
        check_wanted(interrupted)
        now = time.monotonic()
        too_long = now - began > spec.limits.seconds
        overfull = places.overfull()
        if meter is None and (now >= inspect_at or too_long):
            pid = engine.inspect(spec.name).pid
            meter = UsageMeter(pid) if pid is not None else None
            inspect_at = now + _INSPECT_SECONDS
        if meter is not None:
            meter.read(usage)  # also right before it is killed: the counters go with it
        if too_long:
            return Status.OUT_OF_TIME, ""
        if overfull is not None:
            return Status.OUTPUT_LIMIT, overfull


def _end(engine: ContainerEngine, name: str, process: subprocess.Popen[bytes]) -> None:
    """Ends a container's processes, all of them.

    Raises:
        ContainerError: it runs on.
    """
    engine.kill(name)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        raise ContainerError(
            f"{engine.name}: a container that was killed goes on",
            found=f"no end within {_END_SECONDS:g} s",
            mend=f"look at it on the host: {engine.name} ps; {engine.name} kill {name}",
        ) from None


def _status(state: ContainerState, returned: int, usage: Usage, tail: str) -> Status:
    if not state.started:
        if returned in _NOT_A_PROGRAM or any(words in tail for words in _IMAGE_FAULTS):
            return Status.NOT_STARTED
        last = (tail.strip().splitlines() or ["no word why"])[-1]
        raise ContainerError("the container engine could not start a container", found=last[:500])
    if state.exit_code == 0:
        return Status.COMPLETED
    if tail.strip().endswith("exec format error"):  # the runtime's own last word, inside the container
        return Status.NOT_STARTED
    if state.out_of_memory or usage.memory_kills or state.exit_code == _KILLED:
        return Status.OUT_OF_MEMORY
    return Status.FAILED


def _violations(usage: Usage, state: ContainerState, log: LogTail, limits: Limits) -> list[str]:
    found = []
    if usage.process_refusals:
        found.append(f"it tried to have more than {limits.pids} processes and threads")
    if usage.memory_kills or state.out_of_memory:
        found.append("processes of it were killed because its memory was full")
    if log.total_bytes > limits.log_bytes:
        found.append(
            f"it printed {log.total_bytes / 1e6:.1f} MB; only the last {limits.log_bytes / 1e3:g} kB are kept"
        )
    return found
