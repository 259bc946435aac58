"""Images and prompts that teams make their predictions from."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from fastapi.responses import StreamingResponse

from unicare.web.accounts.people import Role, check_participant
from unicare.web.deps import KnownOf, Now, SiteOf
from unicare.web.hand_in.images import images_of, zip_stream
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["router"]

router = api_part("submissions")

_ZIP: dict[int | str, Any] = {
    200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
}

_Name = Annotated[str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]


@router.get(
    "/phases/{phase}/tasks/{task}/images.zip",
    responses={**_ZIP, **problems(401, 403, 404, 422)},
    response_class=StreamingResponse,
)
def images(site: SiteOf, asker: KnownOf, now: Now, phase: _Name, task: _Name) -> StreamingResponse:
    """Images and prompts.json of a task in a phase, for those who take part, where they are handed out."""
    if asker.person.role is not Role.ORGANISER:
        check_participant(asker.person)
    files = images_of(site.challenge, phase, task, now)
    headers = {
        "Content-Disposition": f'attachment; filename="{task}-{phase}.zip"',
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(zip_stream(files), media_type="application/zip", headers=headers)
