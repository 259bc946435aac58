"""``unicare robustness``: how figures change as images and prompts get worse."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import GOES_ON, told_plainly, when_stopped
from unicare.cli.options import (
    AsJson,
    CareTask,
    Cohort,
    Device,
    DeviceName,
    Overwrite,
    Seed,
    Truth,
    Verbose,
    Weights,
    Workers,
)
from unicare.cli.screen import case_bar, show, table
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    from unicare.evaluate.robustness.inputs import Levels
    from unicare.evaluate.robustness.predictors import Predictor
    from unicare.evaluate.robustness.results import RobustnessResult

__all__ = ["PredictorName", "robustness"]


class PredictorName(StrEnum):
    """What is measured, when it isn't a command."""

    unicare = "unicare"
    ellipse = "ellipse"


Input = Annotated[Path, typer.Argument(metavar="INPUT", help="Folder with images/ and prompts.json.")]
Out = Annotated[Path, typer.Option(help="Folder for curves and figures.")]
Kinds = Annotated[str, typer.Option(help="What gets worse, of missing,noise,jitter,points.")]
LevelsGiven = Annotated[
    list[str] | None, typer.Option(help="Other levels, as in noise=0,0.1,0.5; may be repeated.")
]
Metrics = Annotated[str, typer.Option(help="Figures that get curves.")]
Measured = Annotated[PredictorName, typer.Option(help="What is measured.")]
Command = Annotated[
    str | None,
    typer.Option(help="Measure this program instead: words with {input} and {output}, without a shell."),
]
Beside = Annotated[
    list[Path] | None,
    typer.Option(help="--out folder of another predictor, drawn in the same panels; may be repeated."),
]


@told_plainly
@when_stopped(GOES_ON)
def robustness(
    folder: Input,
    truth: Truth,
    out: Out = Path("robustness"),
    kinds: Kinds = "missing,noise,jitter,points",
    levels: LevelsGiven = None,
    metrics: Metrics = "dice,hausdorff_mm",
    predictor: Measured = PredictorName.unicare,
    command: Command = None,
    cohort: Cohort = None,
    task: CareTask = None,
    beside: Beside = None,
    weights: Weights = None,
    workers: Workers = 1,
    device: Device = DeviceName.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Measure curves over missing sequences, noise, moved prompts and numbers of points, and their areas."""
    from unicare.evaluate.robustness.page import write_page
    from unicare.evaluate.robustness.results import read_result
    from unicare.evaluate.robustness.run import RobustnessSettings, measure_robustness

    settings = RobustnessSettings(
        kinds=_words(kinds),
        levels=_levels(levels or []),
        metrics=_words(metrics),
        seed=seed,
        workers=workers,
        cohort_csv=cohort,
        task=task,
        overwrite=overwrite,
    )
    others = [read_result(place) for place in beside or []]
    measured = _predictor(predictor, command, weights, device, workers)
    with case_bar("measuring") as progress:
        result = measure_robustness(folder, truth, out, measured, settings, progress)
    everyone = _named([result, *others])
    page = write_page(
        out / "robustness.html",
        {name: one.curves for name, one in everyone.items()},
        {name: one.combinations for name, one in everyone.items()},
        title=f"Robustness of {' and '.join(everyone)}",
        note=f"{result.cases} cases, {result.conditions} conditions.",
        findings=[finding for one in everyone.values() for finding in one.findings],
    )
    if not as_json:
        _print_areas(result)
        if result.findings:
            table("worth knowing", ("what",), [(finding,) for finding in result.findings], to_stderr=True)
    show(result.as_dict(), f"curves are in {page}", as_json)


def _named(results: Sequence[RobustnessResult]) -> dict[str, RobustnessResult]:
    """Every result by its predictor's name, numbered where two have the same."""
    named: dict[str, RobustnessResult] = {}
    for result in results:
        same = sum(one.predictor == result.predictor for one in named.values())
        named[f"{result.predictor} {same + 1}" if same else result.predictor] = result
    return named


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _levels(given: list[str]) -> Levels:
    """``noise=0,0.1`` and the like in place of the usual levels."""
    from unicare.evaluate.robustness.curves import KINDS
    from unicare.evaluate.robustness.inputs import Levels

    changed: dict[str, tuple[float, ...]] = {}
    for text in given:
        kind, _, numbers = text.partition("=")
        try:
            changed[kind] = tuple(float(number) for number in numbers.split(","))
        except ValueError:
            changed[kind] = ()
        if kind not in KINDS or not changed[kind]:
            raise SettingsError(
                "--levels", found=text, expected=f"kind=level,level,… with a kind of {', '.join(KINDS)}"
            )
    return Levels(**changed)


def _predictor(
    name: PredictorName, command: str | None, weights: Path | None, device: DeviceName, workers: int
) -> Predictor:
    from unicare.evaluate.robustness.predictors import CommandPredictor, EllipsePredictor, UnicarePredictor

    if command is not None:
        if weights is not None or name is not PredictorName.unicare:
            raise SettingsError("--command stands alone", expected="no --weights or --predictor beside it")
        return CommandPredictor(command)
    if name is PredictorName.ellipse:
        return EllipsePredictor()
    return UnicarePredictor(weights, device.value, workers)


def _print_areas(result: RobustnessResult) -> None:
    from unicare.evaluate.robustness.chart import panel_title
    from unicare.evaluate.robustness.summary import ALL_STRUCTURES

    rows = [
        (
            curve.metric,
            panel_title(curve),
            f"{curve.points[0].mean:.3f}",
            f"{curve.points[-1].mean:.3f}",
            f"{curve.area.mean:.3f}",
            "" if curve.area.low is None else f"{curve.area.low:.3f} to {curve.area.high:.3f}",
            curve.area.n,
        )
        for curve in result.curves
        if curve.structure == ALL_STRUCTURES
    ]
    columns = ("metric", "what gets worse", "first level", "last level", "area", "95 % interval", "cases")
    table("Mean over structures", columns, rows)
