"""Boards that are taken away."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

from tests.web.boards.made import MadeScores
from tests.web.sites import AFTER_RELEASE, DURING, made_challenge

from unicare.web.boards import Boards
from unicare.web.boards.export import board_bibtex, board_csv
from unicare.web.boards.facts import BoardFacts


def made_board(folder: Path, name: str, now: datetime, **given: str) -> BoardFacts:
    return Boards(made_challenge(folder), MadeScores()).show(name, now, **given)  # type: ignore[arg-type]


def test_the_csv_has_every_figure_once(tmp_path: Path) -> None:
    board = made_board(tmp_path, "open", DURING)
    lines = list(csv.DictReader(io.StringIO(board_csv(board), newline="")))
    places = [(line["table"], line["team"], line["column"]) for line in lines]
    assert len(places) == len(set(places)) == 2 * (4 + 1) * 2
    north = next(line for line in lines if line["team"] == "North" and line["column"] == "dice")
    row = board.tables[0].rows[0]
    assert float(north["value"]) == row.figures["dice"].value
    assert float(north["low"]) == row.figures["dice"].low
    assert (north["rank"], north["decides"], north["groups"]) == ("1", "yes", " ".join(row.groups))
    assert [line["rank"] for line in lines if line["baseline"] == "yes"] == [""] * 4


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    board = made_board(tmp_path, "hidden", AFTER_RELEASE, edition="year-two")
    rows = list(csv.reader(io.StringIO(board_csv(board), newline="")))
    assert any("'=Alpha" in row for row in rows)
    assert not any(cell.startswith(("=", "@", "+")) for row in rows for cell in row)


def test_a_citation_survives_whatever_a_title_is_made_of(tmp_path: Path) -> None:
    board = made_board(tmp_path, "open", DURING).model_copy(update={"title": "50% of {x}_y\\ & $z"})
    now = datetime(2026, 1, 2, tzinfo=UTC)
    text = board_bibtex(board, "A\nB", "", "https://example.org/{a}", now)
    assert text.startswith("@misc{a-b-open-current,\n")
    assert r"50\% of \{x\}\_y\textbackslash{} \& \$z" in text
    assert r"howpublished = {\url{https://example.org/a}}" in text
    assert "author = {{A B}}" in text
    assert "accessed 2026-01-02" in text


def test_a_citation_gives_no_year_that_nobody_knows(tmp_path: Path) -> None:
    board = made_board(tmp_path, "hidden", AFTER_RELEASE, edition="year-two")
    undated = board.model_copy(update={"edition": board.edition.model_copy(update={"published": None})})
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert "year = {2024}" in board_bibtex(board, "C", "O", "https://x", now)
    assert "year" not in board_bibtex(undated, "C", "O", "https://x", now).replace("year-two", "")
