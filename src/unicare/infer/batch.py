"""A folder of cases and a prompts.json in, a label map for every case out (the container's contract)."""

from __future__ import annotations

import json
import logging
import os
import platform
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import torch

from unicare import __version__
from unicare.core.errors import OutputError, PromptError, UnicareError
from unicare.core.processes import in_processes
from unicare.core.prompt import CasePrompts
from unicare.data.layouts.flat import list_cases, read_case
from unicare.data.nifti_bytes import written_beside
from unicare.infer.device import multiplies_bfloat16_quickly, resolve_device
from unicare.infer.leftovers import remove_leftovers
from unicare.infer.masks import read_masks
from unicare.infer.memory import peak_memory_mb, reset_peak_memory
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.models.weights import load_network, shipped_weights, weights_sha256
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts

__all__ = ["BatchResult", "BatchSettings", "CaseRecord", "predict_folder"]

_log = logging.getLogger("unicare")


@dataclass(frozen=True)
class BatchSettings:
    """How a folder is worked through.

    Attributes:
        weights: a safetensors file; None for the shipped one.
        device: ``auto``, ``cpu`` or ``cuda``.
        workers: processes that work on cases at the same time.
        overwrite: redo cases whose answer is there already.
        slice_axis: ``auto``, ``pls`` or ``acquisition``; see ``prompts.axes.fit_to_volume``.
        prompt_axes: ``pl`` or ``lp``.
        segment: how each case is asked about.
    """

    weights: Path | None = None
    device: str = "auto"
    workers: int = 1
    overwrite: bool = False
    slice_axis: str = "auto"
    prompt_axes: str = "pl"
    segment: SegmentSettings = field(default_factory=SegmentSettings)


@dataclass(frozen=True)
class CaseRecord:
    """What became of one case.

    Attributes:
        case: its id.
        status: ``done``, ``skipped`` (was there already) or ``failed``.
        seconds: from reading to written.
        peak_memory_mb: highest memory of the process while it worked on the case; None where unknown.
        error: one sentence, when it failed.
    """

    case: str
    status: str
    seconds: float = 0.0
    peak_memory_mb: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class BatchResult:
    """All cases of a run, in the order in which they ended."""

    records: tuple[CaseRecord, ...]

    @property
    def errors(self) -> dict[str, str]:
        """Case to sentence, for the cases that failed."""
        return {record.case: record.error for record in self.records if record.error is not None}


@dataclass(frozen=True)
class _Job:
    case: str
    files: Mapping[str, Path]
    prompts: CasePrompts
    mask_folder: Path
    out: Path


def predict_folder(
    input_dir: Path,
    output_dir: Path,
    settings: BatchSettings | None = None,
    progress: Callable[[int, int, str], None] | None = None,
) -> BatchResult:
    """Answers every prompted case of a folder.

    Reads ``<input>/images`` and ``<input>/prompts.json``; writes ``<case>_pred.nii.gz``, ``run.json`` (what
    ran, on what, how long) and, when something failed, ``errors.json`` into the output folder. One bad case
    doesn't stop the others. A file appears whole or not at all; what is complete is skipped the next time.

    Args:
        input_dir: folder with images/ and prompts.json.
        output_dir: made if it isn't there.
        settings: how.
        progress: told cases ended, cases in all, and the case.

    Raises:
        UnicareError: nothing can be done at all: no images, no prompts, no weights, no place to write to.
    """
    settings = settings or BatchSettings()
    started = datetime.now(UTC)
    jobs, failed = _plan(input_dir, output_dir)
    device = resolve_device(settings.device)
    manifest = _manifest(input_dir, settings, device, started)
    records = list(failed)
    total = len(jobs) + len(failed)
    remove_leftovers(output_dir)
    _write_json(output_dir / "run.json", {**manifest, "status": "running", "cases": []})
    status = "interrupted"
    try:
        with closing(_records(jobs, settings, manifest["weights_sha256"])) as ended:
            for record in ended:
                records.append(record)
                if record.error:
                    _log.info("%s", record.error)
                if progress is not None:
                    progress(len(records), total, record.case)
        status = "finished"
    finally:
        result = BatchResult(tuple(records))
        finished = {"status": status, "finished": datetime.now(UTC).isoformat(timespec="seconds")}
        cases = [asdict(record) for record in records]
        _write_json(output_dir / "run.json", {**manifest, **finished, "cases": cases})
        _write_errors(output_dir / "errors.json", result.errors)
    return result


def _plan(input_dir: Path, output_dir: Path) -> tuple[list[_Job], list[CaseRecord]]:
    """What there is to do, and what can't be done."""
    prompts, unreadable = read_prompts(input_dir / "prompts.json")
    known = [*prompts, *unreadable]
    images = list_cases(input_dir, known)
    failed = [CaseRecord(case, "failed", error=str(error)) for case, error in unreadable.items()]
    jobs = []
    for case in sorted({*images, *prompts} - set(unreadable)):
        if case not in images:
            error = PromptError(
                f"case {case}: prompts, but no image",
                expected=f"{input_dir / 'images'}/{case}.nii.gz or {case}_<sequence>.nii.gz",
            )
            failed.append(CaseRecord(case, "failed", error=str(error)))
        elif case not in prompts:
            error = PromptError(
                f"case {case}: an image, but no prompts",
                expected=f"an entry in {input_dir / 'prompts.json'}",
                mend="`unicare prompts simulate` makes prompts from label maps",
            )
            failed.append(CaseRecord(case, "failed", error=str(error)))
        else:
            out = output_dir / f"{case}_pred.nii.gz"
            jobs.append(_Job(case, images[case], prompts[case], input_dir, out))
    return jobs, failed


def _records(jobs: Sequence[_Job], settings: BatchSettings, sha256: str) -> Generator[CaseRecord, None, None]:
    work = partial(_work, settings=settings, sha256=sha256)
    if settings.workers <= 1 or len(jobs) <= 1:
        yield from map(work, jobs)
    else:
        yield from in_processes(work, jobs, settings.workers, _died, torch.set_num_threads)


def _work(job: _Job, settings: BatchSettings, sha256: str) -> CaseRecord:
    """One case from reading to written; whatever is wrong with it is told in its record."""
    reset_peak_memory()
    started = time.perf_counter()
    error = None
    try:
        if job.out.exists() and not settings.overwrite:
            return CaseRecord(job.case, "skipped")
        _answer(job, settings, sha256)
    except Exception as problem:
        error = _told(job.case, problem)
    seconds = round(time.perf_counter() - started, 3)
    return CaseRecord(job.case, "failed" if error else "done", seconds, peak_memory_mb(), error)


def _told(case: str, problem: Exception) -> str:
    """One sentence about what went wrong with a case."""
    if isinstance(problem, UnicareError):
        return str(problem)
    if isinstance(problem, MemoryError | torch.cuda.OutOfMemoryError) or "allocate memory" in str(problem):
        return f"case {case}: too large for this machine's memory; use fewer --workers, or crop the image"
    if isinstance(problem, OSError):
        return f"case {case}: {problem.filename or 'a file'}: {problem.strerror or problem}"
    _log.debug("case %s", case, exc_info=problem)
    return (
        f"case {case}: an error of unicare's own, {type(problem).__name__}: {problem}; "
        "please report it with what `unicare predict -vv --workers 1` prints"
    )


def _died(job: _Job) -> CaseRecord:
    sentence = (
        f"case {job.case}: the process that worked on it ended without a word; mostly the machine's memory "
        "is full then; use fewer --workers, or crop the image"
    )
    return CaseRecord(job.case, "failed", error=sentence)


def _answer(job: _Job, settings: BatchSettings, sha256: str) -> None:
    case = read_case(job.case, job.files)
    prompts = fit_to_volume(job.prompts, case.reference, settings.slice_axis, settings.prompt_axes)
    segmenter = _segmenter(settings.weights, sha256, settings.device, settings.segment)
    masks = read_masks(prompts, case.reference, job.mask_folder)
    segmenter.segment(case, prompts, masks).save(job.out)


@lru_cache(maxsize=1)
def _segmenter(
    weights: Path | None, sha256: str, device: str, settings: SegmentSettings
) -> PromptedSegmenter:
    """The network, read once a process and whenever its file has changed."""
    return PromptedSegmenter(load_network(weights), settings, resolve_device(device))


def _manifest(
    input_dir: Path, settings: BatchSettings, device: torch.device, started: datetime
) -> dict[str, Any]:
    weights = settings.weights or shipped_weights()
    quick = multiplies_bfloat16_quickly(device)
    chosen = settings.segment.precision
    load_network(weights)  # bad weights are told before the first case
    return {
        "unicare": __version__,
        "weights": weights.name,
        "weights_sha256": weights_sha256(weights),
        "settings": json.loads(json.dumps(asdict(settings), default=str)),
        "device": str(device),
        "precision": ("bfloat16" if quick else "float32") if chosen == "auto" else chosen,
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "input": str(input_dir),
        "started": started.isoformat(timespec="seconds"),
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with written_beside(path) as file:
        file.write(json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8"))


def _write_errors(path: Path, errors: Mapping[str, str]) -> None:
    """Writes what failed, or takes away what an earlier run wrote."""
    if errors:
        _write_json(path, errors)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: can't be removed", found=error.strerror or str(error)) from None
