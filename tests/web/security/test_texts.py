"""Whatever people write is shown as text: every field of every form is filled, then all pages are seen."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from tests.browsers import NEEDS_CHROMIUM, open_chromium
from tests.web.security.cast import Cast, Who
from tests.web.served import served

from unicare.web.deps import SESSION_COOKIE
from unicare.web.security.cookies import cookie_name

SCRIPT = '"><img src=x onerror=alert(2)><script>alert(1)</script>'
WRITTEN = (
    "{{7919*7907}}${7919*7907}#{7919*7907}",
    "javascript:alert(3)",
    "'-alert(4)-'",
    "\u202egpj.exe",
    "a\x00b",
    "a\r\nSet-Cookie: a=b",
    "[x](javascript:alert(5)) <b onmouseover=alert(6)>",
    "x" * 100_000,
    SCRIPT,
)
"""The last one stays, wherever only one text does."""
RECKONED = str(7919 * 7907)  # longer than the digits of any time, which may be whatever they are
FILLED = ("visitor", "teamless", "captain", "organiser")
LOOKING = ("visitor", "teamless", "captain", "other", "organiser")


@dataclass
class Form:
    """A form of a page."""

    action: str
    method: str
    fixed: dict[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)


class _Page(HTMLParser):
    """Its links and forms."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get"))
            self.forms.append(self._form)
        if self._form is None or not given.get("name"):
            return
        kind = given.get("type", "text")
        if tag == "textarea" or (tag == "input" and kind in ("text", "search", "email", "url")):
            self._form.texts.append(given["name"])
        elif tag == "input":
            self._form.fixed[given["name"]] = given.get("value", "") or "yes"

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None


def kind_of(address: str) -> str:
    """The sort of page that an address is: many of one sort tell nothing new."""
    parts = urlsplit(address)
    asked = ",".join(sorted(part.partition("=")[0] for part in parts.query.split("&")))
    return re.sub(r"\d+", "N", parts.path) + "?" + asked


def own_links(page: str, found: list[str]) -> Iterator[str]:
    """Addresses of further pages of the site."""
    for one in found:
        address = urljoin(page, one)
        parts = urlsplit(address)
        if parts.netloc == urlsplit(page).netloc and not parts.path.startswith(("/api/", "/assets/")):
            yield address.partition("#")[0]


def crawl(cast: Cast, who: Who, most_of_a_kind: int = 2) -> dict[str, _Page]:
    """The pages that somebody comes to, by following links."""
    start = "http://127.0.0.1:8000/"
    waiting, seen, found = [start], {start}, {}
    kinds: dict[str, int] = {}
    while waiting:
        address = waiting.pop(0)
        answer = cast.ask(who, "GET", address)
        assert answer.status_code < 500, address
        if not answer.headers.get("Content-Type", "").startswith("text/html"):
            continue
        found[address] = _Page(answer.text)
        for link in own_links(address, found[address].links):
            kind = kind_of(link)
            if link not in seen and kinds.get(kind, 0) < most_of_a_kind:
                kinds[kind] = kinds.get(kind, 0) + 1
                seen.add(link)
                waiting.append(link)
    return found


def write_everywhere(cast: Cast, who: Who, kept: set[int]) -> int:
    """Fills all forms that somebody comes to; how many were taken. Those who are kept are left in peace."""
    done, taken = set(), 0
    for address, page in crawl(cast, who).items():
        for form in page.forms:
            action = urljoin(address, form.action)
            person = re.search(r"/organise/people/(\d+)/", action)
            if (action in done and "reason" not in form.texts) or not form.texts or form.method == "get":
                continue
            if person is not None and int(person[1]) in kept:
                continue
            done.add(action)
            for text in WRITTEN:
                data = {**form.fixed, **dict.fromkeys(form.texts, text)}
                data |= {name: "" for name in ("at", "zone") if name in data}  # when news are shown: now
                if "email" in form.texts:
                    data["email"] = f"{text[:40]}@x.test" if text != SCRIPT else '"<script>"@x.test'
                answer = cast.ask(who, "POST", action, data=data)
                assert answer.status_code < 500, (action, text[:60])
                assert "Set-Cookie: a=b" not in str(answer.headers)
                taken += answer.status_code in (200, 202, 303)
    return taken


def write_by_api(cast: Cast) -> None:
    """What no form asks for: names of files, of cases in archives, of people."""
    captain, new = cast.roles["captain"], cast.roles["visitor"]
    version = cast.hearts.site.rules.agreement_version
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(f"{SCRIPT.replace('/', '')}_pred.nii.gz", b"x")
    data = packed.getvalue()
    for text in WRITTEN:
        body = {
            "email": "somebody@x.test",
            "name": text,
            "affiliation": text,
            "password": "seven green lanterns",
            "agreement_version": version,
        }
        assert cast.ask(new, "POST", "/api/v1/registrations", json=body).status_code < 500
        whole = {"task": "whs", "phase": "validation", "total_bytes": len(data), "name": text, "note": text}
        answer = cast.ask(captain, "POST", "/api/v1/submissions", json=whole)
        assert answer.status_code < 500
        if answer.status_code != 201:
            continue
        upload = f"/api/v1/submissions/{answer.json()['id']}/upload"
        headers = {"Upload-Offset": "0"}
        assert cast.ask(captain, "PATCH", upload, content=data, headers=headers).status_code == 200
        assert cast.ask(captain, "POST", f"{upload}/end").status_code == 200
    cast.hearts.work()


@pytest.fixture
def written(cast: Cast) -> Cast:
    """The site, full of it."""
    kept = {cast.roles[name].id for name in LOOKING}
    write_by_api(cast)
    taken = {name: write_everywhere(cast, cast.roles[name], kept) for name in FILLED}
    assert taken["captain"] >= 8, taken
    assert taken["organiser"] >= 8, taken
    return cast


@pytest.fixture
def address(cast: Cast) -> Iterator[str]:
    """The same site, for browsers."""
    with served(cast.app) as found:
        yield found


@NEEDS_CHROMIUM
def test_no_text_of_anybody_does_anything_in_a_browser(written: Cast, address: str) -> None:
    cookie = cookie_name(written.hearts.site.settings, SESSION_COOKIE)
    shown: dict[str, int] = {}
    with open_chromium() as browser:
        for name in LOOKING:
            who = written.roles[name]
            context = browser.new_context()
            if who.cookie:
                context.add_cookies([{"name": cookie, "value": who.cookie, "url": address}])
            said: list[str] = []
            tab = context.new_page()
            tab.on("console", lambda message, said=said: said.append(f"{message.type}: {message.text}"))
            tab.on("pageerror", lambda error, said=said: said.append(str(error)))
            tab.on("dialog", lambda dialog, said=said: said.append(f"dialog {dialog.message}"))
            shown[name] = _look_at_all(tab, address, said)
            context.close()
    assert shown["captain"] >= 3, shown
    assert shown["organiser"] >= 8, shown
    assert shown["visitor"] >= 1, shown


def _look_at_all(tab: Any, start: str, said: list[str]) -> int:
    """Opens every sort of page; on how many of them the texts stand, as texts."""
    waiting, kinds, with_texts = [f"{start}/"], set(), 0
    while waiting:
        here = waiting.pop(0)
        answer = tab.goto(here)
        html = answer.text() if "html" in (answer.headers.get("content-type") or "") else ""
        assert SCRIPT not in html, here
        assert RECKONED not in re.sub(r"[0-9a-f]{12,}", "", html), here
        assert tab.locator("img[src='x']").count() == 0, here
        assert tab.locator("script:not([src])").count() == 0, here
        assert tab.locator("[onerror], [onmouseover], a[href^='javascript:']").count() == 0, here
        refused = [one for one in said if not re.search(r"status of 40[34]", one)]
        assert refused == [], here
        with_texts += "&lt;script&gt;alert(1)" in html
        for link in own_links(here, tab.eval_on_selector_all("a[href]", "all => all.map(one => one.href)")):
            if kind_of(link) not in kinds and not link.endswith((".zip", ".csv", ".jsonl")):
                kinds.add(kind_of(link))
                waiting.append(link)
    return with_texts
