import csv
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import OutputError, SettingsError
from unicare.data.cohort import read_cohort
from unicare.data.phantom.centres import cohort_parts, find_centre
from unicare.data.phantom.simulate import keep_annotated, plan_cohort, simulate_case, simulate_cohort

SPEC = Path(__file__).parents[4] / "shared" / "spec" / "care_cohorts.csv"
TRACKS = ("TFM4MedIA", "CARE-Cardiac")


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("scale", [1e-6, 0.05, 1.0])
def test_every_line_of_the_table_gets_its_share_and_one_case_at_least(track, scale):
    plans = plan_cohort(track, scale)
    for part in cohort_parts(track):
        mine = [plan for plan in plans if plan.part == part]
        assert len(mine) == max(1, round(part.cases * scale))
        assert {plan.row.distribution for plan in mine} == {part.distribution}
    assert len({plan.row.case for plan in plans}) == len(plans)
    assert len({plan.row.patient for plan in plans}) == len(plans)


@pytest.mark.skipif(not SPEC.exists(), reason="the specification isn't beside the project")
def test_the_table_of_cohorts_is_the_published_one():
    with SPEC.open(encoding="utf-8") as file:
        published = [
            (row["task"], row["split"], row["centre"], int(row["cases"])) for row in csv.DictReader(file)
        ]
    ours = [
        (part.task, part.split, part.centre, part.cases) for track in TRACKS for part in cohort_parts(track)
    ]
    assert ours == published


def test_a_plan_depends_on_the_seed_alone():
    assert plan_cohort("TFM4MedIA", 0.02, 7) == plan_cohort("TFM4MedIA", 0.02, 7)
    cases = {plan.row.case for plan in plan_cohort("TFM4MedIA", 0.02, 7)}
    assert cases.isdisjoint({plan.row.case for plan in plan_cohort("TFM4MedIA", 0.02, 8)})
    # A larger cohort holds the smaller one.
    assert cases <= {plan.row.case for plan in plan_cohort("TFM4MedIA", 0.1, 7)}


def test_tasks_and_splits_choose():
    plans = plan_cohort("TFM4MedIA", 0.01, tasks=["whs"], splits=["test"])
    assert {(plan.row.task, plan.row.split) for plan in plans} == {("whs", "test")}
    assert {plan.row.centre for plan in plans} == {"A", "B", "C/D", "F"}


def test_truth_covers_what_each_centre_draws():
    drawn = {
        plan.row.centre: set(plan.row.annotated) for plan in plan_cohort("TFM4MedIA", 0.001, tasks=["myops"])
    }
    assert drawn["A"] == {200, 500, 2221}
    assert drawn["B"] == {200, 500, 600, 1220, 2221}
    assert drawn["E"] == drawn["G"] == drawn["D"] == {200, 500, 600, 2221}
    assert drawn["H"] == {2221}


def test_a_part_that_is_not_drawn_becomes_its_parent_or_background():
    labels = np.array([[[0, 200, 500, 600, 1220, 2221]]], dtype=np.int16)
    assert keep_annotated(labels, "myops", (200, 500, 2221)).tolist() == [[[0, 200, 500, 0, 200, 2221]]]
    assert keep_annotated(labels, "myops", (2221,)).tolist() == [[[0, 0, 0, 0, 0, 2221]]]


def test_centres_are_the_same_in_every_split_and_differ_from_each_other():
    parts = [part for part in cohort_parts("TFM4MedIA") if part.task == "myops"]
    styles = {part.centre: find_centre(part) for part in parts}
    assert all(find_centre(part) == styles[part.centre] for part in parts)
    assert len({centre.style for centre in styles.values()}) == len(styles)
    usual = max(centre.severity for centre in styles.values() if centre.distribution == "ID")
    assert styles["G"].severity >= usual


def test_liver_cases_are_one_sequence_each():
    rows = [plan.row for plan in plan_cohort("TFM4MedIA", 0.2, tasks=["liver"])]
    assert all(len(row.sequences) == 1 for row in rows)
    assert {row.sequences[0] for row in rows} >= {"GED4", "T1", "T2", "DWI"}


def test_a_case_has_every_sequence_and_its_truth_on_the_first_ones_grid(tmp_path):
    plan = next(plan for plan in plan_cohort("TFM4MedIA", 0.001, tasks=["myops"]) if plan.row.centre == "B")
    simulate_case(plan, tmp_path)
    folder = tmp_path / "myops"
    names = [f"{plan.row.case}_{suffix}.nii.gz" for suffix in ("C0", "LGE", "T2")]
    assert sorted(path.name for path in (folder / "images").iterdir()) == names
    reference = nib.load(folder / "images" / names[1])
    truth = nib.load(folder / "labels" / f"{plan.row.case}.nii.gz")
    np.testing.assert_array_equal(reference.affine, truth.affine)
    labels, image = np.asarray(truth.dataobj), np.asarray(reference.dataobj)
    assert labels.shape == image.shape
    assert {200, 500, 600} <= set(np.unique(labels)) <= {0, *plan.row.annotated}
    ml = abs(np.linalg.det(truth.affine)) / 1000
    assert 15 < (labels == 500).sum() * ml < 400
    # Short axes are oblique: no image axis runs along the body.
    assert np.abs(reference.affine[:3, :3] / np.linalg.norm(reference.affine[:3, :3], axis=0)).max() < 0.999
    other = nib.load(folder / "images" / names[0])
    assert other.shape != reference.shape or not np.allclose(other.affine, reference.affine)
    blood, wall = (np.asarray(other.dataobj) > 0).mean(), image.std()
    assert blood > 0.3
    assert wall > 0


def test_a_stopped_run_goes_on_and_gives_the_same(tmp_path):
    chosen = {"scale": 0.001, "tasks": ["la_scar"], "splits": ["validation"]}
    steps = []
    rows = simulate_cohort(tmp_path / "a", **chosen, progress=lambda done, all_: steps.append((done, all_)))
    assert steps == [(1, 1)]
    assert read_cohort(tmp_path / "a") == rows
    image = tmp_path / "a" / "la_scar" / "images" / f"{rows[0].case}.nii.gz"
    label = tmp_path / "a" / "la_scar" / "labels" / f"{rows[0].case}.nii.gz"
    before = (image.read_bytes(), label.read_bytes())
    stamp = image.stat().st_mtime_ns
    assert simulate_cohort(tmp_path / "a", **chosen) == rows
    assert image.stat().st_mtime_ns == stamp
    label.unlink()
    simulate_cohort(tmp_path / "a", **chosen)
    assert (image.read_bytes(), label.read_bytes()) == before
    assert {420, 1420} <= set(np.unique(np.asarray(nib.load(label).dataobj)))


@pytest.mark.parametrize(
    "wrong", [{"track": "none"}, {"scale": 0.0}, {"scale": float("nan")}, {"tasks": ["x"]}, {"splits": ["x"]}]
)
def test_wrong_wishes_are_refused_before_anything_is_written(tmp_path, wrong):
    with pytest.raises(SettingsError, match="expected"):
        simulate_cohort(tmp_path / "out", **wrong)
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another folder"):
        simulate_cohort(tmp_path / "file", tasks=["la"])
