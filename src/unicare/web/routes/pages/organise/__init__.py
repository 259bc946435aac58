"""Organisers' pages, made of what their API says."""
