"""``unicare board``: a challenge's boards in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from unicare.cli.asking import SiteAddress, SiteToken, connect
from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import show, table

__all__ = ["board"]


@told_plainly
def board(
    name: Annotated[str | None, typer.Argument(help="Of a board; a list of all if not given.")] = None,
    edition: Annotated[str, typer.Option(help="One that was published before; see the list.")] = "",
    sort: Annotated[str, typer.Option(help="A column to rank by, where the board lets one choose.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Print all figures as CSV.")] = False,
    site: SiteAddress = None,
    token: SiteToken = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Show a board of a challenge's site. No token is needed."""
    with connect(site, token, needs_token=False) as opened:
        if name is None:
            boards = opened.get("boards")
            if as_json:
                show({"boards": boards}, "", True)
                return
            table("boards", ("name", "title", "state", "editions"), [
                (one["name"], one["title"], one["state"], ", ".join(e["name"] for e in one["editions"]))
                for one in boards
            ])  # fmt: skip
            return
        asked = {key: value for key, value in (("edition", edition), ("sort", sort)) if value}
        if as_csv:
            typer.echo(opened.text(f"boards/{name}/figures.csv", **asked).replace("\r\n", "\n"), nl=False)
            return
        found = opened.get(f"boards/{name}", **asked)
    if as_json:
        show(found, "", True)
        return
    _print(found)


def _print(found: Mapping[str, Any]) -> None:
    every = ([found["overall"]] if found["overall"] else []) + list(found["tables"])
    if not every:
        words = {"hidden": "its runs are hidden", "upcoming": "its phase hasn't begun"}
        typer.echo(f"{found['title']}: {words.get(found['state'], 'no run counts here yet')}")
    for one in every:
        score = one["score"]
        columns = [column for column in one["columns"] if column["name"] != score["name"]]
        heads = [_head(column) for column in (score, *columns)]
        rows = [_row(row, columns) for row in one["rows"]]
        rows += [_row(row, columns, baseline=True) for row in one["baselines"]]
        table(f"{found['title']}: {one['title']}", ("rank", "team", *heads), rows)


def _head(column: Mapping[str, Any]) -> str:
    return f"{column['title']} {column['unit']}".strip()


def _row(row: Mapping[str, Any], columns: list[dict[str, Any]], *, baseline: bool = False) -> tuple[str, ...]:
    rank = "–" if baseline else str(row["rank"])
    figures = [row["score"], *(row["figures"][column["name"]] for column in columns)]
    return (rank, row["team"] + (" (baseline)" if baseline else ""), *map(_figure, figures))


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{figure['value']:.4g}"
    return f"{figure['value']:.4g} ({figure['low']:.4g} to {figure['high']:.4g})"
