"""Errors as people and programs read them; none says more than whoever asked needs."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unicare.core.errors import UnicareError
from unicare.web.accounts.door import Origin
from unicare.web.deps import asker_of
from unicare.web.routes.pages.view import View
from unicare.web.routes.quiet import quiet
from unicare.web.routes.refused import Told, told_of
from unicare.web.security.next_page import safe_next
from unicare.web.site import Site

__all__ = ["API", "PROBLEM_TYPE", "Failures", "Problem", "Refusal", "handle_errors", "problems", "wants_json"]

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
        reason: one word for programs; empty if the status says it all.
        field: of what was sent, which is wrong; empty if none in particular.
        length: of an upload, where to go on; null if that isn't the matter.
    """

    title: str
    status: int
    detail: str
    request_id: str
    reason: str = ""
    field: str = ""
    length: int | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The ``responses`` of a route that may fail so; every one may be asked too often or by a void token."""
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM_TYPE: {"schema": schema}},
        }
        for status in sorted({*statuses, 400, 401, 429})
    }


class Refusal:
    """Makes the answer to a request that can't be fulfilled.

    Args:
        site: whose pages it looks like.
    """

    def __init__(self, site: Site) -> None:
        self.site = site

    def __call__(
        self, scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """JSON for programs, a page for people."""
        return self.told(scope, Told(status, detail), headers)

    def told(
        self,
        scope: Scope,
        told: Told,
        headers: Mapping[str, str] | None = None,
        view: View | None = None,
    ) -> Response:
        """The same with what programs are told besides.

        Args:
            scope: of the request.
            told: what is answered.
            headers: to be added.
            view: of whoever asks, where that is known: their page keeps its menu.
        """
        title = HTTPStatus(told.status).phrase
        request_id = str(scope.get("state", {}).get("request_id", ""))
        headers = {**(headers or {}), **({} if told.wait_s is None else {"Retry-After": str(told.wait_s)})}
        if wants_json(scope):
            problem = Problem(
                title=title,
                status=told.status,
                detail=told.detail,
                request_id=request_id,
                reason=told.reason,
                field=told.field,
                length=told.length,
            )
            return JSONResponse(problem.model_dump(), told.status, headers, PROBLEM_TYPE)
        if told.status == 401 and scope["method"] in ("GET", "HEAD"):
            return _log_in_first(scope)
        values: dict[str, Any] = {
            "title": title,
            "detail": told.detail,
            "request_id": request_id,
            "code": told.status,
        }
        if view is not None:
            page = view.page("problem", "", status=told.status, **values)
            page.headers.update(headers)
            return page
        text = self.site.pages.render("problem", **values, here="", person=None, notice=None)
        return HTMLResponse(text, told.status, headers)


def _log_in_first(scope: Scope) -> Response:
    """To the log-in, and from there to what was asked for, whose address may have a token in it."""
    query = scope["query_string"].decode("latin-1")
    whole = safe_next(f"{scope['path']}?{query}") if query else ""
    answer = RedirectResponse(f"/log-in?{urlencode({'next': whole or scope['path']})}", 303)
    return quiet(answer)


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

    async def answer(request: Request, told: Told, headers: Mapping[str, str] | None = None) -> Response:
        return refuse.told(request.scope, told, headers, await _view_of(request, refuse.site, told.status))

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        bare = error.detail == HTTPStatus(error.status_code).phrase
        detail = _TOLD.get(error.status_code, error.detail) if bare else error.detail
        return await answer(request, Told(error.status_code, detail), error.headers)

    async def unreadable(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return await answer(request, Told(422, _told(error)))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, UnicareError)
        told = told_of(error)
        if told is None:
            raise error
        if told.status >= 500:
            _LOG.error("request couldn't be fulfilled", error=type(error).__name__, text=str(error)[:500])
        return await answer(request, told)

    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(UnicareError, refused)
    app.add_exception_handler(RequestValidationError, unreadable)


async def _view_of(request: Request, site: Site, status: int) -> View | None:
    """The view of somebody who is logged in; None for visitors, programs, and a site in trouble."""
    if status >= 500 or status == 401 or wants_json(request.scope):
        return None
    try:
        asker = await asker_of(request, site, Origin("", ""))
    except Exception:  # an error's page is shown whatever else goes wrong
        return None
    return None if asker.person is None else View(request, site, asker)


def _told(error: RequestValidationError) -> str:
    """What is wrong with each part; not what was sent, which may be a password."""
    parts = [
        f"{'.'.join(str(part) for part in one['loc'][1:]) or one['loc'][0]}: {one['msg']}"
        for one in error.errors()[:_MOST_TOLD]
    ]
    return "; ".join(parts)[:2000]


def wants_json(scope: Scope) -> bool:
    """Whether it is a program that asks."""
    if scope["path"].startswith(API):
        return True
    accept = Headers(scope=scope).get("accept", "")
    return "json" in accept and "text/html" not in accept
