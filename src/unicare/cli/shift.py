"""``unicare shift``: seen against unseen centres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.evaluations import read_evaluations
from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Seed, Verbose
from unicare.cli.screen import show, table
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    from unicare.evaluate.ranking.shift import CentreControl, DistributionGap
    from unicare.evaluate.ranking.standings import Estimate
    from unicare.evaluate.rows import Row

__all__ = ["shift"]


_ABOUT_GAPS = (
    "Gap: by how much OOD is worse. 95% intervals; none where every centre has one patient only. "
    "Centre, annotators and distribution go together; --without takes the first two out."
)
_ABOUT_CONTROLS = (
    "Gap: elsewhere against this centre, both without it. Shift: with against without, on the same cases. "
    "Difficulty: what is left of the gap. Positive is worse; 95% intervals."
)


@told_plainly
def shift(
    evaluations: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=EVALUATION...", help="Run and its metrics.csv, metrics.parquet or their folder."
        ),
    ],
    cohort: Annotated[
        Path | None, typer.Option(help="Manifest with each case's task, centre, distribution and patient.")
    ] = None,
    metric: Annotated[str, typer.Option(help="The figure that is compared.")] = "dice",
    centre: Annotated[
        str | None,
        typer.Option(help="With --without: the centre that one training had and the other hadn't."),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=EVALUATION", help="The same run trained without the centre; may be repeated."
        ),
    ] = None,
    bootstrap: Annotated[int, typer.Option(min=0, help="Bootstrap samples; 0 leaves intervals out.")] = 1000,
    seed: Seed = 0,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say how much worse runs are at unseen centres, and with --without why."""
    from unicare.data.cohort import read_cohort
    from unicare.evaluate.ranking.shift import centre_control, distribution_gaps
    from unicare.evaluate.ranking.table import build_table

    manifest = read_cohort(cohort) if cohort is not None else []
    runs = read_evaluations(evaluations)
    if centre is None and not without:
        gaps = distribution_gaps(build_table(runs, manifest), metric, bootstrap=bootstrap, seed=seed)
        if not as_json:
            _print_gaps(gaps)
        show({"gaps": [asdict(gap) for gap in gaps]}, _ABOUT_GAPS, as_json)
        return
    controls = {
        name: centre_control(
            runs[name], other, where, metric, cohort=manifest, bootstrap=bootstrap, seed=seed
        )
        for name, other, where in _pairs(runs, without or (), centre)
    }
    if not as_json:
        _print_controls(controls)
    show({"controls": {name: asdict(found) for name, found in controls.items()}}, _ABOUT_CONTROLS, as_json)


def _pairs(
    runs: Mapping[str, Sequence[Row]], without: Sequence[str], centre: str | None
) -> list[tuple[str, Sequence[Row], str]]:
    """Name, rows of the training without the centre, and the centre."""
    if centre is None or not without:
        raise SettingsError(
            "the control needs two trainings and the centre",
            expected="--centre NAME and --without NAME=EVALUATION together",
        )
    others = read_evaluations(without)
    for name in others:
        if name not in runs:
            raise SettingsError(f"--without {name}: no such run", expected=f"one of {', '.join(runs)}")
    return [(name, rows, centre) for name, rows in others.items()]


def _print_gaps(gaps: Sequence[DistributionGap]) -> None:
    rows = [
        (
            gap.task or "–",
            gap.team,
            f"{gap.id_cases}/{gap.ood_cases}",
            _told(gap.in_distribution),
            _told(gap.out_of_distribution),
            _told(gap.gap),
        )
        for gap in gaps
    ]
    table(f"{gaps[0].metric}, ID against OOD", ("task", "run", "cases", "ID", "OOD", "gap"), rows)


def _print_controls(controls: Mapping[str, CentreControl]) -> None:
    first = next(iter(controls.values()))
    rows = [
        (name, str(one.cases), _told(one.gap), _told(one.shift), _told(one.difficulty), f"{one.p_value:.3g}")
        for name, one in controls.items()
    ]
    columns = ("run", "cases", "gap", "shift", "difficulty", "p of the shift")
    table(f"{first.metric} at centre {first.centre}", columns, rows)


def _told(figure: Estimate) -> str:
    if figure.value is None:
        return "–"
    interval = "" if figure.low is None else f" ({figure.low:.3f} to {figure.high:.3f})"
    return f"{figure.value:.3f}{interval}"
