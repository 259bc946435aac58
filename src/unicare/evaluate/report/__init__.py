"""An evaluation as one HTML file that opens anywhere, offline."""

from __future__ import annotations

from unicare.evaluate.report.results import Run
from unicare.evaluate.report.write import write_report

__all__ = ["Run", "write_report"]
