"""Cookies as the site sets them: unseen by scripts, kept to the site, and to TLS where there is TLS."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from unicare.web.settings import SiteSettings

__all__ = ["cookie_name", "delete_cookie", "read_cookie", "set_cookie"]


def cookie_name(settings: SiteSettings, name: str) -> str:
    """The name that browsers know it by; with TLS they hold that no other host and no plain HTTP set it."""
    return f"__Host-unicare_{name}" if settings.secure else f"unicare_{name}"


def set_cookie(
    response: Response, settings: SiteSettings, name: str, value: str, max_age_s: int | None = None
) -> None:
    """Sets a cookie, until the browser is closed if no age is given."""
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=max_age_s,
        path="/",
        secure=settings.secure,
        httponly=True,
        samesite="lax",
    )


def delete_cookie(response: Response, settings: SiteSettings, name: str) -> None:
    """Has the browser forget a cookie."""
    response.delete_cookie(
        cookie_name(settings, name), path="/", secure=settings.secure, httponly=True, samesite="lax"
    )


def read_cookie(request: Request, settings: SiteSettings, name: str) -> str:
    """The value that the browser sent; empty if none."""
    return request.cookies.get(cookie_name(settings, name), "")
