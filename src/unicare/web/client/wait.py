"""Following a submission until nothing happens any more by itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from unicare.web.client.connection import SiteConnection

__all__ = ["follow"]

_OFTEN_S = 2.0
_SELDOM_S = 5.0
_SOON_S = 60.0


def follow(site: SiteConnection, number: int, told: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Asks again and again; the submission as it stands in the end.

    Args:
        site: where it is.
        number: of the submission.
        told: told each time.
    """
    begun = time.monotonic()
    while True:
        facts: dict[str, Any] = site.get(f"submissions/{number}")
        told(facts)
        if facts["final"]:
            return facts
        site.sleep(_OFTEN_S if time.monotonic() - begun < _SOON_S else _SELDOM_S)
