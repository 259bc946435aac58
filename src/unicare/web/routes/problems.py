"""Errors as people and programs read them; none says more than whoever asked needs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unicare.web.deps import Site

__all__ = ["API", "PROBLEM_TYPE", "Failures", "Problem", "Refusal", "handle_errors", "problems"]

API = "/api/"
PROBLEM_TYPE = "application/problem+json"

_LOG = structlog.get_logger(__name__)
_TOLD = {
    404: "There is nothing at this address.",
    405: "That can’t be done at this address.",
    500: "Something went wrong here. It is written down; try again later.",
    503: "The site can’t do this just now. Try again later.",
}
_MOST_TOLD = 10


class Problem(BaseModel):
    """An error, as in RFC 9457.

    Attributes:
        title: the status in words.
        status: of HTTP.
        detail: what is wrong, and what to do.
        request_id: by which organisers find it in their log.
    """

    title: str
    status: int
    detail: str
    request_id: str


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may fail so; every one may be asked too often."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_TYPE: {"schema": schema}},
        }
        for status in sorted({*statuses, 400, 429})
    }


class Refusal:
    """Makes the answer to a request that can't be fulfilled.

    Args:
        site: whose pages it looks like.
    """

    def __init__(self, site: Site) -> None:
        self._site = site

    def __call__(
        self, scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """JSON for programs, a page for people."""
        title = HTTPStatus(status).phrase
        request_id = str(scope.get("state", {}).get("request_id", ""))
        if _wants_json(scope):
            problem = Problem(title=title, status=status, detail=detail, request_id=request_id)
            return JSONResponse(problem.model_dump(), status, headers, PROBLEM_TYPE)
        text = self._site.pages.render(
            "problem", status=status, title=title, detail=detail, request_id=request_id, here=""
        )
        return HTMLResponse(text, status, headers)


class Failures:
    """Answers 500 where the site fails, and writes down why.

    Args:
        app: what answers.
        refuse: makes the answer.
    """

    def __init__(self, app: ASGIApp, refuse: Refusal) -> None:
        self.app = app
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        begun = False

        async def send_noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, send_noted)
        except Exception:
            if scope["type"] != "http":
                raise
            _LOG.exception("request failed")
            if begun:
                raise  # half an answer is out; the server cuts it off
            await self.refuse(scope, 500, _TOLD[500])(scope, receive, send)


def handle_errors(app: FastAPI, refuse: Refusal) -> None:
    """Has an application answer all errors in this way."""

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        bare = error.detail == HTTPStatus(error.status_code).phrase
        detail = _TOLD.get(error.status_code, error.detail) if bare else error.detail
        return refuse(request.scope, error.status_code, detail, error.headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return refuse(request.scope, 422, _told(error))

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(RequestValidationError, unreadable)


def _told(error: RequestValidationError) -> str:
    """What is wrong with each part; not what was sent, which may be a password."""
    parts = [
        f"{'.'.join(str(part) for part in one['loc'][1:]) or one['loc'][0]}: {one['msg']}"
        for one in error.errors()[:_MOST_TOLD]
    ]
    return "; ".join(parts)[:2000]


def _wants_json(scope: Scope) -> bool:
    if scope["path"].startswith(API):
        return True
    accept = Headers(scope=scope).get("accept", "")
    return "json" in accept and "text/html" not in accept
