"""Curves of robustness of the shipped weights and of the ellipse, on virtual patients.

    python bench/robustness.py OUT [--weights FILE] [--workers 2] [--picture docs/images/robustness.png]

Simulates 8 MyoPS cases that have all three sequences (centres B, C, F) and 4 whole hearts (centres A, B, C/D
and F), draws prompts (seed 0, along the acquired slices), and runs `unicare robustness` on both with its own
levels. Prints the areas as a table in Markdown; OUT/<task>/<predictor>/robustness.html has the curves.
A run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import vl_convert
from speed import machine

from unicare.data.cohort import write_cohort
from unicare.data.phantom.simulate import CasePlan, plan_cohort, simulate_case
from unicare.evaluate.robustness import RobustnessResult, RobustnessSettings, measure_robustness
from unicare.evaluate.robustness.chart import panel_title, robustness_chart
from unicare.evaluate.robustness.page import write_page
from unicare.evaluate.robustness.predictors import EllipsePredictor, Predictor, UnicarePredictor
from unicare.prompts.simulate import simulate_folder

SEED = 11


def plans() -> list[CasePlan]:
    """The cases: of MyoPS those with three sequences, of whole hearts one from every test set."""
    myops = [plan for plan in plan_cohort("TFM4MedIA", 0.2, SEED, ["myops"]) if len(plan.row.sequences) == 3]
    return [*myops, *plan_cohort("TFM4MedIA", 1e-6, SEED, ["whs"], ["test"])]


def simulate(folder: Path) -> Path:
    """Makes the cohort, unless it is there."""
    chosen = plans()
    folder.mkdir(parents=True, exist_ok=True)
    write_cohort(folder, [plan.row for plan in chosen])
    for plan in chosen:
        if not plan.label_path(folder).is_file():
            simulate_case(plan, folder)
    return folder


def gather(cohort: Path, task: str, folder: Path) -> tuple[Path, Path]:
    """Input and truth of one task, as `unicare robustness` takes them."""
    inputs, truth = folder / "input", folder / "truth"
    for source, target in ((cohort / task / "images", inputs / "images"), (cohort / task / "labels", truth)):
        shutil.copytree(source, target, dirs_exist_ok=True)
    failed = simulate_folder(truth, inputs / "prompts.json", seed=0, slice_axis="acquisition")
    if failed:
        raise next(iter(failed.values()))
    return inputs, truth


def report(task: str, results: list[RobustnessResult]) -> None:
    """Prints the areas of Dice and distance, all structures, a line for each curve."""
    print(f"\n{task}, {results[0].cases} cases\n")
    print("| what gets worse | predictor | Dice, first → last level | area (95 % interval) | HD mm, area |")
    print("|---|---|---|---|---|")
    for result in results:
        curves = [curve for curve in result.curves if curve.structure == "all"]
        distances = {panel_title(curve): curve.area for curve in curves if curve.metric == "hausdorff_mm"}
        for curve in (curve for curve in curves if curve.metric == "dice"):
            area, far = curve.area, distances[panel_title(curve)]
            ends = f"{curve.points[0].mean:.3f} → {curve.points[-1].mean:.3f}"
            sure = f"{area.mean:.3f} ({area.low:.3f} to {area.high:.3f}, n={area.n})"
            print(f"| {panel_title(curve)} | {result.predictor} | {ends} | {sure} | {far.mean:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    print(machine())
    cohort = simulate(options.out / "cohort")
    predictors: list[Predictor] = [
        EllipsePredictor(),
        UnicarePredictor(options.weights, workers=options.workers),
    ]
    for task in ("myops", "whs"):
        inputs, truth = gather(cohort, task, options.out / task)
        settings = RobustnessSettings(cohort_csv=cohort, task=task, workers=options.workers)
        results = [
            measure_robustness(inputs, truth, options.out / task / predictor.name, predictor, settings)
            for predictor in predictors
        ]
        report(task, results)
        curves = {result.predictor: result.curves for result in reversed(results)}
        combinations = {result.predictor: result.combinations for result in reversed(results)}
        write_page(
            options.out / task / "robustness.html",
            curves,
            combinations,
            title=f"Robustness: {task}, virtual patients",
        )
        if task == "myops" and options.picture is not None:
            options.picture.write_bytes(
                vl_convert.vegalite_to_png(robustness_chart(curves).to_dict(), scale=1.2)
            )


if __name__ == "__main__":
    main()
