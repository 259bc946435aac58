"""What one run of a team's container may take of the host."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from unicare.core.errors import SettingsError

__all__ = ["Limits"]

_GIB = 1024**3
_MIB = 1024**2


@dataclass(frozen=True)
class Limits:
    """What a run may take; what it takes above that is refused, or ends it.

    What is written to ``/output``, ``/tmp`` and ``/dev/shm`` lies in memory on most hosts, each within its
    own limit and on top of ``memory_bytes``; ``total_memory_bytes`` is what the host has to have for one run.
    """

    memory_bytes: int = 16 * _GIB
    """For its processes. A whole-heart CT of 512 x 512 x 363 voxels is 0.4 GB as float32."""

    cpus: float = 4.0
    """Cores' worth of time. More makes results come sooner, never better."""

    pids: int = 512
    """Processes and threads together: a program, its loaders of data, and a few threads of each."""

    seconds: float = 3600.0
    """From start to end of one run; then it is killed with all its children."""

    output_bytes: int = 2 * _GIB
    """In /output, all files together. Compressed label maps of virtual patients take 40 to 80 kB each."""

    output_files: int = 4096
    """In /output, folders counted."""

    log_bytes: int = 64 * 1024
    """The end of what it prints that is kept; the rest is read and dropped."""

    tmp_bytes: int = 2 * _GIB
    """In /tmp, the one place beside /output to write to."""

    shm_bytes: int = 1 * _GIB
    """In /dev/shm, through which PyTorch's loaders pass their batches."""

    gpu: str | None = None
    """Which GPU the run gets, as the engine names it (``0``, ``all``, a UUID), or None for none."""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value < least:
                raise SettingsError(
                    f"limits: {name} is impossible", found=value, expected=f"a number of at least {least}"
                )
        if self.gpu is not None and not (self.gpu and all(c.isalnum() or c in "-:" for c in self.gpu)):
            raise SettingsError(
                "limits: gpu is impossible", found=ascii(self.gpu), expected="0, all, or a UUID"
            )

    @property
    def total_memory_bytes(self) -> int:
        """The most memory that one run can take."""
        return self.memory_bytes + self.output_bytes + self.tmp_bytes + self.shm_bytes

    @classmethod
    def from_mapping(cls, given: Mapping[str, Any]) -> Limits:
        """Limits as a challenge states them, the others as they are here.

        Raises:
            SettingsError: an unknown name, or an impossible value.
        """
        unknown = sorted(set(given) - {field.name for field in fields(cls)})
        if unknown:
            raise SettingsError(
                "limits: unknown names",
                found=", ".join(map(ascii, unknown)),
                expected=", ".join(field.name for field in fields(cls)),
            )
        return replace(cls(), **given)

    def as_dict(self) -> dict[str, Any]:
        """For storing beside a run's result."""
        return asdict(self)


_LEAST: dict[str, float] = {
    "memory_bytes": 16 * _MIB,  # less, and the runtime itself doesn't start
    "cpus": 0.01,
    "pids": 1,
    "seconds": 0.1,
    "output_bytes": 4096,
    "output_files": 1,
    "log_bytes": 0,
    "tmp_bytes": 4096,
    "shm_bytes": 4096,
}
