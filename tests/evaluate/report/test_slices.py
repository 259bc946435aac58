import numpy as np
import pytest

from unicare.core.volume import Volume
from unicare.evaluate.report.slices import SliceErrors, slice_errors, telling_slices, view_of

PLS = np.array([[0.0, -2.0, 0, 0], [-1.0, 0, 0, 0], [0, 0, 5.0, 0], [0, 0, 0, 1]])


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_letters_say_where_the_edges_of_the_page_lie(slice_axis):
    # every voxel holds how far it lies towards one side of the patient; that side must be where its letter is
    view = view_of(slice_axis)
    towards = dict(zip("PLS", np.indices((4, 5, 6)), strict=True)) | {
        letter: -index for letter, index in zip("ARI", np.indices((4, 5, 6)), strict=True)
    }
    left, top, right, bottom = view.letters
    column = view.take(towards[right], 2)
    row = view.take(towards[bottom], 2)
    assert (np.diff(column, axis=1) == 1).all()
    assert (np.diff(row, axis=0) == 1).all()
    assert (np.diff(view.take(towards[left], 2), axis=1) == -1).all()
    assert (np.diff(view.take(towards[top], 2), axis=0) == -1).all()


def test_axial_slices_have_posterior_down_and_the_patients_left_on_the_right():
    assert view_of(2).letters == ("R", "A", "L", "P")


@pytest.mark.parametrize("slice_axis", [0, 1, 2])
def test_a_prompt_lands_on_its_voxel(slice_axis):
    data = np.zeros((4, 5, 6), dtype=int)
    voxel = [1, 2, 4]
    data[tuple(voxel)] = 7
    index = voxel.pop(slice_axis)
    view = view_of(slice_axis)
    page = view.take(data, index)
    column, row = view.to_page(voxel[0] + 0.5, voxel[1] + 0.5, page.shape[0])
    assert page[int(row), int(column)] == 7


def test_spacing_goes_with_rows_and_columns():
    volume = Volume.from_file_axes(np.zeros((4, 5, 6)), PLS)
    assert view_of(2).spacing_mm(volume) == (1.0, 2.0)
    assert view_of(0).spacing_mm(volume) == (5.0, 2.0)
    assert view_of(1).spacing_mm(volume) == (5.0, 1.0)


def test_errors_are_counted_slice_by_slice():
    truth, prediction = np.zeros((4, 4, 5), dtype=bool), np.zeros((4, 4, 5), dtype=bool)
    truth[0, :, 1] = True
    prediction[0, :2, 1] = True
    prediction[1, 1, 3] = True
    errors = slice_errors(truth, prediction, 2)
    assert errors.wrong.tolist() == [0, 2, 0, 1, 0]
    assert [errors.dice(index) for index in range(5)] == [None, pytest.approx(2 / 3), None, 0.0, None]


def errors_of(*wrong):
    return SliceErrors(np.array(wrong), np.full(len(wrong), 100))


def test_the_slices_with_most_wrong_voxels_are_shown():
    assert telling_slices([errors_of(0, 5, 0, 90, 1, 0, 40)], 2, spacing_mm=10.0) == [3, 6]


def test_thin_slices_beside_a_chosen_one_are_passed_over():
    # 3 mm slices: the neighbours of the worst one look the same
    assert telling_slices([errors_of(0, 80, 90, 85, 0, 0, 10)], 2, spacing_mm=3.0) == [2, 6]


def test_every_prediction_shows_its_own_worst_slice():
    one, other = errors_of(90, 80, 70, 0, 0), errors_of(0, 0, 0, 0, 3)
    assert telling_slices([one, other], 2, spacing_mm=10.0) == [0, 4]


def test_where_nothing_is_wrong_the_fullest_slice_is_shown():
    perfect = SliceErrors(np.zeros(4, dtype=int), np.array([0, 2, 8, 4]))
    assert telling_slices([perfect], 3, spacing_mm=5.0) == [2]


def test_a_structure_that_is_nowhere_has_no_slice():
    nothing = SliceErrors(np.zeros(4, dtype=int), np.zeros(4, dtype=int))
    assert telling_slices([nothing], 3, spacing_mm=5.0) == []
    assert telling_slices([], 3, spacing_mm=5.0) == []
