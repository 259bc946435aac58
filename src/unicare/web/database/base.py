"""What all tables have in common: names of constraints, moments in UTC, JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Dialect, Enum, MetaData, String, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, MappedAsDataclass

__all__ = ["JSON_TYPE", "Base", "UtcDateTime", "one_of", "utc_now"]

JSON_TYPE = JSON().with_variant(JSONB(), "postgresql")
"""A JSON value; PostgreSQL keeps it parsed."""


def utc_now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: aware going in, in UTC coming out, on every database.

    SQLite keeps no time zones, so moments lie there as UTC without one.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Into the database."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"found {value.isoformat()} without a time zone; expected an aware moment")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Out of the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def one_of(name: str, *values: str) -> Enum:
    """A text column that holds one of a few words; the database refuses all others."""
    return Enum(*values, name=name, native_enum=False, create_constraint=True, length=20)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True, eq=False):
    """A row. Constructors take keywords only, and are checked by type checkers."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012  SQLAlchemy reads it off the class
        datetime: UtcDateTime(),
        dict[str, Any]: JSON_TYPE,
        str: String(),
    }
