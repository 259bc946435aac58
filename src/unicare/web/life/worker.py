"""A worker: takes what waits in the database, one thing after the other, until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta

import structlog
from sqlalchemy.exc import DBAPIError, OperationalError

from unicare.core.errors import UnicareError
from unicare.web.interrupt import Interrupted, InterruptedWorkError
from unicare.web.life.arrivals import find_arrivals
from unicare.web.life.check import check_submission
from unicare.web.life.clean import discard_unneeded, remove_orphans
from unicare.web.life.heartbeat import Heartbeat
from unicare.web.life.keys import predictions_folder, result_folder, upload_key
from unicare.web.life.lease import Claim, Job, claim, claimed_before
from unicare.web.life.score import evaluate_submission
from unicare.web.life.settle import Checked, Failed, Fault, HandedBack, Outcome, Refused, recover, settle
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.life.wake import Wake, open_wake
from unicare.web.life.watch import give_up_containers, watch_workers
from unicare.web.sandbox.owner import PREFIX, is_left_over
from unicare.web.sandbox.places import remove_tree
from unicare.web.sandbox.sweep import remove_leftovers
from unicare.web.settings import SiteSettings
from unicare.web.standings import BoardKeeper

__all__ = ["Worker", "run_worker"]

_LOG = structlog.get_logger(__name__)
_WAIT_S = 0.25
_PAUSE_S = 1.0
_ORPHANS_S = 3600.0
_SETTLE_S = 600.0
_SETTLE_STOPPED_S = 10.0

JOBS: Mapping[Job, Callable[[WorkingSite, Claim, Interrupted], Outcome]] = {
    "check": check_submission,
    "evaluate": evaluate_submission,
}
"""How each sort of work is done."""


def run_worker(settings: SiteSettings, stop: threading.Event, wake: Wake | None = None) -> None:
    """Works until ``stop`` is set; work that is under way then is left to others.

    Args:
        settings: of the site; its database has its tables.
        stop: set by whoever wants the worker to end.
        wake: that of the process that calls the worker; by default what the settings say.

    Raises:
        SettingsError: the settings, or the challenge, can't be used.
        ContainerError: the container engine that is asked for doesn't work here.
    """
    site = open_site(settings)
    try:
        Worker(site, wake or open_wake(settings.wake_url.get_secret_value()), stop).run()
    finally:
        site.database.close()


class Worker:
    """One worker. What it does is told by the database; nothing is kept here between two pieces of work."""

    def __init__(self, site: WorkingSite, wake: Wake, stop: threading.Event) -> None:
        self._site = site
        self._wake = wake
        self._stop = stop
        self._turn: tuple[Job, Job] = ("check", "evaluate")
        self._boards = BoardKeeper(site)
        self._in_doubt = False
        self._next_orphans = 0.0

    def run(self) -> None:
        """Works until told to stop, whatever goes wrong meanwhile."""
        self._clear_up()
        next_sweep = 0.0
        while not self._stop.is_set():
            try:
                if time.monotonic() >= next_sweep:
                    next_sweep = time.monotonic() + self._site.settings.sweep_seconds
                    self.sweep()
                if not self.work_once():
                    self._wait(next_sweep)
            except Exception:  # the database is gone, the disk is full …: nothing of that lasts for ever
                _LOG.exception("a worker could do nothing")
                self._stop.wait(_PAUSE_S)

    def sweep(self) -> None:
        """Finds what nobody was woken for: whole uploads, work of workers that died, boards that changed."""
        site = self._site
        failed = []
        for step in (
            self._recover,
            lambda: find_arrivals(site),
            lambda: watch_workers(site),
            lambda: give_up_containers(site),
            lambda: discard_unneeded(site),
            self._remove_orphans,
            lambda: self._boards.keep(self._stop.is_set),
        ):
            try:
                step()
            except Exception as error:  # one file that can't be read must not keep the rest from being done
                failed.append(error)
        if failed:
            raise ExceptionGroup("a sweep wasn't finished", failed)

    def _recover(self) -> None:
        site = self._site
        lost = site.transact(
            lambda session, now: recover(
                session, challenge=site.challenge, lease=site.lease, attempts=site.settings.attempts, now=now
            )
        )
        for one in lost:
            _LOG.warning("work was taken from a worker that died", job=one.job, id=one.id, worker=one.owner)
            _remove_results(site, one)
        if lost:
            self._clear_up()

    def _remove_orphans(self) -> None:
        if time.monotonic() >= self._next_orphans:
            self._next_orphans = time.monotonic() + _ORPHANS_S
            remove_orphans(self._site)

    def work_once(self) -> bool:
        """Does one piece of work; False if there is none. Checks and evaluations come in turns."""
        mine = self._find_again() or self._take(self._turn[0]) or self._take(self._turn[1])
        if mine is None:
            return False
        self._turn = ("evaluate", "check") if mine.job == "check" else ("check", "evaluate")
        self._do(mine)
        return True

    def _take(self, job: Job) -> Claim | None:
        site = self._site
        try:
            return site.transact(
                lambda session, now: claim(
                    session, job, site.owner, lease=site.lease, kinds=site.kinds, now=now
                )
            )
        except DBAPIError:  # the answer is lost: it may have been given something all the same
            self._in_doubt = True
            raise

    def _find_again(self) -> Claim | None:
        if not self._in_doubt:
            return None
        site = self._site
        mine = site.transact(
            lambda session, now: claimed_before(session, site.owner, lease=site.lease, now=now)
        )
        self._in_doubt = mine is not None
        return mine

    def _do(self, mine: Claim) -> None:
        site = self._site
        with Heartbeat(site, mine) as heartbeat:
            outcome = _outcome(site, mine, lambda: heartbeat.lost or self._stop.is_set())
        kept = self._settle(mine, outcome)
        _LOG.info("work ended", job=mine.job, id=mine.id, outcome=type(outcome).__name__, kept=kept)
        if kept is False or (kept and isinstance(outcome, Failed | Fault | HandedBack)):
            _remove_results(site, mine)
        elif kept and (isinstance(outcome, Refused) or (isinstance(outcome, Checked) and _unpacked(mine))):
            site.storage.delete(upload_key(mine.submission_id))
        if kept is not False and isinstance(outcome, Checked):
            self._wake.ring()

    def _settle(self, mine: Claim, outcome: Outcome) -> bool | None:
        """Whether the outcome counts; None where nobody can say, since the answer to a commit was lost.

        Said again as long as the database doesn't answer. That changes nothing if it had heard: the work is
        no longer this worker's then. What lies in the storage is left to ``remove_orphans`` in this case.
        """
        site = self._site
        begun, in_doubt = time.monotonic(), False
        while True:
            try:
                kept = site.transact(
                    lambda session, now: settle(
                        session,
                        mine,
                        outcome,
                        challenge=site.challenge,
                        attempts=site.settings.attempts,
                        now=now,
                        pause=timedelta(seconds=site.settings.retry_seconds),
                    )
                )
            except DBAPIError as error:
                patience_s = _SETTLE_STOPPED_S if self._stop.is_set() else _SETTLE_S
                gone = error.connection_invalidated or isinstance(error, OperationalError)
                if not gone or time.monotonic() - begun > patience_s:
                    raise
                in_doubt = True
                time.sleep(_PAUSE_S)
            else:
                return None if in_doubt and not kept else kept

    def _wait(self, until: float) -> None:
        """Until a call comes, the next sweep is due, or it has to stop."""
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            if self._wake.wait(min(_WAIT_S, left)):
                return

    def _clear_up(self) -> None:
        """What workers of this machine that died have left: containers, images, folders."""
        site = self._site
        with suppress(UnicareError, OSError):
            if site.engine is not None:
                remove_leftovers(site.engine, site.scratch)
            for folder in site.scratch.glob(f"{PREFIX}*"):
                if is_left_over(folder.name):
                    remove_tree(folder)


def _outcome(site: WorkingSite, mine: Claim, interrupted: Interrupted) -> Outcome:
    """What came of some work; whatever goes wrong with the site is a fault, to be tried again."""
    try:
        return JOBS[mine.job](site, mine, interrupted)
    except InterruptedWorkError:
        return HandedBack()
    except Exception as error:  # one submission must never end the worker
        _LOG.exception("work failed", job=mine.job, id=mine.id)
        return Fault(f"{type(error).__name__}: {error}")


def _unpacked(mine: Claim) -> bool:
    """Whether a check left something to evaluate beside what was uploaded."""
    return mine.kind == "predictions"


def _remove_results(site: WorkingSite, lost: Claim) -> None:
    """What an attempt that doesn't count has written. Names of attempts are their own."""
    with suppress(UnicareError, OSError):
        site.storage.delete(predictions_folder(lost))
        if lost.job == "evaluate":
            site.storage.delete(result_folder(lost))
