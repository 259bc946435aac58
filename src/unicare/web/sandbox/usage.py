"""What a running container has taken so far, as the kernel counts it (cgroups, version 1 or 2)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Usage", "UsageMeter"]

_ROOT = Path("/sys/fs/cgroup")


@dataclass
class Usage:
    """The highest figures that were seen; None where the kernel doesn't say.

    Attributes:
        peak_memory_bytes: with what lies in /output, /tmp and /dev/shm.
        memory_kills: processes killed for want of memory.
        process_refusals: processes that were not started because there were too many.
    """

    peak_memory_bytes: int | None = None
    memory_kills: int = 0
    process_refusals: int = 0


class UsageMeter:
    """Reads the counters of a container's first process; they are gone when the container is.

    Args:
        pid: as the host numbers it.
        root: where cgroups are mounted.
        processes: where processes are listed.
    """

    def __init__(self, pid: int, root: Path = _ROOT, processes: Path = Path("/proc")) -> None:
        self._memory, self._pids = _folders(pid, root, processes)

    def read(self, usage: Usage) -> None:
        """Brings the figures up to date; what can't be read stays as it was."""
        if self._memory is not None:
            for name in ("memory.peak", "memory.max_usage_in_bytes"):
                peak = _number(self._memory / name)
                if peak is not None:
                    usage.peak_memory_bytes = max(peak, usage.peak_memory_bytes or 0)
            for name in ("memory.events", "memory.oom_control"):
                usage.memory_kills = max(usage.memory_kills, _counter(self._memory / name, "oom_kill"))
        if self._pids is not None:
            usage.process_refusals = max(usage.process_refusals, _counter(self._pids / "pids.events", "max"))


def _folders(pid: int, root: Path, processes: Path) -> tuple[Path | None, Path | None]:
    """Where memory and processes are counted."""
    places: dict[str, Path] = {}
    with suppress(OSError):
        for line in (processes / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            below = path.lstrip("/")
            if not below:  # the whole machine's: no container of its own
                continue
            for controller in controllers.split(","):
                places[controller] = root / controller / below if controller else root / below
    every = places.get("")
    return places.get("memory", every), places.get("pids", every)


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text(encoding="utf-8"))
    return None


def _counter(path: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in path.read_text(encoding="utf-8").splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
