"""A session: every click counts, every step can be taken back, nothing lies outside."""

import numpy as np
import pytest

from unicare.core.case import Case
from unicare.core.errors import PromptError
from unicare.core.prompt import Box, Point
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.infer.session import Session

EXACT = SegmentSettings(precision="float32")


@pytest.fixture
def start(make_volume):
    def make(network, slice_axis=2, shape=(50, 60, 12)):
        segmenter = PromptedSegmenter(network, EXACT)
        return Session(segmenter, Case("a", {"unknown": make_volume(shape)}), slice_axis)

    return make


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_box_is_answered_on_its_slice_only(start, oracle, axis):
    session = start(oracle("box"), axis, (50, 52, 54))
    mask = session.box(7, 4, Box(10, 12, 30, 28))
    expected = np.zeros_like(mask)
    expected[10:30, 12:28] = True
    np.testing.assert_array_equal(mask, expected)
    labels = np.moveaxis(session.segmentation.labels, axis, 0)
    np.testing.assert_array_equal(labels[4], expected * 7)
    assert not np.delete(labels, 4, axis=0).any()


def test_a_click_adds_a_point(start, tiny_network):
    session = start(tiny_network)
    session.click(7, 4, Point(20, 21))
    session.click(7, 4, Point(25, 26))
    session.click(7, 4, Point(40, 45), positive=False)
    prompt = session.prompts.slices[4][7]
    assert prompt.points == (Point(20, 21), Point(25, 26))
    assert prompt.negative_points == (Point(40, 45),)


def test_the_answer_before_is_the_next_mask_prompt(start, oracle):
    network = oracle("box")
    session = start(network)
    session.box(7, 4, Box(10, 12, 30, 28))
    assert not network.asked[0].prompts[:, 3].any()
    count = len(network.asked)
    session.click(7, 4, Point(20, 20), positive=False)
    again = network.asked[count]
    assert float((again.prompts[:, 3] - again.prompts[:, 0]).abs().mean()) < 0.05
    assert again.prompts[:, 2].any()


def test_undo_restores_every_step_exactly(start, tiny_network):
    session = start(tiny_network)
    steps = [
        lambda: session.box(200, 4, Box(10, 12, 40, 48)),
        lambda: session.box(200, 5, Box(11, 12, 38, 48)),
        lambda: session.click(2221, 5, Point(20, 20)),
        lambda: session.click(200, 5, Point(22, 22), positive=False),
        lambda: session.box(200, 3, Box(5, 5, 30, 30)),
        lambda: session.box(200, 4, Box(12, 12, 30, 30)),
    ]
    states = []
    for step in steps:
        states.append((session.prompts, session.segmentation.labels.copy()))
        step()
    for prompts, labels in reversed(states):
        assert session.undo()
        assert session.prompts == prompts
        np.testing.assert_array_equal(session.segmentation.labels, labels)
    assert not session.undo()


def test_a_step_after_undo_is_as_if_nothing_had_been(start, tiny_network):
    straight, detour = start(tiny_network), start(tiny_network)
    for session in (straight, detour):
        session.box(1, 4, Box(10, 12, 40, 48))
    detour.click(1, 4, Point(11, 13), positive=False)
    detour.undo()
    for session in (straight, detour):
        session.click(1, 4, Point(30, 30))
    np.testing.assert_array_equal(straight.segmentation.labels, detour.segmentation.labels)


def test_a_part_wins_over_what_it_is_a_part_of(start, oracle):
    session = start(oracle("box"))
    session.box(2221, 4, Box(20, 20, 30, 30))
    session.box(2222222, 4, Box(40, 40, 44, 44))
    session.box(200, 4, Box(10, 10, 40, 40))
    labels = session.segmentation.labels[:, :, 4]
    assert (labels[20:30, 20:30] == 2221).all()
    assert labels[12, 12] == 200


@pytest.mark.parametrize(
    "box", [Box(-1, 0, 5, 5), Box(0, 0, 51, 5), Box(0, 0, 5, 61), Box(5, 5, 5, 9), Box(9, 5, 3, 9)]
)
def test_a_box_outside_is_refused_and_changes_nothing(start, oracle, box):
    session = start(oracle("box"))
    with pytest.raises(PromptError, match="50×60"):
        session.box(1, 4, box)
    assert session.prompts.slices == {}
    assert not session.undo()


@pytest.mark.parametrize("point", [Point(-1, 3), Point(50, 3), Point(3, 60)])
def test_a_click_outside_is_refused(start, oracle, point):
    with pytest.raises(PromptError, match="50×60"):
        start(oracle("box")).click(1, 4, point)


@pytest.mark.parametrize("index", [-1, 12])
def test_there_is_no_such_slice(start, oracle, index):
    with pytest.raises(PromptError, match="0 to 11"):
        start(oracle("box")).click(1, index, Point(3, 3))


@pytest.mark.parametrize("label", [0, -3, 2**31])
def test_labels_are_positive(start, oracle, label):
    session = start(oracle("box"))
    with pytest.raises(PromptError, match="background"):
        session.click(label, 4, Point(3, 3))
    assert session.prompts.slices == {}


def test_a_negative_click_alone_answers_nothing_until_something_is_pointed_at(start, tiny_network):
    session = start(tiny_network)
    assert not session.click(1, 4, Point(3, 3), positive=False).any()
    assert not session.segmentation.labels.any()
    session.box(1, 4, Box(10, 12, 40, 48))
    assert session.prompts.slices[4][1].negative_points == (Point(3, 3),)


def test_other_labels_stay_as_they_were(start, tiny_network):
    session = start(tiny_network)
    session.box(1, 4, Box(5, 5, 20, 20))
    before = session.segmentation.labels.copy()
    session.box(2, 8, Box(25, 25, 45, 45))
    np.testing.assert_array_equal(session.segmentation.labels[:, :, :8], before[:, :, :8])
