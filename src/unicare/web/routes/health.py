"""Whether the site is well, for those who look after the machine."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from unicare.web.database import Database
from unicare.web.deps import SiteOf
from unicare.web.instruments import METRICS_TYPE

__all__ = ["Health", "router"]

router = APIRouter()

_LOG = structlog.get_logger(__name__)


class Health(BaseModel):
    """How the site is.

    Attributes:
        status: ``ok`` if it can do its work.
        database: whether it answers.
    """

    status: Literal["ok", "failing"]
    database: Literal["ok", "failing"]


@router.get("/healthz", include_in_schema=False)
def healthz(site: SiteOf, response: Response) -> Health:
    """200 if all is well, else 503."""
    database = _asked(site.database)
    response.headers["Cache-Control"] = "no-store"
    if database == "failing":
        response.status_code = 503
        return Health(status="failing", database="failing")
    return Health(status="ok", database=database)


def _asked(database: Database) -> Literal["ok", "failing"]:
    try:
        with database.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError as error:
        _LOG.warning("the database doesn't answer", error=type(error).__name__)
        return "failing"
    return "ok"


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request, site: SiteOf) -> Response:
    """What Prometheus asks for, from this machine or its own network only."""
    if not _near(request.client.host if request.client is not None else ""):
        raise HTTPException(404)
    return Response(site.instruments.text(), media_type=METRICS_TYPE, headers={"Cache-Control": "no-store"})


def _near(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return bool(mapped.is_loopback or mapped.is_private)
