"""What is asked of a container engine: load, run, inspect, kill, remove."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from unicare.web.interrupt import Interrupted, never
from unicare.web.sandbox.limits import Limits

__all__ = ["CONTAINER_USER", "ContainerEngine", "ContainerSpec", "ContainerState"]

CONTAINER_USER = 65532
"""The user and group that containers run as: no person's on any host; "nonroot" in common base images."""


@dataclass(frozen=True)
class ContainerSpec:
    """One container.

    Attributes:
        name: of the container; no two have the same.
        image: as the engine knows it.
        input_dir: becomes /input, read-only.
        output_dir: becomes /output.
        tmp_dir: becomes /tmp, or None where the engine is to make one in memory.
        limits: what it may take.
    """

    name: str
    image: str
    input_dir: Path
    output_dir: Path
    tmp_dir: Path | None
    limits: Limits


@dataclass(frozen=True)
class ContainerState:
    """How a container stands.

    Attributes:
        started: whether its program ever ran.
        exit_code: of the program, once it has ended.
        out_of_memory: whether the kernel killed a process of it for want of memory.
        pid: its first process, as the host numbers it; None when none runs.
    """

    started: bool
    exit_code: int | None
    out_of_memory: bool
    pid: int | None


class ContainerEngine(Protocol):
    """An engine at hand. Every method raises ``ContainerError`` when the engine doesn't do as asked."""

    @property
    def name(self) -> str:
        """``podman``, ``docker``."""

    def load(self, archive: Path, image: str, interrupted: Interrupted = never) -> None:
        """Takes in an archive that holds one image of that name; InterruptedWorkError if it is to end."""

    def run(self, spec: ContainerSpec) -> subprocess.Popen[bytes]:
        """Starts a container. The process ends with it; what it prints comes through ``stdout``."""

    def inspect(self, name: str) -> ContainerState:
        """How a container stands."""

    def kill(self, name: str) -> None:
        """Ends every process of a container at once; no harm if it has ended."""

    def remove(self, name: str) -> None:
        """Removes a container, killing it first if it runs; no harm if there is none."""

    def remove_image(self, image: str) -> None:
        """Removes an image; no harm if there is none."""

    def containers(self, prefix: str) -> list[str]:
        """Every container whose name begins so, running or not."""

    def images(self, prefix: str) -> list[str]:
        """Every image whose name begins so."""

    def free_bytes(self) -> int:
        """Room where images are stored."""
