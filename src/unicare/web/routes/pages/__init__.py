"""Pages: what the API says, as people read it."""
