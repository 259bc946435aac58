"""MRI signal equations: from relaxation times to brightness, one function per kind of sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Pulse", "sample_pulse", "signal"]

Values = NDArray[np.float64]

_R1_EXTRACELLULAR = 4.3
_R1_GADOXETATE = 6.9
_R2_OVER_R1 = 1.25


@dataclass(frozen=True)
class Pulse:
    """What the scanner does. Fields that a kind of sequence has no use for are ignored.

    Attributes:
        kind: one of the keys of the table of equations in this module.
        flip_deg: flip angle.
        tr_ms: repetition time.
        te_ms: echo time.
        inversion: inversion time as a share of the one that nulls myocardium (LGE) or fat (STIR); 0: none.
        b: diffusion weighting in s/mm².
        fat_left: share of the fat's signal that suppression leaves; 1 without suppression.
        blood_left: share of moving blood's signal that is left.
        relaxivity: of the agent, 1/(s mmol/L).
        signed: whether an inversion's sign is kept (phase sensitive) and the lowest value becomes 0.
    """

    kind: str
    flip_deg: float = 90.0
    tr_ms: float = 1000.0
    te_ms: float = 2.0
    inversion: float = 0.0
    b: float = 0.0
    fat_left: float = 1.0
    blood_left: float = 1.0
    relaxivity: float = _R1_EXTRACELLULAR
    signed: bool = False


def sample_pulse(sequence: str, rng: np.random.Generator, field_strength_t: float = 1.5) -> Pulse:
    """Draws plausible scanner parameters for one of the named sequences."""
    suppressed = float(rng.uniform(0.04, 0.3))
    if sequence == "bSSFP":
        # Specific absorption limits the flip angle at higher field.
        flip = float(rng.uniform(45, 70) if field_strength_t < 2 else rng.uniform(33, 50))
        # Fresh blood hasn't lost magnetisation yet; fat lies off resonance and is partly lost.
        fresh, fat = float(rng.uniform(1.0, 1.6)), float(rng.uniform(0.4, 1.0))
        return Pulse("balanced", flip_deg=flip, tr_ms=3.2, te_ms=1.6, fat_left=fat, blood_left=fresh)
    if sequence == "LGE":
        fat = suppressed if rng.random() < 0.35 else 1.0
        offset = float(np.clip(rng.normal(1.05, 0.05), 0.95, 1.2))
        beat_ms = float(rng.uniform(700, 2000))
        return Pulse(
            "inversion", tr_ms=beat_ms, inversion=offset, fat_left=fat, signed=bool(rng.random() < 0.4)
        )
    if sequence == "T2":
        return _sample_t2(rng, suppressed)
    if sequence == "T1":
        fat = suppressed if rng.random() < 0.5 else 1.0
        inflow = float(rng.uniform(0.5, 1.5))
        return Pulse(
            "spoiled",
            flip_deg=float(rng.uniform(9, 70)),
            tr_ms=float(rng.uniform(4, 120)),
            fat_left=fat,
            blood_left=inflow,
        )
    if sequence == "DWI":
        b = float(rng.choice([50.0, 400.0, 600.0, 800.0], p=[0.1, 0.15, 0.15, 0.6]))
        return Pulse(
            "diffusion", te_ms=float(rng.uniform(55, 75)), b=b, fat_left=float(rng.uniform(0.03, 0.15))
        )
    flip = float(rng.uniform(9, 16))
    return Pulse(
        "spoiled",
        flip_deg=flip,
        tr_ms=float(rng.uniform(3.2, 5)),
        fat_left=suppressed,
        relaxivity=_R1_GADOXETATE,
    )


def _sample_t2(rng: np.random.Generator, suppressed: float) -> Pulse:
    style = rng.random()
    te_ms, tr_ms = float(rng.uniform(60, 100)), float(rng.uniform(1800, 4000))
    dark = float(rng.uniform(0.02, 0.35))
    if style < 0.3:
        return Pulse("echo", tr_ms=tr_ms, te_ms=te_ms, inversion=1.0, fat_left=1.0, blood_left=dark)
    if style < 0.75:
        fat = suppressed if rng.random() < 0.5 else 1.0
        return Pulse("echo", tr_ms=tr_ms, te_ms=te_ms, fat_left=fat, blood_left=dark)
    # T2-prepared balanced readout: bright blood.
    return Pulse("prepared", te_ms=float(rng.uniform(40, 60)), flip_deg=60.0, tr_ms=3.2)


def signal(
    pulse: Pulse,
    *,
    t1_ms: Values,
    t2_ms: Values,
    density: Values,
    adc: Values,
    fat: Values,
    moving: Values,
    agent_mmol: Values,
    null: int,
) -> Values:
    """The signal of every material.

    Args:
        pulse: what the scanner does.
        t1_ms: (n,) native longitudinal relaxation times.
        t2_ms: (n,) native transverse relaxation times.
        density: (n,) mobile protons.
        adc: (n,) in 1e-3 mm²/s.
        fat: (n,) share that fat suppression can take.
        moving: (n,) 1 for flowing blood.
        agent_mmol: (n,) concentration of gadolinium.
        null: index of the material that an LGE's inversion time is chosen to null.

    Returns:
        (n,) magnitudes, 0 or more, in arbitrary units.
    """
    t1 = 1.0 / (1.0 / t1_ms + pulse.relaxivity * agent_mmol / 1000.0)
    t2 = 1.0 / (1.0 / t2_ms + _R2_OVER_R1 * pulse.relaxivity * agent_mmol / 1000.0)
    if pulse.kind == "inversion":
        shape = _inversion(pulse, t1, float(t1[null]))
    else:
        shape = _EQUATIONS[pulse.kind](pulse, t1, t2)
    if pulse.kind == "diffusion":
        shape = shape * np.exp(-pulse.b * adc / 1000.0)
    if pulse.kind == "echo" and pulse.inversion:
        shape = shape * np.abs(1 - 2 * np.exp(-pulse.inversion * np.log(2) * _fat_t1(t1_ms, fat) / t1))
    values: Values = (
        density * shape * (1 - fat * (1 - pulse.fat_left)) * (1 - moving * (1 - pulse.blood_left))
    )
    if pulse.signed and pulse.kind == "inversion":
        # Displays put the most negative tissue at black, so that air becomes grey.
        return values - min(float(values.min()), 0.0)
    return np.abs(values)


def _fat_t1(t1_ms: Values, fat: Values) -> float:
    return float(t1_ms[int(np.argmax(fat))])


def _balanced(pulse: Pulse, t1: Values, t2: Values) -> Values:
    """Steady state free precession on resonance (Freeman and Hill), TR much shorter than T1 and T2."""
    angle = np.deg2rad(pulse.flip_deg)
    ratio = t1 / t2
    values: Values = np.sin(angle) * np.exp(-pulse.te_ms / t2) / (ratio + 1 - np.cos(angle) * (ratio - 1))
    return values


def _spoiled(pulse: Pulse, t1: Values, t2: Values) -> Values:
    """Spoiled gradient echo (Ernst); T2* is taken as 0.6 T2."""
    angle = np.deg2rad(pulse.flip_deg)
    recovery = np.exp(-pulse.tr_ms / t1)
    values: Values = (
        np.sin(angle) * (1 - recovery) / (1 - np.cos(angle) * recovery) * np.exp(-pulse.te_ms / (0.6 * t2))
    )
    return values


def _echo(pulse: Pulse, t1: Values, t2: Values) -> Values:
    """Spin echo train."""
    values: Values = (1 - np.exp(-pulse.tr_ms / t1)) * np.exp(-pulse.te_ms / t2)
    return values


def _prepared(pulse: Pulse, t1: Values, t2: Values) -> Values:
    """T2 preparation, then a balanced readout."""
    return _balanced(pulse, t1, t2) ** 0.3 * np.exp(-pulse.te_ms / t2)


def _diffusion(pulse: Pulse, t1: Values, t2: Values) -> Values:
    """Echo-planar spin echo, long TR; the diffusion weighting is applied by the caller."""
    values: Values = np.exp(-pulse.te_ms / t2) * (t1 > 0)
    return values


def _inversion(pulse: Pulse, t1: Values, null_t1: float) -> Values:
    """Inversion recovery with the time chosen on the scanner to null one T1."""
    time = pulse.inversion * null_t1 * np.log(2 / (1 + np.exp(-pulse.tr_ms / null_t1)))
    values: Values = 1 - 2 * np.exp(-time / t1) + np.exp(-pulse.tr_ms / t1)
    return values


_EQUATIONS: Mapping[str, Callable[[Pulse, Values, Values], Values]] = {
    "balanced": _balanced,
    "spoiled": _spoiled,
    "echo": _echo,
    "prepared": _prepared,
    "diffusion": _diffusion,
}
