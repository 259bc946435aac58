"""Pages for whoever asks: who is logged in, forms with their tokens, and what became of the last form."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from pydantic import ValidationError

from unicare.core.errors import UnicareError
from unicare.web.deps import SiteOf, SomebodyOf
from unicare.web.pages.notices import NOTICES
from unicare.web.routes.refused import Told, told_of
from unicare.web.security.csrf import CSRF_FIELD, csrf_token
from unicare.web.security.headers import SCRIPTED_PAGE_POLICY

__all__ = ["View", "ViewOf"]


class View:
    """Makes the pages of one request.

    Args:
        request: that they answer.
        site: whose pages they are.
        asker: who asks.
    """

    def __init__(self, request: Request, site: SiteOf, asker: SomebodyOf) -> None:
        self._request = request
        self._site = site
        self.asker = asker

    def page(
        self, template: str, here: str, *, status: int = 200, scripts: bool = False, **values: Any
    ) -> HTMLResponse:
        """A page.

        Args:
            template: name of a file in ``templates``, without its suffix.
            here: the address in the bar of pages that it belongs to.
            status: of the answer.
            scripts: whether it has any; browsers run none on other pages.
            values: what the template shows; ``error`` is a ``Told``, ``given`` what was written in the form.
        """
        keeper = Response()

        @cache
        def token() -> str:  # one for all forms of a page: a browser without the cookie gets one cookie
            return csrf_token(self._request, keeper, self._site.settings, self.asker.session)

        def csrf() -> Markup:
            return Markup('<input type="hidden" name="{}" value="{}">').format(CSRF_FIELD, token())

        shared: dict[str, Any] = {
            "here": here,
            "person": self.asker.person,
            "csrf": csrf,
            "csrf_value": token,
            "notice": NOTICES.get(self._request.query_params.get("done", "")),
            "error": None,
            "given": {},
        }
        html = self._site.pages.render(template, **{**shared, **values})
        response = HTMLResponse(html, status)
        if scripts:
            response.headers["Content-Security-Policy"] = SCRIPTED_PAGE_POLICY
        for cookie in keeper.headers.getlist("set-cookie"):
            response.headers.append("set-cookie", cookie)
        if self.asker.person is not None:
            response.headers["Cache-Control"] = "no-store"
        error = values.get("error")
        if isinstance(error, Told) and error.wait_s is not None:
            response.headers["Retry-After"] = str(error.wait_s)
        return response

    def go(self, address: str, done: str = "") -> RedirectResponse:
        """To another page, which says what was done.

        Args:
            address: of this site.
            done: one of ``NOTICES``.
        """
        assert done == "" or done in NOTICES
        join = "&" if "?" in address else "?"
        return RedirectResponse(address + (f"{join}{urlencode({'done': done})}" if done else ""), 303)

    def form(
        self, act: Callable[[], object], done: Callable[[], Response], again: Callable[[Told], Response]
    ) -> Response:
        """Does what a form asks for; if that is refused, the page comes once more, with the reason.

        Args:
            act: calls the API's function.
            done: the answer if that went well.
            again: the page with the form.
        """
        try:
            act()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            return again(Told(422, f"{field}: {first['msg']}.", "invalid", field))
        except UnicareError as error:
            told = told_of(error)
            if told is None:
                raise
            return again(told)
        return done()


ViewOf = Annotated[View, Depends(View)]
