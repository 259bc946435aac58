"""`import unicare` and `unicare --help` stay light: no torch, no numpy; and every public name is there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import unicare

ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "monai", "numpy", "scipy", "nibabel", "matplotlib")


def modules_after(statements: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after the statements."""
    ending = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", f"{statements}\n{ending}"], check=True, capture_output=True, text=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_brings_nothing_heavy() -> None:
    loaded = modules_after("import unicare; unicare.__version__; dir(unicare)")
    assert "unicare" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["predict", "--help"], ["prompts", "--help"]])
def test_help_brings_nothing_heavy(words: list[str]) -> None:
    loaded = modules_after(
        f"import unicare.cli\ntry: unicare.cli.main({words})\nexcept SystemExit as end: assert not end.code"
    )
    assert not loaded & set(HEAVY)


def test_every_public_name_is_there() -> None:
    for name in unicare.__all__:
        assert getattr(unicare, name) is not None


def test_reading_images_brings_no_torch() -> None:
    assert "torch" not in modules_after("import unicare; unicare.load; unicare.Case; unicare.Volume")


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Modell'"):
        unicare.Modell  # noqa: B018


def test_the_citation_tells_this_version() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == unicare.__version__
