"""Measures a predictor under every condition; what is measured is kept, so a stopped run goes on."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unicare.core.errors import ImageError, OutputError, SettingsError
from unicare.evaluate.robustness.curves import CLEAN, KINDS, Condition
from unicare.evaluate.robustness.inputs import Levels, Study, read_study, write_input
from unicare.evaluate.robustness.predictors import Predictor
from unicare.evaluate.robustness.results import RobustnessResult, write_result
from unicare.evaluate.robustness.summary import Sampling, combinations_of, curves_of
from unicare.evaluate.rows import Row, read_rows, write_rows, write_text
from unicare.evaluate.run import evaluate
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.rules import DEFINITION
from unicare.prompts.check import PROMPTS_FILE

__all__ = ["RobustnessSettings", "measure_robustness"]

_CONDITIONS = "conditions"
Progress = Callable[[int, int, str], None]
"""Told after every condition: conditions done, conditions in all, the condition."""


@dataclass(frozen=True)
class RobustnessSettings:
    """What is measured and how.

    Attributes:
        kinds: of ``KINDS``.
        levels: along which inputs get worse.
        metrics: what is measured.
        seed: of noise, movements, points and intervals.
        resamples: of the bootstrap over cases.
        workers: processes that score cases at the same time.
        cohort_csv: manifest, as for ``evaluate``.
        task: the challenge's task, as for ``evaluate``.
        overwrite: measure anew what is measured already.
    """

    kinds: tuple[str, ...] = KINDS
    levels: Levels = field(default_factory=Levels)
    metrics: tuple[str, ...] = ("dice", "hausdorff_mm")
    seed: int = 0
    resamples: int = 1000
    workers: int = 1
    cohort_csv: Path | None = None
    task: str | None = None
    overwrite: bool = False

    def __post_init__(self) -> None:
        EvaluationSettings(metrics=self.metrics)
        if self.resamples < 1:
            raise SettingsError("resamples of the bootstrap", found=self.resamples, expected="at least 1")


def measure_robustness(
    input_dir: str | os.PathLike[str],
    truth_dir: str | os.PathLike[str],
    out_dir: str | os.PathLike[str],
    predictor: Predictor,
    settings: RobustnessSettings | None = None,
    progress: Progress | None = None,
) -> RobustnessResult:
    """Runs a predictor on the input as it is and on every worse one, and scores it with ``evaluate``.

    Writes robustness.csv (a row a figure) and robustness.json (curves, areas, combinations). The figures of
    each condition are kept in ``<out>/conditions``, so the next run measures only what isn't there yet.

    Args:
        input_dir: images/ and prompts.json, as for ``unicare predict``.
        truth_dir: ``<case>.nii.gz`` for every case.
        out_dir: made if it isn't there.
        predictor: what is measured.
        settings: how.
        progress: told after every condition.

    Raises:
        UnicareError: nothing can be measured, the folder holds another study, or the predictor answers no
            case of the input as it is.
    """
    chosen = settings or RobustnessSettings()
    study = read_study(Path(input_dir), Path(truth_dir))
    conditions = study.conditions(chosen.kinds, chosen.levels)
    folder = Path(out_dir) / _CONDITIONS
    _claim(folder, _identity(study, predictor, chosen), chosen.overwrite)
    measured: dict[Condition, tuple[Row, ...]] = {}
    findings = list(study.findings)
    for number, condition in enumerate(conditions, start=1):
        measured[condition], told = _measured(folder / condition.key, study, condition, predictor, chosen)
        findings += [f"{condition.key}: {sentence}" for sentence in told]
        if progress is not None:
            progress(number, len(conditions), condition.key)
    sampling = Sampling(chosen.resamples, chosen.seed)
    result = RobustnessResult(
        predictor=predictor.name,
        curves=tuple(curves_of(study, measured, chosen.kinds, chosen.levels, chosen.metrics, sampling)),
        combinations=tuple(combinations_of(study, measured, chosen.metrics, sampling))
        if "missing" in chosen.kinds
        else (),
        cases=len(study.cases),
        conditions=len(conditions),
        findings=tuple(findings),
    )
    write_result(Path(out_dir), result, measured)
    return result


def _measured(
    folder: Path, study: Study, condition: Condition, predictor: Predictor, settings: RobustnessSettings
) -> tuple[tuple[Row, ...], list[str]]:
    """A condition's rows and what else there is to say, from its folder if they are there already."""
    table, told = folder / "metrics.csv", folder / "findings.json"
    if not table.is_file():
        rows, findings = _measure(folder, study, condition, predictor, settings)
        write_text(told, json.dumps(findings, ensure_ascii=False))
        write_rows(table, rows)  # last, as it says that the condition is complete
    try:
        return read_rows(table), json.loads(told.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ImageError(
            f"{told}: can't be read", found=error, mend="remove its folder, so that it is measured anew"
        ) from None


def _measure(
    folder: Path, study: Study, condition: Condition, predictor: Predictor, settings: RobustnessSettings
) -> tuple[Sequence[Row], list[str]]:
    inputs, predictions, truths = (folder / name for name in ("input", "predictions", "truth"))
    try:
        for made in (predictions, truths):
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir(parents=True)
        cases = study.cases_of(condition)
        for case in cases:
            shutil.copyfile(case.truth, truths / case.truth.name)
    except OSError as error:
        raise OutputError(f"{folder}: can't be written", found=error.strerror or str(error)) from None
    findings = []
    if not (condition.kind == "missing" and condition.variant == "none"):
        write_input(study, condition, inputs, settings.seed)
        sentence = predictor(inputs, predictions)
        findings += [sentence] if sentence else []
    _refuse_nothing(condition, predictions, findings)
    result = evaluate(
        predictions,
        truths,
        cohort_csv=settings.cohort_csv,
        workers=settings.workers,
        task=settings.task,
        settings=EvaluationSettings(metrics=settings.metrics),
    )
    findings += list(result.errors.values())
    for made in (inputs, predictions, truths):
        shutil.rmtree(made, ignore_errors=True)
    return result.rows, findings


def _refuse_nothing(condition: Condition, predictions: Path, findings: Sequence[str]) -> None:
    """A predictor that answers nothing at all even on the input as it is isn't set up, rather than weak."""
    if condition == CLEAN and not any(predictions.glob("*.nii*")):
        raise ImageError(
            "the predictor gave no prediction for the input as it is",
            found=findings[0] if findings else "an empty folder",
            expected="<case>_pred.nii.gz in the output folder",
        )


def _identity(study: Study, predictor: Predictor, settings: RobustnessSettings) -> dict[str, object]:
    """What figures depend on; those of another identity must not be mixed with these."""
    data = hashlib.sha256()
    _add_file(data, study.input_dir / PROMPTS_FILE)
    if settings.cohort_csv is not None:
        _add_file(data, settings.cohort_csv)
    for case in study.cases:
        for path in (*case.files.values(), case.truth):
            _add_file(data, path)
    return {
        "predictor": predictor.identity,
        "data": data.hexdigest(),
        "seed": settings.seed,
        "task": settings.task,
        "metrics": list(settings.metrics),
        "definition": DEFINITION,
    }


def _add_file(data: hashlib._Hash, path: Path) -> None:
    if path.is_dir():
        path = path / "cohort.csv"
    data.update(path.name.encode("utf-8", "surrogatepass"))
    try:
        with path.open("rb") as file:
            data.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise ImageError(f"{path}: can't be read", found=error.strerror or str(error)) from None


def _claim(folder: Path, identity: Mapping[str, object], overwrite: bool) -> None:
    """Makes the folder of conditions, or takes that of the same study.

    Raises:
        OutputError: it is another study's, or can't be written to.
    """
    path = folder / "study.json"
    if overwrite and path.is_file():
        shutil.rmtree(folder, ignore_errors=True)
    if path.is_file():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            before = {}
        changed = [name for name, value in identity.items() if before.get(name) != value]
        if changed:
            raise OutputError(
                f"{folder.parent}: holds figures of another study",
                found=f"another {', '.join(changed)}",
                mend="name another folder, or --overwrite measures anew",
            )
        return
    write_text(path, json.dumps(identity, indent=2) + "\n")
