"""Markdown of the challenge as it stands in pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.web.sites import made_challenge, write_challenge

from unicare.web.challenge import load_challenge
from unicare.web.facts.texts import Texts

HOSTILE = """\
Text with *emphasis*, `<script>` in code, and a [link](https://example.org/a?b=c#d).

    <script>alert(1)</script>

<!-- a comment -->

<script>alert(2)</script>

<b onclick=alert(3)>bold</b> <img src=x onerror=alert(4)>

[a](javascript:alert(5)) [b](JaVaScRiPt:alert(6)) [c](&#106;avascript:alert(7)) <vbscript:x>

[d][1] [e](data:text/html,x) [f](//example.org "\\" onclick=\\"alert(8)")

![g](https://example.org/spy.png) ![h](javascript:alert(9)) ![i](data:image/svg+xml,x "\\" onerror=\\"y")

| a | b |
|---|---|
| <i>1</i> | [2](javascript:x) |

[1]: javascript:alert(10)
"""
HARMLESS_TAGS = {"a", "code", "div", "em", "p", "pre", "table", "tbody", "td", "th", "thead", "tr"}


class Tags(HTMLParser):
    """The tags of some HTML with their attributes, as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.comments: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return Texts(made_challenge(tmp_path))


def test_the_first_heading_is_the_title_and_no_other_is_as_large(texts: Texts) -> None:
    overview = texts.pages["overview"]
    assert overview.title == "Hello"
    assert "Hello" not in overview.html
    assert "<h2>Next</h2>" in overview.html
    assert "<h1>" not in overview.html
    assert texts.agreement is not None
    assert texts.agreement.title == "Data-use agreement"


def test_links_to_other_texts_lead_to_their_pages(texts: Texts) -> None:
    assert 'href="/texts/the-rules#end"' in texts.pages["overview"].html


def test_tables_have_classes_in_place_of_styles_and_can_be_scrolled(texts: Texts) -> None:
    html = texts.pages["the-rules"].html
    assert "style=" not in html
    assert '<th class="left">a</th>' in html
    assert '<td class="right">2</td>' in html
    assert 'tabindex="0"' in html


def test_pictures_are_shown_unless_they_are_the_organisers_own(texts: Texts) -> None:
    html = texts.pages["the-rules"].html
    assert 'src="/pictures/pictures/heart.png"' in html
    assert "truth.png" not in html
    assert "the truth" in html  # its words
    assert list(texts.pictures) == ["pictures/heart.png"]


def test_pictures_outside_the_folder_are_not_shown(tmp_path: Path) -> None:
    folder = write_challenge(tmp_path / "challenge")
    (tmp_path / "outside.png").write_bytes(b"x")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "texts/rules.md").write_text("![a](../outside.png) ![b](link.png) ![c](/etc/passwd)\n")
    texts = Texts(load_challenge(folder))
    assert texts.pictures == {}
    assert "<img" not in texts.pages["the-rules"].html


def page_of(folder: Path, text: str) -> str:
    """A text as the challenge's page."""
    made = write_challenge(folder / "challenge")
    (made / "texts/rules.md").write_text(text)
    return Texts(load_challenge(made)).pages["the-rules"].html


def news_of(folder: Path, text: str) -> str:
    """A text as an announcement that was written on the site."""
    return Texts(made_challenge(folder)).html_of(text)


@pytest.mark.parametrize("shown", [page_of, news_of])
def test_what_is_shown_runs_and_fetches_nothing(tmp_path: Path, shown: Callable[[Path, str], str]) -> None:
    html = shown(tmp_path, HOSTILE)
    tags = Tags(html)
    assert {tag for tag, _ in tags.found} == HARMLESS_TAGS
    assert not tags.comments
    attributes = {(tag, name) for tag, own in tags.found for name in own if name not in ("class", "title")}
    assert attributes == {("a", "href"), ("div", "role"), ("div", "aria-label"), ("div", "tabindex")}
    links = [own["href"] for tag, own in tags.found if tag == "a"]
    assert links == ["https://example.org/a?b=c#d", "//example.org"]
    assert not re.search(r"<(script|b |img|i>|!--)", html)
