"""The frame of the trunk: habitus, the curves of chest, belly and spine, the diaphragm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.ndimage import gaussian_filter, map_coordinates

from unicare.data.phantom.lattice import Field, Lattice

__all__ = ["Habitus", "Polar", "Torso", "draw_habitus"]

Curve = NDArray[np.float32]
"""One value per height (Z,)."""

_LEVELS = 96
"""Angles around the body at which radii are tabulated."""

# A body of average size, mm: height z from the heart's centre, half width, front and back edge.
_CAVITY: Sequence[Sequence[float]] = (
    (-290, -220, -160, -110, -60, -10, 40, 85, 120, 145, 165, 180, 230),
    (126, 123, 122, 128, 136, 137, 131, 119, 100, 78, 52, 28, 16),
    (62, 63, 63, 63, 62, 60, 55, 44, 30, 14, -8, -25, -38),
    (-108, -110, -114, -118, -121, -122, -122, -118, -110, -100, -90, -80, -66),
)
_MUSCLE: Sequence[Sequence[float]] = (
    (-290, -220, -160, -110, -60, -10, 40, 85, 120, 145, 165, 180, 230),
    (144, 140, 137, 140, 147, 150, 152, 161, 174, 178, 165, 148, 80),
    (73, 74, 74, 73, 72, 71, 68, 60, 48, 33, 18, 6, -4),
    (-154, -153, -152, -152, -153, -154, -155, -152, -147, -140, -132, -124, -114),
)
_SPINE: Sequence[Sequence[float]] = (
    (-290, -220, -160, -110, -60, 0, 60, 120, 180, 230),
    (-76, -70, -74, -82, -90, -95, -100, -96, -83, -73),
)


@dataclass(frozen=True)
class Habitus:
    """What makes one body differ from the next.

    Attributes:
        width: factor of all widths.
        depth: factor of all depths.
        height: factor of all heights.
        fat_mm: thickness of the fat under the skin at the flank.
        visceral_mm: how far fat inside the belly bulges it forwards.
        belly: the share of fat under the skin that hangs in front rather than lying around evenly.
        muscle: factor of the thickness of muscles.
        breast_mm: size of the breasts, 0 for none.
    """

    width: float
    depth: float
    height: float
    fat_mm: float
    visceral_mm: float
    belly: float
    muscle: float
    breast_mm: float


def draw_habitus(rng: np.random.Generator) -> Habitus:
    """Anything from thin to obese; large bodies are wider and deeper as well."""
    obesity = float(rng.beta(1.3, 2.2))
    breast = float(rng.uniform(25, 60) * (0.7 + obesity)) if rng.random() < 0.5 else 0.0
    return Habitus(
        width=float(rng.normal(0.97 + 0.1 * obesity, 0.055)),
        depth=float(rng.normal(0.96 + 0.14 * obesity, 0.055)),
        height=float(np.clip(rng.normal(1.0, 0.06), 0.88, 1.12)),
        fat_mm=3 + 38 * obesity**1.4 * float(rng.uniform(0.6, 1.3)),
        visceral_mm=75 * obesity * float(rng.uniform(0.1, 1.0)),
        belly=float(rng.uniform(0.2, 1.0)),
        muscle=float(rng.uniform(0.75, 1.3)),
        breast_mm=breast,
    )


@dataclass(frozen=True)
class Polar:
    """A lattice seen from the axis of the body.

    Attributes:
        rho: distance from the axis (X, Y, Z) mm.
        theta: angle (X, Y, Z), 0 behind, positive on the right side of the body, pi in front.
    """

    rho: Field
    theta: Field

    def radius(self, table: Field) -> Field:
        """A table (angles, Z) over -pi..pi, interpolated along the angle, on the lattice (X, Y, Z) mm."""
        count = table.shape[0]
        position = (self.theta + np.float32(np.pi)) * np.float32(count / (2 * np.pi))
        index = position.astype(np.int32)
        fraction = position - index
        height = np.arange(table.shape[1], dtype=np.int32)
        flat = table.ravel()
        low = flat.take((index % count) * table.shape[1] + height)
        high = flat.take(((index + 1) % count) * table.shape[1] + height)
        low += (high - low) * fraction
        return np.asarray(low, np.float32)


class Torso:
    """The curves that all parts of one trunk are laid along.

    Attributes:
        habitus: what this body is like.
        midline_mm: the R coordinate of the midline.
        heart_mm: centres (4, 3) of balls that outline the heart: base and apex, left side, then right.
        heart_radii_mm: their radii.
    """

    def __init__(
        self, rng: np.random.Generator, habitus: Habitus, landmarks: dict[str, NDArray[np.float32]]
    ) -> None:
        """Draws what is left to chance.

        Args:
            rng: source of chance.
            habitus: what the body is like.
            landmarks: points (3,) mm of the heart; those missing are taken from an average heart.
        """
        self.habitus = habitus
        self.midline_mm = float(rng.normal(36, 5))
        if "spine" in landmarks:
            self.midline_mm = float(landmarks["spine"][0])
        self._sway = rng.normal(0, 2.0, 3)
        self._harmonics = rng.normal(0, 1.0, (4, 3))
        apex = np.asarray(landmarks.get("lv_apex", (-32.0, 30.0, -28.0)), np.float32)
        base = np.asarray(landmarks.get("mitral_centre", (18.0, -18.0, 18.0)), np.float32)
        axis = (apex - base) / max(float(np.linalg.norm(apex - base)), 1e-3)
        atrium = np.asarray(landmarks.get("ra_centre", (58.0, -8.0, 18.0)), np.float32)
        tip = np.asarray(landmarks.get("rv_apex", (0.0, 34.0, -16.0)), np.float32)
        self.heart_mm = np.stack([base - 8 * axis, apex - 22 * axis, atrium, tip - 6 * axis]).astype(
            np.float32
        )
        self.heart_radii_mm = (41.0, 35.0, 27.0, 25.0)
        self._shift_mm = 0.0
        if "aorta_descending" in landmarks:
            level = np.asarray([-50.0], np.float32)
            self._shift_mm = float(landmarks["aorta_descending"][1]) - 20.0 - float(self.spine(level)[1][0])
        self._dome = {
            "right": float(rng.uniform(-32, 4)),
            "step": float(rng.uniform(4, 20)),
            "power": float(rng.uniform(3.0, 6.0)),
            "rim": float(rng.uniform(0.75, 1.15)),
        }

    def _curve(self, z_mm: Curve, knots: Sequence[Sequence[float]], row: int) -> Curve:
        height = self.habitus.height
        heights = np.asarray(knots[0]) * height
        return np.asarray(PchipInterpolator(heights, knots[row], extrapolate=True)(z_mm), np.float32)

    def _deep(self, y_mm: Curve) -> Curve:
        return np.asarray(-32 + (y_mm + 32) * self.habitus.depth, np.float32)

    def _back(self, z_mm: Curve, knots: Sequence[Sequence[float]], row: int) -> Curve:
        """A coordinate of something that moves with the spine."""
        return np.asarray(self._deep(self._curve(z_mm, knots, row)) + self._shift_mm, np.float32)

    def _bulge(self, z_mm: Curve) -> Curve:
        """How far the belly stands out, 0..1."""
        return np.asarray(1 / (1 + np.exp((z_mm + 95) / 18)), np.float32)

    def spine(self, z_mm: Curve) -> tuple[Curve, Curve]:
        """R and A coordinates of the middle of the vertebral bodies."""
        a, b, c = self._sway
        sway = a * np.sin(z_mm / 60) + b * np.sin(z_mm / 95 + 1) + c * np.sin(z_mm / 40 + 2)
        return np.asarray(self.midline_mm + sway, np.float32), self._back(z_mm, _SPINE, 1)

    def axis_y(self, z_mm: Curve) -> Curve:
        """A coordinate of the axis that angles are measured around."""
        front = self._deep(self._curve(z_mm, _CAVITY, 2))
        return np.asarray((front + self._back(z_mm, _CAVITY, 3)) / 2, np.float32)

    def polar(self, lattice: Lattice) -> Polar:
        """The lattice seen from the body's axis."""
        x, y, z = lattice.open_axes()
        dx = x - np.float32(self.midline_mm)
        dy = self.axis_y(z.ravel())[None, None, :] - y
        return Polar(np.sqrt(dx * dx + dy * dy), np.arctan2(dx, dy))

    def _oval(self, z_mm: Curve, knots: Sequence[Sequence[float]], extra_front: Curve, power: float) -> Field:
        theta = np.linspace(-np.pi, np.pi, _LEVELS, endpoint=False)[:, None]
        middle = self.axis_y(z_mm)
        half = self._curve(z_mm, knots, 1) * self.habitus.width + 0.45 * extra_front
        front = self._deep(self._curve(z_mm, knots, 2)) + extra_front - middle
        back = middle - self._back(z_mm, knots, 3)
        depth = np.where(np.cos(theta) < 0, front, back)
        inverse = (np.abs(np.sin(theta)) / half) ** power + (np.abs(np.cos(theta)) / depth) ** power
        return np.asarray(inverse ** (-1 / power), np.float32)

    def cavity(self, z_mm: Curve) -> Field:
        """Inner radius of chest and belly wall (angles, Z) mm."""
        extra = self.habitus.visceral_mm * self._bulge(z_mm)
        return self._oval(z_mm, _CAVITY, extra, 2.35) * self._waviness(z_mm, 0.012)

    def muscles(self, z_mm: Curve) -> Field:
        """Outer radius of the muscles (angles, Z) mm."""
        theta = np.linspace(-np.pi, np.pi, _LEVELS, endpoint=False)[:, None]
        extra = self.habitus.visceral_mm * self._bulge(z_mm)
        outer = self._oval(z_mm, _MUSCLE, extra, 2.5)
        chest = np.exp(-(((z_mm - 70) / 55) ** 2))
        side = np.abs(theta)
        pectoral = 9 * np.exp(-(((side - 2.45) / 0.3) ** 2)) * chest
        latissimus = 5 * np.exp(-(((side - 1.15) / 0.35) ** 2)) * np.exp(-(((z_mm - 40) / 80) ** 2))
        erector = 7 * np.exp(-(((side - 0.33) / 0.2) ** 2)) - 5 * np.exp(-((side / 0.12) ** 2))
        outer = outer + self.habitus.muscle * (pectoral + latissimus + erector)
        inner = self.cavity(z_mm)
        wall = (outer - inner) * (0.55 + 0.45 * self.habitus.muscle)
        return np.asarray(inner + np.maximum(wall, 9.5), np.float32)

    def fat(self, z_mm: Curve) -> Field:
        """Outer radius of the fat under the skin (angles, Z) mm."""
        theta = np.linspace(-np.pi, np.pi, _LEVELS, endpoint=False)[:, None]
        low = 1 / (1 + np.exp((z_mm + 40) / 45))
        front = np.clip(-np.cos(theta), 0, 1)
        share = (
            0.45
            + 0.55 * low
            + self.habitus.belly * front * (low * 0.9 - 0.25)
            - 0.3 * np.clip(np.cos(theta), 0, 1)
        )
        thick = 2.0 + self.habitus.fat_mm * np.clip(share, 0.1, None) * self._waviness(z_mm, 0.12)
        return np.asarray(self.muscles(z_mm) + thick, np.float32)

    def _waviness(self, z_mm: Curve, strength: float) -> Field:
        theta = np.linspace(-np.pi, np.pi, _LEVELS, endpoint=False)[:, None]
        total = np.ones((_LEVELS, len(z_mm)))
        for order, (cosine, sine, phase) in enumerate(self._harmonics, start=1):
            turn = order * theta + phase + z_mm[None, :] / (70 + 25 * order)
            total += strength / order * (cosine * np.cos(turn) + sine * np.sin(turn))
        return np.asarray(total, np.float32)

    def place(self, theta: float, share: float, z_mm: float) -> NDArray[np.float32]:
        """A point (3,) mm at an angle, at a share of the way from the body's axis to the cavity's wall."""
        z = np.asarray([z_mm], np.float32)
        index = round((theta + np.pi) / (2 * np.pi) * _LEVELS) % _LEVELS
        radius = share * float(self.cavity(z)[index, 0])
        middle = float(self.axis_y(z)[0])
        return np.asarray(
            (self.midline_mm + radius * np.sin(theta), middle - radius * np.cos(theta), z_mm), np.float32
        )

    def diaphragm(self, lattice: Lattice) -> Field:
        """S coordinate of the upper face of the diaphragm (X, Y, 1) mm."""
        x, y = np.meshgrid(lattice.axis(0), lattice.axis(1), indexing="ij")
        return self.dome_mm(x, y)[:, :, None]

    def dome_mm(self, x_mm: NDArray[np.float32], y_mm: NDArray[np.float32]) -> NDArray[np.float32]:
        """S coordinate of the upper face of the diaphragm at points of any shape but none."""
        flat, height = self._dome_map
        where = [(np.atleast_1d(c) - flat.origin_mm[k]) / flat.step_mm[k] for k, c in enumerate((x_mm, y_mm))]
        return np.asarray(map_coordinates(height, where, order=1, mode="nearest"), np.float32)

    @cached_property
    def _dome_map(self) -> tuple[Lattice, NDArray[np.float32]]:
        level = np.asarray([-55.0], np.float32)
        reach = 190 * self.habitus.width + 0.5 * self.habitus.visceral_mm
        lower, upper = (self.midline_mm - reach, -190, -55), (self.midline_mm + reach, 190, -55)
        flat = Lattice.over(lower, upper, 4.0)
        x, y, _ = flat.open_axes()
        polar = self.polar(flat)
        share = np.clip(polar.rho / polar.radius(self.cavity(level)), 0, 1.1)
        across = (x - np.float32(self.midline_mm)) / np.float32(137 * self.habitus.width)
        right = 1 / (1 + np.exp(-6 * across))
        tops = self._dome["right"] - self._dome["step"] * (1 - right) - 14 * np.exp(-((across / 0.2) ** 2))
        rim = (-88 - 34 * np.cos(polar.theta)) * self._dome["rim"] * self.habitus.height
        height = rim + (tops - rim) * (1 - share ** self._dome["power"])
        for (cx, cy, cz), radius in zip(self.heart_mm, self.heart_radii_mm, strict=True):
            square = ((x - cx) ** 2 + (y - cy) ** 2) / radius**2
            below = cz - radius * np.sqrt(np.clip(1 - square, 0, 1)) - 1
            height = np.where(square < 1, np.minimum(height, below), height)
        return flat, np.asarray(gaussian_filter(height[:, :, 0], 1.75), np.float32)

    def field(self, lattice: Lattice, polar: Polar, table: str) -> Field:
        """``cavity``, ``muscles`` or ``fat`` as a field on a lattice."""
        radii: Field = getattr(self, table)(lattice.axis(2))
        return np.asarray(polar.rho - polar.radius(radii), np.float32)
