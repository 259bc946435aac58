"""What a container gets to see: the images' grids and grey values, boxes and points, and no name."""

import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import ImageError, PromptError
from unicare.web.sandbox.anonymise import list_inputs, opaque_ids, scrub_nifti, stage_input

SECRET = bytes(range(32))
TELLING = (b"Case 1", b"Case_2", b"3001", b"Zhongshan", b"scar", b"Scar", b"CARE", b"atrium")
ENTRY = {"500": [[2, 2, 6, 7], [[3, 3]]]}


def image(kind=nib.Nifti1Image, seed=0):
    values = np.random.default_rng(seed).integers(0, 900, (12, 10, 4)).astype(np.int16)
    made = kind(values, np.diag([-1.0, -1.0, 8.0, 1.0]))
    made.header["descrip"] = b"Zhongshan Hospital, 1.5T, Case3001"
    made.header["aux_file"] = b"scar"
    made.header["intent_name"] = b"LAScar"
    if "db_name" in made.header:
        made.header["db_name"] = b"CARE centre B"
    made.header.set_slope_inter(2.0, -5.0)
    made.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"patient: Case3001"))
    return made


@pytest.fixture
def folder(tmp_path):
    """Two cases of one image and one of three sequences."""
    place = tmp_path / "reference" / "la_scar"
    (place / "images").mkdir(parents=True)
    names = ["Case 1", "Case_2", "My3001_C0", "My3001_LGE", "My3001_T2"]
    for seed, name in enumerate(names):
        nib.save(image(seed=seed), place / "images" / f"{name}.nii.gz")
    prompts = {case: {"0": None, "Slice 1": ENTRY} for case in ("Case 1", "Case_2", "My3001")}
    prompts["Case_2"]["2"] = {"420": {"box": [1, 1, 4, 4], "points": [], "text": "left atrium"}}
    (place / "prompts.json").write_text(json.dumps(prompts))
    (place / "truth").mkdir()
    return place


def staged(folder, target, secret=SECRET):
    cases = list_inputs(folder)
    ids = opaque_ids([one.case for one in cases], secret)
    stage_input(cases, ids, target)
    return ids


def test_names_structure_and_suffixes(folder, tmp_path):
    ids = staged(folder, tmp_path / "input")
    assert sorted(path.name for path in (tmp_path / "input").iterdir()) == ["images", "prompts.json"]
    expected = {f"{ids['Case 1']}.nii.gz", f"{ids['Case_2']}.nii.gz"}
    expected |= {f"{ids['My3001']}_{sequence}.nii.gz" for sequence in ("C0", "LGE", "T2")}
    assert {path.name for path in (tmp_path / "input" / "images").iterdir()} == expected
    prompts = json.loads((tmp_path / "input" / "prompts.json").read_text())
    assert prompts[ids["Case 1"]] == {"0": None, "1": {"500": [[2, 2, 6, 7], [[3, 3]]]}}
    assert prompts[ids["Case_2"]]["2"] == {"420": [[1, 1, 4, 4], []]}


def test_nothing_that_is_written_names_a_case_a_structure_or_a_place(folder, tmp_path):
    staged(folder, tmp_path / "input")
    for path in (tmp_path / "input").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            for raw in (data, gzip.decompress(data) if path.suffix == ".gz" else b""):
                assert not [word for word in TELLING if word in raw]
            assert path.stat().st_mtime == 946684800
            assert path.stat().st_mode & 0o777 == 0o644
    assert (tmp_path / "input" / "images").stat().st_mtime == 946684800


def test_the_order_is_that_of_the_ids_and_another_with_another_secret(folder, tmp_path):
    orders = set()
    for number in range(12):
        target = tmp_path / f"input{number}"
        ids = staged(folder, target, bytes([number]) * 16)
        names = {opaque: case for case, opaque in ids.items()}
        listed = list(json.loads((target / "prompts.json").read_text()))
        assert listed == sorted(listed)
        orders.add(tuple(names[one] for one in listed))
    assert len(orders) > 1


def test_ids_tell_nothing_without_the_secret():
    ids = opaque_ids(["a", "b"], SECRET)
    assert ids == opaque_ids(["b", "a"], SECRET)
    assert ids["a"] != opaque_ids(["a"], bytes(32))["a"]
    with pytest.raises(ValueError, match="16 bytes"):
        opaque_ids(["a"], b"short")


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_an_image_keeps_its_grid_and_values(tmp_path, kind, suffix):
    before = image(kind)
    nib.save(before, tmp_path / f"a{suffix}")
    scrub_nifti(tmp_path / f"a{suffix}", tmp_path / "b.nii.gz")
    after = nib.load(tmp_path / "b.nii.gz")
    assert type(after) is kind
    assert np.array_equal(after.get_fdata(), nib.load(tmp_path / f"a{suffix}").get_fdata())
    assert np.array_equal(after.affine, before.affine)
    assert after.get_data_dtype() == before.get_data_dtype()
    assert after.header["pixdim"].tolist() == before.header["pixdim"].tolist()
    assert not after.header.extensions
    for field in ("descrip", "aux_file", "intent_name"):
        assert after.header[field].item() == b""


def test_what_is_neither_grid_nor_value_is_not_handed_on(tmp_path):
    before = image()
    header = before.header
    header["pixdim"][4:8] = (3.7, 1, 2, 3)  # where converters write the time between volumes
    header["dim"][5:] = 7
    header["dim_info"], header["xyzt_units"], header["slice_code"] = 57, 10, 3
    nib.save(before, tmp_path / "a.nii")
    scrub_nifti(tmp_path / "a.nii", tmp_path / "b.nii.gz")
    plain = image()
    plain.header["xyzt_units"] = 2
    nib.save(plain, tmp_path / "c.nii")
    scrub_nifti(tmp_path / "c.nii", tmp_path / "d.nii.gz")
    assert (tmp_path / "b.nii.gz").read_bytes() == (tmp_path / "d.nii.gz").read_bytes()
    assert nib.load(tmp_path / "b.nii.gz").header.get_xyzt_units() == ("mm", "unknown")


def test_byte_order_is_kept(tmp_path):
    before = image()
    swapped = nib.Nifti1Image(np.asarray(before.dataobj), before.affine, before.header.as_byteswapped(">"))
    nib.save(swapped, tmp_path / "a.nii")
    scrub_nifti(tmp_path / "a.nii", tmp_path / "b.nii.gz")
    after = nib.load(tmp_path / "b.nii.gz")
    assert np.array_equal(after.get_fdata(), nib.load(tmp_path / "a.nii").get_fdata())


def test_a_case_without_image_or_prompts_is_the_organisers_to_mend(folder):
    (folder / "images" / "Case 1.nii.gz").rename(folder / "images" / "Case 9.nii.gz")
    with pytest.raises(ImageError, match="Case 1 has prompts, but no image"):
        list_inputs(folder)
    nib.save(image(), folder / "images" / "Case 1.nii.gz")
    with pytest.raises(PromptError, match="Case 9 has an image, but no prompts"):
        list_inputs(folder)


def test_a_prompt_of_text_alone_cannot_be_handed_on(folder, tmp_path):
    text = {"Case 1": {"1": {"500": {"box": None, "points": [], "mask": "m.nii.gz"}}}}
    for extra in ("Case_2", "My3001"):
        text[extra] = {"1": ENTRY}
    (folder / "prompts.json").write_text(json.dumps(text))
    with pytest.raises(PromptError, match="no box and no points"):
        staged(folder, Path(tmp_path / "input"))


def test_a_task_without_prompts_has_images_alone(folder, tmp_path):
    cases = list_inputs(folder, prompts=False)  # the prompts.json that lies there isn't read
    ids = opaque_ids([one.case for one in cases], SECRET)
    stage_input(cases, ids, tmp_path / "input")
    assert set(ids) == {"Case 1", "Case_2", "My3001"}
    assert [path.name for path in (tmp_path / "input").iterdir()] == ["images"]
    assert len(list((tmp_path / "input" / "images").iterdir())) == 5
    (folder / "prompts.json").unlink()
    assert list_inputs(folder, prompts=False) == cases
    with pytest.raises(PromptError):
        list_inputs(folder)


def test_without_prompts_a_name_that_ends_like_a_sequence_is_settled_by_those_that_are_known(folder):
    (folder / "images" / "Case_2.nii.gz").rename(folder / "images" / "Case_T2.nii.gz")
    guessed = {one.case: set(one.images) for one in list_inputs(folder, prompts=False)}
    assert guessed["Case"] == {"T2"}
    known = {one.case: set(one.images) for one in list_inputs(folder, prompts=False, known=["Case_T2"])}
    assert known["Case_T2"] == {"unknown"}
    assert known["My3001"] == {"bSSFP", "LGE", "T2"}
