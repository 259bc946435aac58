"""What every layout promises, run over all that are registered."""

import logging

import nibabel as nib
import numpy as np
import pytest

from unicare.core.case import SEQUENCES, Case
from unicare.core.errors import ImageError, UnicareError
from unicare.data.layouts import LAYOUTS


def write_flat(folder, cases):
    (folder / "images").mkdir(parents=True)
    for case_id, sequences in cases.items():
        for name, image in sequences.items():
            suffix = "" if name == "unknown" else f"_{name}"
            nib.save(image, folder / "images" / f"{case_id}{suffix}.nii.gz")


WRITERS = {"flat": write_flat}
"""How a test lays out cases for each layout; a new layout needs its line here."""


def image(seed, shape=(4, 5, 6)):
    return nib.Nifti1Image(np.random.default_rng(seed).random(shape), np.diag([-1.5, -1.5, 8.0, 1.0]))


CASES = {
    "one": {"unknown": image(0)},
    "patient 2_b": {"LGE": image(1), "T2": image(2, (3, 3, 3)), "bSSFP": image(3)},
    "ünï 3": {"CT": image(4)},
}


def test_every_layout_is_tested():
    assert set(WRITERS) == set(LAYOUTS)


@pytest.fixture(params=sorted(LAYOUTS))
def layout_and_folder(request, tmp_path):
    WRITERS[request.param](tmp_path / "cohort", CASES)
    return LAYOUTS[request.param], tmp_path / "cohort"


def test_cases_and_sequences_are_found(layout_and_folder):
    layout, folder = layout_and_folder
    listed = layout.list_cases(folder)
    assert {case_id: set(files) for case_id, files in listed.items()} == {
        case_id: set(sequences) for case_id, sequences in CASES.items()
    }
    assert list(listed) == sorted(listed)
    assert all(name in SEQUENCES for files in listed.values() for name in files)
    assert layout.list_cases(folder, known=list(CASES)) == listed


def test_cases_are_read_on_their_grids(layout_and_folder):
    layout, folder = layout_and_folder
    for case_id, files in layout.list_cases(folder).items():
        case = layout.read_case(case_id, files)
        assert isinstance(case, Case)
        assert case.id == case_id
        for name, volume in case.sequences.items():
            expected = CASES[case_id][name]
            np.testing.assert_array_equal(volume.file.affine, expected.affine)
            np.testing.assert_allclose(
                volume.to_file_axes(volume.data), np.asarray(expected.dataobj), rtol=1e-6
            )


def test_listing_reads_no_image_so_a_bad_one_stops_only_its_case(layout_and_folder):
    layout, folder = layout_and_folder
    bad = layout.list_cases(folder)["one"]["unknown"]
    bad.write_bytes(b"not an image")
    listed = layout.list_cases(folder)
    with pytest.raises(UnicareError, match=bad.name.replace(".", r"\.")):
        layout.read_case("one", listed["one"])
    layout.read_case("ünï 3", listed["ünï 3"])


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_nothing_there_is_one_sentence(name, tmp_path, caplog):
    with caplog.at_level(logging.WARNING), pytest.raises(ImageError) as caught:
        LAYOUTS[name].list_cases(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)
