"""Facts about the runs: where their predictions come from, what is missing, what couldn't be scored."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unicare.evaluate.report.results import Run
from unicare.evaluate.rows import ERROR

__all__ = ["RunFacts", "read_facts"]

_FIELDS = {
    "Version": ("version", "unicare"),
    "Weights": ("weights_sha256", "weights", "sha256"),
    "Device": ("device",),
    "Predicted": ("finished", "started", "time"),
}


@dataclass(frozen=True)
class RunFacts:
    """One run in a few words.

    Attributes:
        name: of the run.
        missing: cases without a prediction, which count as empty.
        errors: case to why it couldn't be scored.
        known: what ``run.json`` says: name and value.
    """

    name: str
    missing: tuple[str, ...]
    errors: Mapping[str, str]
    known: Mapping[str, str]


def read_facts(run: Run, missing: Sequence[str]) -> RunFacts:
    """Reads what is known about a run; a run.json that can't be read says nothing."""
    errors = {row.case: row.rule for row in run.rows if row.metric == ERROR}
    return RunFacts(run.name, tuple(missing), errors, _known(run.predictions_dir))


def _known(predictions_dir: Path) -> dict[str, str]:
    run = _manifest(predictions_dir)
    known = {}
    for name, keys in _FIELDS.items():
        value = next((run[key] for key in keys if isinstance(run.get(key), str)), None)
        if value:
            known[name] = value[:12] if name == "Weights" and len(value) >= 40 else value
    seconds = [case["seconds"] for case in _cases(run) if isinstance(case.get("seconds"), int | float)]
    if seconds:
        known["Seconds a case"] = f"{np.median(seconds):.1f} (median)"
    return known


def _manifest(predictions_dir: Path) -> dict[str, Any]:
    try:
        run = json.loads((predictions_dir / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return run if isinstance(run, dict) else {}


def _cases(run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    cases = run.get("cases", [])
    for case in cases.values() if isinstance(cases, dict) else cases:
        if isinstance(case, dict):
            yield case
