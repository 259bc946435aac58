import unicodedata

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import ImageError
from unicare.data.layouts.flat import list_cases, read_case, split_name


def folder_with(tmp_path, *names):
    images = tmp_path / "images"
    images.mkdir()
    for name in names:
        (images / name).write_bytes(b"")
    return tmp_path


def found(folder, known=None):
    """Case to sequence to file name."""
    return {
        case: {sequence: path.name for sequence, path in files.items()}
        for case, files in list_cases(folder, known).items()
    }


def test_a_file_without_a_sequence_is_unknown(tmp_path):
    assert found(folder_with(tmp_path, "case1.nii.gz")) == {"case1": {"unknown": "case1.nii.gz"}}


def test_the_sequences_of_a_case_come_together(tmp_path):
    folder = folder_with(tmp_path, "b_T2.nii.gz", "a_C0.nii.gz", "a_LGE.nii.gz", "a_t2.nii.gz", "c.nii")
    assert found(folder) == {
        "a": {"bSSFP": "a_C0.nii.gz", "LGE": "a_LGE.nii.gz", "T2": "a_t2.nii.gz"},
        "b": {"T2": "b_T2.nii.gz"},
        "c": {"unknown": "c.nii"},
    }


@pytest.mark.parametrize(
    ("word", "sequence"),
    [
        ("LGE", "LGE"),
        ("lge", "LGE"),
        ("DE", "LGE"),
        ("de", "LGE"),
        ("C0", "bSSFP"),
        ("c0", "bSSFP"),
        ("bSSFP", "bSSFP"),
        ("BSSFP", "bSSFP"),
        ("T2", "T2"),
        ("CT", "CT"),
        ("GED4", "GED4"),
    ],
)
def test_sequences_in_either_case_and_by_other_names(word, sequence):
    assert split_name(f"patient 7_{word}") == ("patient 7", sequence)


@pytest.mark.parametrize(
    "name",
    ["case 1", "a_b_c", "Fälle_ü 3", "病人_7", "_T2", "T2", "a-T2", "a_T2_", "x_T2w", "a.b", "_", "scan_1"],
)
def test_anything_else_is_the_case(name):
    assert split_name(name) == (name, "unknown")


def test_a_known_case_may_end_like_a_sequence():
    assert split_name("foo_T2", {"foo"}) == ("foo", "T2")
    assert split_name("foo_T2", {"foo_T2"}) == ("foo_T2", "unknown")
    assert split_name("foo_T2", {"foo", "foo_T2"}) == ("foo_T2", "unknown")
    assert split_name("foo_T2_LGE", {"foo_T2"}) == ("foo_T2", "LGE")
    assert split_name("foo_T2", {"bar"}) == ("foo", "T2")


def test_known_cases_settle_a_whole_folder(tmp_path):
    folder = folder_with(tmp_path, "foo_T2.nii.gz", "foo_T2_LGE.nii.gz", "bar_T2.nii.gz")
    assert found(folder, ["foo_T2", "bar"]) == {
        "bar": {"T2": "bar_T2.nii.gz"},
        "foo_T2": {"unknown": "foo_T2.nii.gz", "LGE": "foo_T2_LGE.nii.gz"},
    }


def test_accents_compare_however_they_are_composed():
    apart = unicodedata.normalize("NFD", "Fälle")
    assert apart != "Fälle"
    assert split_name(f"{apart}_T2", {"Fälle"}) == ("Fälle", "T2")
    assert split_name(apart, {"Fälle"}) == ("Fälle", "unknown")


def test_hidden_and_other_files_are_passed_over(tmp_path, caplog):
    folder = folder_with(tmp_path, "a.nii.gz", "._a.nii.gz", ".nii.gz", "notes.txt")
    assert list(found(folder)) == ["a"]
    assert "notes.txt" in caplog.text


def test_two_files_of_one_sequence_are_told(tmp_path, caplog):
    folder = folder_with(tmp_path, "a_DE.nii.gz", "a_LGE.nii.gz")
    assert found(folder) == {"a": {"LGE": "a_DE.nii.gz"}}
    assert "a_LGE.nii.gz" in caplog.text


def test_no_folder_of_images(tmp_path):
    with pytest.raises(ImageError, match="images"):
        list_cases(tmp_path)


def test_no_images(tmp_path):
    with pytest.raises(ImageError, match="no images"):
        list_cases(folder_with(tmp_path, "readme.txt"))


def test_each_sequence_keeps_its_own_grid(tmp_path):
    folder = folder_with(tmp_path)
    for name, shape, spacing in (("C0", (4, 5, 6), 8.0), ("LGE", (7, 8, 3), 12.0)):
        image = nib.Nifti1Image(np.random.default_rng(0).random(shape), np.diag([-1, -1, spacing, 1]))
        nib.save(image, tmp_path / "images" / f"a_{name}.nii.gz")
    case = read_case("a", list_cases(folder)["a"])
    assert case.id == "a"
    assert case.reference_name == "LGE"
    assert {name: volume.file.shape for name, volume in case.sequences.items()} == {
        "bSSFP": (4, 5, 6),
        "LGE": (7, 8, 3),
    }
    assert case.sequences["bSSFP"].spacing_mm[2] == 8


def test_a_bad_file_is_named_when_its_case_is_read(tmp_path):
    folder = folder_with(tmp_path, "a.nii.gz")
    with pytest.raises(ImageError, match=r"a\.nii\.gz"):
        read_case("a", list_cases(folder)["a"])
