"""Work on the machines of a Ray cluster: what a lost process was doing is done again elsewhere."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from unicare import __version__
from unicare.core.errors import SettingsError

__all__ = ["on_ray"]

Job = TypeVar("Job")
Result = TypeVar("Result")

_RETRIES = 3  # of a job whose process was lost; one that kills every process is given up then
_STORE_BYTES = 100 * 2**20  # only tables of figures travel
_IN_FLIGHT_PER_CPU = 4
_PATIENCE_S = 10.0

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DEDUP_LOGS": "1",
}


def on_ray(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    died: Callable[[Job], Result],
    *,
    workers: int = 1,
    address: str | None = None,
) -> Iterator[Result]:
    """Yields a result for every job, in the order in which they end.

    Every machine of the cluster needs the same version of unicare, and the files under the same paths.

    Args:
        work: what to do; a function that can be pickled.
        jobs: what to do it with.
        died: the result for a job that was lost with its process again and again.
        workers: CPUs of a cluster that is started here; one that is running knows how many it has.
        address: of a running cluster, such as ``ray://head:10001``, or ``auto`` for that of this machine;
            None for the one that this process uses already or the variable RAY_ADDRESS names, or else one
            that is started here.

    Raises:
        SettingsError: Ray isn't installed, the cluster can't be reached, or its machines have another
            version of unicare.
    """
    ray = _imported()
    with _connected(ray, workers, address):
        yield from _results(ray, work, jobs, died)


def _imported() -> Any:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise SettingsError(
            "--engine ray needs Ray",
            found="a Python without it",
            expected="the extra [ray]",
            mend="run: pip install 'unicare[ray]'",
        ) from None
    return ray


@contextmanager
def _connected(ray: Any, workers: int, address: str | None) -> Iterator[None]:
    """A connection to a cluster; what was started here is shut down in the end."""
    if ray.is_initialized():
        yield
        return
    running = address or os.environ.get("RAY_ADDRESS")
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if running:
            _check_reachable(running)
            ray.init(address=running, **quiet)
        else:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                object_store_memory=_STORE_BYTES,
                **quiet,
            )
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        raise SettingsError(
            "no Ray cluster can be reached" if running else "Ray can't be started on this machine",
            found=f"{running}: {error}" if running else str(error),
            mend="check --ray-address and RAY_ADDRESS" if running else "use --engine processes",
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Knocks at the cluster's door: where nobody answers, Ray would wait for minutes and end the process.

    Raises:
        OSError: nobody is there.
        ValueError: this is no address.
    """
    place = urlsplit(address if "://" in address else f"//{address}")
    if place.hostname and place.port:
        socket.create_connection((place.hostname, place.port), _PATIENCE_S).close()


def _results(
    ray: Any, work: Callable[[Job], Result], jobs: Sequence[Job], died: Callable[[Job], Result]
) -> Iterator[Result]:
    """Hands out jobs as others come back, so that a long list doesn't lie with the cluster all at once."""
    remote = ray.remote(num_cpus=1, max_retries=_RETRIES)(_work)
    shared = ray.put(work)
    most = _IN_FLIGHT_PER_CPU * max(1, int(ray.cluster_resources().get("CPU", 1)))
    waiting: dict[Any, Job] = {}
    left = iter(jobs)
    try:
        while True:
            for job in left:
                waiting[remote.remote(shared, job, __version__)] = job
                if len(waiting) >= most:
                    break
            if not waiting:
                return
            for reference in ray.wait(list(waiting), num_returns=1)[0]:
                yield _outcome(ray, reference, waiting.pop(reference), died)
    finally:
        for reference in waiting:
            ray.cancel(reference, force=True)


def _outcome(ray: Any, reference: Any, job: Job, died: Callable[[Job], Result]) -> Result:
    try:
        result: Result = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if "No module named 'unicare" in str(error):
            raise _other_version("no unicare") from None
        raise error.cause from None
    except ray.exceptions.RayError:
        return died(job)
    return result


def _work(work: Callable[[Job], Result], job: Job, version: str) -> Result:
    """Runs on a machine of the cluster."""
    if version != __version__:
        raise _other_version(__version__, version)
    return work(job)


def _other_version(found: str, expected: str = __version__) -> SettingsError:
    return SettingsError(
        "a machine of the Ray cluster has another version of unicare",
        found=found,
        expected=expected,
        mend="install the same version on every machine",
    )
