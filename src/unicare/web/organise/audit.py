"""Reading the audit log. Nothing here writes to it but ``unicare.web.database.record``."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from unicare.web.database.tables import AuditEntry, User
from unicare.web.facts.base import Facts
from unicare.web.organise.paging import PagingFacts, page_of
from unicare.web.sheets import sheet_cell

__all__ = [
    "THE_SITE",
    "AuditFacts",
    "AuditWanted",
    "AuditsFacts",
    "audit_csv",
    "audit_jsonl",
    "every_entry",
    "list_audit",
    "list_entries_of",
]

THE_SITE = "the site"
"""What pages call whoever did something without being logged in."""

_COLUMNS = ("id", "at", "action", "actor_id", "actor", "subject", "address", "details")
_ENTRIES_OF_ONE = 200


class AuditFacts(Facts):
    """A line of the audit log.

    Attributes:
        id: number, in the order of writing.
        at: when.
        action: what, as ``noun.verb``.
        actor_id: by whom; null for the site itself and for people who weren't logged in.
        actor: the person's name.
        subject: to what, as ``noun:id``.
        address: from where.
        details: whatever explains it.
    """

    id: int
    at: datetime
    action: str
    actor_id: int | None
    actor: str | None
    subject: str
    address: str
    details: dict[str, Any]


class AuditsFacts(Facts):
    """A page of the audit log.

    Attributes:
        entries: newest first.
        paging: which page this is.
    """

    entries: tuple[AuditFacts, ...]
    paging: PagingFacts


class AuditWanted(Facts):
    """Which lines of the audit log.

    Attributes:
        actor: number of a person, or part of the name or address, or ``the site``; everybody if empty.
        subject: its beginning, such as ``team:7`` or ``team``, also as pages write it, ``team 7``; anything
            if empty.
        action: its beginning, such as ``team`` or ``team.founded``, also as pages write it, ``team founded``;
            any if empty.
        day: of UTC; all if None.
    """

    actor: str = ""
    subject: str = ""
    action: str = ""
    day: date | None = None


def list_audit(session: Session, wanted: AuditWanted, page: int = 1) -> AuditsFacts:
    """A page of the audit log, newest first."""
    query, paging = page_of(session, _entries(wanted).order_by(AuditEntry.id.desc()), page)
    return AuditsFacts(entries=tuple(_facts(*row) for row in session.execute(query)), paging=paging)


def list_entries_of(session: Session, subjects: Sequence[str]) -> tuple[AuditFacts, ...]:
    """The newest lines about some things, at most 200."""
    query = _entries(AuditWanted()).where(AuditEntry.subject.in_(subjects))
    rows = session.execute(query.order_by(AuditEntry.id.desc()).limit(_ENTRIES_OF_ONE))
    return tuple(_facts(*row) for row in rows)


def every_entry(session: Session, wanted: AuditWanted | None = None) -> Iterator[AuditFacts]:
    """All lines, oldest first, fetched a few at a time."""
    query = _entries(wanted or AuditWanted()).order_by(AuditEntry.id)
    for row in session.execute(query.execution_options(yield_per=500)):
        yield _facts(*row)


def audit_csv(entries: Iterable[AuditFacts]) -> Iterator[str]:
    """Lines of a CSV; texts that a spreadsheet would take for a formula begin with an apostrophe."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for one in entries:
        values = one.model_dump()
        values.update(at=one.at.isoformat(), details=json.dumps(one.details, ensure_ascii=False))
        writer.writerow([sheet_cell(values[name]) for name in _COLUMNS])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()


def audit_jsonl(entries: Iterable[AuditFacts]) -> Iterator[str]:
    """One JSON object a line."""
    for one in entries:
        yield one.model_dump_json() + "\n"


def _entries(wanted: AuditWanted) -> Select[*tuple[Any, ...]]:
    query: Select[*tuple[Any, ...]] = select(AuditEntry, User.name)
    query = query.outerjoin(User, User.id == AuditEntry.actor_id)
    if wanted.actor.isdecimal() and len(wanted.actor) < 10:
        query = query.where(AuditEntry.actor_id == int(wanted.actor))
    elif wanted.actor.casefold() == THE_SITE:
        query = query.where(AuditEntry.actor_id.is_(None))
    elif wanted.actor:
        places = (User.name, User.email)
        found = [place.icontains(wanted.actor, autoescape=True) for place in places]
        query = query.where(found[0] | found[1])
    if wanted.subject:
        query = query.where(_begins(AuditEntry.subject, _subject(wanted.subject), ":"))
    if wanted.action:
        query = query.where(_begins(AuditEntry.action, _action(wanted.action), "."))
    if wanted.day is not None:
        start = datetime.combine(wanted.day, time(), UTC)
        query = query.where(AuditEntry.at >= start, AuditEntry.at < start + timedelta(days=1))
    return query


def _subject(written: str) -> str:
    """``team 7`` and ``person 7`` are how pages write ``team:7`` and ``user:7``."""
    noun, mark, name = written.partition(":" if ":" in written else " ")
    noun = noun.strip().lower()
    return f"{'user' if noun == 'person' else noun}{':' if mark else ''}{name.strip()}"


def _action(written: str) -> str:
    """``team member removed`` is how pages write ``team.member_removed``."""
    noun, mark, verb = written.lower().partition("." if "." in written else " ")
    return f"{noun}{'.' if mark else ''}{'_'.join(verb.split())}"


def _begins(column: Any, written: str, mark: str) -> Any:
    """``team`` means all teams; ``team:1`` doesn't mean ``team:12``."""
    whole = column == written
    return whole if mark in written else whole | column.startswith(written + mark, autoescape=True)


def _facts(entry: AuditEntry, actor: str | None) -> AuditFacts:
    return AuditFacts(
        id=entry.id,
        at=entry.at,
        action=entry.action,
        actor_id=entry.actor_id,
        actor=actor,
        subject=entry.subject,
        address=entry.address,
        details=entry.details,
    )
