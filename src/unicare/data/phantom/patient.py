"""A whole virtual patient, drawn at random."""

from __future__ import annotations

import numpy as np

from unicare.data.phantom.anatomy import Anatomy, Shape
from unicare.data.phantom.heart import build_heart, sample_heart_options
from unicare.data.phantom.warp import random_warp

__all__ = ["sample_anatomy"]


def sample_anatomy(rng: np.random.Generator, trunk: bool = True) -> Anatomy:
    """A random virtual patient.

    Args:
        rng: source of chance; the same state gives the same patient.
        trunk: with everything around the heart; without, the heart hangs in air.
    """
    shapes, landmarks = build_heart(rng, sample_heart_options(rng))
    around: list[Shape] = []
    if trunk:
        from unicare.data.phantom.trunk import build_trunk

        around = build_trunk(rng, landmarks)
    return Anatomy([*around, *shapes], random_warp(rng, float(rng.uniform(1.5, 4.5))), landmarks)
