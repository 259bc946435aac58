"""``unicare rank``: teams' evaluations, put in order by a board."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.evaluations import named_paths, read_evaluations
from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Overwrite, Seed, Verbose
from unicare.cli.screen import results, show, table, waiting
from unicare.core.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from unicare.evaluate.ranking.boards import Board
    from unicare.evaluate.ranking.standings import BoardResult

__all__ = ["rank"]


BoardName = Annotated[
    str | None, typer.Argument(help="A board of --list, or the path of your own YAML file.")
]
Evaluations = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME=EVALUATION...",
        help="Team and its metrics.csv, metrics.parquet or their folder; a team with several tasks is "
        "given once for each.",
    ),
]
Patients = Annotated[
    Path | None,
    typer.Option(help="Manifest with each case's task, centre, distribution, patient and subgroups."),
]
Published = Annotated[
    Path | None, typer.Option(help="CSV of published means instead of evaluations; no intervals then.")
]
RunTimes = Annotated[
    list[str] | None,
    typer.Option(
        "--run-times",
        metavar="NAME=FILE",
        help="A team's run.json, or a CSV with the columns case and seconds; may be repeated.",
    ),
]
SortBy = Annotated[str | None, typer.Option(help="The figure that ranks, where the board lets you choose.")]
Bootstrap = Annotated[int, typer.Option(min=0, help="Bootstrap samples; 0 leaves intervals out.")]
Out = Annotated[Path | None, typer.Option(help="Folder for ranking.csv and ranking.json.")]
ListBoards = Annotated[bool, typer.Option("--list", help="List the boards that come with unicare.")]


@told_plainly
def rank(
    board: BoardName = None,
    evaluations: Evaluations = None,
    cohort: Patients = None,
    published: Published = None,
    run_times: RunTimes = None,
    sort: SortBy = None,
    bootstrap: Bootstrap = 1000,
    seed: Seed = 0,
    out: Out = None,
    list_boards: ListBoards = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Put teams in order by a board, with intervals, and say which of them can't be told apart."""
    from unicare.evaluate.ranking.boards import load_board
    from unicare.evaluate.ranking.files import CSV_FILE, write_ranking
    from unicare.evaluate.ranking.terminal import print_board

    if list_boards:
        _list_boards(as_json)
        return
    if board is None:
        raise SettingsError("no board", expected="its name or file", mend="unicare rank --list shows them")
    chosen = load_board(board)
    if out is not None and (out / CSV_FILE).exists() and not overwrite:
        raise OutputError(f"{out / CSV_FILE} is there already", mend="--overwrite replaces it")
    if published is not None:
        result = _of_published(chosen, published, evaluations or (), sort)
    else:
        result = _of_evaluations(chosen, evaluations or (), run_times or (), cohort, sort, bootstrap, seed)
    if not as_json:
        print_board(result, results())
    written = [str(path) for path in write_ranking(result, out)] if out is not None else []
    if as_json or written:
        show({**result.as_dict(), "written": written}, f"the ranking is in {', '.join(written)}", as_json)


def _list_boards(as_json: bool) -> None:
    from unicare.evaluate.ranking.boards import board_names, load_board

    boards = [load_board(name) for name in board_names()]
    if as_json:
        show({"boards": [one.model_dump(mode="json") for one in boards]}, "", as_json)
    else:
        table(
            "Boards", ("name", "title", "how it ranks"), [(one.name, one.title, one.about) for one in boards]
        )


def _of_published(board: Board, path: Path, evaluations: Sequence[str], sort: str | None) -> BoardResult:
    from unicare.evaluate.ranking.published import rank_published, read_published

    if evaluations:
        raise SettingsError(
            "both --published and evaluations", found=", ".join(evaluations), expected="one of the two"
        )
    return rank_published(board, read_published(path), sort=sort)


def _of_evaluations(
    board: Board,
    evaluations: Sequence[str],
    run_times: Sequence[str],
    cohort: Path | None,
    sort: str | None,
    bootstrap: int,
    seed: int,
) -> BoardResult:
    from unicare.data.cohort import read_cohort
    from unicare.evaluate.ranking.files import read_run_times, with_run_times
    from unicare.evaluate.ranking.rank import rank_teams
    from unicare.evaluate.ranking.table import build_table

    teams = read_evaluations(evaluations)
    seconds: dict[str, dict[str, float]] = {}
    for name, path in named_paths(run_times, "NAME=FILE"):
        if name not in teams:
            raise SettingsError(f"--run-times {name}: no such team", expected=f"one of {', '.join(teams)}")
        seconds.setdefault(name, {}).update(read_run_times(path))
    for name, times in seconds.items():
        teams[name] = with_run_times(teams[name], times)
    manifest = read_cohort(cohort) if cohort is not None else []
    with waiting("ranking"):
        figures = build_table(teams, manifest)
        return rank_teams(board, figures, sort=sort, bootstrap=bootstrap, seed=seed)
