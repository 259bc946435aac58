"""Segmentations: saved on the grid of their image, and measured in millilitres."""

import nibabel
import numpy as np
import pytest

from unicare.data.nifti import load_volume, save_volume
from unicare.models.base import Segmentation


@pytest.mark.parametrize("codes", ["LPS", "PSR", "RAI"])
@pytest.mark.parametrize("label", [1, 2221, 70000])
def test_a_label_map_is_saved_as_the_image_lies(tmp_path, make_volume, codes, label):
    save_volume(tmp_path / "a.nii.gz", make_volume((20, 21, 22), codes, tilt_degrees=11.0))
    grid = load_volume(tmp_path / "a.nii.gz")
    labels = np.zeros(grid.shape, dtype=np.int32)
    labels[3, 4, 5] = label
    Segmentation(grid, labels).save(tmp_path / "out" / "a_pred.nii.gz")
    image, saved = nibabel.load(tmp_path / "a.nii.gz"), nibabel.load(tmp_path / "out" / "a_pred.nii.gz")
    assert saved.shape == image.shape
    np.testing.assert_array_equal(saved.affine, image.affine)
    assert saved.get_data_dtype().kind in "iu"
    world = grid.affine @ (3, 4, 5, 1)
    index = np.rint(np.linalg.inv(saved.affine) @ world).astype(int)[:3]
    assert np.asarray(saved.dataobj)[tuple(index)] == label


def test_volumes_are_told_by_name_and_labels_of_one_structure_added_up(make_volume):
    grid = make_volume((10, 10, 10), spacing_mm=(2.0, 2.0, 5.0))
    labels = np.zeros(grid.shape, dtype=np.int32)
    labels[:2], labels[2:5], labels[5, 0, 0] = 200, 205, 70000
    volumes = Segmentation(grid, labels).volumes_ml()
    assert volumes == pytest.approx({"left ventricular myocardium": 500 * 0.02, "70000": 0.02})


def test_an_empty_map_has_no_volumes(make_volume):
    grid = make_volume()
    assert Segmentation(grid, np.zeros(grid.shape, dtype=np.int32)).volumes_ml() == {}
