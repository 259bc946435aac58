"""``unicare status``: how submissions stand, and what is left."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from unicare.cli.asking import SiteAddress, SiteToken, connect
from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import show, table
from unicare.cli.submit import end, follow_aloud

__all__ = ["status"]


@told_plainly
def status(
    number: Annotated[
        int | None, typer.Argument(min=1, help="Of a submission; all of your team if not given.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has a score, or failed.")] = False,
    site: SiteAddress = None,
    token: SiteToken = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say how your team's submissions stand, and what it has left; of one, what was found and its scores."""
    with connect(site, token) as opened:
        if number is not None:
            from unicare.web.client import follow

            facts = follow_aloud(opened, number, follow) if wait else opened.get(f"submissions/{number}")
            end(facts, "", as_json)
            return
        quotas, submissions = opened.get("quotas"), opened.get("submissions")
        ends = {} if as_json else {one["name"]: one["end"] for one in opened.get("phases")}
    if as_json:
        show({"quotas": quotas, "submissions": submissions}, "", True)
        return
    table("what your team has left", ("phase", "task", "state", "left", "under way", "open until"), [
        (one["phase"], one["task"], one["state"], f"{one['left']} of {one['quota']}",
         one["under_way"] + one["arriving"], _deadline(ends.get(one["phase"])) if one["closes"] else "always")
        for one in quotas
    ])  # fmt: skip
    if not submissions:
        typer.echo("nothing was handed in yet")
        return
    heads = ("id", "phase", "task", "state", "mean Dice", "handed in", "by", "note")
    table("submissions", heads, [_row(one) for one in submissions])


def _row(one: dict[str, Any]) -> tuple[object, ...]:
    place = f", place {one['place']}" if one["place"] else ""
    dice = "–" if one["headline"] is None else f"{one['headline']:.3f}"
    note = " ".join(one["note"].split())[:60]
    state = f"{one['state']}{place}"
    return (one["id"], one["phase"], one["task"], state, dice, _moment(one["created_at"]), one["by"], note)


def _deadline(written: str | None) -> str:
    """The last minute that counts, in the challenge's own time zone, as the site's pages have it."""
    if written is None:
        return "–"
    when = datetime.fromisoformat(written)
    zone = f"{when:%z}"
    return f"{when:%Y-%m-%d %H:%M} UTC" + (f"{zone[:3]}:{zone[3:]}" if when.utcoffset() else "")


def _moment(text: str) -> str:
    return f"{text[:16].replace('T', ' ')} UTC"
