"""What every answer has, and what none has: policies, hosts, addresses elsewhere, files of the machine."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

import pytest
from tests.web.people import Somebody
from tests.web.security.cast import PASSWORD, Cast, Who, routes_of
from tests.web.security.requests_sent import address_of, sent_to

from unicare.web.security.headers import CONTENT_SECURITY_POLICY, SCRIPTED_PAGE_POLICY
from unicare.web.security.next_page import safe_next

PAGES = ("visitor", "teamless", "captain", "organiser")
SECRET = ("/invitation", "/confirm", "/reset", "/log-in", "/register")
"""Pages whose address may have a token in it."""
ELSEWHERE = (
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https://evil.example/",
    "https:evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "/%0d%0aSet-Cookie:a=b\r\nSet-Cookie: a=b",
    " //evil.example",
    "/ok\n//evil.example",
    "@evil.example",
    ".evil.example",
)
TRAVERSALS = (
    "../../../../../../etc/passwd",
    "..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "..%252f..%252f..%252fetc%252fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "%2fetc%2fpasswd",
    "%00",
    "one%00.png",
    "one%0d%0aSet-Cookie:%20a=b",
    "%c0%ae%c0%ae%c0%afetc%c0%afpasswd",
    "%ff%fe",
    "~root",
    "-1",
    "1e9",
    "99999999999999999999",
    "x" * 3000,
)


class _Parts(HTMLParser):
    """Notes what a strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = tag == "script"
        for name, value in attrs:
            if name.startswith("on") or name == "style":
                self.found.append(f"<{tag} {name}>")
            if name in ("href", "src", "action") and (value or "").lower().lstrip().startswith(
                ("javascript:", "data:", "//")
            ):
                self.found.append(f"<{tag} {name}={value!r}>")
        if tag == "script" and not (given.get("src") or "").startswith("/assets/"):
            self.found.append("<script> of its own")
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.found.append(f"<{tag}>")

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.found.append("script in the page")

    def handle_endtag(self, tag: str) -> None:
        self._script = False


def gets(cast: Cast) -> list[tuple[str, str]]:
    """Every route that only shows something, and its address."""
    return [
        (route, address_of(cast, route)[1])
        for route in sorted(routes_of(cast.app))
        if route.startswith("GET ")
    ]


@pytest.mark.parametrize("role", PAGES)
def test_every_answer_has_its_policies(cast: Cast, role: str) -> None:
    for route, address in [*gets(cast), ("GET nothing", "/nothing"), ("GET api", "/api/v1/nothing")]:
        answer = cast.ask(cast.roles[role], "GET", address)
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff", route
        assert headers["X-Frame-Options"] == "DENY", route
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin", route
        policy = headers["Content-Security-Policy"]
        assert policy in (CONTENT_SECURITY_POLICY, SCRIPTED_PAGE_POLICY), route
        assert headers["Referrer-Policy"] in ("no-referrer", "same-origin"), route
        if urlsplit(address).path in SECRET:
            assert headers["Referrer-Policy"] == "no-referrer", route
            assert headers["Cache-Control"] == "no-store", route
        if headers.get("Content-Type", "").startswith("text/html"):
            parts = _Parts()
            parts.feed(answer.text)
            assert parts.found == [], route
            assert ("<script" in answer.text) <= (policy == SCRIPTED_PAGE_POLICY), route
    for policy in (CONTENT_SECURITY_POLICY, SCRIPTED_PAGE_POLICY):
        assert "unsafe" not in policy
        assert "*" not in policy


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1:8000@evil.example", "127.0.0.1.evil.example", "", "a b"]
)
def test_another_host_gets_nothing(cast: Cast, host: str) -> None:
    for _, address in gets(cast):
        if address in ("/healthz", "/metrics"):
            continue  # for those who look after the machine
        answer = cast.ask(cast.roles["organiser"], "GET", address, headers={"Host": host})
        assert answer.status_code == 400, address
        assert "evil" not in answer.text


def test_no_proxys_header_changes_what_links_say(cast: Cast) -> None:
    said = {
        "X-Forwarded-Host": "evil.example",
        "X-Original-Host": "evil.example",
        "Forwarded": "host=evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Original-URL": "/organise",
        "X-Rewrite-URL": "/organise",
    }
    for role in ("visitor", "captain", "organiser"):
        for _, address in gets(cast):
            answer = cast.ask(cast.roles[role], "GET", address, headers=said)
            assert "evil.example" not in answer.text, address
            assert "evil.example" not in str(answer.headers), address
            assert "gopher" not in str(answer.headers), address


@pytest.mark.parametrize("written", ELSEWHERE)
def test_nobody_is_led_elsewhere_after_logging_in(cast: Cast, written: str) -> None:
    assert safe_next(written) == ""
    for role, page in (("captain", "/log-in"), ("captain", "/register")):
        answer = cast.ask(cast.roles[role], "GET", page, params={"next": written})
        assert answer.status_code == 303
        assert answer.headers["Location"] == "/account"
    visitor = Somebody(cast.app, "member@cast.test")
    page = visitor.page(f"/log-in?next={quote(written)}").text
    assert written not in page.replace(f"next={quote(written)}", "")
    answer = visitor.send("/log-in", email=visitor.email, password=PASSWORD, next_=written)
    assert answer.status_code == 303
    address = urlsplit(answer.headers["Location"])
    assert (address.scheme, address.netloc) == ("", "")
    assert address.path in ("/", "/team", "/account", "/submissions")
    assert "Set-Cookie: a" not in str(answer.headers)


def test_where_a_visitor_wanted_to_go_stays_on_the_site(cast: Cast) -> None:
    for path in ("//evil.example/account", "/account//evil.example", "/%2f%2fevil.example", "/submissions/1"):
        answer = cast.ask(cast.roles["visitor"], "GET", f"http://127.0.0.1:8000{path}")
        location = urlsplit(answer.headers.get("Location", ""))
        assert location.netloc == "", path
        assert answer.status_code in (303, 404), path


def test_no_part_of_an_address_opens_a_file_or_breaks_the_site(cast: Cast) -> None:
    who = cast.roles["organiser"], cast.roles["captain"]
    for route in sorted(routes_of(cast.app)):
        method, whole = address_of(cast, route)
        pattern = route.split(" ")[1]
        for part in re.findall(r"\{[^}]+\}", pattern):
            before = pattern.split(part)[0].count("/")
            for written in TRAVERSALS:
                pieces = whole.split("/")
                pieces[before] = written + (pieces[before].partition(".nii.gz")[1])
                _look(cast, who, route, method, "/".join(pieces))


def _look(cast: Cast, who: tuple[Who, ...], route: str, method: str, address: str) -> None:
    for one in who if method == "GET" else who[:1]:
        answer = cast.ask(one, method, f"http://127.0.0.1:8000{address}", **sent_to(cast, route))
        assert answer.status_code < 500, (route, address)
        assert answer.status_code >= 400 or "etc" not in address, (route, address)
        assert "root:" not in answer.text, (route, address)
        assert "a=b" not in answer.headers.get("Set-Cookie", ""), (route, address)
        if method != "GET" and answer.status_code < 400:
            cast.put_back()


def test_names_of_files_have_no_way_out_of_their_header(cast: Cast) -> None:
    """The names that people choose: of a submission's file, of a case; and whatever an address says."""
    captain = cast.roles["captain"]
    for name in ('a"; filename="b.exe', "a\r\nSet-Cookie: a=b", "../../x.zip", "a\x00.zip", "\u202ezip.exe"):
        body = {"task": "whs", "phase": "validation", "name": name, "total_bytes": 10}
        answer = cast.ask(captain, "POST", "/api/v1/submissions", json=body)
        assert answer.status_code in (201, 422), name
        cast.put_back()
    found = 0
    for role in ("captain", "organiser"):
        for _, address in gets(cast):
            for query in ("", "?edition=%0d%0aSet-Cookie:a=b", "?sort=%22;x=%22", "?day=2025-01-01%0d%0aA:b"):
                answer = cast.ask(cast.roles[role], "GET", address + ("" if "?" in address else query))
                disposition = answer.headers.get("Content-Disposition")
                assert "a=b" not in answer.headers.get("Set-Cookie", "")
                if disposition is not None:
                    found += 1
                    assert re.fullmatch(
                        r"attachment; filename(=\"[A-Za-z0-9._-]+\"|\*=UTF-8''[A-Za-z0-9._%~-]+)", disposition
                    ), address
    assert found >= 8
