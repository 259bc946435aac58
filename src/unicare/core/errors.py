"""The one tree of errors. Every message says what was found, what was expected, and what to do."""

from __future__ import annotations

__all__ = [
    "ContainerError",
    "GeometryError",
    "ImageError",
    "OutputError",
    "PromptError",
    "SettingsError",
    "SubmissionError",
    "UnicareError",
    "WeightsError",
]


class UnicareError(Exception):
    """Anything that is wrong with what a user gave to unicare, told in one sentence.

    Args:
        what: where and what went wrong, for example ``"patient7.nii.gz: the affine is singular"``.
        found: what was there.
        expected: what should have been there.
        mend: the command or option that mends it.
    """

    def __init__(
        self, what: str, *, found: object = None, expected: object = None, mend: str | None = None
    ) -> None:
        self.what = what
        self.found = found
        self.expected = expected
        self.mend = mend
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        parts = [self.what]
        if self.found is not None:
            parts.append(f"found {self.found}")
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.mend is not None:
            parts.append(self.mend)
        return "; ".join(parts)


class ImageError(UnicareError):
    """An image file that can't be read, or isn't a 3D scalar volume."""


class GeometryError(UnicareError):
    """Affines, spacings or shapes that are impossible or don't fit together."""


class PromptError(UnicareError):
    """Prompts that can't be read, or don't fit the image."""


class WeightsError(UnicareError):
    """Weights that can't be found, read, or don't fit the network."""


class SettingsError(UnicareError):
    """Unknown keys or impossible values in options and recipes."""


class OutputError(UnicareError):
    """A place that can't be written to."""


class SubmissionError(UnicareError):
    """What a team handed in, or is about to, that can't be used."""


class ContainerError(UnicareError):
    """A container engine that is missing or doesn't do what it should: the host's fault, never the team's."""
