"""The figures that other libraries would give, without those libraries (docs/metrics.md, Conformance)."""

from __future__ import annotations

from collections.abc import Mapping

from unicare.core.errors import SettingsError
from unicare.metrics.compat.definition import Definition
from unicare.metrics.compat.itk import Itk
from unicare.metrics.compat.medpy import Medpy
from unicare.metrics.compat.monai import Monai
from unicare.metrics.compat.nnunet import NnUnet
from unicare.metrics.compat.surface_distance import SurfaceDistance

__all__ = ["DEFINITIONS", "Definition", "find_definition"]

DEFINITIONS: Mapping[str, Definition] = {
    "monai": Monai(),
    "medpy": Medpy(),
    "surface-distance": SurfaceDistance(),
    "nnunet": NnUnet(),
    "itk": Itk(),
}
"""Every library whose figures can be had, by the name that ``--compat`` takes."""


def find_definition(name: str) -> Definition:
    """The definition of that name.

    Raises:
        SettingsError: there is none.
    """
    if name not in DEFINITIONS:
        raise SettingsError("unknown library", found=name, expected=f"one of {', '.join(DEFINITIONS)}")
    return DEFINITIONS[name]
