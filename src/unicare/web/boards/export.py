"""Boards to take away: a CSV of all figures, and a citation."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime

from unicare.web.boards.facts import BoardFacts, ColumnFacts, FigureFacts, RowFacts, TableFacts
from unicare.web.sheets import sheet_cell

__all__ = ["board_bibtex", "board_csv"]

_COLUMNS = (
    *("board", "edition", "table", "topic", "distribution", "team", "baseline", "column", "value", "low"),
    *("high", "rank", "rank_low", "rank_high", "decides", "groups", "missing"),
)
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def board_csv(board: BoardFacts) -> str:
    """One line for each table, team and figure.

    Texts that a spreadsheet would take for a formula begin with an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for table in (*((board.overall,) if board.overall is not None else ()), *board.tables):
        for row in (*table.rows, *table.baselines):
            for column, figure in _figures(table, row):
                writer.writerow([sheet_cell(cell) for cell in _line(board, table, row, column, figure)])
    return text.getvalue()


def _figures(table: TableFacts, row: RowFacts) -> Iterator[tuple[ColumnFacts, FigureFacts]]:
    if table.score.name not in row.figures:
        yield table.score, row.score
    for column in table.columns:
        yield column, row.figures[column.name]


def _line(
    board: BoardFacts, table: TableFacts, row: RowFacts, column: ColumnFacts, figure: FigureFacts
) -> tuple[object, ...]:
    decides = column.name == table.score.name
    return (
        board.name,
        board.edition.name,
        table.name,
        table.topic,
        table.distribution,
        row.team,
        "yes" if row.rank is None else "no",
        column.name,
        figure.value,
        figure.low,
        figure.high,
        row.rank if decides else figure.rank,
        row.rank_low if decides else None,
        row.rank_high if decides else None,
        "yes" if decides else "no",
        " ".join(row.groups) if decides else "",
        row.missing,
    )


def board_bibtex(board: BoardFacts, challenge: str, organisers: str, address: str, now: datetime) -> str:
    """A citation of the board as it stands.

    Args:
        board: what is cited.
        challenge: its title.
        organisers: who stands for it; the challenge's title if nobody is named.
        address: of the board's page.
        now: when it was looked at.
    """
    url = board.edition.source or address
    key = re.sub(r"[^a-z0-9]+", "-", f"{challenge}-{board.name}-{board.edition.name}".lower()).strip("-")
    year = board.edition.published or (board.as_of or now if board.edition.own else None)
    title = f"{challenge}: {board.title}" if board.title != challenge else challenge
    title += "" if board.edition.own or board.edition.title == board.title else f" ({board.edition.title})"
    fields = {
        "author": f"{{{{{_tex(organisers or challenge)}}}}}",
        "title": f"{{{{{_tex(title)}}}}}",
        **({"year": f"{{{year.year}}}"} if year is not None else {}),
        "howpublished": rf"{{\url{{{_url(url)}}}}}",
        "note": f"{{Leaderboard, accessed {now:%Y-%m-%d}}}",
    }
    lines = ",\n".join(f"  {name} = {value}" for name, value in fields.items())
    return f"@misc{{{key},\n{lines}\n}}\n"


def _tex(text: str) -> str:
    return "".join(_TEX.get(character, character) for character in " ".join(text.split()))


def _url(url: str) -> str:
    return re.sub(r"[\s{}\\]", "", url)
