"""Cells of CSV files that people open in spreadsheets."""

from __future__ import annotations

import pytest

from unicare.web.sheets import sheet_cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("https://example.org")', "-", "="]
)
def test_what_a_spreadsheet_would_calculate_is_text(text: str) -> None:
    assert sheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "Red", "a=b", "Red-2", "'quoted'", -1.5, 0, True])
def test_everything_else_is_as_it_was(value: object) -> None:
    assert sheet_cell(value) is value


def test_nothing_is_blank() -> None:
    assert sheet_cell(None) == ""
