"""Work in several processes: results as they come, and no process that outlives its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

from unicare.core.errors import SettingsError

__all__ = ["in_processes"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Job], Result],
    jobs: Sequence[Job],
    workers: int,
    died: Callable[[Job], Result],
    begin: Callable[[int], object] | None = None,
) -> Iterator[Result]:
    """Yields the results of jobs in the order in which they end.

    When a process dies (killed by the system for want of memory), its job is found out by going on with one
    process, and the others are finished. Whoever closes the iterator early stops all processes.

    Args:
        work: what to do; a function that can be pickled.
        jobs: what to do it with.
        workers: how many processes.
        died: the result for a job whose process died.
        begin: called in each process first, with its share of the cores; a function that can be pickled.

    Raises:
        SettingsError: no process can be started.
    """
    left = dict(enumerate(jobs))
    while left:
        try:
            for number, result in _finished(work, left, workers, begin):
                del left[number]
                yield result
        except BrokenProcessPool:
            if workers == 1:
                yield died(left.pop(next(iter(left))))
            workers = 1  # jobs then come one after the other, and the first that is left is the one


def _finished(
    work: Callable[[Job], Result],
    jobs: dict[int, Job],
    workers: int,
    begin: Callable[[int], object] | None,
) -> Iterator[tuple[int, Result]]:
    others = set(multiprocessing.active_children())
    threads = max(1, (os.cpu_count() or 1) // workers)
    pool = ProcessPoolExecutor(
        workers, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(begin, threads)
    )
    try:
        with _ctrl_c_ignored():  # by the processes as well, which inherit it: their parent stops them
            started = pool.submit(os.getpid)
            waiting: dict[Future[Result], int] = {
                pool.submit(_work, work, job): number for number, job in jobs.items()
            }
        _check_started(started)
        while waiting:
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                yield waiting.pop(future), future.result()
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _check_started(started: Future[int]) -> None:
    try:
        started.result()
    except BrokenProcessPool:
        raise SettingsError(
            "--workers: no process can be started",
            mend="use one worker; in a script of your own, call it under `if __name__ == '__main__':`",
        ) from None


def _begin(begin: Callable[[int], object] | None, threads: int) -> None:
    """Gives a process its share of the cores, and a clean end when it is told to or its parent is gone."""
    if begin is not None:
        begin(threads)
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _work(work: Callable[[Job], Result], job: Job) -> Result:
    try:
        return _stoppable(work, job)
    except SystemExit:  # files that were half written are gone by now; no further job is begun
        os._exit(1)


def _stoppable(work: Callable[[Job], Result], job: Job) -> Result:
    return work(job)


def _leave(_number: int, frame: FrameType | None) -> None:
    """Ends a job by an exception, so that it tidies up; between jobs there is nothing to tidy up.

    There an exception would do harm: the pool's own code catches it, perhaps with a lock held that it then
    waits for without end. A second signal, as the pool sends it when another process is gone, must not break
    the tidying up off.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while frame is not None:
        if frame.f_code is _stoppable.__code__:
            raise SystemExit(1)
        frame = frame.f_back
    os._exit(1)


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _ctrl_c_ignored() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
