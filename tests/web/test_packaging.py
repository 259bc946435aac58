"""``pip install 'unicare[web]'`` brings what the site imports; ``unicare[test]`` brings that, too."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named(requirements: list[str]) -> set[str]:
    return {normal(re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0]) for one in requirements}


def imported(folder: Path) -> set[str]:
    """The first part of everything that is imported anywhere below a folder."""
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"unicare"}


def needed(names: set[str], found: set[str]) -> set[str]:
    """These packages and all that they need, as far as they are installed here."""
    for name in names - found:
        found.add(name)
        wanted = [Requirement(one) for one in requires(name) or []]
        here = {
            normal(one.name) for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})
        }
        needed(here, found)
    return found


def test_continuous_integration_knows_the_version_of_all_that_the_site_needs() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    known = {normal(line.partition("==")[0]) for line in lines if "==" in line}
    assert needed(named(PROJECT["optional-dependencies"]["web"]), set()) <= known


def test_what_the_site_imports_is_named() -> None:
    by_module = packages_distributions()
    modules = imported(ROOT / "src" / "unicare" / "web")
    wanted = {module: {normal(one) for one in by_module[module]} for module in modules}
    extras = PROJECT["optional-dependencies"]
    there = named([*PROJECT["dependencies"], *extras["web"]])
    assert not {module for module, names in wanted.items() if not names & there}
    assert named(extras["web"]) <= named(extras["test"])
