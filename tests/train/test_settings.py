"""Recipes: reading, overriding, refusing."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from unicare.core.errors import SettingsError
from unicare.train.settings import LoopSettings, load_recipe, validate_section


@pytest.fixture
def recipe(tmp_path):
    def write(text: str):
        path = tmp_path / "recipe.yaml"
        path.write_text(text)
        return path

    return write


def test_sections_are_read_and_overridden_in_order(recipe):
    path = recipe("loop:\n  steps: 50\n  learning_rate: 1e-4\nmodel:\n  width: 8\n")
    overrides = ["loop.steps=60", "loop.steps=70", "data.phantom.slices=[4, 12]", "loop.clip_norm=null"]
    read = load_recipe(path, overrides)
    assert read.loop.steps == 70
    assert read.loop.learning_rate == pytest.approx(1e-4)
    assert read.loop.clip_norm is None
    assert read.model == {"width": 8}
    assert read.data == {"phantom": {"slices": [4, 12]}}


def test_an_empty_recipe_is_the_defaults(recipe):
    assert load_recipe(recipe("")).loop == LoopSettings()


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [
        ("loop:\n  stpes: 5\n", [], r"recipe\.yaml: unknown key loop\.stpes; did you mean loop\.steps\?"),
        ("lop:\n  steps: 5\n", [], r"recipe\.yaml: unknown key lop; did you mean loop\?"),
        ("{}", ["loop.precison=auto"], r"unknown key loop\.precison; did you mean loop\.precision\?"),
        ("{}", ["optimizer.beta=1"], r"unknown key optimizer; known are data, loop, model"),
        ("{}", ["loop.steps"], r"--set loop\.steps: can't be read; expected section\.key=value"),
        ("{}", ["loop=3"], r"expected section\.key=value"),
        ("model:\n  width: 8\n", ["model.width.x=1"], r"width holds a value"),
        ("loop:\n  steps: many\n", [], r"recipe\.yaml: loop\.steps: .*integer.*; found 'many'"),
        ("loop:\n  steps: -1\n", [], r"loop\.steps: .*greater.*; found -1"),
        ("loop:\n  precision: '16'\n", [], r"loop\.precision: .*bf16-mixed"),
        ("loop:\n  steps: null\n", [], r"steps is null, which needs max_minutes"),
        ("loop: 5\n", [], r"section loop; found 5"),
        ("- loop\n", [], r"isn't a recipe; expected the sections loop, model, data"),
        ("loop: {\n", [], r"isn't YAML"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(recipe, text, overrides, said):
    with pytest.raises(SettingsError, match=said) as error:
        load_recipe(recipe(text), overrides)
    assert "\n" not in str(error.value)


def test_files_that_cannot_be_read_are_told(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        load_recipe(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="not UTF-8"):
        load_recipe(tmp_path / "binary.yaml")


class Phantom(BaseModel):
    model_config = ConfigDict(extra="forbid")
    slices: int = 8


class Data(BaseModel):
    model_config = ConfigDict(extra="forbid")
    phantom: Phantom | None = None


def test_owners_validate_their_sections_with_the_same_sentences():
    assert validate_section(Data, {"phantom": {"slices": "9"}}, "data").phantom == Phantom(slices=9)
    with pytest.raises(SettingsError, match=r"data\.phantom\.slice; did you mean data\.phantom\.slices\?"):
        validate_section(Data, {"phantom": {"slice": 9}}, "data", "my.yaml")


def test_every_setting_of_the_loop_explains_itself():
    for name, field in LoopSettings.model_fields.items():
        assert field.description, name
