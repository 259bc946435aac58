"""How bright each tissue is: CT numbers, and MRI signals from relaxation times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from unicare.core.errors import SettingsError
from unicare.data.phantom.signal import Pulse, sample_pulse, signal
from unicare.data.phantom.tissues import Tissue

__all__ = [
    "CT_PHASES",
    "MRI_SEQUENCES",
    "Contrast",
    "Material",
    "Modality",
    "random_contrast",
    "sample_contrast",
]

Modality = Literal["CT", "MRI"]

CT_PHASES: tuple[str, ...] = ("native", "arterial", "venous")
"""When a CT was taken after iodine; ``native`` is without."""

MRI_SEQUENCES: tuple[str, ...] = ("LGE", "T2", "bSSFP", "T1", "DWI", "GED1", "GED2", "GED3", "GED4")
"""MRI sequences that there are signal equations for."""

_BLOOD_HU_FLOOR = 25.0


class Material(BaseModel):
    """What one kind of matter is made of; ``contrast.yaml`` says units and sources of every field."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    density: float
    t1_ms: tuple[float, float]
    t2_ms: tuple[float, float]
    hu: tuple[float, float]
    arterial_hu: tuple[float, float] | None = None
    venous_hu: tuple[float, float] | None = None
    adc: float = 0.0
    fat: float = 0.0
    moving: bool = False
    late: float = 0.0
    ged: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    texture: float = 0.05
    texture_hu: float = 8.0
    spots: str | None = None
    spread: float = 0.07


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    materials: dict[str, Material]
    tissues: dict[str, str]


@dataclass(frozen=True, eq=False)
class Contrast:
    """What the renderer needs to know of every label of a grid; arrays are indexed by the label.

    Attributes:
        means: (n,) signal, HU in CT, 0 to about 1 in MRI.
        texture: (n,) sd within the tissue, in the same unit.
        spots: (n,) what sparse spots add to the signal, 0 where there are none.
        modality: says which noise the renderer adds.
    """

    means: NDArray[np.float32]
    texture: NDArray[np.float32]
    spots: NDArray[np.float32]
    modality: Modality = "MRI"

    @classmethod
    def of(
        cls,
        means: NDArray[np.floating] | Mapping[int, float],
        *,
        texture: float = 0.05,
        modality: Modality = "MRI",
    ) -> Contrast:
        """A contrast from means alone, the same share of texture everywhere.

        Args:
            means: (n,) signals, or label to signal; labels that aren't listed are 0 (−1000 in CT).
            texture: sd within the tissue as a share of the range of the means.
            modality: ``"MRI"`` or ``"CT"``.
        """
        if isinstance(means, Mapping):
            table = np.full(max(means) + 1, -1000.0 if modality == "CT" else 0.0, dtype=np.float32)
            table[list(means)] = list(means.values())
        else:
            table = np.asarray(means, dtype=np.float32)
        sd = np.where(table == table[0], 0.0, texture * np.ptp(table)).astype(np.float32)
        return cls(table, sd, np.zeros_like(table), modality)


def sample_contrast(
    sequence: str,
    rng: np.random.Generator,
    *,
    field_strength_t: float = 1.5,
    phase: str = "arterial",
    variation: float = 1.0,
    pulse: Pulse | None = None,
) -> Contrast:
    """Draws what all tissues look like in one scan of one patient.

    Args:
        sequence: ``"CT"`` or one of ``MRI_SEQUENCES``.
        rng: picks the patient's and the scanner's values.
        field_strength_t: relaxation times are interpolated between 1.5 and 3 T.
        phase: of a CT, one of ``CT_PHASES``.
        variation: factor on every spread; 0 gives the tables' means.
        pulse: the scanner's parameters; drawn when None.

    Returns:
        The contrast, indexed by ``Tissue``.

    Raises:
        SettingsError: the sequence or phase has no table.
    """
    table = _table()
    if sequence == "CT":
        if phase not in CT_PHASES:
            raise SettingsError("no such phase of a CT", found=phase, expected=f"one of {CT_PHASES}")
        return _by_tissue(_sample_hu(table, phase, rng, variation), table, modality="CT")
    if sequence not in MRI_SEQUENCES:
        raise SettingsError(
            "no contrast for this sequence", found=sequence, expected=f"CT or one of {MRI_SEQUENCES}"
        )
    if pulse is None:
        pulse = sample_pulse(sequence, rng, field_strength_t)
    bodies = _sample_bodies(table, rng, field_strength_t, variation)
    names = list(table.materials)
    agent = np.array([_agent(sequence, table.materials[name]) for name in names])
    # Patients differ in dose and clearance as a whole more than tissues differ among themselves.
    agent = (
        agent * np.exp(rng.normal(0, 0.15 * variation)) * np.exp(rng.normal(0, 0.08 * variation, len(names)))
    )
    null_t1 = names.index("myocardium")
    values = signal(pulse, agent_mmol=agent, null=null_t1, **bodies)
    values = values / max(float(np.quantile(values, 0.93)), 1e-6)
    return _by_tissue(dict(zip(names, values.tolist(), strict=True)), table, modality="MRI")


def random_contrast(rng: np.random.Generator, *, merge: float = 0.5) -> Contrast:
    """Draws brightnesses that no scanner has, for networks that shouldn't rely on any.

    Args:
        rng: picks them.
        merge: chance that materials that look alike in most scans (all blood, all fat) look alike here.
    """
    table = _table()
    values = {name: float(rng.uniform(0, 1)) for name in table.materials}
    groups = (
        ("blood_left", "blood_right", "blood_inferior", "blood_liver"),
        ("myocardium", "myocardium_right", "wall", "valve"),
        ("fat", "fat_heart"),
        ("kidney_cortex", "kidney_medulla"),
    )
    for group in groups:
        if rng.random() < merge:
            for name in group[1:]:
                values[name] = float(np.clip(values[group[0]] + rng.normal(0, 0.04), 0, 1))
    if rng.random() < 0.7:
        values["air"] = float(rng.uniform(0, 0.05))
    return _by_tissue(values, table, modality="MRI")


@cache
def _table() -> _Table:
    text = resources.files("unicare.data.phantom").joinpath("contrast.yaml").read_text(encoding="utf-8")
    table = _Table.model_validate(yaml.safe_load(text))
    if missing := {tissue.name for tissue in Tissue} - set(table.tissues):
        raise SettingsError(
            "contrast.yaml doesn't cover every tissue", found=f"nothing for {sorted(missing)}"
        )
    return table


def _sample_hu(table: _Table, phase: str, rng: np.random.Generator, variation: float) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, material in table.materials.items():
        enhanced = {"native": None, "arterial": material.arterial_hu, "venous": material.venous_hu}[phase]
        mean, sd = enhanced or material.hu
        value = rng.normal(mean, sd * variation)
        values[name] = max(value, _BLOOD_HU_FLOOR) if material.moving else float(value)
    return values


def _sample_bodies(
    table: _Table, rng: np.random.Generator, field_strength_t: float, variation: float
) -> dict[str, NDArray[np.float64]]:
    """This patient's relaxation times and densities, one entry per material."""
    materials = list(table.materials.values())
    share = float(np.clip((field_strength_t - 1.5) / 1.5, -0.6, 1.2))
    spread = np.array([material.spread for material in materials]) * variation

    def between(low_high: list[tuple[float, float]]) -> NDArray[np.float64]:
        low, high = np.array(low_high).T
        times: NDArray[np.float64] = (low + share * (high - low)) * np.exp(rng.normal(0, spread))
        return times

    return {
        "t1_ms": between([material.t1_ms for material in materials]),
        "t2_ms": between([material.t2_ms for material in materials]),
        "density": np.array([material.density for material in materials]) * np.exp(rng.normal(0, spread / 2)),
        "adc": np.array([material.adc for material in materials]) * np.exp(rng.normal(0, spread)),
        "fat": np.array([material.fat for material in materials]),
        "moving": np.array([material.moving for material in materials], dtype=np.float64),
    }


def _agent(sequence: str, material: Material) -> float:
    if sequence == "LGE":
        return material.late
    return material.ged[int(sequence[3]) - 1] if sequence.startswith("GED") else 0.0


def _by_tissue(values: Mapping[str, float], table: _Table, modality: Modality) -> Contrast:
    means = np.zeros(len(Tissue), dtype=np.float32)
    texture, spots = np.zeros_like(means), np.zeros_like(means)
    for tissue in Tissue:
        name = table.tissues[tissue.name]
        material = table.materials[name]
        means[tissue] = values[name]
        texture[tissue] = material.texture_hu if modality == "CT" else material.texture * abs(values[name])
        if material.spots:
            spots[tissue] = values[material.spots] - values[name]
    return Contrast(means, texture, spots, modality)
