import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.evaluate.robustness.fakes import BoxPainter, ImageReader
from typer.testing import CliRunner

from unicare.cli.app import app
from unicare.core.errors import ImageError, OutputError, SettingsError
from unicare.data.nifti import load_labels, load_volume
from unicare.evaluate.robustness import RobustnessSettings, measure_robustness, read_result
from unicare.evaluate.robustness.curves import CLEAN, Condition
from unicare.evaluate.robustness.inputs import Levels, read_study, write_input
from unicare.evaluate.robustness.predictors import CommandPredictor, EllipsePredictor
from unicare.evaluate.run import evaluate
from unicare.prompts.check import check_input
from unicare.prompts.contract import read_prompts

FEW = Levels(missing=(0.0, 0.5, 1.0), noise=(0.0, 0.5), jitter=(0.0, 0.3), points=(1, 5))
SETTINGS = RobustnessSettings(levels=FEW, resamples=50)


def curve_of(result, kind, variant, structure="all", metric="dice"):
    (found,) = [
        curve
        for curve in result.curves
        if (curve.kind, curve.variant, curve.structure, curve.metric) == (kind, variant, structure, metric)
    ]
    return [point.mean for point in found.points]


def combination(result, sequences, metric="dice"):
    return next(
        one.figure
        for one in result.combinations
        if (one.sequences, one.structure, one.metric) == (sequences, "all", metric)
    )


def table(out):
    with (out / "robustness.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_never_looks_at_the_image_is_flat_but_for_the_prompts(study, tmp_path):
    result = measure_robustness(*study, tmp_path / "out", BoxPainter(), SETTINGS)
    assert (result.cases, result.findings) == (3, ())
    missing = curve_of(result, "missing", "at least one left")
    assert missing == pytest.approx([missing[0]] * 3)
    for variant in ("LGE", "T2", "bSSFP", "all", "unknown"):
        noise = curve_of(result, "noise", variant)
        assert noise[0] == noise[1]
    moved = curve_of(result, "jitter", "")
    assert moved[1] < moved[0]
    assert len(set(curve_of(result, "points", "box"))) == 1
    few, many = curve_of(result, "points", "no box")
    assert 0 < few < many
    assert many == pytest.approx(5 * few, rel=0.1)  # five single voxels in place of one


def test_a_missing_input_counts_as_a_missing_prediction(study, tmp_path):
    result = measure_robustness(*study, tmp_path / "out", BoxPainter(), SETTINGS)
    all_there, half, none = curve_of(result, "missing", "none left counts as missed")
    assert none == 0.0
    assert half == pytest.approx(all_there * 7 / 8)  # with three sequences one of eight combinations is empty
    diagonal = curve_of(result, "missing", "none left counts as missed", metric="hausdorff_mm")[2]
    assert diagonal == pytest.approx(np.linalg.norm([24 * 1.5, 30 * 1.5, 6 * 4.0]))
    assert combination(result, "none").mean == 0.0
    assert combination(result, "average of all but none").mean == pytest.approx(all_there)
    assert combination(result, "LGE+T2").n == 2  # the case of a single image can't miss one


def test_what_needs_a_sequence_falls_where_it_is_gone(study, tmp_path):
    settings = replace(SETTINGS, kinds=("missing",))
    result = measure_robustness(*study, tmp_path / "out", ImageReader(), settings)
    with_lge = [combination(result, name).mean for name in ("LGE", "LGE+T2", "LGE+bSSFP", "LGE+T2+bSSFP")]
    without = [combination(result, name).mean for name in ("T2", "bSSFP", "T2+bSSFP")]
    assert with_lge == pytest.approx([1.0] * 4)
    # two of four slices are left; on another grid as well, as the truth's grid is kept
    assert without == pytest.approx([2 * 2 / (2 + 4)] * 3, abs=0.02)
    expected = [1.0, (4 * 1.0 + 3 * 2 / 3) / 7, (1.0 + 2 * 2 / 3) / 3]
    assert curve_of(result, "missing", "at least one left") == pytest.approx(expected, abs=0.02)


def test_noise_hurts_who_reads_the_noisy_image(study, tmp_path):
    settings = replace(SETTINGS, kinds=("noise",), levels=replace(FEW, noise=(0.0, 0.5, 2.0)))
    result = measure_robustness(*study, tmp_path / "out", ImageReader(), settings)
    clean, _, loud = curve_of(result, "noise", "LGE")
    assert clean == 1.0
    assert loud < 0.95
    assert len(set(curve_of(result, "noise", "T2"))) == 1
    assert result.combinations == ()


def test_figures_are_those_of_evaluate(study, tmp_path):
    inputs, truth = study
    out = tmp_path / "out"
    measure_robustness(inputs, truth, out, BoxPainter(), replace(SETTINGS, kinds=("jitter",)))
    (tmp_path / "predictions").mkdir()
    BoxPainter()(inputs, tmp_path / "predictions")
    straight = {
        (row.case, row.structure, row.metric, row.value)
        for row in evaluate(tmp_path / "predictions", truth).rows
        if row.metric in SETTINGS.metrics
    }
    clean = [row for row in table(out) if row["kind"] == "clean"]
    assert {(row["case"], row["structure"], row["metric"], float(row["value"])) for row in clean} == straight


def test_the_table_has_every_condition_once_and_the_curves_come_back(study, tmp_path):
    out = tmp_path / "out"
    result = measure_robustness(*study, out, BoxPainter(), SETTINGS)
    rows = table(out)
    keys = [tuple(row[name] for name in ("kind", "level", "variant", "case", "metric")) for row in rows]
    assert len(keys) == len(set(keys))
    # 1 clean, 7 combinations but the full one, 5 noisy, 1 moved, 2 × 2 numbers of points
    assert len({key[:3] for key in keys}) == result.conditions == 18
    assert {row["case"] for row in rows if row["kind"] == "missing"} == {"a", "b"}
    assert {row["case"] for row in rows if row["variant"] == "unknown"} == {"one_T2"}
    assert read_result(out) == result
    assert not list(out.rglob("*.nii.gz"))


def test_the_same_seed_gives_the_same_figures(study, tmp_path):
    settings = replace(SETTINGS, kinds=("jitter", "points"))
    texts = []
    for name, seed in (("x", 1), ("y", 1), ("z", 2)):
        measure_robustness(*study, tmp_path / name, BoxPainter(), replace(settings, seed=seed))
        texts.append((tmp_path / name / "robustness.csv").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


def test_a_stopped_run_goes_on_where_it_was(study, tmp_path):
    whole = BoxPainter()
    measure_robustness(*study, tmp_path / "whole", whole, SETTINGS)
    out = tmp_path / "out"
    stopped = BoxPainter(stop_at="noise-T2-0.5")
    with pytest.raises(KeyboardInterrupt):
        measure_robustness(*study, out, stopped, SETTINGS)
    assert not (out / "robustness.csv").exists()
    second, told = BoxPainter(), []
    measure_robustness(*study, out, second, SETTINGS, lambda *now: told.append(now))
    assert stopped.asked[:-1] + second.asked == whole.asked
    assert told[-1][:2] == (18, 18)
    assert (out / "robustness.csv").read_bytes() == (tmp_path / "whole" / "robustness.csv").read_bytes()
    more = BoxPainter()
    measure_robustness(*study, out, more, replace(SETTINGS, levels=replace(FEW, jitter=(0.0, 0.1, 0.3))))
    assert more.asked == ["jitter-0.1"]


def test_figures_of_another_study_are_not_mixed(study, tmp_path):
    out = tmp_path / "out"
    small = replace(SETTINGS, kinds=("jitter",))
    measure_robustness(*study, out, BoxPainter(), small)
    with pytest.raises(OutputError, match="another seed"):
        measure_robustness(*study, out, BoxPainter(), replace(small, seed=5))
    with pytest.raises(OutputError, match="another predictor"):
        measure_robustness(*study, out, ImageReader(), small)
    again = BoxPainter()
    measure_robustness(*study, out, again, replace(small, seed=5, overwrite=True))
    assert again.asked == ["clean", "jitter-0.3"]
    truth = study[1] / "a.nii.gz"
    (study[1] / "b.nii.gz").write_bytes(truth.read_bytes())
    with pytest.raises(OutputError, match="another data"):
        measure_robustness(*study, out, BoxPainter(), replace(small, seed=5))


def test_a_case_that_cannot_be_measured_is_left_out_and_named(study, tmp_path):
    inputs, truth = study
    (inputs / "images" / "one_T2.nii.gz").write_text("no image")
    (truth / "c.nii.gz").write_bytes((truth / "a.nii.gz").read_bytes())
    result = measure_robustness(inputs, truth, tmp_path / "out", BoxPainter(), SETTINGS)
    assert result.cases == 2
    assert any("case c" in finding and "no image" in finding for finding in result.findings)
    assert any("case one_T2" in finding for finding in result.findings)


def test_every_input_is_one_that_predict_takes(study, tmp_path):
    inputs, truth = study
    before = {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()}
    found = read_study(inputs, truth)
    for condition in found.conditions(("missing", "noise", "jitter", "points"), FEW):
        if condition.variant == "none":
            continue
        folder = tmp_path / "made" / condition.key
        write_input(found, condition, folder, seed=0)
        assert check_input(folder) == []
        assert len(read_prompts(folder / "prompts.json").cases) == len(found.cases_of(condition))
    assert before == {path: path.read_bytes() for path in inputs.rglob("*") if path.is_file()}


def test_only_the_noisy_image_changes(study, tmp_path):
    found = read_study(*study)
    write_input(found, Condition("noise", 0.5, "LGE"), tmp_path / "noisy", seed=0)
    for sequence, same in (("LGE", False), ("T2", True), ("C0", True)):
        name = f"images/a_{sequence}.nii.gz"
        pair = [load_volume(folder / name).data for folder in (study[0], tmp_path / "noisy")]
        assert np.array_equal(*pair) == same


def test_the_next_sequence_takes_the_grid_of_the_missing_one(study, tmp_path):
    found = read_study(*study)
    write_input(found, Condition("missing", 2, "T2"), tmp_path / "t2", seed=0)
    left = sorted(path.name for path in (tmp_path / "t2" / "images").iterdir())
    assert left == ["a_T2.nii.gz", "b_T2.nii.gz"]
    truth, image = load_labels(study[1] / "a.nii.gz"), load_volume(tmp_path / "t2" / "images" / "a_T2.nii.gz")
    assert image.shape == truth.shape
    assert np.allclose(image.affine, truth.affine, atol=1e-4)
    assert (image.data[truth.data > 0] > 500).mean() > 0.9


def test_ellipse_is_measured_like_any_other(study, tmp_path):
    settings = replace(SETTINGS, kinds=("missing",))
    result = measure_robustness(*study, tmp_path / "out", EllipsePredictor(), settings)
    there = curve_of(result, "missing", "at least one left")
    assert there == pytest.approx([there[0]] * 3)
    assert 0.5 < there[0] < 0.95


PROGRAM = """
import pathlib, shutil, sys
source, target = map(pathlib.Path, sys.argv[1:])
for image in sorted((source / "images").glob("*")):
    case = image.name.removesuffix(".nii.gz")
    if case.endswith("_LGE") or case == "one_T2":
        truth = pathlib.Path(TRUTH) / (case.removesuffix("_LGE") + ".nii.gz")
        shutil.copy(truth, target / (case.removesuffix("_LGE") + "_pred.nii.gz"))
if not list((source / "images").glob("*_LGE*")):
    sys.exit("there is no LGE image")
"""


@pytest.fixture
def program(study, tmp_path):
    """A program that knows the truth, but only where there is an LGE image."""
    path = tmp_path / "my program.py"
    path.write_text(PROGRAM.replace("TRUTH", repr(str(study[1]))), encoding="utf-8")
    return f"'{sys.executable}' '{path}' {{input}} {{output}}"


def test_any_program_can_be_measured_and_what_it_says_is_kept(study, program, tmp_path):
    settings = replace(SETTINGS, kinds=("missing",))
    result = measure_robustness(*study, tmp_path / "out", CommandPredictor(program), settings)
    assert combination(result, "LGE").mean == 1.0
    assert combination(result, "T2+bSSFP").mean == 0.0
    assert curve_of(result, "missing", "none left counts as missed")[1] == pytest.approx(0.5)
    assert [finding.split(":")[0] for finding in result.findings] == [
        "missing-T2+bSSFP-1",
        "missing-T2-2",
        "missing-bSSFP-2",
    ]
    assert all("code 1" in finding and "no LGE image" in finding for finding in result.findings)


@pytest.mark.parametrize(
    ("command", "words"), [("run {input}", "{output}"), ("run '{input} {output}", "quotes")]
)
def test_commands_that_cannot_be_meant(command, words):
    with pytest.raises(SettingsError, match=words):
        CommandPredictor(command)


def test_a_program_that_answers_nothing_at_all_is_an_error(study, tmp_path):
    nothing = CommandPredictor(f"'{sys.executable}' -c 'raise SystemExit(3)' {{input}} {{output}}")
    with pytest.raises(ImageError, match="code 3"):
        measure_robustness(*study, tmp_path / "out", nothing, SETTINGS)
    absent = CommandPredictor("/nowhere/program {input} {output}")
    with pytest.raises(SettingsError, match="can't be run"):
        measure_robustness(*study, tmp_path / "out", absent, replace(SETTINGS, overwrite=True))


@pytest.mark.parametrize(
    "levels",
    [
        {"jitter": (0.2, 0.1)},
        {"noise": (-0.1, 0.2)},
        {"points": (1, 2.5)},
        {"missing": ()},
        {"points": (0, 1)},
    ],
)
def test_impossible_levels(levels):
    with pytest.raises(SettingsError, match="ascending"):
        Levels(**levels)


def test_the_clean_input_is_measured_once(study):
    found = read_study(*study)
    conditions = found.conditions(("noise", "jitter"), FEW)
    assert conditions[0] == CLEAN
    assert all(condition.level > 0 for condition in conditions[1:])
    with pytest.raises(SettingsError, match="blur"):
        found.conditions(("blur",), FEW)


def run(*words):
    return CliRunner().invoke(app, ["robustness", *(str(word) for word in words)])


def test_on_the_command_line(study, program, tmp_path):
    out = tmp_path / "ellipse"
    words = ("--out", out, "--kinds", "jitter,points", "--levels", "points=1,5", "--levels", "jitter=0,0.2")
    told = run(*study, *words, "--predictor", "ellipse")
    assert told.exit_code == 0, told.stderr
    assert "moved boxes and points" in told.stdout
    assert "points, no box" in told.stdout
    assert {path.name for path in out.iterdir()} == {
        "conditions",
        "robustness.csv",
        "robustness.html",
        "robustness.json",
    }
    second = run(*study, *words[2:], "--out", tmp_path / "p", "--command", program, "--beside", out, "--json")
    assert second.exit_code == 0, second.stderr
    found = json.loads(second.stdout)
    assert {curve["area"]["mean"] for curve in found["curves"] if curve["metric"] == "dice"} == {1.0}
    page = (tmp_path / "p" / "robustness.html").read_text(encoding="utf-8")
    assert "ellipse" in page


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--kinds", "blur"), "blur"),
        (("--levels", "noise"), "kind=level"),
        (("--levels", "noise=0.5,0.1"), "ascending"),
        (("--metrics", "beauty"), "beauty"),
        (("--command", "x {input} {output}", "--predictor", "ellipse"), "stands alone"),
        (("--beside", "nowhere"), "nowhere"),
    ],
)
def test_bad_options_end_in_one_sentence(study, tmp_path, words, told):
    result = run(*study, "--out", tmp_path / "out", "--predictor", "ellipse", *words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
