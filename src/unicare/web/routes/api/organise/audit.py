"""The audit log: to be read and taken away, never to be changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Response
from fastapi.responses import StreamingResponse

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.audit import (
    AuditFacts,
    AuditsFacts,
    AuditWanted,
    audit_csv,
    audit_jsonl,
    every_entry,
    list_audit,
)
from unicare.web.routes.api.organise.asked import PageNumber
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = ["WantedOf", "audit", "router", "wanted_of"]

router = api_part("organise", "/organise")

_PRINTABLE = r"^[^\x00-\x1f]*$"


def wanted_of(
    actor: Annotated[
        str,
        Query(
            description="Number of a person, or part of the name or address.",
            max_length=200,
            pattern=_PRINTABLE,
        ),
    ] = "",
    subject: Annotated[
        str, Query(description="Such as team or team:7.", max_length=100, pattern=_PRINTABLE)
    ] = "",
    action: Annotated[
        str, Query(description="Such as team or team.founded.", max_length=60, pattern=_PRINTABLE)
    ] = "",
    day: Annotated[
        date | None, Query(description="Of UTC.", ge=date(2000, 1, 1), le=date(2999, 12, 31))
    ] = None,
) -> AuditWanted:
    """Which lines are asked for."""
    return AuditWanted(actor=actor.strip(), subject=subject.strip(), action=action.strip(), day=day)


WantedOf = Annotated[AuditWanted, Depends(wanted_of)]


@router.get("/audit", responses=problems(401, 403, 422))
def audit(site: SiteOf, asker: OrganiserOf, wanted: WantedOf, page: PageNumber = 1) -> AuditsFacts:
    """Who did what, newest first."""
    with site.database.reading() as session:
        return list_audit(session, wanted, page)


@router.get(
    "/audit.csv",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems(401, 403, 422),
    },
    response_class=Response,
)
def as_csv(site: SiteOf, asker: OrganiserOf, now: Now, wanted: WantedOf) -> StreamingResponse:
    """The same as a CSV, oldest first and all of it."""
    return _file(site, wanted, audit_csv, "text/csv; charset=utf-8", f"audit-{now:%Y-%m-%d}.csv")


@router.get(
    "/audit.jsonl",
    responses={
        200: {"content": {"application/jsonl": {"schema": {"type": "string"}}}},
        **problems(401, 403, 422),
    },
    response_class=Response,
)
def as_jsonl(site: SiteOf, asker: OrganiserOf, now: Now, wanted: WantedOf) -> StreamingResponse:
    """The same as JSON, an object a line."""
    return _file(site, wanted, audit_jsonl, "application/jsonl", f"audit-{now:%Y-%m-%d}.jsonl")


def _file(
    site: Site,
    wanted: AuditWanted,
    lines: Callable[[Iterable[AuditFacts]], Iterator[str]],
    media_type: str,
    name: str,
) -> StreamingResponse:
    def pieces() -> Iterator[bytes]:
        with site.database.reading() as session:
            part = bytearray()
            for line in lines(every_entry(session, wanted)):
                part += line.encode()
                if len(part) > 2**16:
                    yield bytes(part)
                    part.clear()
            yield bytes(part)

    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces(), media_type=media_type, headers=headers)
