"""What people find on the pages."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.web.boards.made import MadeScores
from tests.web.sites import AFTER_END, AFTER_RELEASE, BEFORE, DURING, asking, made_app

ADDRESSES = (
    "/",
    "/boards",
    "/boards/open",
    "/boards/hidden",
    "/boards/hidden?edition=year-two",
    "/boards/hidden?edition=current",
    "/texts/overview",
    "/texts/the-rules",
    "/agreement",
    "/nothing",
)
_VOID = {"meta", "link", "img", "br", "hr", "input", "rect"}


class _Seen(HTMLParser):
    """Elements of a page, and whether they are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.left_open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.left_open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.left_open or self.left_open.pop() != tag:
            self.wrong.append(tag)


def seen(html: str) -> _Seen:
    parser = _Seen()
    parser.feed(html)
    return parser


def at(tmp_path: Path, now: datetime) -> TestClient:
    return asking(made_app(tmp_path, now, scores=MadeScores()))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return at(tmp_path_factory.mktemp("site"), AFTER_RELEASE)


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_that_was_written_becomes_markup(client: TestClient, address: str) -> None:
    html = client.get(address).text
    page = seen(html)
    assert page.wrong == []
    assert page.left_open == []
    tags = {tag for tag, _ in page.elements}
    assert not {"script", "style", "u", "i", "two", "one", "shape", "iframe"} & tags
    for tag, attributes in page.elements:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src"):
            assert not str(attributes.get(name, "")).startswith(("javascript", "data"))
        if tag in ("img", "link"):
            assert str(attributes.get("src") or attributes.get("href")).startswith("/")
    bold = re.findall(r"<b>(.*?)</b>", html)  # the site's own, around ranks
    assert all(text.isdigit() for text in bold)


def test_names_and_titles_are_shown_as_written(client: TestClient) -> None:
    home, board = client.get("/").text, client.get("/boards/hidden?edition=year-two").text
    assert "Hearts &lt;b&gt;&amp; co&lt;/b&gt;" in home
    assert "About &lt;script&gt;alert(1)&lt;/script&gt;" in home
    assert "Left &lt;atrium&gt;" in home
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in home
    assert "&lt;b&gt;Beta&lt;/b&gt;" in board
    assert "=Alpha" in board


def test_the_first_page_tells_phases_and_news_of_the_moment(tmp_path: Path) -> None:
    before, during, after = (at(tmp_path, now).get("/").text for now in (BEFORE, DURING, AFTER_RELEASE))
    assert before.count('class="badge upcoming"') == 2
    assert during.count('class="badge open"') == 2
    assert after.count('class="badge released"') == 2
    assert "Welcome <em>all</em>" in during
    assert "Welcome" not in before
    assert "Winners" not in during
    assert "Winners" in after
    assert 'class="today"' in during
    assert 'class="today"' not in before
    assert "30 Jul 2025, 23:59 UTC+2" in during
    assert 'datetime="2025-07-30T21:59:00+00:00"' in during


def test_boards_are_hidden_until_their_day(tmp_path: Path) -> None:
    for now in (BEFORE, DURING, AFTER_END):
        client = at(tmp_path, now)
        for address in ("/boards/hidden?edition=current", "/api/v1/boards/hidden?edition=current"):
            text = client.get(address).text
            assert "North" not in text
            assert not re.search(r"0\.[5-9]\d\d", text)
        assert "10 Aug 2025, 12:00 UTC+2" in client.get("/boards/hidden?edition=current").text
    assert "North" in at(tmp_path, AFTER_RELEASE).get("/boards/hidden?edition=current").text


def test_one_deadline_is_written_in_one_way(tmp_path: Path) -> None:
    client = at(tmp_path, DURING)
    for address in ("/", "/boards", "/boards/open"):
        text = client.get(address).text
        assert "30 Jul 2025, 23:59 UTC+2" in text
        assert "31 Jul 2025" not in text


def test_heads_of_columns_are_links_that_sort(client: TestClient) -> None:
    def teams(html: str) -> list[str]:
        return re.findall(r'<th scope="row">\s*([^<\s]+)', html)[:4]

    first = client.get("/boards/open")
    assert teams(first.text)[:3] == ["North", "East", "South"]
    assert first.text.count('aria-sort="descending"') == 2  # one column in each of two tables
    links = [
        attributes["href"]
        for tag, attributes in seen(first.text).elements
        if tag == "a" and "#table-" in str(attributes.get("href"))
    ]
    turned = client.get("/boards/open" + str(links[0]).partition("#")[0])
    assert "order=worst_first" in str(links[0])
    assert teams(turned.text)[-1] == "North"
    assert turned.text.count('aria-sort="ascending"') == 2
    distance = client.get("/boards/open?sort=hausdorff_mm")
    assert distance.text.count('aria-sort="ascending"') == 2
    for link in links:
        address, _, place = str(link).partition("#")
        assert f'id="{place}"' in client.get("/boards/open" + address).text


def test_id_and_ood_stand_side_by_side_with_what_is_lost(client: TestClient) -> None:
    html = client.get("/boards/hidden?edition=year-two").text
    block = html.split('<div class="two">')[1]
    assert block.index("In distribution (ID)") < block.index("Out of distribution (OOD)")
    assert "−0.300" in block  # 0.60 out of distribution, 0.90 in it
    assert "−0.050" in block


def test_intervals_groups_and_baselines_are_shown_where_there_are_some(client: TestClient) -> None:
    own = client.get("/boards/open").text
    assert "Mean &lt;shape&gt;" in own
    assert 'class="badge baseline"' in own
    assert "no rank" in own
    assert "bootstrap samples" in own
    assert ">Group</th>" in own
    published = client.get("/boards/hidden?edition=year-two").text
    assert "bootstrap" not in published
    assert ">Group</th>" not in published
    assert "baseline" not in published


def test_every_link_of_the_pages_leads_somewhere(client: TestClient) -> None:
    addresses, done = set(ADDRESSES[:-1]), set()
    while addresses:
        address = addresses.pop()
        done.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        if not answer.headers["Content-Type"].startswith("text/html"):
            continue
        for _, attributes in seen(answer.text).elements:
            for name in ("href", "src"):
                link = str(attributes.get(name) or "").partition("#")[0]
                if link.startswith("?"):
                    link = address.partition("?")[0] + link
                if link.startswith("/") and link not in done:
                    addresses.add(link)
    assert len(done) > 30


def test_pictures_that_texts_show_are_there_and_nothing_else(client: TestClient) -> None:
    assert client.get("/pictures/pictures/heart.png").status_code == 200
    for path in (
        "pictures/unnamed.png",
        "reference/la/truth.png",
        "challenge.yaml",
        "pictures/../challenge.yaml",
        "..%2Fchallenge.yaml",
        "pictures/heart.png/",
    ):
        assert client.get(f"/pictures/{path}").status_code == 404, path
