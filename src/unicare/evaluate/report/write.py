"""One HTML file that opens anywhere, offline: figures, charts, and the slices that tell the story."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unicare import __version__
from unicare.core.errors import UnicareError
from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.data.layouts.flat import list_cases
from unicare.data.nifti import load_labels, load_volume
from unicare.evaluate.report.charts import strip_chart
from unicare.evaluate.files import find_prediction, find_truths
from unicare.evaluate.report.overlay import Overlay, draw_overlay
from unicare.evaluate.rows import ERROR, Mean, Row, summarise, write_text
from unicare.evaluate.score import check_same_grid
from unicare.evaluate.report.slices import SliceScore, best_median_worst, score_slices
from unicare.evaluate.terminal import worst_first
from unicare.metrics.rules import DEFINITION
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts

__all__ = ["write_report"]

_IMAGE_ORDER = ("LGE", "T2", "bSSFP")
_log = logging.getLogger("unicare")


@dataclass(frozen=True)
class Sources:
    """Where a report's pictures come from."""

    predictions_dir: Path
    truths: Mapping[str, Path]
    images: Mapping[str, Mapping[str, Path]]
    prompts: Mapping[str, CasePrompts]


@dataclass(frozen=True)
class Picture:
    """A slice of a structure with its caption."""

    word: str
    score: SliceScore
    overlay: Overlay
    prompted: bool

    @property
    def alt(self) -> str:
        """The picture in words."""
        return (
            f"{self.word} slice: case {self.score.case}, slice {self.score.index}, "
            f"Dice {self.score.dice:.3f}; "
            f"outlines of truth and prediction{' and the prompt' if self.prompted else ''} on the image"
        )


@dataclass(frozen=True)
class Section:
    """Everything about one structure."""

    name: str
    label: int
    means: Mapping[str, Mean]
    worst: Row
    unmeasured: int
    dice_chart: str
    distance_chart: str
    pictures: tuple[Picture, ...]


def write_report(
    out_html: str | os.PathLike[str],
    *,
    predictions_dir: str | os.PathLike[str],
    truth_dir: str | os.PathLike[str],
    rows: Sequence[Row],
    images: str | os.PathLike[str] | None = None,
    prompts_json: str | os.PathLike[str] | None = None,
    title: str = "Segmentation report",
) -> Path:
    """Writes the report of an evaluation.

    Args:
        out_html: the file to write; nothing else is needed to open it.
        predictions_dir: as for ``evaluate``; facts of ``run.json`` there are shown if it exists.
        truth_dir: as for ``evaluate``.
        rows: of ``evaluate``, or of ``read_rows(metrics.csv)``.
        images: folder that holds ``images/`` in the container's layout; None leaves outlines alone.
        prompts_json: prompts to be drawn; None draws none.
        title: headline.

    Returns:
        The path written.

    Raises:
        UnicareError: a folder or prompts.json can't be read at all; single bad cases are left out and logged.
        OutputError: the place can't be written to.
    """
    sources = Sources(
        Path(predictions_dir),
        find_truths(Path(truth_dir)),
        {} if images is None else list_cases(Path(images), find_truths(Path(truth_dir))),
        {} if prompts_json is None else read_prompts(prompts_json).cases,
    )
    measured = [row for row in rows if row.label is not None]
    sections = _sections(measured, sources)
    html = _template().render(
        title=title,
        facts=_facts(sources.predictions_dir, rows),
        sections=sections,
        cases=_case_table(measured),
        errors=[(row.case, row.rule) for row in rows if row.metric == ERROR],
        missing=_missing(sources),
        has_hollow=any(row.distribution.upper() == "OOD" for row in measured),
        has_negative=any(p.overlay.negative_points for section in sections for p in section.pictures),
        version=__version__,
        definition=DEFINITION,
    )
    write_text(Path(out_html), html)
    return Path(out_html)


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("unicare.evaluate.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html")


def _facts(predictions_dir: Path, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """What the header says about the run: name and value."""
    facts = [("Cases", str(len({row.case for row in rows})))]
    centres = sorted({row.centre for row in rows if row.centre})
    if centres:
        facts.append(("Centres", str(len(centres))))
    run = _run_manifest(predictions_dir)
    for name, keys in {
        "Model version": ("version", "unicare"),
        "Weights": ("weights_sha256", "weights", "sha256"),
        "Device": ("device",),
        "Predicted": ("finished", "started", "time"),
    }.items():
        value = next((run[key] for key in keys if isinstance(run.get(key), str)), None)
        if value:
            facts.append((name, value[:12] if name == "Weights" and len(value) >= 40 else value))
    seconds = [case["seconds"] for case in _run_cases(run) if isinstance(case.get("seconds"), int | float)]
    if seconds:
        facts.append(("Seconds a case", f"{np.median(seconds):.1f} (median)"))
    return facts


def _run_manifest(predictions_dir: Path) -> dict[str, Any]:
    try:
        run = json.loads((predictions_dir / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return run if isinstance(run, dict) else {}


def _run_cases(run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    cases = run.get("cases", [])
    for case in cases.values() if isinstance(cases, dict) else cases:
        if isinstance(case, dict):
            yield case


def _missing(sources: Sources) -> list[str]:
    return [
        case
        for case, truth in sources.truths.items()
        if find_prediction(sources.predictions_dir, case, truth) is None
    ]


def _sections(rows: Sequence[Row], sources: Sources) -> list[Section]:
    scores = _all_slice_scores(rows, sources)
    means: dict[tuple[int, str], dict[str, Mean]] = {}
    for mean in summarise(sorted(rows, key=lambda row: row.label or 0)):
        means.setdefault((mean.label, mean.structure), {})[mean.metric] = mean
    return [_section(key, means[key], rows, scores, sources) for key in means]


def _section(
    key: tuple[int, str],
    means: Mapping[str, Mean],
    rows: Sequence[Row],
    scores: Mapping[tuple[str, int], Sequence[SliceScore]],
    sources: Sources,
) -> Section:
    label, name = key
    dice = [r for r in rows if (r.label, r.structure, r.metric) == (label, name, "dice")]
    distance = [r for r in rows if (r.label, r.structure, r.metric) == (label, name, "hausdorff_mm")]
    chosen = best_median_worst(score for row in dice for score in scores.get((row.case, label), ()))
    measured = [row for row in distance if row.rule == "measured"]
    centres = sorted({row.centre for row in dice}, key=lambda centre: (not centre, centre))
    pictures = (_picture(word, score, sources) for word, score in chosen)
    return Section(
        name=name,
        label=label,
        means=means,
        worst=min(dice, key=lambda row: row.value or 0.0),
        unmeasured=sum(row.rule != "measured" for row in dice),
        dice_chart=strip_chart(dice, centres, "Dice", (-0.02, 1.02)),
        distance_chart=strip_chart(measured, centres, "Hausdorff distance (mm)", None),
        pictures=tuple(picture for picture in pictures if picture is not None),
    )


def _all_slice_scores(rows: Sequence[Row], sources: Sources) -> dict[tuple[str, int], Sequence[SliceScore]]:
    """(case, label) to the Dice of every slice; cases without a prediction would only show their truth."""
    labels: dict[str, set[int]] = {}
    missing = frozenset(_missing(sources))
    for row in rows:
        if row.label is not None and row.case not in missing:
            labels.setdefault(row.case, set()).add(row.label)
    scores: dict[tuple[str, int], Sequence[SliceScore]] = {}
    for case, wanted in labels.items():
        try:
            truth, prediction = _load_pair(case, sources)
        except (UnicareError, KeyError) as error:
            _log.warning("case %s is left out of the report's pictures: %s", case, error)
            continue
        prompts = _fitted(case, truth, sources)
        axis = _slice_axis(truth) if prompts is None else prompts.slice_axis
        for label in wanted:
            scores[case, label] = score_slices(case, truth.data, prediction, label, axis)
    return scores


def _slice_axis(truth: Volume) -> int:
    return 2 if truth.acquisition_axis is None else truth.acquisition_axis


def _load_pair(case: str, sources: Sources) -> tuple[Volume, Any]:
    """Truth, and prediction on its grid (zeros if there is none)."""
    truth_path = sources.truths[case]
    truth = load_labels(truth_path)
    path = find_prediction(sources.predictions_dir, case, truth_path)
    if path is None:
        return truth, np.zeros_like(truth.data)
    prediction = load_labels(path)
    check_same_grid(truth_path, truth, path, prediction)
    return truth, prediction.data


def _fitted(case: str, truth: Volume, sources: Sources) -> CasePrompts | None:
    prompts = sources.prompts.get(case)
    if prompts is None:
        return None
    try:
        return fit_to_volume(prompts, truth)
    except UnicareError as error:
        _log.warning("case %s: its prompts aren't drawn: %s", case, error)
        return None


def _picture(word: str, score: SliceScore, sources: Sources) -> Picture | None:
    truth, prediction = _load_pair(score.case, sources)
    prompts = _fitted(score.case, truth, sources)
    prompt = prompts.of(score.label).get(score.index) if prompts is not None else None
    image = _image_on_grid(sources.images.get(score.case, {}), truth)
    overlay = draw_overlay(image, truth, prediction, score.label, score.slice_axis, score.index, prompt)
    return Picture(word, score, overlay, prompted=prompt is not None)


def _image_on_grid(files: Mapping[str, Path], truth: Volume) -> Volume | None:
    """The first sequence that lies on the truth's grid: LGE, T2, bSSFP, then the others."""
    order = sorted(files, key=lambda n: _IMAGE_ORDER.index(n) if n in _IMAGE_ORDER else len(_IMAGE_ORDER))
    for name in order:
        try:
            image = load_volume(files[name])
            check_same_grid(Path(), truth, files[name], image)
        except UnicareError:
            continue
        return image
    return None


def _case_table(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every case and structure, worst first."""
    return [
        {
            "case": dice.case,
            "centre": dice.centre,
            "structure": dice.structure,
            "dice": dice.value,
            "distance": distance.value,
            "rule": "" if dice.rule == "measured" else dice.rule.replace("_", " "),
        }
        for dice, distance in worst_first(rows)
    ]
