"""Markdown of the challenge as it stands in pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.sites import made_challenge, write_challenge

from unicare.web.challenge import load_challenge
from unicare.web.facts.texts import Texts


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
