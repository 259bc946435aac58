"""What organisers look at and do: all of it read or changed in the database, nothing of HTTP."""
