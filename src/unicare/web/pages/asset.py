"""Files that pages are made with: style sheets, scripts, pictures, and what is vendored.

Each is served at an address that has a hash of its content in it, so that browsers may keep it for good.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from types import MappingProxyType

__all__ = ["Asset", "load_assets"]

_PLACES = {
    "icon.svg": "assets",
    "live.js": "assets",
    "organise.css": "assets",
    "scene.js": "assets",
    "site.css": "assets",
    "submissions.css": "assets",
    "transfer.js": "assets",
    "upload.js": "assets",
    "viewer.js": "assets",
    "volumes.js": "assets",
    "widgets.css": "assets",
    "zip.js": "assets",
    "htmx.min.js": "vendor",
    "niivue.min.js": "vendor",
    "niivue-font.png": "vendor",
}
"""Name to folder."""

_MEDIA_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}
_PACKED = frozenset({"css", "js", "svg"})
_FOR_GOOD = "public, max-age=31536000, immutable"
_IMPORT = re.compile(r'(?<=from ")\./([a-z_]+\.js)(?=";)')


@dataclass(frozen=True, eq=False)
class Asset:
    """A file that pages name.

    Attributes:
        content: of the file.
        media_type: of it.
        address: where it is served.
    """

    content: bytes
    media_type: str
    address: str

    @cached_property
    def gzipped(self) -> bytes | None:
        """The content packed, made when it is first asked for; None where that saves nothing."""
        if self.address.rpartition(".")[2] not in _PACKED:
            return None
        return gzip.compress(self.content, compresslevel=9, mtime=0)

    def answer(self, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
        """What is sent, and its headers.

        Args:
            accept_encoding: the browser's header.
        """
        headers = {"Content-Type": self.media_type, "Cache-Control": _FOR_GOOD, "Vary": "Accept-Encoding"}
        if _takes_gzip(accept_encoding) and self.gzipped is not None:
            return self.gzipped, {**headers, "Content-Encoding": "gzip"}
        return self.content, headers


@cache
def load_assets() -> Mapping[str, Asset]:
    """All of them, by name; read once."""
    found: dict[str, Asset] = {}
    for name in _PLACES:
        _load(name, found)
    return MappingProxyType(found)


def _load(name: str, found: dict[str, Asset]) -> Asset:
    """A file, after those that it imports: its text names their addresses, so they are part of its hash."""
    if name in found:
        return found[name]
    folder = _PLACES[name]
    content = (resources.files("unicare.web.pages") / folder / name).read_bytes()
    stem, _, suffix = name.rpartition(".")
    if folder == "assets" and suffix == "js":
        text = _IMPORT.sub(lambda match: _load(match[1], found).address, content.decode())
        content = text.encode()
    digest = hashlib.sha256(content).hexdigest()[:12]
    found[name] = Asset(content, _MEDIA_TYPES[suffix], f"/assets/{stem}.{digest}.{suffix}")
    return found[name]


def _takes_gzip(accept_encoding: str) -> bool:
    """Whether the header names gzip, and doesn't refuse it (RFC 9110, 12.5.3)."""
    for one in accept_encoding.lower().split(","):
        coding, _, weight = one.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
