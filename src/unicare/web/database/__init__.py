"""The site's database: tables, transactions, the audit log, upgrades."""

from unicare.web.database.audit import record
from unicare.web.database.base import Base, utc_now
from unicare.web.database.database import Database
from unicare.web.database.engine import open_engine
from unicare.web.database.upgrade import head_revision, revision_of, upgrade, upgrade_within

__all__ = [
    "Base",
    "Database",
    "head_revision",
    "open_engine",
    "record",
    "revision_of",
    "upgrade",
    "upgrade_within",
    "utc_now",
]
