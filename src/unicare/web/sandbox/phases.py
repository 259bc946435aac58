"""A team's container on a phase's cases: a smoke run for it to watch, a hidden run it hears little of."""

from __future__ import annotations

import math
import os
import re
import secrets
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unicare.core.errors import OutputError
from unicare.web.interrupt import Interrupted, never
from unicare.web.sandbox.anonymise import CaseInput, opaque_ids, prediction_name, stage_input
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.limits import Limits
from unicare.web.sandbox.places import run_folder
from unicare.web.sandbox.run import ContainerRun, Status, run_container
from unicare.web.sandbox.scrub import readable_log, scrubbed_last_line

__all__ = ["PhaseRun", "TeamReport", "hidden_report", "run_phase", "smoke_report"]

_HIDDEN_WORDS = {
    Status.COMPLETED: "The container ended by itself.",
    Status.FAILED: "The container's program ended with an error.",
    Status.NOT_STARTED: "The container's program could not be started.",
    Status.OUT_OF_TIME: "The container was stopped: it took longer than it may.",
    Status.OUT_OF_MEMORY: "The container was stopped: it needed more memory than it may use.",
    Status.OUTPUT_LIMIT: "The container was stopped: it wrote more than it may.",
}
_LEAST_SECONDS = 0.1  # with less time left no container is begun


@dataclass(frozen=True)
class PhaseRun:
    """What a container did with a phase's cases. With names and logs: for organisers.

    Attributes:
        runs: one for all cases, or one for each, in the order in which they were run.
        ids: case to the id that the container saw.
        predicted: cases with a prediction, by name.
        missing: cases without one, by name.
        limits: what each run might take.
        given_up: cases that were not run any more, after too many runs that failed, or for want of time.
        seconds_in_all: for all runs together; None where there is no such limit.
        time_used_up: whether cases were cut short or left out because of it.
    """

    runs: tuple[ContainerRun, ...]
    ids: Mapping[str, str]
    predicted: tuple[str, ...]
    missing: tuple[str, ...]
    limits: Limits
    given_up: int = 0
    seconds_in_all: float | None = None
    time_used_up: bool = False

    @property
    def completed(self) -> bool:
        """Whether every run ended well and every case has a prediction."""
        return not self.missing and all(run.status is Status.COMPLETED for run in self.runs)


@dataclass(frozen=True)
class TeamReport:
    """What a team is told.

    Attributes:
        passed: whether everything went well.
        messages: sentences, the most telling first.
        log: what the container printed: all that was kept, or of a hidden run a few words of its last line.
    """

    passed: bool
    messages: tuple[str, ...]
    log: str


def run_phase(
    engine: ContainerEngine,
    image: str,
    cases: Sequence[CaseInput],
    predictions_dir: Path,
    limits: Limits,
    *,
    scratch: Path,
    case_by_case: bool = False,
    seconds_in_all: float | None = None,
    give_up_after: int = 3,
    secret: bytes | None = None,
    interrupted: Interrupted = never,
) -> PhaseRun:
    """Runs a container on some cases, under names that say nothing; its predictions come back.

    Args:
        engine: as ``find_engine`` gives it.
        image: as ``loaded_image`` gives it.
        cases: as ``list_inputs`` gives them.
        predictions_dir: where ``<case>_pred.nii.gz`` is written; made if it is missing.
        limits: of each run.
        scratch: a folder on this host for what is needed meanwhile.
        case_by_case: one run for each case, else one for all.
        seconds_in_all: for all runs together; what one has used the next ones don't have.
        give_up_after: so many runs that don't end well, and the cases that are left are not run.
        secret: for the ids; None for a new one.
        interrupted: asked from time to time; the container is ended once it says yes.

    Raises:
        InterruptedWorkError: it said yes; nothing of the runs is left but predictions.
        ContainerError: the engine or the host failed.
        UnicareError: images or prompts can't be used.
    """
    ids = opaque_ids([one.case for one in cases], secret or secrets.token_bytes(32))
    cases = sorted(cases, key=lambda one: ids[one.case])
    predictions_dir.mkdir(parents=True, exist_ok=True)
    batches: list[Sequence[CaseInput]] = [[one] for one in cases] if case_by_case else [cases]
    runs: list[ContainerRun] = []
    left_s = math.inf if seconds_in_all is None else seconds_in_all
    time_used_up = False
    for batch in batches:
        time_used_up = time_used_up or left_s < _LEAST_SECONDS
        if time_used_up or sum(run.status is not Status.COMPLETED for run in runs) >= give_up_after:
            break
        given = replace(limits, seconds=min(limits.seconds, left_s))
        run = _run_batch(engine, image, batch, ids, predictions_dir, given, scratch, interrupted)
        runs.append(run)
        left_s -= run.seconds
        time_used_up = run.status is Status.OUT_OF_TIME and given.seconds < limits.seconds
    collected = {name for run in runs for name in run.collected}
    predicted = sorted(case for case, opaque in ids.items() if prediction_name(opaque) in collected)
    return PhaseRun(
        runs=tuple(runs),
        ids=ids,
        predicted=tuple(predicted),
        missing=tuple(sorted(set(ids) - set(predicted))),
        limits=limits,
        given_up=len(batches) - len(runs),
        seconds_in_all=seconds_in_all,
        time_used_up=time_used_up,
    )


def smoke_report(run: PhaseRun) -> TeamReport:
    """What a team is told of a run on public cases: everything."""
    messages = _counted([one.message(run.limits) for one in run.runs if not _was_cut_short(one, run)])
    if run.time_used_up:
        messages.insert(0, f"All cases together took longer than {run.seconds_in_all:g} s.")
    messages += _counted([violation for one in run.runs for violation in one.violations])
    if run.missing:
        names = ", ".join(prediction_name(run.ids[case]) for case in run.missing[:5])
        more = f" and {len(run.missing) - 5} more" if len(run.missing) > 5 else ""
        messages.append(
            f"{len(run.missing)} of {len(run.ids)} predictions are missing: /output has no {names}{more}."
        )
    logs = [one.log_tail for one in run.runs]
    return TeamReport(run.completed, (*messages, *_given_up(run)), readable_log("\n".join(logs)))


def hidden_report(run: PhaseRun) -> TeamReport:
    """What a team is told of a run on hidden cases: how it ended, and a few words of the last line.

    Exit codes, times, sizes and all but common words of errors are left out: a container could tell by them
    what it saw. Names of cases and the ids in their place are left out as well.
    """
    messages = _counted([_HIDDEN_WORDS[one.status] for one in run.runs])
    seen = (_without_figures(violation, run.ids) for one in run.runs for violation in one.violations)
    messages += _counted(list(dict.fromkeys(seen)))
    if run.time_used_up:
        messages.append("All cases together took longer than they may.")
    if run.missing:
        messages.append(f"{len(run.missing)} of {len(run.ids)} predictions are missing.")
    failed = next((one for one in run.runs if one.status is not Status.COMPLETED), run.runs[-1])
    return TeamReport(run.completed, (*messages, *_given_up(run)), scrubbed_last_line(failed.log_tail))


def _run_batch(
    engine: ContainerEngine,
    image: str,
    batch: Sequence[CaseInput],
    ids: Mapping[str, str],
    predictions_dir: Path,
    limits: Limits,
    scratch: Path,
    interrupted: Interrupted,
) -> ContainerRun:
    with run_folder(scratch) as folder:
        given, taken = folder / "input", folder / "taken"
        stage_input(batch, ids, given)
        taken.mkdir()
        cases = {prediction_name(ids[one.case]): one.case for one in batch}
        run = run_container(
            engine, image, given, taken, tuple(cases), limits, scratch=scratch, interrupted=interrupted
        )
        for name in run.collected:
            _put(taken / name, predictions_dir / prediction_name(cases[name]))
    return run


def _put(source: Path, target: Path) -> None:
    """Moves a file to where it is complete or not at all, also on another disk."""
    beside = target.with_name(f".unicare-{os.getpid()}-{source.name}.part")
    try:
        shutil.copyfile(source, beside)
        os.replace(beside, target)
    except OSError as error:
        raise OutputError(
            f"{target.parent}: can't be written to", found=error.strerror, mend="free some room there"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def _counted(messages: Sequence[str]) -> list[str]:
    """Each message once, the most frequent first, with how often it came."""
    return [
        f"{text} ({count} runs)" if count > 1 else text for text, count in Counter(messages).most_common()
    ]


def _was_cut_short(one: ContainerRun, run: PhaseRun) -> bool:
    """Whether a run was ended because the time of all was over, before its own was."""
    return run.time_used_up and one is run.runs[-1] and one.status is Status.OUT_OF_TIME


def _given_up(run: PhaseRun) -> list[str]:
    return [f"{run.given_up} cases were not run any more after that."] if run.given_up else []


def _without_figures(violation: str, ids: Mapping[str, str]) -> str:
    for opaque in ids.values():
        violation = violation.replace(prediction_name(opaque), "a prediction")
    return re.sub(r"[0-9][0-9.]*", "…", violation)
