"""Requests for other hosts than the site's are turned away."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from unicare.web.security.refuse import Refuse
from unicare.web.settings import SiteSettings

__all__ = ["HostCheck", "site_hosts"]

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


def site_hosts(settings: SiteSettings) -> frozenset[str]:
    """The names by which people reach the site, in small letters and without ports."""
    own = urlsplit(settings.base_url).hostname or ""
    return frozenset({own.lower()}) | (_LOCAL if settings.local else frozenset())


class HostCheck:
    """Answers only requests that name the site as their host.

    Args:
        app: what answers.
        hosts: of ``site_hosts``.
        everywhere: paths that are answered whatever the host, for those who look after the machine.
        refuse: makes the answer to others.
    """

    def __init__(
        self, app: ASGIApp, hosts: frozenset[str], everywhere: frozenset[str], refuse: Refuse
    ) -> None:
        self.app = app
        self.hosts = hosts
        self.everywhere = everywhere
        self.refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["path"] in self.everywhere:
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("host")
        if len(given) == 1 and _name(given[0]) in self.hosts:
            await self.app(scope, receive, send)
        else:
            await self.refuse(scope, 400, "This site isn’t at that address.")(scope, receive, send)


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
