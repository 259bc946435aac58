"""What the site says of a challenge, the same to its pages and to programs."""
