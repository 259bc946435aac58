"""The order of the house: a package imports itself and what stands left of it; the light ones, no torch."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "unicare"

LAYERS = (
    {"core"},
    {"data", "metrics"},
    {"prompts", "models"},
    {"adapt"},
    {"infer"},
    {"train", "evaluate"},
    {"federated", "monitor", "demo"},
    {"web"},
    {"cli"},
    {"__main__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}

WITHOUT_TORCH = {"core", "data", "prompts", "metrics", "evaluate", "web", "cli", "__main__", "__init__"}
HEAVY = {"torch", "monai", "lightning_fabric", "lightning", "transformers"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def room(module: Path) -> str:
    """The package (or the module, at the top) that a file belongs to."""
    first = module.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(source: str, package: tuple[str, ...] = ()) -> Iterator[str]:
    """Dotted names that a source imports anywhere in it, relative ones resolved from ``package``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join((*base, node.module) if node.module else base)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def wrong_rooms(source: str, own: str, package: tuple[str, ...] = ("unicare",)) -> list[str]:
    """Imports of rooms that stand to the right of, or beside, the room ``own``."""
    others = [name.split(".") for name in imported(source, package) if name.startswith("unicare.")]
    return sorted(
        {
            ".".join(parts)
            for parts in others
            if parts[1] not in (own, "__version__") and LEVEL.get(parts[1], len(LAYERS)) >= LEVEL[own]
        }
    )


def heavy_imports(source: str) -> set[str]:
    """Imports that drag torch in."""
    return {name.split(".")[0] for name in imported(source)} & HEAVY


@pytest.mark.parametrize("module", MODULES, ids=lambda module: str(module.relative_to(PACKAGE)))
def test_a_package_imports_only_what_stands_left_of_it(module: Path) -> None:
    own = room(module)
    if own == "__init__":
        pytest.skip("the public door opens every room, lazily; test_import.py holds it")
    assert own in LEVEL, f"{own} has no place in the order of layers; give it one in LAYERS"
    package = ("unicare", *module.relative_to(PACKAGE).parts[:-1])
    assert not wrong_rooms(module.read_text(), own, package)


@pytest.mark.parametrize(
    "module",
    [module for module in MODULES if room(module) in WITHOUT_TORCH],
    ids=lambda module: str(module.relative_to(PACKAGE)),
)
def test_light_packages_import_no_torch(module: Path) -> None:
    assert not heavy_imports(module.read_text())


def test_an_import_to_the_right_is_found() -> None:
    assert wrong_rooms("from unicare.infer.ask import answer", "core") == ["unicare.infer.ask.answer"]
    assert wrong_rooms("import unicare.metrics.overlap", "data") == ["unicare.metrics.overlap"]
    assert wrong_rooms("def f():\n    from ..train import run", "core", ("unicare", "core")) == [
        "unicare.train.run"
    ]
    assert wrong_rooms("from unicare import Model", "core") == ["unicare.Model"]


def test_imports_to_the_left_and_within_are_free() -> None:
    assert not wrong_rooms("from unicare.core.case import Case\nfrom unicare import __version__", "data")
    assert not wrong_rooms("from . import volume", "core", ("unicare", "core"))


def test_torch_is_found_wherever_it_hides() -> None:
    assert heavy_imports("def f():\n    import torch.nn as nn") == {"torch"}
    assert heavy_imports("from monai.losses import DiceLoss") == {"monai"}
