"""``unicare challenge`` on the command line."""

import json

import pytest
from tests.web.challenge.folders import write_challenge
from typer.testing import CliRunner

from unicare.cli.app import app


def run(*words):
    return CliRunner().invoke(app, ["challenge", *[str(word) for word in words]])


@pytest.fixture
def folder(tmp_path):
    return write_challenge(tmp_path / "challenge")


def test_a_challenge_in_order(folder):
    result = run("check", folder)
    assert result.exit_code == 0, result.stderr
    assert "nothing is wrong" in result.stdout
    assert "whs 1+1" in result.stdout
    assert result.stderr == ""


def test_what_is_wrong_is_listed_and_fails(folder):
    yaml = folder / "challenge.yaml"
    yaml.write_text(
        yaml.read_text().replace("kind: container", "kind: docker").replace("title: Hearts\n", "")
    )
    (folder / "reference/whs/validation/truth/one.nii.gz").unlink()
    result = run("check", folder)
    assert result.exit_code == 1
    for told in ("phases[2].kind", "title is missing", "but no truth", "4 errors, 0 warnings"):
        assert told in result.stdout
    machine = json.loads(run("check", folder, "--json").stdout)
    assert machine["ok"] is False
    assert [one["line"] for one in machine["findings"] if "kind" in one["text"]] == [19]


def test_cases_that_cannot_be_counted_are_not_none(folder):
    (folder / "reference/whs/test/cohort.csv").write_text("case\none\n")
    told = run("check", folder).stdout
    assert "whs 1+1" in told
    assert "whs 2 (ID or OOD isn't known)" in told
    yaml = folder / "challenge.yaml"
    yaml.write_text(yaml.read_text().replace("sequences: [CT, bSSFP]", "sequences: [PET]"))
    told = run("check", folder).stdout
    assert "not counted" in told
    assert "none yet" not in told
    yaml.write_text(yaml.read_text().replace("[PET]", "[CT]"))
    for phase in ("validation", "test"):
        (folder / "reference/whs" / phase).rename(folder.parent / phase)
    assert "none yet" in run("check", folder).stdout


def test_one_thing_is_one(folder):
    (folder / "texts/rules.md").write_text("")
    assert "1 error, 0 warnings" in run("check", folder).stdout


def test_warnings_are_no_failure(folder):
    (folder / "public/whs/prompts.json").rename(folder / "public/prompts.json")
    (folder / "public/whs").rename(folder / "public/heart")
    assert "0 errors, 2 warnings" in run("check", folder).stdout
    result = run("check", folder, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["warnings"] == 2


def test_a_folder_that_is_no_challenge(tmp_path):
    result = run("check", tmp_path)
    assert result.exit_code == 2
    assert "no challenge.yaml in it" in result.stderr
    assert "Traceback" not in result.stderr
