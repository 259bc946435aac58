"""The time that leases are counted by: the database's, which all machines share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.database import utc_now

__all__ = ["Clock", "database_time"]

Clock = Callable[[Session], datetime]
"""This moment, aware."""


def database_time(session: Session) -> datetime:
    """This moment by the database's clock; that of SQLite is this machine's."""
    if session.get_bind().dialect.name == "sqlite":
        return utc_now()
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment
