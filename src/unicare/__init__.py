"""One model for hearts and livers in CT and MRI: images and prompts in, segmentations out.

Names are loaded when they are first used, so that ``import unicare`` stays quick and brings no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unicare.core.case import Case
    from unicare.core.errors import UnicareError
    from unicare.core.prompt import Box, CasePrompts, Point, Prompt
    from unicare.core.volume import Volume
    from unicare.data.load import load
    from unicare.infer.model import Model
    from unicare.infer.segment import SegmentSettings
    from unicare.models.base import Segmentation

__all__ = [
    "Box",
    "Case",
    "CasePrompts",
    "Model",
    "Point",
    "Prompt",
    "SegmentSettings",
    "Segmentation",
    "UnicareError",
    "Volume",
    "__version__",
    "load",
]

__version__ = "0.1.0"

_HOME = {
    "Box": "unicare.core.prompt",
    "Case": "unicare.core.case",
    "CasePrompts": "unicare.core.prompt",
    "Model": "unicare.infer.model",
    "Point": "unicare.core.prompt",
    "Prompt": "unicare.core.prompt",
    "SegmentSettings": "unicare.infer.segment",
    "Segmentation": "unicare.models.base",
    "UnicareError": "unicare.core.errors",
    "Volume": "unicare.core.volume",
    "load": "unicare.data.load",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'unicare' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
