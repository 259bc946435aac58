"""Asking a site: errors in one sentence, patience where it asks for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2

from unicare import __version__
from unicare.core.errors import SettingsError, UnicareError

__all__ = ["SiteConnection", "SiteError"]

_API = "/api/v1"
_PASSING = frozenset({408, 425, 429, 502, 503, 504})
_LONGEST_PAUSE_S = 30.0
_TIMEOUT = httpx2.Timeout(60.0, connect=15.0)


class SiteError(UnicareError):
    """A site that doesn't do what it was asked for.

    Attributes:
        status: of HTTP; 0 where it didn't answer.
        reason: a word for programs; empty if the status says it all.
        length: of an upload, where to go on; None if that isn't the matter.
        wait_s: after which the site wants to be asked again; None if it doesn't say.
    """

    def __init__(
        self,
        what: str,
        status: int = 0,
        reason: str = "",
        length: int | None = None,
        wait_s: float | None = None,
        *,
        found: object = None,
        expected: object = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(what, found=found, expected=expected, mend=mend)
        self.status = status
        self.reason = reason
        self.length = length
        self.wait_s = wait_s

    @property
    def passing(self) -> bool:
        """Whether the same may work a little later."""
        return self.status == 0 or self.status in _PASSING


class SiteConnection:
    """One site, asked by one person.

    Args:
        site: its address, such as https://challenge.example.org.
        token: of the API; empty for what everybody may ask.
        patience_s: for how long trouble that may pass is waited out.
        sleep: waits.
        transport: for tests.

    Raises:
        SettingsError: the address can't be one.
    """

    def __init__(
        self,
        site: str,
        token: str = "",
        *,
        patience_s: float = 300.0,
        sleep: Callable[[float], None] = time.sleep,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self.site = _checked(site)
        self.token = token
        self.patience_s = patience_s
        self.sleep = sleep
        headers = {"User-Agent": f"unicare/{__version__}", "Accept": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {_plain(token)}"
        # No redirects: a token goes to the address that was given, and to no other.
        self._client = httpx2.Client(
            base_url=self.site + _API, headers=headers, timeout=_TIMEOUT, transport=transport
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, **params: str | int) -> Any:
        """The answer to a question, asked again while the trouble may pass."""
        return self.patiently(lambda: self.once("GET", path, params=params))

    def text(self, path: str, **params: str | int) -> str:
        """The same, where the answer is a file's text."""
        text: str = self.patiently(lambda: self._answer("GET", path, params=params).text)
        return text

    def once(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        content: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """Asks once.

        Args:
            method: of HTTP.
            path: below ``/api/v1/``.
            json: to be sent.
            content: to be sent instead.
            headers: to be added.
            params: of the query.
            timeout_s: for the answer, if it may take longer than others.

        Raises:
            SiteError: it refuses, or doesn't answer.
        """
        answer = self._answer(
            method, path, json=json, content=content, headers=headers, params=params, timeout_s=timeout_s
        )
        try:
            return answer.json()
        except ValueError:
            raise SiteError(
                f"{self.site}: the answer isn't that of a unicare site",
                answer.status_code,
                found=answer.headers.get("Content-Type", "")[:100] or "no type",
                expected="JSON",
                mend="check the address",
            ) from None

    def patiently(self, act: Callable[[], Any]) -> Any:
        """Does something again while the trouble may pass; waits as long as the site asks for.

        Raises:
            SiteError: of the last try.
        """
        until, pause_s = time.monotonic() + self.patience_s, 1.0
        while True:
            try:
                return act()
            except SiteError as error:
                if not error.passing or time.monotonic() > until:
                    raise
                self.sleep(max(pause_s, error.wait_s or 0.0))
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _answer(
        self, method: str, path: str, *, timeout_s: float | None = None, **given: Any
    ) -> httpx2.Response:
        if timeout_s is not None:
            given["timeout"] = httpx2.Timeout(timeout_s, connect=15.0)
        try:
            answer = self._client.request(method, f"/{path}", **given)
        except httpx2.TimeoutException:
            raise SiteError(
                f"{self.site} doesn't answer in time", mend="try again, or check the network"
            ) from None
        except httpx2.HTTPError as error:
            raise SiteError(
                f"{self.site} can't be reached",
                found=str(error) or type(error).__name__,
                mend="check the address and the network",
            ) from None
        if answer.is_success:
            return answer
        raise _refusal(self.site, answer)


def _refusal(site: str, answer: httpx2.Response) -> SiteError:
    status = answer.status_code
    if answer.is_redirect:
        place = answer.headers.get("Location", "")[:200]
        return SiteError(
            f"{site} is elsewhere", status, found=place, mend="give that address, if you trust it"
        )
    try:
        problem = answer.json()
        detail, reason, length = problem["detail"], problem.get("reason", ""), problem.get("length")
    except (ValueError, KeyError, TypeError, AttributeError):
        return SiteError(
            f"{site} refuses", status, wait_s=_wait(answer), found=f"{status} {answer.reason_phrase}".strip()
        )
    mend = (
        "make a token on your account's page; give it by UNICARE_TOKEN or --token" if status == 401 else None
    )
    told = str(detail).removesuffix(".") if mend else str(detail)
    return SiteError(told, status, str(reason), length, _wait(answer), mend=mend)


def _wait(answer: httpx2.Response) -> float | None:
    try:
        return min(3600.0, max(0.0, float(answer.headers["Retry-After"])))
    except (KeyError, ValueError):
        return None


def _checked(site: str) -> str:
    try:
        parts = urlsplit(site.strip())
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or parts.username or parts.query or parts.path not in ("", "/"):
        raise SettingsError(
            "the site's address can't be one",
            found=site[:200] or "nothing",
            expected="https://host",
            mend="give it by --site or UNICARE_SITE",
        )
    return f"{parts.scheme}://{parts.netloc}"


def _plain(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise SettingsError(
            "the token can't be one", expected="what the account's page showed", mend="copy it again"
        )
    return token
