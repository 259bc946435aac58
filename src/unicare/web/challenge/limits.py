"""What containers and uploads may take, as a challenge states it."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from unicare.web.archive.unpack import UnpackLimits
from unicare.web.challenge.base import Strict
from unicare.web.sandbox.limits import Limits as RunLimits

__all__ = ["Containers", "Limits", "Uploads"]

_GB = 2**30
_MB = 2**20


class Limits(Strict):
    """What one run of a container may take; GB and MB are those of memory, 2^30 and 2^20 bytes.

    Attributes:
        memory_gb: of main memory, without what it writes.
        cpus: cores, fractions allowed.
        pids: processes and threads.
        seconds_per_case: in mode ``all_at_once`` times the number of cases.
        seconds_in_all: for all cases of a task together.
        output_mb: written to /output.
        gpu: whether it gets one.
        image_gb: of the uploaded archive.
    """

    memory_gb: float = Field(default=16, ge=0.1, le=4096)
    cpus: float = Field(default=4, ge=0.1, le=1024)
    pids: int = Field(default=512, ge=1, le=100_000)
    seconds_per_case: int | None = Field(default=None, ge=1)
    seconds_in_all: int | None = Field(default=None, ge=1)
    output_mb: int = Field(default=2000, ge=1)
    gpu: bool = False
    image_gb: float = Field(default=20, gt=0)


class Containers(Strict):
    """How containers are run. Names and order of cases are always hidden from them.

    Attributes:
        mode: a new container for every case, or one for all cases of a task.
        limits: of every task.
        failures: how often a team's containers may fail on the hidden cases of a task in a phase.
    """

    mode: Literal["case_by_case", "all_at_once"] = "all_at_once"
    limits: Limits = Limits()
    failures: int = Field(default=10, ge=1)

    def run_limits(self, cases: int, gpu: str = "all") -> RunLimits:
        """What one run may take.

        Args:
            cases: of the task.
            gpu: which GPU it gets, if it gets one; as the engine names it.

        Returns:
            For ``run_phase``; in mode ``case_by_case`` the caller keeps the limit of all cases together.
        """
        most = self.limits
        in_this_run = 1 if self.mode == "case_by_case" else cases
        seconds = min(
            math.inf if most.seconds_per_case is None else most.seconds_per_case * in_this_run,
            math.inf if most.seconds_in_all is None else most.seconds_in_all,
        )
        if not math.isfinite(seconds):
            raise ValueError("neither seconds_per_case nor seconds_in_all is given")
        return RunLimits(
            memory_bytes=round(most.memory_gb * _GB),
            cpus=most.cpus,
            pids=most.pids,
            seconds=seconds,
            output_bytes=most.output_mb * _MB,
            gpu=gpu if most.gpu else None,
        )


class Uploads(Strict):
    """How much a team may upload as predictions.

    Attributes:
        archive_mb: of one zip, or of all files of one folder.
        unpacked_mb: of the same, unpacked.
        files: how many.
    """

    archive_mb: int = Field(default=4000, ge=1)
    unpacked_mb: int = Field(default=16_000, ge=1)
    files: int = Field(default=10_000, ge=1)

    def unpack_limits(self) -> UnpackLimits:
        """What is taken out of an archive."""
        return UnpackLimits(entries=self.files, total_bytes=self.unpacked_mb * _MB)
