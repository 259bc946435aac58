"""Markdown that browsers may be given."""

import pytest

from unicare.web.challenge import check_challenge
from unicare.web.challenge.texts import LARGEST_TEXT_BYTES, markdown_findings, page_of

HARMLESS = """\
# Title

Text with *emphasis*, `<script>` in code, 2 < 3, a [link](https://example.org/a?b=c#d),
a [page](/boards), [mail](mailto:a@b.c).

    <script>alert(1)</script>

<!-- a comment, which isn't shown -->

| a | b |
|---|---|
| 1 | 2 |
"""


def test_plain_markdown_is_fine(tmp_path):
    assert list(markdown_findings(HARMLESS, "a.md", tmp_path)) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("<script>alert(1)</script>", "HTML in a text"),
        ("some <b onclick=x()>bold</b> text", "HTML in a text"),
        ("<!-- --><img src=x onerror=alert(1)>", "HTML in a text"),
        ("<!-- a --> <iframe src=//x></iframe> <!-- b -->", "HTML in a text"),
        ("<style>p{}</style>", "HTML in a text"),
        ("[a](javascript:alert(1))", "a link that isn't one"),
        ("[a](JaVaScRiPt:alert(1))", "a link that isn't one"),
        ("[a](&#106;avascript:alert(1))", "a link that isn't one"),
        ("[a][1]\n\n[1]: data:text/html,x", "a link that isn't one"),
        ("<vbscript:x>", "a link that isn't one"),
        ("![x](https://example.org/spy.png)", "a picture from elsewhere"),
        ("![x](//example.org/spy.png)", "a picture from elsewhere"),
        ("![x](data:image/png;base64,AAAA)", "a picture from elsewhere"),
        ("![x](../../secret.png)", "a picture that can't be shown"),
        ("![x](nothing.png)", "a picture that isn't there"),
    ],
)
def test_what_a_browser_would_run_or_fetch_is_told_with_its_line(tmp_path, text, told):
    findings = list(markdown_findings(f"# Title\n\nfirst line\nsecond line\n\n{text}\n", "a.md", tmp_path))
    assert findings
    assert {one.what for one in findings if told not in one.what} == set()
    assert {one.line for one in findings} == {6}


def test_the_line_within_a_paragraph(tmp_path):
    (one,) = markdown_findings("a\nb\nc [x](javascript:y)\n", "a.md", tmp_path)
    assert one.line == 3


def test_the_line_within_a_table(tmp_path):
    text = "a\n\n| b | c |\n|---|---|\n| 1 | 2 |\n| 3 | <i>4</i> |\n"
    assert {one.line for one in markdown_findings(text, "a.md", tmp_path)} == {6}


def test_pictures_of_the_folder_are_fine(tmp_path):
    (tmp_path / "heart.png").write_bytes(b"x")
    assert list(markdown_findings("![heart](heart.png)", "a.md", tmp_path)) == []


PAGES = {"texts/rules.md": "/texts/the-rules", "agreement.md": "/agreement"}


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("texts/rules.md", "/texts/the-rules"),
        ("rules.md#end", "/texts/the-rules#end"),
        ("../agreement.md", "/agreement"),
        ("agreement.md", "/agreement"),
    ],
)
def test_a_page_is_named_by_its_file(tmp_path, url, address):
    assert page_of(url, "texts", PAGES) == address
    assert list(markdown_findings(f"[a]({url})", "texts/overview.md", tmp_path, PAGES)) == []


@pytest.mark.parametrize("url", ["/", "/boards", "/texts/the-rules", "#here", "https://example.org/texts/x"])
def test_links_to_other_places_are_left_as_they_are(tmp_path, url):
    assert page_of(url, "texts", PAGES) is None
    assert list(markdown_findings(f"[a]({url})", "texts/overview.md", tmp_path, PAGES)) == []


@pytest.mark.parametrize("url", ["nowhere", "rules", "texts/more.md", "boards", "/texts/rules", "../../x.md"])
def test_a_link_that_leads_nowhere_is_told(tmp_path, url):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/more.md").write_text("no page: challenge.yaml doesn't name it")
    (one,) = markdown_findings(f"a\n[a]({url})", "texts/overview.md", tmp_path, PAGES)
    assert (one.what, one.line, one.found, one.severity) == ("a link that leads nowhere", 2, url, "error")
    assert "such as texts/rules.md" in one.mend


def test_links_of_all_texts_are_looked_at(folder):
    (folder / "texts/rules.md").write_text(
        "# Rules\n\n[a](overview.md) [b](texts/overview.md) [c](nowhere)\n"
    )
    (one,) = check_challenge(folder).findings
    assert (one.file, one.found) == ("texts/rules.md", "nowhere")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"first\nsecond \xff\n", "isn't UTF-8 text"),
        (b"x" * (LARGEST_TEXT_BYTES + 1), "too long for a page"),
    ],
)
def test_pages_that_cannot_be_shown(folder, content, told):
    (folder / "texts/rules.md").write_bytes(content)
    (one,) = check_challenge(folder).findings
    assert (one.file, one.severity) == ("texts/rules.md", "error")
    assert told in one.text


def test_announcements_are_texts_too(folder, edit):
    edit("Welcome to *all*.", "Welcome to <b>all</b>.")
    findings = check_challenge(folder).findings
    assert {one.text.split(";")[0] for one in findings} == {"announcement We are on: HTML in a text"}
