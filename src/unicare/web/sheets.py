"""Cells of CSV files that people open in spreadsheets."""

from __future__ import annotations

__all__ = ["sheet_cell"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def sheet_cell(value: object) -> object:
    """The value; blank for none, and with an apostrophe where a spreadsheet would take it for a formula."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
