"""How cases lie in folders: one module per layout, registered here by name."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from unicare.core.case import Case
from unicare.data.layouts import flat

__all__ = ["LAYOUTS", "Layout"]


class Layout(Protocol):
    """What a layout's module offers."""

    def list_cases(self, folder: Path, known: Collection[str] | None = None) -> dict[str, dict[str, Path]]:
        """Finds the cases of a folder without reading an image.

        Args:
            folder: what the user names.
            known: case ids that are known from elsewhere (prompts.json); they settle which part of a file's
                name is the case.

        Returns:
            Case id to sequence name (one of ``SEQUENCES``) to file, in order of case id.

        Raises:
            ImageError: the folder isn't there, or holds no image in this layout.
        """
        ...

    def read_case(self, case_id: str, files: Mapping[str, Path]) -> Case:
        """Reads the images of one case, as ``list_cases`` gave them.

        Raises:
            UnicareError: a file can't be used; the message names it.
        """
        ...


LAYOUTS: Mapping[str, Layout] = {"flat": flat}
"""Every layout by its name."""
