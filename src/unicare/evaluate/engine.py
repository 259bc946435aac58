"""Where cases are worked on: in this process, in several, or on several machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from unicare.core.errors import SettingsError
from unicare.core.processes import in_processes
from unicare.evaluate.engine_ray import on_ray

__all__ = ["ENGINES", "Engine", "Resources", "find_engine", "on_this_machine"]

Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Resources:
    """What an engine may use.

    Attributes:
        workers: processes on this machine that work at the same time.
        ray_address: of a running Ray cluster; None for that of RAY_ADDRESS, or else one on this machine.
    """

    workers: int = 1
    ray_address: str | None = None


class Engine(Protocol):
    """Does the same work with many jobs."""

    def __call__(
        self,
        work: Callable[[Job], Result],
        jobs: Sequence[Job],
        died: Callable[[Job], Result],
        resources: Resources,
        /,
    ) -> Iterator[Result]:
        """Yields a result for every job, in the order in which they end.

        Args:
            work: what to do; a function that can be pickled. What it raises ends the run.
            jobs: what to do it with.
            died: the result for a job that killed the process it ran in.
            resources: what may be used.
        """


def on_this_machine(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    died: Callable[[Job], Result],
    resources: Resources,
) -> Iterator[Result]:
    """In this process for one worker, else in several."""
    if resources.workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
    else:
        yield from in_processes(work, jobs, min(resources.workers, len(jobs)), died)


def _on_ray(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    died: Callable[[Job], Result],
    resources: Resources,
) -> Iterator[Result]:
    """On the machines of a Ray cluster."""
    yield from on_ray(work, jobs, died, workers=resources.workers, address=resources.ray_address)


ENGINES: Mapping[str, Engine] = {"processes": on_this_machine, "ray": _on_ray}
"""Every engine by its name."""


def find_engine(name: str) -> Engine:
    """The engine of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in ENGINES:
        raise SettingsError("unknown engine", found=name, expected=f"one of {', '.join(ENGINES)}")
    return ENGINES[name]
