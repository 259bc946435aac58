"""What the labels of a prediction mean, and which of them can't be meant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from unicare.core.structure import TASKS, Structure, structure_table
from unicare.evaluate.findings import Finding, Kind, name_some

__all__ = ["is_known", "prediction_findings", "structure_name", "structure_of"]

_MOST_UNKNOWN = 20
_MOST_NAMED = 8


def structure_of(label: int, task: str | None = None) -> Structure | None:
    """The structure that a label stands for in a task (or in any), or None."""
    return structure_table().by_label(label, task or None)


def structure_name(label: int, task: str | None = None, names: Mapping[int, str] | None = None) -> str:
    """The structure that a label stands for; the label itself where nobody knows."""
    if names is not None and label in names:
        return names[label]
    known = structure_of(label, task)
    return known.name if known is not None else f"label {label}"


def is_known(label: int, task: str | None = None, names: Mapping[int, str] | None = None) -> bool:
    """Whether a label has a name."""
    return (names is not None and label in names) or structure_of(label, task) is not None


def prediction_findings(
    case: str,
    predicted: Mapping[int, int],
    scored: Collection[int],
    *,
    in_truth: Collection[int] | None = None,
    annotated: bool = False,
    task: str | None = None,
    names: Mapping[int, str] | None = None,
) -> list[Finding]:
    """Says of every label that is predicted but not scored why it isn't.

    Args:
        case: the case's id.
        predicted: label to how many voxels of the prediction have it.
        scored: labels that are scored in this case.
        in_truth: labels that the truth holds; None where that isn't looked at.
        annotated: whether a manifest says what is scored (else the truth does).
        task: the challenge's task, where it is known.
        names: label to structure's name, for labels that aren't CARE's.
    """
    if _look_consecutive(predicted, scored):
        found, wanted = _listed(predicted), _listed(scored)
        text = (
            f"the prediction's labels {found} look like consecutive ids; none of them is scored here, so "
            f"no structure is found; write {wanted}"
        )
        return [Finding(Kind.OTHER_LABEL, text, case, sum(predicted.values()))]
    findings = [
        _finding(case, label, predicted[label], scored, in_truth, annotated, task, names)
        for label in sorted(set(predicted) - set(scored))
    ]
    unknown = [one for one in findings if one.kind is Kind.UNKNOWN_LABEL]
    if len(unknown) <= _MOST_UNKNOWN:
        return findings
    where = "in no table" if in_truth is None else "in no table and not in the truth"
    what = f"over {_MOST_UNKNOWN} labels that are {where}: this looks like an image, not like a label map"
    text = f"{what}; {_what_to_write(scored, task, names)}"
    voxels = sum(one.voxels or 0 for one in unknown)
    others = [one for one in findings if one.kind is not Kind.UNKNOWN_LABEL]
    return [*others, Finding(Kind.UNKNOWN_LABEL, text, case, voxels)]


def _finding(
    case: str,
    label: int,
    voxels: int,
    scored: Collection[int],
    in_truth: Collection[int] | None,
    annotated: bool,
    task: str | None,
    names: Mapping[int, str] | None,
) -> Finding:
    name = structure_name(label, task, names)
    what = f"label {label}" + ("" if name == f"label {label}" else f" ({name})")
    mixed = next(_mixed_up(label, scored, task), None)
    held = label in (in_truth or ())
    if mixed is not None and not (held or (names and label in names)):
        structure, other_task, right = mixed
        text = (
            f"label {label} is predicted, which in {other_task} is {structure}; here that is {right}, so it "
            f"is not found; write {right}"
        )
        return Finding(Kind.OTHER_LABEL, text, case, voxels)
    if not held and not is_known(label, task, names):
        table = "the task's labels" if names else f"the table of {task or 'structures'}"
        where = f"not in {table}" if in_truth is None else f"in neither {table} nor the truth"
        text = f"{what} is predicted, but is {where}; {_what_to_write(scored, task, names)}"
        return Finding(Kind.UNKNOWN_LABEL, text, case, voxels)
    why = "it isn't annotated in this case" if annotated else "the truth doesn't hold it"
    return Finding(Kind.NOT_SCORED, f"{what} is predicted, but not scored: {why}", case, voxels)


def _what_to_write(scored: Collection[int], task: str | None, names: Mapping[int, str] | None) -> str:
    """The labels that there may be, whether predictions are only checked or scored as they stand."""
    if names:
        known = sorted(names)
    elif task in TASKS:
        known = sorted(one.labels[task] for one in structure_table().structures if task in one.labels)
    else:
        known = sorted(scored)
    if not known:
        return "set its voxels to 0, or to the label that is meant"
    listed = name_some((f"{label} ({structure_name(label, task, names)})" for label in known), _MOST_NAMED)
    return f"expected {listed}; set other voxels to 0"


def _mixed_up(label: int, scored: Collection[int], task: str | None) -> Iterator[tuple[str, str, int]]:
    """Structures that the label stands for in another task, that task, and the label that is scored here."""
    for structure in structure_table().structures:
        for other_task, value in structure.labels.items():
            if value != label or other_task == task:
                continue
            here = [structure.labels.get(task)] if task in TASKS else list(structure.labels.values())
            yield from ((structure.name, other_task, right) for right in here if right in scored and right)


def _look_consecutive(predicted: Collection[int], scored: Collection[int]) -> bool:
    """Whether a prediction counts its structures 1, 2, 3 … where the truth doesn't."""
    return (
        bool(predicted)
        and bool(scored)
        and not set(predicted) & set(scored)
        and min(predicted) > 0
        and max(predicted) < len(structure_table())
        and min(scored) >= len(structure_table())
    )


def _listed(labels: Collection[int]) -> str:
    return ", ".join(str(label) for label in sorted(labels))
