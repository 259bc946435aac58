import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import ImageError, UnicareError
from unicare.data.load import load

DATA = Path(__file__).parents[2].parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="needs the real images beside the repository")


def write(folder, *names):
    folder.mkdir(exist_ok=True)
    for number, name in enumerate(names):
        data = np.random.default_rng(number).random((3, 4, 5 + number))
        nib.save(nib.Nifti1Image(data, np.diag([-1, -1, 8, 1])), folder / name)
    return folder


@pytest.mark.parametrize(
    ("name", "sequence"),
    [
        ("patient7.nii.gz", "unknown"),
        ("patient7_LGE.nii.gz", "LGE"),
        ("patient 7 de.nii", "LGE"),
        ("C0.nii.gz", "bSSFP"),
        ("a-t2.nii", "T2"),
        ("x.CT.nii", "CT"),
        ("GED3.nii.gz", "GED3"),
    ],
)
def test_a_file_is_a_case_of_one_sequence(tmp_path, name, sequence):
    case = load(write(tmp_path / "a", name) / name)
    assert list(case.sequences) == [sequence]
    assert case.id == name.removesuffix(".gz").removesuffix(".nii")
    assert case.reference.file.shape == (3, 4, 5)


def test_a_folder_is_a_set_of_sequences(tmp_path):
    case = load(write(tmp_path / "patient 7", "p_LGE.nii.gz", "T2.nii", "c0.nii.gz"))
    assert case.id == "patient 7"
    assert set(case.sequences) == {"LGE", "T2", "bSSFP"}
    assert case.reference_name == "LGE"
    assert case.sequences["LGE"].file.shape == (3, 4, 5)
    assert case.sequences["T2"].file.shape == (3, 4, 6)


def test_a_path_may_be_text(tmp_path):
    assert load(str(write(tmp_path / "a", "T2.nii"))).reference_name == "T2"


def test_an_unnamed_file_counts_where_nothing_is_named(tmp_path):
    assert list(load(write(tmp_path / "a", "scan.nii.gz")).sequences) == ["unknown"]


def test_an_unnamed_file_beside_named_ones_is_passed_over(tmp_path, caplog):
    case = load(write(tmp_path / "a", "p_LGE.nii.gz", "p_LGE_seg.nii.gz"))
    assert list(case.sequences) == ["LGE"]
    assert "p_LGE_seg.nii.gz" in caplog.text


@pytest.mark.parametrize("names", [("a_LGE.nii.gz", "a_DE.nii"), ("scan1.nii.gz", "scan2.nii.gz")])
def test_two_images_of_one_sequence_are_named(tmp_path, names):
    folder = write(tmp_path / "a", *names)
    with pytest.raises(ImageError) as caught:
        load(folder)
    assert all(name in str(caught.value) for name in names)


@pytest.mark.parametrize("name", ["nowhere", "nowhere.nii.gz", "a\0b"])
def test_nothing_there(tmp_path, name):
    with pytest.raises(UnicareError):
        load(tmp_path / name)


def test_an_empty_folder(tmp_path):
    with pytest.raises(ImageError, match="no DICOM series"):
        load(tmp_path)


def test_a_file_that_is_no_image(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ImageError, match="not a NIfTI file"):
        load(tmp_path / "a.txt")


def test_a_single_dicom_file_points_to_its_folder(tmp_path):
    (tmp_path / "a.dcm").write_bytes(bytes(128) + b"DICM" + bytes(100))
    with pytest.raises(ImageError, match="name the folder"):
        load(tmp_path / "a.dcm")


def test_without_pydicom_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ImageError, match="pip install pydicom"):
        load(tmp_path)


@needs_data
@pytest.mark.parametrize(
    ("path", "sequence", "shape"),
    [
        ("dcmqi_ct_liver/ct-3slice", "CT", (512, 512, 3)),
        ("totalseg_ct/images", "CT", (101, 122, 30)),
        ("emidec_p100/images/P100_LGE.nii.gz", "LGE", (258, 248, 7)),
        ("acdc/images/patient001.nii.gz", "unknown", (256, 216, 10)),
    ],
)
def test_real_images(path, sequence, shape):
    case = load(DATA / path)
    assert list(case.sequences) == [sequence]
    assert case.reference.shape == shape
