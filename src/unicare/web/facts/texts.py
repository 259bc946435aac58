"""The challenge's Markdown as HTML: no styles, no scripts, links and pictures led to the site's addresses."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from unicare.core.errors import SettingsError
from unicare.web.challenge import Challenge
from unicare.web.challenge.paths import inside
from unicare.web.challenge.texts import (
    AGREEMENT,
    LARGEST_TEXT_BYTES,
    markdown_parser,
    page_addresses,
    page_of,
)

__all__ = ["AGREEMENT", "PICTURE_TYPES", "Text", "Texts"]

PICTURE_TYPES: Mapping[str, str] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".svg": "image/svg+xml",
}
_WRITTEN = 256
"""Announcements whose HTML is kept."""

_NEVER_SHOWN = ("reference",)  # nothing below these is ever shown, whatever a text says


@dataclass(frozen=True)
class Text:
    """One page.

    Attributes:
        title: its first heading, or its name.
        html: the rest.
    """

    title: str
    html: str


class Texts:
    """All pages of a challenge, read once.

    Args:
        challenge: whose they are.

    Attributes:
        pages: name to page, in the challenge's order.
        agreement: what those who take part agree to; None if nothing.
        pictures: path in the challenge's folder to file; those that its texts show.

    Raises:
        SettingsError: a text can't be read.
    """

    def __init__(self, challenge: Challenge) -> None:
        self._folder = challenge.folder
        self._addresses = page_addresses(challenge)
        self.pictures: dict[str, Path] = {}
        agreement = challenge.registration.agreement
        self.pages = {name: self._page(path, _title(name)) for name, path in challenge.texts.items()}
        self.agreement = None if agreement is None else self._page(agreement, "Data-use agreement")
        self._news = {one.text: self._render(_parse(one.text), "") for one in challenge.announcements}
        self._written = lru_cache(maxsize=_WRITTEN)(self._html_of_stranger)

    def html_of(self, text: str) -> str:
        """The HTML of an announcement, be it the challenge's or one that was written on the site.

        Those on the site show no pictures but the ones that the challenge's texts show, too.
        """
        return self._news[text] if text in self._news else self._written(text)

    def _html_of_stranger(self, text: str) -> str:
        tokens = _parse(text)
        for token in _flat(tokens):
            if token.children:
                token.children = [self._only_known(child) for child in token.children]
        return self._render(tokens, "")

    def _only_known(self, token: Token) -> Token:
        """A picture whose file is known already, or its words."""
        if token.type != "image":
            return token
        path = posixpath.normpath(unquote(str(token.attrGet("src") or "")))
        return token if path in self.pictures else Token("text", "", 0, content=token.content)

    def _page(self, path: Path, title: str) -> Text:
        tokens = _parse(_read(path, self._folder))
        if tokens and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
            title = "".join(child.content for child in tokens[1].children or ()) or title
            tokens = tokens[3:]
        folder = path.relative_to(self._folder).parent.as_posix()
        return Text(title, self._render(tokens, "" if folder == "." else folder))

    def _render(self, tokens: Sequence[Token], folder: str) -> str:
        for token in _flat(tokens):
            if token.type in ("heading_open", "heading_close") and token.tag == "h1":
                token.tag = "h2"  # the page has its own
            elif token.type == "link_open":
                token.attrSet("href", self._link(str(token.attrGet("href") or ""), folder))
            if token.children:
                token.children = [self._shown(child) for child in token.children]
            style = token.attrGet("style")
            if style is not None:  # of a table's cells: styles in a page aren't allowed, classes are
                del token.attrs["style"]
                token.attrSet("class", str(style).removeprefix("text-align:"))
        parser = markdown_parser()
        return str(parser.renderer.render(_scrolling(tokens), parser.options, {}))

    def _link(self, url: str, folder: str) -> str:
        """Links to the files of other pages lead to these pages."""
        return page_of(url, folder, self._addresses) or url

    def _shown(self, token: Token) -> Token:
        """A picture with its address on the site, or its words where it may not be shown."""
        if token.type != "image":
            return token
        address = self._picture(str(token.attrGet("src") or ""))
        if not address:
            return Token("text", "", 0, content=token.content)
        token.attrSet("src", address)
        return token

    def _picture(self, url: str) -> str:
        try:
            path = inside(self._folder, unquote(url)).resolve()
            name = path.relative_to(self._folder)
        except ValueError:
            return ""
        if path.suffix.lower() not in PICTURE_TYPES or name.parts[0] in _NEVER_SHOWN or not path.is_file():
            return ""
        self.pictures[name.as_posix()] = path
        return f"/pictures/{quote(name.as_posix())}"


def _title(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return words[:1].upper() + words[1:]


def _parse(text: str) -> list[Token]:
    parser: MarkdownIt = markdown_parser()
    return list(parser.parse(text))


def _read(path: Path, folder: Path) -> str:
    name = path.relative_to(folder).as_posix()
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_TEXT_BYTES + 1)
        text = raw.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{name}: can't be shown", found=error, mend="run unicare challenge check"
        ) from None
    if len(raw) > LARGEST_TEXT_BYTES:
        raise SettingsError(f"{name}: too long for a page", expected=f"at most {LARGEST_TEXT_BYTES} bytes")
    return text


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _flat(token.children or ())


def _scrolling(tokens: Sequence[Token]) -> list[Any]:
    """Tables in boxes that scroll, so that wide ones don't widen a phone's page."""
    boxed: list[Any] = []
    for token in tokens:
        if token.type == "table_open":
            attributes = {"class": "scroll", "role": "region", "aria-label": "Table", "tabindex": "0"}
            boxed += [Token("paragraph_open", "div", 1, attrs=dict(attributes)), token]
        elif token.type == "table_close":
            boxed += [token, Token("paragraph_close", "div", -1)]
        else:
            boxed.append(token)
    return boxed
