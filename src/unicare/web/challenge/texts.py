"""Markdown that the site shows: CommonMark and tables, nothing that a browser would run or fetch."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

from unicare.web.challenge.findings import Finding, Severity
from unicare.web.challenge.paths import inside
from unicare.web.challenge.schema import Challenge

__all__ = [
    "AGREEMENT",
    "LARGEST_TEXT_BYTES",
    "check_texts",
    "markdown_findings",
    "markdown_parser",
    "page_addresses",
    "page_of",
]

AGREEMENT = "agreement"
LARGEST_TEXT_BYTES = 500_000

_LINK_SCHEMES = ("http", "https", "mailto", "")
_TEXTS = "/texts/"
_TO_A_PAGE = (
    "name a page by its file, such as texts/rules.md, which stands under texts: in challenge.yaml, or by its "
    "whole address, such as /boards"
)
_PLAIN = "write it in Markdown; the site shows HTML as text"


def markdown_parser() -> MarkdownIt:
    """CommonMark and tables; HTML in a text is shown as text, links that run something as written."""
    return MarkdownIt("commonmark", {"html": False}).enable("table")


def page_addresses(challenge: Challenge) -> dict[str, str]:
    """The addresses of a challenge's pages, by their files as seen from its folder."""
    files = {path: f"{_TEXTS}{name}" for name, path in challenge.texts.items()}
    if challenge.registration.agreement is not None:
        files.setdefault(challenge.registration.agreement, f"/{AGREEMENT}")
    return {path.relative_to(challenge.folder).as_posix(): address for path, address in files.items()}


def page_of(url: str, folder: str, pages: Mapping[str, str]) -> str | None:
    """The address of the page whose file a link names; None if it names none.

    Args:
        url: as it is written, seen from the challenge's folder, as pictures are, or from the text's own.
        folder: in which the text lies, seen from the challenge's; empty for that itself.
        pages: as ``page_addresses`` gives them.
    """
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return None
    written = unquote(parts.path)
    for path in (posixpath.join(folder, written), written):
        address = pages.get(posixpath.normpath(path))
        if address is not None:
            return address + (f"#{parts.fragment}" if parts.fragment else "")
    return None


def check_texts(challenge: Challenge) -> Iterator[Finding]:
    """What is wrong with a challenge's pages, its agreement and its announcements."""
    files = dict.fromkeys(challenge.texts.values())
    if challenge.registration.agreement is not None:
        files.setdefault(challenge.registration.agreement)
    pages = page_addresses(challenge)
    for path in files:
        name = path.relative_to(challenge.folder).as_posix()
        yield from _check_file(path, name, challenge.folder, pages)
    for news in challenge.announcements:
        for one in markdown_findings(news.text, "challenge.yaml", challenge.folder, pages):
            yield Finding(
                one.severity,
                one.file,
                f"announcement {news.title}: {one.what}",
                None,
                one.found,
                mend=one.mend,
            )


def _check_file(path: Path, name: str, folder: Path, pages: Mapping[str, str]) -> Iterator[Finding]:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_TEXT_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except OSError as error:
        yield Finding("error", name, "can't be read", found=error.strerror or str(error))
        return
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        yield Finding("error", name, "isn't UTF-8 text", line, mend="save it as UTF-8")
        return
    if len(raw) > LARGEST_TEXT_BYTES:
        limit = f"at most {LARGEST_TEXT_BYTES // 1000} kB"
        yield Finding("error", name, "too long for a page", expected=limit, mend="spread it over several")
        return
    if not text.strip():
        yield Finding("error", name, "is empty", mend="write it, or take its page out of challenge.yaml")
    yield from markdown_findings(text, name, folder, pages)


def markdown_findings(
    text: str, file: str, folder: Path, pages: Mapping[str, str] | None = None
) -> Iterator[Finding]:
    """What may not stand in a Markdown text.

    HTML, links that run something or lead nowhere on the site, pictures from elsewhere.

    Args:
        text: Markdown.
        file: what findings name; links are seen from its folder as well.
        folder: the challenge's; pictures are looked for there.
        pages: that there are, as ``page_addresses`` gives them; none if not given.
    """
    parser = MarkdownIt("commonmark").enable("table")
    # Links are judged here, with their line; the parser would pass over bad ones without a word.
    parser.validateLink = lambda url: True  # type: ignore[method-assign]

    def tell(severity: Severity, what: str, line: int | None, found: str, mend: str) -> Finding:
        return Finding(severity, file, what, line, found=found[:80], mend=mend)

    for token, line in _flat(parser.parse(text), None):
        if token.type in ("html_block", "html_inline") and not _is_comment(token.content):
            yield tell("error", "HTML in a text", line, " ".join(token.content.split()), _PLAIN)
        elif token.type == "link_open":
            url = str(token.attrGet("href") or "")
            if _scheme(url) not in _LINK_SCHEMES:
                mend = "link to http, https or mailto, or to another page"
                yield tell("error", "a link that isn't one to a page", line, url, mend)
            elif _leads_nowhere(url, posixpath.dirname(file), pages or {}):
                yield tell("error", "a link that leads nowhere", line, url, _TO_A_PAGE)
        elif token.type == "image":
            yield from _check_picture(str(token.attrGet("src") or ""), line, folder, tell)


def _check_picture(
    url: str, line: int | None, folder: Path, tell: Callable[[Severity, str, int | None, str, str], Finding]
) -> Iterable[Finding]:
    if _scheme(url) or url.startswith("//"):
        mend = "put the picture into the challenge's folder; browsers are told to load nothing from elsewhere"
        return [tell("error", "a picture from elsewhere", line, url, mend)]
    try:
        if inside(folder, url).is_file():
            return []
    except ValueError as error:
        return [tell("error", "a picture that can't be shown", line, str(error), "name it from the folder")]
    return [
        tell("error", "a picture that isn't there", line, url, "add it, named from the challenge's folder")
    ]


def _leads_nowhere(url: str, folder: str, pages: Mapping[str, str]) -> bool:
    """Whether a link is seen from where it stands, or leads to a text, and there is no such page."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc or not parts.path:
        return False
    if parts.path.startswith("/"):
        return parts.path.startswith(_TEXTS) and unquote(parts.path) not in pages.values()
    return page_of(url, folder, pages) is None


def _scheme(url: str) -> str:
    """The scheme of an address as browsers see it: they pass over blanks and control characters."""
    seen = "".join(character for character in url if character.isprintable() and character != " ")
    try:
        return urlsplit(seen).scheme.lower()
    except ValueError:
        return "not an address"


def _is_comment(html: str) -> bool:
    stripped = html.strip()
    return stripped.startswith("<!--") and stripped.find("-->") == len(stripped) - 3


def _flat(tokens: Iterable[Token], line: int | None) -> Iterator[tuple[Token, int | None]]:
    """Tokens and those inside them, each with the line on which its block begins."""
    here = line
    for token in tokens:
        if token.map:
            here = token.map[0] + 1
        yield token, here
        breaks = 0
        for child in token.children or ():
            breaks += child.type in ("softbreak", "hardbreak")
            yield child, None if here is None else here + breaks
