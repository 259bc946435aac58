"""Grids are compared in space; labels are put from one onto another without being mixed."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import GeometryError, ImageError
from unicare.core.volume import Volume
from unicare.data.nifti import load_labels
from unicare.evaluate.grid import compare_grids, load_grid, resample_labels


def volume(data, spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0)):
    """A volume whose file axes are PLS already; the origin is that of its first voxel, along P, L, S."""
    affine = np.zeros((4, 4))
    affine[1, 0], affine[0, 1], affine[2, 2], affine[3, 3] = -spacing[0], -spacing[1], spacing[2], 1
    affine[:3, 3] = (-origin[1], -origin[0], origin[2])
    return Volume.from_file_axes(data, affine)


@pytest.fixture
def labels():
    return np.random.default_rng(0).integers(0, 4, (9, 8, 5)).astype(np.int16) * 205


def test_onto_its_own_grid_nothing_changes(labels):
    assert np.array_equal(resample_labels(volume(labels), volume(np.zeros_like(labels))), labels)


def test_a_crop_comes_back_to_where_it_was_cut_with_0_around(labels):
    cut = volume(labels[2:7, 1:6, 1:4], origin=(2, 1, 1))
    back = resample_labels(cut, volume(np.zeros_like(labels)))
    expected = np.zeros_like(labels)
    expected[2:7, 1:6, 1:4] = labels[2:7, 1:6, 1:4]
    assert np.array_equal(back, expected)
    assert back.dtype == labels.dtype


def test_finer_voxels_have_the_label_of_the_coarse_one_that_they_lie_in(labels):
    finer = volume(np.zeros((18, 16, 15)), spacing=(0.5, 0.5, 1 / 3), origin=(-0.25, -0.25, -1 / 3))
    expected = labels.repeat(2, 0).repeat(2, 1).repeat(3, 2)
    assert np.array_equal(resample_labels(volume(labels), finer), expected)


def test_a_voxel_off_by_less_than_half_is_the_same_voxel(labels):
    moved = volume(np.zeros_like(labels), origin=(0.4, -0.4, 0.3))
    assert np.array_equal(resample_labels(volume(labels), moved), labels)


def test_no_label_is_made_up(labels):
    turned = Volume.from_file_axes(
        np.zeros((12, 12, 9)),
        np.array([[0.6, -0.5, 0.2, -4], [0.5, 0.7, 0.1, -9], [-0.1, 0.1, 0.8, 0], [0, 0, 0, 1]]),
    )
    found = resample_labels(volume(labels), turned)
    assert set(np.unique(found)) <= set(np.unique(labels))
    assert found.any()


def test_what_differs_is_said(labels):
    grid = volume(labels)
    assert compare_grids(grid, volume(labels, origin=(0.02, 0, 0))) is None
    assert compare_grids(grid, volume(labels[:-1])).kind == "shape"
    other = compare_grids(grid, volume(labels, origin=(3, 0, 4)))
    assert other.kind == "affine"
    assert "5 mm off" in other.found
    stretched = compare_grids(grid, volume(labels, spacing=(1.1, 1, 1)))
    assert "0.8 mm off" in stretched.found


def test_shapes_and_affines_are_those_of_the_files():
    """Somebody who looks at the file sees its own axes, not those that volumes have inside."""
    affine = np.diag([-1.0, -1.0, 8.0, 1.0])

    def stored(shape, affine):
        return Volume.from_file_axes(np.zeros(shape, dtype=np.uint8), affine)

    truth = stored((20, 36, 24), affine)
    alike = compare_grids(truth, stored((20, 36, 20), affine))
    assert (alike.found, alike.expected) == ("(20, 36, 20) voxels", "(20, 36, 24) voxels")
    moved = compare_grids(truth, stored((20, 36, 24), affine + np.eye(4, k=3) * 3))
    assert "affine [[-1.0, 0.0, 0.0, 3.0], [0.0, -1.0, 0.0, 0.0]" in moved.found
    turned = compare_grids(truth, stored((36, 20, 20), affine[:, [1, 0, 2, 3]]))
    assert turned.found == "(36, 20, 20) voxels, which is (36, 20, 20) along P, L, S"
    assert turned.expected == "(20, 36, 24) voxels, which is (36, 20, 24) along P, L, S"


@pytest.mark.parametrize("end", [".nii", ".nii.gz"])
def test_a_grid_from_the_header_is_that_of_the_labels(tmp_path, labels, end):
    path = tmp_path / f"a{end}"
    affine = np.array([[0, 0.7, 0, 3], [1.2, 0, 0.1, 4], [0, 0, -8, 5], [0, 0, 0, 1.0]])
    nib.save(nib.Nifti1Image(labels, affine), path)
    assert compare_grids(load_labels(path), load_grid(path)) is None
    assert load_grid(path).shape == load_labels(path).shape


@pytest.mark.parametrize(
    "content",
    [b"", b"short", gzip.compress(b"short", mtime=0), gzip.compress(bytes(400), mtime=0)[:30], None],
    ids=["empty", "short", "short inside", "cut off", "missing"],
)
def test_headers_that_cannot_be_read_are_told(tmp_path, content):
    path = tmp_path / "a.nii.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises((ImageError, GeometryError), match=r"a\.nii\.gz"):
        load_grid(path)
