"""The table of who is answered what, as ``authorisation.txt`` has it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROLES", "WANTED"]


def _read(path: Path) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    lines = [line.split() for line in path.read_text().splitlines() if line and not line.startswith("#")]
    _, _, *roles = lines[0]
    return tuple(roles), {f"{method} {address}": tuple(told) for method, address, *told in lines[1:]}


ROLES, WANTED = _read(Path(__file__).with_name("authorisation.txt"))
"""The roles; and for each route, such as ``GET /team``, the status that each of them is answered."""
