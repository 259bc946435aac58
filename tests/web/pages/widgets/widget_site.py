"""A site with nothing but the widgets' pages, and an API for uploads that can be made to fail."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from tests.web.served import served

from unicare.web.pages.render import Pages
from unicare.web.security.headers import SCRIPTED_PAGE_POLICY, SecurityHeaders

CHUNK_BYTES = 64 * 1024
CSRF = "the-token"
LABELS = (
    SimpleNamespace(value=500, structure="left ventricle"),
    SimpleNamespace(value=600, structure="right <b>ventricle</b>"),
)

_PAGE = """{% import "widgets.html" as widgets with context %}<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>A page</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="{{ address_of['site.css'] }}">
<link rel="icon" href="{{ address_of['icon.svg'] }}">{{ widgets.head() }}</head>
<body><main><h1>A page</h1>BODY</main>
{{ widgets.scripts(upload=true, viewer=true, live=true) }}</body></html>"""
_GIVEN = 'csrf="the-token", chunk_bytes=chunk, most_bytes=most, phase="validation"'
_UPLOAD = '{{ widgets.upload_form(kind, GIVEN, task="la") }}'.replace("GIVEN", _GIVEN)
_CHOICE = """{% call widgets.upload_form("predictions", GIVEN) %}<p class="field">
<label for="task">Task</label>
<select id="task" name="task"><option>la</option><option>wh</option></select></p>{% endcall %}
""".replace("GIVEN", _GIVEN)
_VIEWER = '{{ widgets.viewer("Case 1", "/files/image", labels, truth=truth, prediction=prediction) }}'


@dataclass
class Upload:
    """One submission as the API holds it."""

    about: dict[str, Any]
    content: bytearray = field(default_factory=bytearray)
    ended: bool = False


@dataclass
class WidgetSite:
    """What the site was told, and how it is to behave."""

    uploads: dict[int, Upload] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """One is taken off for every piece: ``cut``, ``lost``, ``503`` for a minute, ``413``, or empty."""
    asked: list[str] = field(default_factory=list)
    holds: Literal["", "POST", "PATCH"] = ""
    """Announcements are taken but not answered; pieces aren't taken."""
    under_way: int = 0
    """Requests that haven't been answered."""
    files: dict[str, bytes] = field(default_factory=dict)
    state: str = "At first"
    final: bool = False
    polls: int = 0
    address: str = ""


def _problem(status: int, detail: str) -> JSONResponse:
    return JSONResponse(
        {"title": "Refused", "status": status, "detail": detail},
        status,
        {"Retry-After": "60"} if status == 503 else None,
        media_type="application/problem+json",
    )


def _api(app: FastAPI, site: WidgetSite) -> None:
    @app.middleware("http")
    async def note(request: Request, call_next: Callable[..., Any]) -> Response:
        site.asked.append(f"{request.method} {request.url.path}")
        changes = request.method not in ("GET", "HEAD")
        if changes and request.headers.get("X-CSRF-Token") != CSRF:
            return _problem(403, "No token.")
        site.under_way += 1
        try:
            return await call_next(request)
        finally:
            site.under_way -= 1

    async def hold(method: str) -> None:
        while site.holds == method:
            await asyncio.sleep(0.01)

    @app.post("/api/v1/submissions")
    async def begin(request: Request) -> Response:
        about = await request.json()
        if about["name"] == "refused.zip":
            return _problem(409, "The phase is closed <since> yesterday.")
        number = len(site.uploads) + 1
        site.uploads[number] = Upload(about)
        await hold("POST")
        return JSONResponse({"id": number, "upload": {"length": 0, "chunk_bytes": CHUNK_BYTES}}, 201)

    @app.get("/api/v1/submissions/{number}/upload")
    async def length(number: int) -> Response:
        if number not in site.uploads:
            return _problem(404, "There is no such submission.")
        return JSONResponse({"length": len(site.uploads[number].content)})

    @app.patch("/api/v1/submissions/{number}/upload")
    async def piece(request: Request, number: int) -> Response:
        upload = site.uploads[number]
        fault = site.faults.pop(0) if site.faults else ""
        if fault.isdigit():
            return _problem(int(fault), f"Refused with {fault}.")
        if int(request.headers["Upload-Offset"]) != len(upload.content):
            return _problem(409, "The upload stands at another place.")
        await hold("PATCH")
        async for block in request.stream():
            upload.content += block
            if fault == "cut" and block:
                del upload.content[-len(block) // 2 :]
                raise ConnectionResetError
        if fault == "lost":
            raise ConnectionResetError
        return JSONResponse({"length": len(upload.content)})

    @app.post("/api/v1/submissions/{number}/upload/end")
    async def end(number: int) -> Response:
        site.uploads[number].ended = True
        return JSONResponse({"id": number})

    @app.delete("/api/v1/submissions/{number}")
    async def cancel(number: int) -> Response:
        site.uploads.pop(number, None)
        return Response(status_code=204)


def _pages(app: FastAPI, site: WidgetSite, pages: Pages) -> None:
    def page(body: str, **values: Any) -> HTMLResponse:
        template = pages._templates.from_string(_PAGE.replace("BODY", body))
        html = template.render({"chunk": CHUNK_BYTES, "most": 10**9, "labels": LABELS, **values})
        return HTMLResponse(html, headers={"Content-Security-Policy": SCRIPTED_PAGE_POLICY})

    @app.get("/upload/{kind}")
    def upload(kind: str) -> HTMLResponse:
        return page(_CHOICE if kind == "choice" else _UPLOAD, kind=kind)

    @app.get("/submissions/{number}")
    def submission(number: int) -> HTMLResponse:
        return page(f"<p>Submission {number}</p>")

    @app.get("/viewer")
    def viewer(truth: str = "/files/truth", prediction: str = "/files/prediction") -> HTMLResponse:
        return page(_VIEWER, truth=truth, prediction=prediction)

    @app.get("/live")
    def live() -> HTMLResponse:
        refreshed = '<p id="state" {{ widgets.refreshed("/state", 1) }}>{{ state }}</p>'
        return page(f'<div aria-live="polite">{refreshed}</div>', state=site.state)

    @app.get("/state")
    def state() -> HTMLResponse:
        site.polls += 1
        again = "" if site.final else 'hx-get="/state" hx-trigger="every 1s" hx-swap="outerHTML"'
        return HTMLResponse(f'<p id="state" {again}>{site.state}</p>')

    @app.get("/files/{name}")
    def volume(name: str) -> Response:
        if name not in site.files:
            return _problem(404, "There is no such file.")
        return Response(site.files[name], media_type="application/gzip")

    @app.get("/assets/{name}")
    def asset(request: Request, name: str) -> Response:
        content, headers = pages.assets[name].answer(request.headers.get("Accept-Encoding", ""))
        return Response(content, headers=headers)


@contextmanager
def serve_widgets() -> Iterator[WidgetSite]:
    """The site on a port of its own."""
    pages = Pages({})
    site, app = WidgetSite(), FastAPI(openapi_url=None)
    _api(app, site)
    _pages(app, site, pages)
    app.add_middleware(SecurityHeaders, secure=False)
    with served(app) as site.address:
        try:
            yield site
        finally:
            site.holds = ""
