"""The command line: one module per verb; everything heavy is imported inside the commands."""

from unicare.cli.app import main

__all__ = ["main"]
