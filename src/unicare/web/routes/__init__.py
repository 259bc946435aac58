"""What the site answers, and where."""
