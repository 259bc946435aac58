from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.transform import Rotation

from unicare.core.errors import GeometryError
from unicare.core.volume import Volume, spacing_from_affine

AXIS_ORDERS = [
    "".join(code[side] for code, side in zip(codes, sides, strict=True))
    for codes in permutations(("LR", "PA", "IS"))
    for sides in product((0, 1), repeat=3)
]
DIRECTIONS = {
    "R": (1, 0, 0),
    "L": (-1, 0, 0),
    "A": (0, 1, 0),
    "P": (0, -1, 0),
    "S": (0, 0, 1),
    "I": (0, 0, -1),
}
PLS = np.array([DIRECTIONS[letter] for letter in "PLS"])


def affine_of(codes, spacing=(0.7, 1.5, 8.0), origin=(11.0, -20.0, 33.0), rotation=None):
    """File voxel index to RAS+ mm for axes that run as the letters say, turned by a rotation."""
    directions = np.array([DIRECTIONS[letter] for letter in codes], dtype=float).T
    if rotation is not None:
        directions = rotation @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions * spacing
    affine[:3, 3] = origin
    return affine


def counted(shape):
    return np.arange(np.prod(shape)).reshape(shape)


def test_there_are_48_axis_orders():
    assert len(set(AXIS_ORDERS)) == 48


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_axes_run_to_posterior_left_superior(codes):
    volume = Volume.from_file_axes(counted((3, 4, 5)), affine_of(codes))
    directions = volume.affine[:3, :3] / volume.spacing_mm
    assert_allclose(directions.T, PLS, atol=1e-12)


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_back_in_file_axes_nothing_has_moved(codes):
    data = counted((3, 4, 5))
    volume = Volume.from_file_axes(data, affine_of(codes))
    assert_array_equal(volume.to_file_axes(volume.data), data)
    assert volume.file.shape == (3, 4, 5)
    assert_array_equal(volume.file.affine, affine_of(codes))


@pytest.mark.parametrize("codes", AXIS_ORDERS)
def test_spacing_follows_its_axis(codes):
    volume = Volume.from_file_axes(np.zeros((3, 4, 5)), affine_of(codes, spacing=(0.7, 1.5, 8.0)))
    wanted = {frozenset("LR"): 1, frozenset("PA"): 0, frozenset("IS"): 2}
    for letter, spacing_mm, length in zip(codes, (0.7, 1.5, 8.0), (3, 4, 5), strict=True):
        axis = next(axis for letters, axis in wanted.items() if letter in letters)
        assert volume.spacing_mm[axis] == pytest.approx(spacing_mm)
        assert volume.shape[axis] == length


@st.composite
def geometries(draw):
    codes = draw(st.sampled_from(AXIS_ORDERS))
    shape = tuple(draw(st.integers(1, 5)) for _ in range(3))
    spacing = [draw(st.floats(0.2, 20)) for _ in range(3)]
    origin = [draw(st.floats(-500, 500)) for _ in range(3)]
    axis = np.array([draw(st.floats(-1, 1)), draw(st.floats(-1, 1)), draw(st.floats(0.001, 1))])
    angle = draw(st.floats(-30, 30))  # degrees; up to here it is plain which axis is the closest
    rotation = Rotation.from_rotvec(np.radians(angle) * axis / np.linalg.norm(axis)).as_matrix()
    voxel = tuple(draw(st.integers(0, length - 1)) for length in shape)
    return affine_of(codes, spacing, origin, rotation), shape, voxel, abs(angle)


@settings(deadline=None, max_examples=120)
@given(geometries())
def test_a_marked_voxel_stays_where_it_is_in_the_patient(geometry):
    affine, shape, voxel, angle = geometry
    data = np.zeros(shape, dtype=np.uint8)
    data[voxel] = 1
    volume = Volume.from_file_axes(data, affine)
    inside = np.argwhere(volume.data == 1)[0]
    before_mm = affine @ (*voxel, 1)
    after_mm = volume.affine @ (*inside, 1)
    assert_allclose(after_mm, before_mm, atol=1e-9)
    assert_array_equal(volume.to_file_axes(volume.data), data)
    # no axis points further from its letter than the patient was turned
    cosines = ((volume.affine[:3, :3] / volume.spacing_mm).T * PLS).sum(axis=1)
    assert cosines.min() >= np.cos(np.radians(angle)) - 1e-6
    assert sorted(volume.spacing_mm) == pytest.approx(sorted(spacing_from_affine(affine)))


def test_spacing_is_a_length_also_when_oblique():
    turned = Rotation.from_euler("xyz", (20, -10, 40), degrees=True).as_matrix()
    affine = affine_of("LPS", spacing=(1.25, 2.5, 9.0), rotation=turned)
    assert_allclose(spacing_from_affine(affine), (1.25, 2.5, 9.0))


def test_a_voxel_holds_the_product_of_its_sides():
    volume = Volume.from_file_axes(np.zeros((2, 2, 2)), affine_of("RAS", spacing=(2.0, 5.0, 10.0)))
    assert volume.voxel_ml == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("codes", "axis"), [("LPS", 2), ("LSP", 0), ("PSR", 1)], ids=["axial", "coronal", "sagittal"]
)
def test_thick_slices_give_the_acquisition_axis(codes, axis):
    assert Volume.from_file_axes(np.zeros((2, 2, 2)), affine_of(codes, (1, 1, 8))).acquisition_axis == axis


def test_even_voxels_have_no_acquisition_axis():
    assert Volume.from_file_axes(np.zeros((2, 2, 2)), affine_of("LPS", (1, 1, 2))).acquisition_axis is None


def test_data_of_another_shape_is_refused():
    volume = Volume.from_file_axes(np.zeros((2, 3, 4)), affine_of("LPS"))
    with pytest.raises(GeometryError, match="another grid"):
        volume.to_file_axes(np.zeros((2, 3, 4)))
    with pytest.raises(GeometryError, match="another grid"):
        volume.with_data(np.zeros((3, 2, 5)))


@pytest.mark.parametrize("shape", [(4,), (4, 4), (2, 2, 2, 2)])
def test_only_three_axes_are_a_volume(shape):
    with pytest.raises(GeometryError, match="3 axes"):
        Volume.from_file_axes(np.zeros(shape), np.eye(4))


def with_columns(*columns):
    affine = np.eye(4)
    affine[:3, :3] = np.array(columns, dtype=float).T
    return affine


@pytest.mark.parametrize(
    ("affine", "words"),
    [
        (with_columns((1, 0, 0), (0, 0, 0), (0, 0, 1)), "spacing is zero"),
        (with_columns((1, 0, 0), (2, 0, 0), (0, 0, 1)), "singular"),
        (with_columns((1, 0, 0), (0, np.nan, 0), (0, 0, 1)), "finite"),
        (with_columns((1, 0, 0), (0, np.inf, 0), (0, 0, 1)), "finite"),
        (np.eye(3), "4×4"),
    ],
)
def test_impossible_affines_are_refused(affine, words):
    with pytest.raises(GeometryError, match=words):
        Volume.from_file_axes(np.zeros((2, 2, 2)), affine)
