"""How tables change from one release to the next; see docs/decisions/0011-site-database.md."""
