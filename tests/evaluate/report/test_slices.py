import numpy as np
import pytest

from unicare.core.volume import Volume
from unicare.evaluate.report.slices import SliceScore, best_median_worst, score_slices, view_of

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


def test_slices_that_hold_nothing_have_no_score():
    truth, prediction = np.zeros((4, 4, 5)), np.zeros((4, 4, 5))
    truth[0, :, 1] = 9
    prediction[0, :2, 1] = 9
    prediction[1, 1, 3] = 9
    truth[2, 2, 2] = 8
    scores = score_slices("a", truth, prediction, 9, 2)
    assert [(s.index, s.dice, s.voxels) for s in scores] == [(1, pytest.approx(2 / 3), 6), (3, 0.0, 1)]


def slice_score(index, dice, voxels=10):
    return SliceScore("a", 1, 2, index, dice, voxels)


def test_of_equal_slices_the_larger_is_shown():
    scores = [
        slice_score(i, d, v) for i, (d, v) in enumerate([(1.0, 2), (1.0, 80), (0.5, 9), (0, 5), (0, 50)])
    ]
    assert [(word, s.index) for word, s in best_median_worst(scores)] == [
        ("best", 1),
        ("median", 2),
        ("worst", 4),
    ]


def test_no_slice_is_shown_twice():
    assert [s.index for _, s in best_median_worst([slice_score(0, 0.9)])] == [0]
    assert {s.index for _, s in best_median_worst([slice_score(0, 0.9), slice_score(1, 0.2)])} == {0, 1}
    assert best_median_worst([]) == []
