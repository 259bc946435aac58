"""Headers that every answer of the site has."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CONTENT_SECURITY_POLICY", "SCRIPTED_PAGE_POLICY", "SecurityHeaders"]

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",  # no script at all, nothing from elsewhere
        "style-src 'self'",
        "img-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
"""Of every answer that says nothing else."""

SCRIPTED_PAGE_POLICY = "; ".join(
    (
        CONTENT_SECURITY_POLICY,
        "script-src 'self'",  # files of the site: no script in a page's text, nothing made of strings
        "connect-src 'self'",  # fragments, uploads, volumes
    )
)
"""Of pages with scripts, those with the viewer of volumes among them.

NiiVue by itself asks for ``img-src data:`` (its letters, and a picture for shining surfaces); it is given the
letters as a file of the site, and no such surfaces. For NIfTI files, which the viewer fetches and unpacks by
itself, it needs neither workers, nor WebAssembly, nor anything made of strings.
"""

_ALWAYS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_YEAR_S = 31_536_000


class SecurityHeaders:
    """Adds the headers to every answer, errors included.

    Args:
        app: what answers.
        secure: whether people come by TLS; then browsers are told to come by nothing else.
    """

    def __init__(self, app: ASGIApp, secure: bool) -> None:
        self.app = app
        self.headers = dict(_ALWAYS)
        if secure:
            self.headers["Strict-Transport-Security"] = f"max-age={_YEAR_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        await self.app(scope, receive, send_with_headers)
