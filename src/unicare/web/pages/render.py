"""Pages from templates; everything that isn't marked as HTML is escaped."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unicare.web.boards.tables import topics
from unicare.web.pages.tables import anchor, board_query, has_change
from unicare.web.pages.timeline import timeline
from unicare.web.pages.wording import capital, contact_link, count, day, figure, moment, signed

__all__ = ["Asset", "Pages"]

_ASSETS = {"site.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asset:
    """A file that pages name.

    Attributes:
        content: of the file.
        media_type: of it.
        address: has a hash of the content in it, so that browsers may keep it for good.
    """

    content: bytes
    media_type: str
    address: str


class Pages:
    """Makes pages.

    Args:
        shared: what every template may use, beside what it is given.

    Attributes:
        assets: last part of the address to file.
    """

    def __init__(self, shared: Mapping[str, Any]) -> None:
        found = {name: _asset(name, media_type) for name, media_type in _ASSETS.items()}
        self.assets = {asset.address.rpartition("/")[2]: asset for asset in found.values()}
        self._templates = Environment(
            loader=PackageLoader("unicare.web.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            anchor=anchor,
            board_query=board_query,
            capital=capital,
            contact_link=contact_link,
            day=day,
            figure=figure,
            has_change=has_change,
            moment=moment,
            signed=signed,
        )
        self._templates.globals.update(
            shared,
            address_of={name: asset.address for name, asset in found.items()},
            count=count,
            html=Markup,
            timeline=timeline,
            topics=topics,
        )

    def render(self, template: str, **values: Any) -> str:
        """The HTML of a page.

        Args:
            template: name of a file in ``templates``, without its suffix.
            values: what it shows.
        """
        return self._templates.get_template(f"{template}.html").render(values)


def _asset(name: str, media_type: str) -> Asset:
    content = (resources.files("unicare.web.pages") / "assets" / name).read_bytes()
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.sha256(content).hexdigest()[:12]
    return Asset(content, media_type, f"/assets/{stem}.{digest}.{suffix}")
