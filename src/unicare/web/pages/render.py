"""Pages from templates; everything that isn't marked as HTML is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from unicare.web.boards.tables import topics
from unicare.web.pages.asset import load_assets
from unicare.web.pages.deadlines import Deadlines
from unicare.web.pages.tables import anchor, board_query, has_change
from unicare.web.pages.timeline import timeline
from unicare.web.pages.wording import capital, contact_link, count, day, figure, moment, narrow_head, signed
from unicare.web.sizes import size_words

__all__ = ["Pages"]


class Pages:
    """Makes pages.

    Args:
        shared: what every template may use, beside what it is given; the ``challenge`` among it says how
            deadlines are written.

    Attributes:
        assets: last part of the address to file.
    """

    def __init__(self, shared: Mapping[str, Any]) -> None:
        found = load_assets()
        self.assets = {asset.address.rpartition("/")[2]: asset for asset in found.values()}
        self._templates = Environment(
            loader=PackageLoader("unicare.web.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        deadlines = Deadlines(shared.get("challenge"))
        self._templates.filters.update(
            anchor=anchor,
            board_query=board_query,
            capital=capital,
            contact_link=contact_link,
            day=day,
            deadline=deadlines.show,
            event_time=deadlines.when,
            figure=figure,
            has_change=has_change,
            moment=moment,
            narrow_head=narrow_head,
            signed=signed,
            size=size_words,
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
