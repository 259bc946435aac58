"""What ``unicare serve`` says when it starts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from unicare.cli.screen import results, show
from unicare.evaluate.findings import name_some

if TYPE_CHECKING:
    from unicare.web.challenge import Challenge
    from unicare.web.database import Database
    from unicare.web.upkeep import Machine

__all__ = ["tell_what_runs"]

_MAIL = {
    "smtp": "sent by SMTP",
    "log": "shown here, not sent; UNICARE_SMTP_URL sends it",
    "kept": "kept, not sent: set UNICARE_SMTP_URL, or nobody can confirm an address",
}


def tell_what_runs(machine: Machine, challenge: Challenge, database: Database, as_json: bool) -> None:
    """Says what runs, for whoever started it; as JSON, if that is wanted."""
    from unicare.web.accounts.organisers import count_organisers
    from unicare.web.challenge import PhaseState, lacking_reference
    from unicare.web.database import utc_now

    settings = machine.settings
    with database.reading() as session:
        organisers = count_organisers(session)
    phases = [one for one in challenge.phases if one.state(utc_now()) is PhaseState.OPEN]
    mail = "smtp" if settings.smtp_url is not None else "log" if settings.local else "kept"
    facts: dict[str, Any] = {
        "title": challenge.title,
        "url": settings.base_url,
        "data": str(settings.data_dir),
        "open_phases": [one.name for one in phases],
        "challenge": str(challenge.folder),
        "lacking_reference": lacking_reference(challenge),
        "workers": settings.workers,
        "takes_containers": machine.takes_containers,
        "container_engine": machine.engine,
        "no_container_engine": machine.no_engine,
        "mail": mail,
        "organisers": organisers,
    }
    if as_json:
        show(facts, "", as_json)
        sys.stdout.flush()
        return
    _draw(facts, [one.title or one.name for one in phases])


def _draw(facts: dict[str, Any], phases: list[str]) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    console = results()
    head = Text.assemble((facts["title"], "bold"), "\n", (facts["url"], "cyan underline"))
    table = Table.grid(padding=(0, 3, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("open now", ", ".join(phases) or "no phase")
    if facts["lacking_reference"]:
        table.add_row("reference", _reference(facts))
    table.add_row("workers", _workers(facts["workers"]))
    if facts["takes_containers"]:
        table.add_row("containers", _containers(facts))
    table.add_row("mail", _MAIL[facts["mail"]])
    table.add_row("data", facts["data"])
    console.print(Padding(head, (1, 2, 1, 2)))
    console.print(Padding(table, (0, 2, 1, 2)))
    if facts["organisers"] == 0:
        make = f"unicare site organiser YOU@EXAMPLE.ORG --data {facts['data']}"
        console.print(
            Padding(Text.assemble(("Nobody is organiser yet. Make one:\n", "yellow"), make), (0, 2, 1, 2))
        )
    console.print(Padding(Text("Ctrl-C ends it.", style="dim"), (0, 2, 1, 2)))


def _reference(facts: dict[str, Any]) -> str:
    places = (
        f"{place} ({', '.join(parts)})" if parts else place
        for place, parts in facts["lacking_reference"].items()
    )
    return f"missing for {name_some(places)}; unicare challenge check {facts['challenge']} says more"


def _workers(count: int) -> str:
    if count == 0:
        return "none here; unicare site worker runs one"
    return f"{count}, kept by this process"


def _containers(facts: dict[str, Any]) -> str:
    if facts["container_engine"]:
        return f"run here, by {facts['container_engine']}"
    if facts["no_container_engine"]:
        return f"wait for a worker that runs them; here: {facts['no_container_engine']}"
    return "wait for a worker that runs them"
