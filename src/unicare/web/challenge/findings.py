"""What is worth knowing about a challenge's folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from unicare.evaluate.findings import name_some

__all__ = ["CheckResult", "Finding", "Severity", "several_as_one"]

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One thing about one place of the folder.

    Attributes:
        severity: ``error`` (the challenge can't run so) or ``warning`` (it can, but look at it).
        file: seen from the challenge's folder.
        what: what is wrong.
        line: of the file, counted from 1; None where it isn't about a line.
        found: what was there; empty where that goes without saying.
        expected: what should have been there.
        mend: what to do.
    """

    severity: Severity
    file: str
    what: str
    line: int | None = None
    found: str = ""
    expected: str = ""
    mend: str = ""

    @property
    def place(self) -> str:
        """File and line."""
        return self.file if self.line is None else f"{self.file}, line {self.line}"

    @property
    def text(self) -> str:
        """All but the place, as one sentence."""
        parts = [self.what]
        if self.found:
            parts.append(f"found {self.found}")
        if self.expected:
            parts.append(f"expected {self.expected}")
        return "; ".join([*parts, self.mend] if self.mend else parts)


@dataclass(frozen=True)
class CheckResult:
    """What is wrong with a challenge's folder, and what is in it.

    Attributes:
        findings: in order of their places; errors and warnings.
        summary: what the challenge is, in plain values; empty where challenge.yaml can't be used at all.
    """

    findings: tuple[Finding, ...]
    summary: Mapping[str, Any]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(finding.severity == "error" for finding in self.findings)

    @property
    def warnings(self) -> int:
        """How many are warnings."""
        return len(self.findings) - self.errors

    @property
    def ok(self) -> bool:
        """Whether the challenge can run; warnings are no hindrance."""
        return not self.errors

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "ok": self.ok,
            "errors": self.errors,
            "warnings": self.warnings,
            "findings": [{**asdict(one), "text": one.text} for one in self.findings],
            "challenge": dict(self.summary),
        }


def several_as_one(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The same thing about many images of a folder as one finding."""
    groups: dict[Finding, list[str]] = {}
    for one in findings:
        is_image = one.file.endswith((".nii", ".nii.gz"))
        place = one.file.rpartition("/")[0] if is_image else one.file
        groups.setdefault(replace(one, file=place), []).append(one.file)
    for one, files in groups.items():
        several = list(dict.fromkeys(files))
        if len(several) == 1:
            yield replace(one, file=several[0])
        else:
            names = name_some(name.rpartition("/")[2] for name in several)
            yield replace(one, what=f"{one.what} ({len(several)} files: {names})")
