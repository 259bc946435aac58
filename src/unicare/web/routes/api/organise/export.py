"""All that the site knows, to take away."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import StreamingResponse

from unicare.web.database import record
from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.export import export_all
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["export", "router"]

router = api_part("organise", "/organise")


@router.get(
    "/export.zip",
    responses={
        200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}},
        **problems(401, 403),
    },
    response_class=Response,
)
def export(site: SiteOf, asker: OrganiserOf, now: Now) -> StreamingResponse:
    """People, teams, submissions, scores, rows of all cases, boards and the audit log in one archive."""
    site.database.transact(
        lambda session: record(
            session, "export.made", "site", now=now, actor_id=asker.id, address=asker.origin.address
        )
    )
    pieces = export_all(*(site.database, site.working.storage, site.boards, site.challenge.title, now))
    name = f"{site.challenge.name}-{now:%Y-%m-%d}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="application/zip", headers=headers)
