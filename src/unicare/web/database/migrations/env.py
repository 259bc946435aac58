"""What Alembic runs for each command; the connection comes from ``unicare.web.database.upgrade``."""

from alembic import context
from sqlalchemy import Connection

from unicare.web.database import tables  # noqa: F401  so that the metadata knows them
from unicare.web.database.base import Base

connection: Connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=connection.dialect.name == "sqlite",  # SQLite changes tables by making them anew
    transactional_ddl=True,  # the caller's transaction, on both databases
)
with context.begin_transaction():
    context.run_migrations()
