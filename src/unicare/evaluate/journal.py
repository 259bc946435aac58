"""What is measured already: a line a case, so that a run that was stopped goes on from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from unicare import __version__
from unicare.core.errors import OutputError
from unicare.evaluate.files import find_probabilities
from unicare.evaluate.findings import Finding, Kind
from unicare.evaluate.rows import write_text
from unicare.evaluate.score import CaseScore, CaseTask
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.lesions import DetectionBySize
from unicare.metrics.rate import Rate
from unicare.metrics.rules import DEFINITION

__all__ = ["JOURNAL_FILE", "About", "Journal", "case_key", "read_about"]

JOURNAL_FILE = "cases.jsonl"
"""Name of the journal in the folder of results."""

_COMPACT = (",", ":")
_FIGURES_COME_FROM = (
    "core/*.py",
    "data/nifti*.py",
    "metrics/**/*.py",
    "evaluate/score.py",
    "evaluate/settings.py",
    "evaluate/labels.py",
    "evaluate/grid.py",
    "evaluate/probabilities.py",
)


@dataclass(frozen=True)
class About:
    """What an evaluation is of; results of another one aren't replaced unasked.

    Attributes:
        predictions: the folder of predictions.
        truth: the folder of truths.
        settings: ``EvaluationSettings.as_dict()``.
    """

    predictions: str
    truth: str
    settings: Mapping[str, object]


def case_key(task: CaseTask, settings: EvaluationSettings) -> str:
    """A word that changes whenever the figures of a case could.

    It is made from the definition's version, the program's code, the settings, what is scored, and place,
    size and time of the case's files.
    """
    files = [task.truth, task.prediction]
    if settings.probabilities is not None:
        files += find_probabilities(settings.probabilities, task.case)
    content = [
        DEFINITION,
        _code(),
        settings.as_dict(),
        task.task,
        sorted((task.names or {}).items()),
        None if task.annotated is None else sorted(task.annotated),
        [_fingerprint(path) for path in files],
    ]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    """The version and a hash of the modules that figures come from: versions change less often than code."""
    digest = hashlib.sha256(__version__.encode())
    for pattern in _FIGURES_COME_FROM:
        for path in sorted(Path(__file__).parents[1].glob(pattern)):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _fingerprint(path: Path | None) -> tuple[str, int, int] | None:
    if path is None:
        return None
    try:
        facts = path.stat()
    except OSError:
        return (str(path.absolute()), -1, -1)
    return (str(path.absolute()), facts.st_size, facts.st_mtime_ns)


def read_about(folder: Path) -> About | None:
    """What the journal in a folder is of; None if there is none, or none that can be read."""
    for line in _lines(folder / JOURNAL_FILE):
        about = line.get("evaluation")
        return About(**about) if isinstance(about, dict) and set(about) == set(_ABOUT) else None
    return None


_ABOUT = ("predictions", "truth", "settings")


class Journal:
    """The journal of one evaluation; to be used in a ``with`` statement.

    A line is written when a case is done. A process that is killed leaves at most its last line incomplete,
    which is passed over the next time.

    Attributes:
        found: how many scores were found in it.
    """

    def __init__(self, folder: Path, about: About, *, anew: bool = False) -> None:
        """Reads what an earlier run of any settings left (unless ``anew``); nothing is written yet."""
        self._path = folder / JOURNAL_FILE
        self._first = _line({"evaluation": dict(zip(_ABOUT, astuple(about), strict=True))})
        self._known = {
            str(line["key"]): line for line in ([] if anew else _lines(self._path)) if "key" in line
        }
        self._file: TextIO | None = None
        self.found = 0

    def __enter__(self) -> Self:
        """Opens the file for adding to it.

        Raises:
            OutputError: the place can't be written to.
        """
        write_text(self._path, self._first + "".join(_line(known) for known in self._known.values()))
        try:
            self._file = self._path.open("a", encoding="utf-8")
        except OSError as error:
            raise self._refused(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()

    def find(self, task: CaseTask, key: str) -> CaseScore | None:
        """The score that was kept under a key, with what the manifest says of the case now."""
        known = self._known.get(key)
        if known is None:
            return None
        try:
            score = _score(task, known)
        except (KeyError, TypeError, ValueError):  # a journal that somebody edited
            return None
        self.found += 1
        return score

    def keep(self, key: str, score: CaseScore) -> None:
        """Adds the score of a case. Cases that couldn't be scored aren't kept, so that they are tried again.

        Raises:
            OutputError: the disk is full.
        """
        if score.error is not None or self._file is None:
            return
        known = _record(key, score)
        self._known[key] = known
        try:
            self._file.write(_line(known))
            self._file.flush()
        except OSError as error:
            raise self._refused(error) from None

    def forget_all_but(self, keys: Iterable[str]) -> None:
        """Leaves out what no case of this evaluation needs, so that the file doesn't grow for ever."""
        wanted = [self._known[key] for key in dict.fromkeys(keys) if key in self._known]
        write_text(self._path, self._first + "".join(_line(known) for known in wanted))

    def _refused(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self._path}: can't be written",
            found=error.strerror or str(error),
            mend="choose a folder on a disk with room that you may write to",
        )


def _record(key: str, score: CaseScore) -> dict[str, Any]:
    return {
        "case": score.case,
        "key": key,
        "rows": [[row.label, row.structure, row.metric, row.value, row.rule] for row in score.rows],
        "findings": [[finding.kind, finding.text, finding.voxels] for finding in score.findings],
        "detection": [
            [label, sizes.edges_ml, [[rate.count, rate.of] for rate in sizes.rates]]
            for label, sizes in score.detection.items()
        ],
    }


def _score(task: CaseTask, known: Mapping[str, Any]) -> CaseScore:
    return CaseScore(
        case=task.case,
        rows=tuple(task.row(*cells) for cells in known["rows"]),
        findings=tuple(
            Finding(Kind(kind), text, task.case, voxels) for kind, text, voxels in known["findings"]
        ),
        detection={
            label: DetectionBySize(tuple(edges), tuple(Rate(*rate) for rate in rates))
            for label, edges, rates in known["detection"]
        },
    )


def _line(content: Mapping[str, object]) -> str:
    """One line; figures with all their digits, and nan as Python's reader has it."""
    return json.dumps(content, ensure_ascii=False, separators=_COMPACT) + "\n"


def _lines(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    found = []
    for line in text.split("\n"):
        try:
            content = json.loads(line)
        except ValueError:
            continue
        if isinstance(content, dict):
            found.append(content)
    return found
