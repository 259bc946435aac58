from __future__ import annotations

import json

import numpy as np

from unicare.core.prompt import Box, CasePrompts, Prompt
from unicare.core.volume import Volume
from unicare.data.nifti import save_volume
from unicare.prompts.check import check_input
from unicare.prompts.contract import write_prompts
from unicare.prompts.simulate import simulate_case


def image(shape=(30, 40, 6)) -> Volume:
    affine = np.zeros((4, 4))
    affine[1, 0] = affine[0, 1] = -1.0
    affine[2, 2] = affine[3, 3] = 1.0
    data = np.zeros(shape, np.int16)
    data[8:20, 10:25, 1:5] = 7
    return Volume.from_file_axes(data, affine)


def make_input(folder, names=("one", "two words")):
    for name in names:
        save_volume(folder / "images" / f"{name}.nii.gz", image())
    write_prompts(folder / "prompts.json", [simulate_case(name, image()) for name in names])


def change(folder, edit):
    path = folder / "prompts.json"
    raw = json.loads(path.read_text())
    edit(raw)
    path.write_text(json.dumps(raw))


def test_a_good_input_has_no_findings(tmp_path):
    make_input(tmp_path)
    assert check_input(tmp_path) == []


def test_a_case_of_several_sequences_is_one_case(tmp_path):
    for sequence in ("LGE", "c0", "T2"):
        save_volume(tmp_path / "images" / f"heart_1_{sequence}.nii.gz", image())
    write_prompts(tmp_path / "prompts.json", [simulate_case("heart_1", image())])
    assert check_input(tmp_path) == []


def test_every_bad_case_is_found_at_once(tmp_path):
    names = ("absent", "broken", "fits not", "good", "empty", "no mask", "bad box")
    make_input(tmp_path, names)
    images = tmp_path / "images"
    (images / "absent.nii.gz").rename(images / "unprompted.nii.gz")
    content = (images / "broken.nii.gz").read_bytes()
    (images / "broken.nii.gz").write_bytes(content[: len(content) // 2])

    def edit(raw):
        raw["fits not"]["2"] = {"7": [[5, 5, 38, 20], []]}
        raw["empty"] = {}
        raw["no mask"]["2"] = {"7": {"mask": "nowhere.nii.gz"}}
        raw["bad box"]["2"] = {"7": [[9, 9, 3, 3], []]}

    change(tmp_path, edit)
    findings = {finding.case: finding for finding in check_input(tmp_path)}
    assert list(findings) == sorted({*names, "unprompted"} - {"good"})
    assert "prompts without an image" in findings["absent"].message
    assert "an image without prompts" in findings["unprompted"].message
    assert "broken.nii.gz" in findings["broken"].message
    assert "slice 2, label 7" in findings["fits not"].message
    assert "--prompt-axes lp" in findings["fits not"].message
    assert "nowhere.nii.gz" in findings["no mask"].message
    assert "reversed corners" in findings["bad box"].message
    assert findings["empty"].severity == "warning"
    assert {finding.severity for case, finding in findings.items() if case != "empty"} == {"error"}


def test_the_axes_options_are_passed_on(tmp_path):
    make_input(tmp_path, ("a",))
    write_prompts(tmp_path / "prompts.json", [CasePrompts("a", {2: {7: Prompt(Box(5, 5, 38, 20))}})])
    assert check_input(tmp_path, prompt_axes="lp") == []
    assert len(check_input(tmp_path)) == 1


def test_missing_prompts_and_images_are_findings(tmp_path):
    findings = check_input(tmp_path)
    assert {finding.severity for finding in findings} == {"error"}
    assert "prompts.json" in findings[0].message
    assert "images" in findings[1].message
    make_input(tmp_path, ("a",))
    (tmp_path / "prompts.json").write_text("{")
    assert ["" in finding.case and "not JSON" in finding.message for finding in check_input(tmp_path)] == [
        True
    ]
