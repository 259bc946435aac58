"""Files around a ranking: run times in, ranking.csv and ranking.json out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from unicare import __version__
from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.standings import BoardResult, Estimate, RankEstimate, Standing, TableResult
from unicare.evaluate.rows import WHOLE_CASE, Row, write_text

__all__ = ["CSV_FILE", "JSON_FILE", "read_run_times", "with_run_times", "write_ranking"]

CSV_FILE = "ranking.csv"
JSON_FILE = "ranking.json"

_COLUMNS = (
    *("table", "team", "column", "value", "low", "high", "rank", "rank_low", "rank_high"),
    *("decides", "groups", "missing"),
)


def read_run_times(path: Path) -> dict[str, float]:
    """Case to seconds, from the ``run.json`` of ``unicare predict`` or a CSV with the columns case, seconds.

    Raises:
        SettingsError: the file can't be read, or says nothing of any case.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        times = _from_json(text) if path.suffix.lower() == ".json" else _from_csv(text)
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise SettingsError(
            f"{path}: no run times",
            found=f"{type(error).__name__}: {error}",
            expected="run.json of unicare predict, or a CSV with the columns case and seconds",
        ) from None
    if not times:
        raise SettingsError(f"{path}: no case was timed", mend="predict anew, into an empty folder")
    return times


def _from_json(text: str) -> dict[str, float]:
    cases = json.loads(text)["cases"]
    return {str(one["case"]): float(one["seconds"]) for one in cases if one.get("status", "done") == "done"}


def _from_csv(text: str) -> dict[str, float]:
    return {line["case"]: float(line["seconds"]) for line in csv.DictReader(text.splitlines())}


def with_run_times(rows: Sequence[Row], seconds: dict[str, float]) -> tuple[Row, ...]:
    """The rows, and one more with the run time of every case that they score."""
    known = {row.case: row for row in rows}
    timed = (
        Row(case, row.centre, row.distribution, None, WHOLE_CASE, "run_time_s", seconds[case], "measured")
        for case, row in known.items()
        if case in seconds
    )
    return (*rows, *timed)


def write_ranking(result: BoardResult, folder: Path) -> tuple[Path, Path]:
    """Writes ranking.csv (one line a table, team and figure) and ranking.json (everything).

    Returns:
        Where they are.

    Raises:
        OutputError: the place can't be written to.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    tables = ((result.overall,) if result.overall is not None else ()) + result.tables
    for table in tables:
        writer.writerows(_lines(table))
    content = {"unicare": __version__, **result.as_dict()}
    csv_path, json_path = Path(folder) / CSV_FILE, Path(folder) / JSON_FILE
    write_text(csv_path, text.getvalue())
    write_text(json_path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return csv_path, json_path


def _lines(table: TableResult) -> Iterator[list[object]]:
    for row in table.rows:
        if table.score.name not in row.figures:
            yield _line(table, row, table.score.name, row.score, row.rank)
        for name, figure in row.figures.items():
            yield _line(table, row, name, figure, row.ranks[name])


def _line(
    table: TableResult, row: Standing, column: str, figure: Estimate, rank: RankEstimate
) -> list[object]:
    decides = column == table.score.name
    cells = (figure.value, figure.low, figure.high, rank.rank, rank.low, rank.high)
    return [
        table.name,
        row.team,
        column,
        *_blank(cells),
        "yes" if decides else "no",
        " ".join(row.groups) if decides else "",
        row.missing,
    ]


def _blank(cells: Iterable[float | None]) -> list[object]:
    return ["" if cell is None else cell for cell in cells]
