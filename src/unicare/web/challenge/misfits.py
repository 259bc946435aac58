"""What is said of single cases and doesn't fit their task; the same of many cases is told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from unicare.data.cohort import CohortRow
from unicare.evaluate.findings import name_some
from unicare.web.challenge.schema import Task

__all__ = ["Misfit", "by_case", "misfits_of", "misfits_of_prompts"]


@dataclass(frozen=True)
class Misfit:
    """Something about a case, in words that are the same for every case that it is true of.

    Attributes:
        what: what doesn't fit.
        found: what was there.
        expected: what should have been there.
    """

    what: str
    found: str = ""
    expected: str = ""

    def of(self, cases: Sequence[str]) -> str:
        """Of which cases, and what."""
        if len(cases) == 1:
            return f"case {cases[0]}: {self.what}"
        return f"{len(cases)} cases ({name_some(cases)}): {self.what}"


def by_case(misfits: Mapping[str, Iterable[Misfit]]) -> dict[Misfit, list[str]]:
    """The cases of each misfit, in order of appearance."""
    groups: dict[Misfit, list[str]] = {}
    for case, every in misfits.items():
        for one in every:
            groups.setdefault(one, []).append(case)
    return groups


def misfits_of(row: CohortRow, task: Task, images: Iterable[str]) -> Iterator[Misfit]:
    """What a row of the manifest says, against the task and the case's files.

    Args:
        row: of one case.
        task: that it is a case of.
        images: the sequences that the case's files are named after.
    """
    if row.distribution not in task.distributions:
        yield Misfit(row.distribution, expected=" or ".join(task.distributions))
    other = [name for name in row.sequences if name not in task.sequences]
    if other:
        expected = f"some of {', '.join(task.sequences)}, as in challenge.yaml"
        yield Misfit("sequences", ", ".join(other), expected)
    known = {name for name in images if name != "unknown"}
    if known and known != set(row.sequences):
        found, expected = ", ".join(sorted(row.sequences)), ", ".join(sorted(known))
        yield Misfit("sequences", found, f"{expected}, as in images")
    yield from _strange_labels("annotated labels that the task doesn't have", row.annotated, task.labels)


def misfits_of_prompts(labels: Iterable[int], known: Collection[int]) -> Iterator[Misfit]:
    """Prompts of a case for labels that its task doesn't have."""
    yield from _strange_labels("prompts for labels that the task doesn't have", labels, known)


def _strange_labels(what: str, labels: Iterable[int], known: Collection[int]) -> Iterator[Misfit]:
    strange = sorted(set(labels) - set(known))
    if strange:
        yield Misfit(what, name_some(map(str, strange)), f"some of {', '.join(map(str, known))}")
