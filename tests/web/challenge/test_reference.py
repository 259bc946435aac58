"""Reference data that don't fit together, one way at a time."""

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.web.challenge.folders import AFFINE, heart, row, save

from unicare.data.cohort import write_cohort
from unicare.web.challenge import check_challenge, find_public, find_reference, load_challenge

PLACE = "reference/whs/test"


@pytest.fixture
def data(folder: Path) -> Path:
    """The reference data of the test phase, in a challenge in which nothing is wrong."""
    return folder / PLACE


def told(folder: Path, severity: str = "error") -> list[str]:
    return [f"{one.file}: {one.text}" for one in check_challenge(folder).findings if one.severity == severity]


def test_nothing_is_wrong_with_what_fits(folder):
    result = check_challenge(folder)
    assert [f"{one.file}: {one.text}" for one in result.findings] == []
    assert [phase["tasks"] for phase in result.summary["phases"]] == [{"whs": {"ID": 1, "OOD": 1}}] * 2


def test_progress_is_told_case_by_case(folder):
    seen = []
    check_challenge(folder, lambda done, total, case: seen.append((done, total, case)))
    assert seen == [(1, 2, "one"), (2, 2, "two")] * 2


def test_data_may_come_later(folder, data):
    data.rename(folder.parent / "elsewhere")
    result = check_challenge(folder)
    assert result.ok
    (one,) = result.findings
    assert "no reference data yet for phase test of whs; put them into reference/<task>/test" in one.text
    assert find_reference(load_challenge(folder), "whs", "test") is None


def test_truths_without_image_and_images_without_truth(folder, data):
    (data / "truth/one.nii.gz").rename(data / "truth/three.nii.gz")
    texts = told(folder)
    assert f"{PLACE}/images: cases that have a truth, but not an image; found three" in texts
    assert f"{PLACE}/images: cases that have an image, but no truth; found one" in texts
    assert f"{PLACE}/cohort.csv: cases that have a truth, but not a row; found three" in texts
    assert f"{PLACE}/cohort.csv: cases that have a row, but no truth; found one" in texts


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("truth", "truth: "),
        ("images", "images: "),
        ("prompts.json", "prompts.json: "),
        ("cohort.csv", "cohort.csv: "),
    ],
)
def test_a_part_that_is_missing(folder, data, part, message):
    (data / part).rename(folder.parent / "elsewhere")
    texts = told(folder)
    assert any(text.startswith(f"{PLACE}/{message}") for text in texts), texts
    assert not [text for text in texts if str(folder) in text]


def test_a_truth_on_another_grid(folder, data):
    save(data / "truth/one.nii.gz", heart()[:, :, :5])
    save(data / "truth/two.nii.gz", heart(), np.diag([-1.0, -1.0, 9.0, 1.0]))
    texts = told(folder)
    assert any(text.startswith(f"{PLACE}/truth/one.nii.gz: shape; found (20, 18, 5)") for text in texts)
    assert any(text.startswith(f"{PLACE}/truth/two.nii.gz: affine") for text in texts)


def test_a_truth_that_cannot_be_read(folder, data):
    (data / "truth/one.nii.gz").write_bytes(b"nothing")
    (one,) = told(folder)
    assert one.startswith(f"{PLACE}/truth/one.nii.gz: {PLACE}/truth/one.nii.gz: not a NIfTI file")


def test_labels_that_were_not_declared(folder, data):
    for case in ("one", "two"):
        labels = heart()
        labels[0, 0, 0] = 7
        save(data / f"truth/{case}.nii.gz", labels)
    (one,) = told(folder)
    assert one == (
        f"{PLACE}/truth: labels that the task doesn't have (2 files: one.nii.gz, two.nii.gz); found 7; "
        "expected some of 205, 500; mend the truth, or add them under labels: in challenge.yaml"
    )


def test_an_empty_truth_is_worth_a_look(folder, data):
    save(data / "truth/one.nii.gz", heart() * 0)
    assert told(folder, "warning") == [f"{PLACE}/truth/one.nii.gz: nothing is drawn in it"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "liver"}, "rows of another task; found liver; expected whs"),
        ({"sequences": ("LGE",)}, "case one: sequences; found LGE; expected some of CT, bSSFP"),
        ({"annotated": (205, 600)}, "case one: annotated labels that the task doesn't have; found 600"),
        ({"subgroups": {"patient_name": "x"}}, "column patient_name sounds like a person's"),
        ({"subgroups": {"DOB": "x"}}, "column DOB sounds like a person's"),
    ],
)
def test_manifests_that_do_not_fit(folder, data, changes, message):
    write_cohort(data, [row("one", **changes), row("two")])
    texts = told(folder)
    assert any(text.startswith(f"{PLACE}/cohort.csv: {message}") for text in texts), texts


def test_the_same_about_many_cases_is_told_once(folder, data):
    write_cohort(data, [row(case, sequences=("LGE",), annotated=(205, 600)) for case in ("one", "two")])
    prompts = json.loads((data / "prompts.json").read_text())
    for slices in prompts.values():
        next(entry for entry in slices.values() if entry)["77"] = [[3, 3, 9, 9], [[4, 4]]]
    (data / "prompts.json").write_text(json.dumps(prompts))
    both = "2 cases (one, two): "
    assert told(folder) == [
        f"{PLACE}/cohort.csv: {both}sequences; found LGE; expected some of CT, bSSFP, as in challenge.yaml",
        f"{PLACE}/cohort.csv: {both}annotated labels that the task doesn't have; found 600; "
        "expected some of 205, 500",
        f"{PLACE}/prompts.json: {both}prompts for labels that the task doesn't have; found 77; "
        "expected some of 205, 500",
    ]


def test_a_manifest_that_is_missing(folder, data):
    (data / "cohort.csv").unlink()
    assert told(folder) == [
        f"{PLACE}/cohort.csv: isn't there; expected a manifest with a row for each case; "
        "make it: docs/challenge.md shows one"
    ]


def test_sequences_are_those_of_the_files(folder, data):
    (data / "images/one.nii.gz").rename(data / "images/one_C0.nii.gz")
    assert told(folder) == [
        f"{PLACE}/cohort.csv: case one: sequences; found CT; expected bSSFP, as in images"
    ]


def test_distributions_are_those_declared(folder, data, edit):
    edit("    sequences: [CT, bSSFP]", "    sequences: [CT, bSSFP]\n    distributions: [OOD]")
    assert f"{PLACE}/cohort.csv: case one: ID; expected OOD" in told(folder)


def test_a_distribution_without_cases_is_worth_a_look(folder, data):
    write_cohort(data, [row("one"), row("two", distribution="ID")])
    (one,) = told(folder, "warning")
    assert "no case is OOD, though the task has such cases" in one


def test_labels_that_do_not_count_are_worth_a_look(folder, data):
    write_cohort(data, [row("one", annotated=(205,)), row("two")])
    (one,) = told(folder, "warning")
    assert "has labels that cohort.csv doesn't list as annotated, so they don't count; found 500" in one


def test_prompts_that_do_not_fit(folder, data):
    path = data / "prompts.json"
    prompts = json.loads(path.read_text())
    entry = next(entry for entry in prompts["one"].values() if entry)
    entry["500"] = [[900, 900, 950, 950], [[910, 910]]]
    entry["77"] = [[3, 3, 9, 9], [[4, 4]]]
    del prompts["two"]
    path.write_text(json.dumps(prompts))
    texts = told(folder)
    assert any("900" in text for text in texts), texts
    assert any("case one: prompts for labels that the task doesn't have; found 77" in text for text in texts)
    assert any("two" in text for text in texts if text.startswith(f"{PLACE}/prompts.json"))


def test_a_task_without_prompts_needs_none(folder, edit):
    for path in folder.rglob("prompts.json"):
        path.unlink()
    edit("    sequences: [CT, bSSFP]", "    sequences: [CT, bSSFP]\n    prompts: false")
    assert told(folder) == []


def test_header_extensions_and_texts_may_name_a_patient(folder, data):
    image = nib.Nifti1Image(np.ones((20, 18, 6), dtype=np.float32), AFFINE)
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Family^Given"))
    nib.save(image, data / "images/one.nii.gz")
    save(data / "truth/one.nii.gz", heart(), descrip=b"Family^Given 19520312")
    save(data / "truth/two.nii.gz", heart(), db_name=b"TE=4;Time=101500")
    texts = told(folder)
    assert any("one.nii.gz: the header has an extension" in text for text in texts), texts
    assert any("one.nii.gz: the header's text descrip looks like a date" in text for text in texts)
    assert any("two.nii.gz: the header's text db_name looks like a date" in text for text in texts)
    assert "Given" not in "".join(texts)


def test_what_converters_write_is_no_patient(folder, data):
    save(data / "truth/one.nii.gz", heart(), descrip=b"FSL5.0 TE=4.2", aux_file=b"none")
    assert told(folder) + told(folder, "warning") == []


def test_a_packed_file_may_remember_its_name(folder, data):
    path = data / "truth/one.nii.gz"
    plain = gzip.decompress(path.read_bytes())
    with path.open("wb") as file, gzip.GzipFile("smith_john.nii", "wb", fileobj=file) as packed:
        packed.write(plain)
    (one,) = told(folder, "warning")
    assert "the .gz remembers the file by another name" in one


def test_cells_with_dates_are_worth_a_look(folder, data):
    write_cohort(data, [row("one", subgroups={"scanned": "2019-03-12"}), row("two", patient="Family^Given")])
    texts = told(folder, "warning")
    assert any("case one: scanned looks like a date" in text for text in texts)
    assert any("case two: patient looks like" in text for text in texts)


def test_what_does_not_belong_there(folder, data):
    (data / "notes.docx").write_bytes(b"x")
    (folder / "reference/wsh/test").mkdir(parents=True)
    (folder / "reference/whs/tset").mkdir()
    (folder / "public/wsh").mkdir()
    texts = told(folder, "warning")
    for start in (
        f"{PLACE}/notes.docx: isn't part of",
        "reference/wsh: belongs to no task",
        "reference/whs/tset: belongs to no phase",
        "public/wsh: belongs to no task",
    ):
        assert any(text.startswith(start) for text in texts), texts
    assert len(texts) == 4


def test_links_may_not_lead_out(folder, data, tmp_path):
    outside = tmp_path / "one.nii.gz"
    (data / "truth/one.nii.gz").rename(outside)
    (data / "truth/one.nii.gz").symlink_to(outside)
    assert any("one.nii.gz: leads out of the challenge's folder" in text for text in told(folder))
    data.rename(tmp_path / "test")
    data.symlink_to(tmp_path / "test")
    (one,) = told(folder)
    assert one.startswith(f"{PLACE}: {PLACE} leaves the challenge's folder through a link")
    with pytest.raises(ValueError, match="through a link"):
        find_reference(load_challenge(folder), "whs", "test")


def test_public_cases_are_looked_at(folder):
    assert find_public(load_challenge(folder), "whs") == folder.resolve() / "public/whs"
    (folder / "public/whs/images/one.nii.gz").write_bytes(b"nothing")
    (one,) = told(folder)
    assert one.startswith("public/whs: ")
    assert "not a NIfTI file" in one


def test_predictions_of_baselines_are_held_against_the_truth(folder, edit):
    edit("mean shape, board: first, figures: history/last.csv", "mean shape, predictions: baselines/mean")
    place = folder / "baselines/mean/whs/test"
    for case in ("one", "two"):
        save(place / f"{case}_pred.nii.gz", heart())
    assert told(folder) == []
    (place / "two_pred.nii.gz").unlink()
    (one,) = told(folder)
    assert one.startswith("baselines/mean/whs/test: predictions that can't be scored as they are; found two:")
