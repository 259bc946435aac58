"""From prompts to label maps: with networks whose answer is known, geometry must come out to the voxel."""

from itertools import permutations, product

import numpy as np
import pytest

from unicare.core.case import Case
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.models.base import Segmentation

ALL_ORDERS = ["".join(codes) for axes in permutations(("PA", "LR", "SI")) for codes in product(*axes)]
EXACT = SegmentSettings(precision="float32")


def answer(network, volume, prompts, masks=None, settings=EXACT) -> Segmentation:
    case = volume if isinstance(volume, Case) else Case("a", {"unknown": volume})
    return PromptedSegmenter(network, settings).segment(case, prompts, masks)


def filled(shape, axis, boxes):
    """A label map with boxes filled: ``{(slice, label): box}``."""
    labels = np.zeros(shape, dtype=np.int32)
    stack = np.moveaxis(labels, axis, 0)
    for (index, label), box in boxes.items():
        stack[index, box.x0 : box.x1, box.y0 : box.y1] = label
    return labels


@pytest.mark.parametrize("codes", ALL_ORDERS)
def test_a_box_comes_back_as_the_box_for_every_order_of_axes(oracle, make_volume, codes):
    volume = make_volume((30, 34, 38), codes, (1.0, 1.6, 2.3), tilt_degrees=14.0)
    network = oracle("box", 64)
    for axis in range(3):
        boxes = {(3, 500): Box(8, 6, 19, 20), (4, 500): Box(9, 7, 18, 22), (20, 500): Box(4, 4, 9, 12)}
        prompts = CasePrompts("a", {i: {label: Prompt(box)} for (i, label), box in boxes.items()}, axis)
        labels = answer(network, volume, prompts).labels
        np.testing.assert_array_equal(labels, filled(volume.shape, axis, boxes))


@pytest.mark.parametrize(
    ("shape", "spacing_mm"),
    [((64, 64, 9), (1.4, 1.4, 9.0)), ((50, 50, 50), (0.4, 3.0, 1.0)), ((30, 40, 1), (1.0, 1.0, 1.0))],
)
def test_voxels_of_any_proportion(oracle, make_volume, shape, spacing_mm):
    volume = make_volume(shape, "LPS", spacing_mm, 8.0)
    boxes = {(0, 7): Box(10, 12, 24, 21)}
    prompts = CasePrompts("a", {0: {7: Prompt(boxes[0, 7])}})
    np.testing.assert_array_equal(
        answer(oracle("box"), volume, prompts).labels, filled(volume.shape, 2, boxes)
    )


def test_a_box_that_fills_the_slice(oracle, make_volume):
    volume = make_volume((40, 60, 3))
    box = Box(0, 0, 60, 40) if volume.shape[0] == 60 else Box(0, 0, 40, 60)
    labels = answer(oracle("box"), volume, CasePrompts("a", {1: {1: Prompt(box)}})).labels
    assert (labels[:, :, 1] == 1).all()
    assert not labels[:, :, [0, 2]].any()


def test_null_slices_are_empty_and_slices_hold_only_what_is_prompted_there(tiny_network, make_volume):
    volume = make_volume((48, 48, 12))
    slices = dict.fromkeys(range(12))
    for index in (1, 2, 3, 7):
        slices[index] = {200: Prompt(Box(8, 8, 36, 36))}
    for index in (3, 9):
        slices[index] = {**(slices[index] or {}), 70000: Prompt(points=(Point(20, 20), Point(25, 22)))}
    labels = answer(tiny_network, volume, CasePrompts("a", slices)).labels
    for index, prompted in slices.items():
        assert set(np.unique(labels[:, :, index])) <= {0, *(prompted or {})}
    assert labels.any()


def test_many_slices_are_answered_run_by_run(oracle, make_volume):
    volume = make_volume((30, 30, 50), spacing_mm=(1.0, 1.0, 1.0))
    rows = [index for index in range(50) if index % 9 != 4]
    boxes = {(index, label): Box(5, 6 + index % 5, 20, 22) for index in rows for label in (1,)}
    prompts = CasePrompts("a", {index: {1: Prompt(boxes[index, 1])} for index in rows})
    for longest, together in ((1, 1), (3, 7), (8, 48), (200, 1000)):
        settings = SegmentSettings(longest_run=longest, slices_per_batch=together, precision="float32")
        labels = answer(oracle("box", 64), volume, prompts, settings=settings).labels
        np.testing.assert_array_equal(labels, filled(volume.shape, 2, boxes))


@pytest.mark.parametrize("parent", [200, 205])
@pytest.mark.parametrize("names", [False, True])
def test_a_part_wins_over_what_it_is_a_part_of(oracle, make_volume, parent, names):
    volume = make_volume((60, 60, 3))
    whole, part = Box(10, 10, 50, 50), Box(20, 20, 30, 30)
    labels = {parent: Prompt(whole), 2221: Prompt(part)}
    if names:
        parent, inner = 3, 2
        labels = {3: Prompt(whole, text="myocardium"), 2: Prompt(part, text="scar")}
    else:
        inner = 2221
    found = answer(oracle("box"), volume, CasePrompts("a", {1: labels})).labels
    np.testing.assert_array_equal(found, filled(volume.shape, 2, {(1, parent): whole, (1, inner): part}))


def test_other_labels_share_a_voxel_by_probability(make_volume, oracle):
    volume = make_volume((60, 60, 1))
    left, right = Box(10, 20, 34, 40), Box(26, 20, 50, 40)
    network = oracle("points", 48)  # high near its own points, low elsewhere
    prompts = {1: Prompt(left, (Point(29, 30),)), 2: Prompt(right, (Point(31, 30),))}
    found = answer(network, volume, CasePrompts("a", {0: prompts})).labels
    assert found[29, 30, 0] == 1
    assert found[31, 30, 0] == 2


@pytest.mark.parametrize("points", [((40, 50),), ((30, 30), (36, 44), (33, 38)), ((0, 0),), ((79, 89),)])
def test_points_alone_are_answered_around_the_points(oracle, make_volume, points):
    volume = make_volume((80, 90, 4))
    prompts = CasePrompts("a", {2: {9: Prompt(points=tuple(Point(*point) for point in points))}})
    once = SegmentSettings(passes=1, precision="float32")
    labels = answer(oracle("points", 32), volume, prompts, settings=once).labels
    assert all(labels[x, y, 2] == 9 for x, y in points)
    assert not labels[:, :, [0, 1, 3]].any()
    found = np.argwhere(labels[:, :, 2])
    assert (np.abs(found[:, None] - np.array(points)).max(axis=2).min(axis=1) <= 6).all()


@pytest.mark.parametrize("tilt_degrees", [0.0, 20.0])
def test_one_point_finds_what_is_much_smaller_or_larger_than_guessed(oracle, make_volume, tilt_degrees):
    for radius_mm in (6.0, 11.0):
        volume = make_volume((80, 90, 5), "LPI", (1.0, 1.0, 3.0), tilt_degrees)
        middle = volume.affine @ np.array([30.0, 52.0, 2.0, 1.0])
        volume = blob(volume, middle[:3], radius_mm)
        found = answer(oracle("image"), volume, CasePrompts("a", {2: {9: Prompt(points=(Point(31, 50),))}}))
        truth = volume.data[:, :, 2] > 100
        inside = found.labels[:, :, 2] == 9
        assert 2 * (inside & truth).sum() / (inside.sum() + truth.sum()) > 0.93


def test_negative_points_and_other_labels_points_are_told_as_negative(oracle, make_volume):
    volume = make_volume((60, 60, 1))
    own = Prompt(Box(10, 10, 50, 50), negative_points=(Point(20, 22),))
    other = Prompt(Box(30, 30, 45, 45), points=(Point(38, 40),))
    found = answer(oracle("negative_points"), volume, CasePrompts("a", {0: {1: own, 70000: other}})).labels
    assert found[20, 22, 0] == 1
    assert found[38, 40, 0] == 1
    others = answer(oracle("others"), volume, CasePrompts("a", {0: {1: own, 2: other}}))
    assert others.labels.shape == volume.shape


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mask_comes_back_as_the_mask(oracle, make_volume, axis):
    volume = make_volume((50, 52, 54), "IPR", (1.0, 1.3, 1.7), 9.0)
    mask = np.zeros(volume.shape, dtype=np.float32)
    grid = np.indices(volume.shape) - np.array([25, 26, 27]).reshape(3, 1, 1, 1)
    mask[(grid**2).sum(axis=0) < 12**2] = 1.0
    stack = np.moveaxis(mask, axis, 0)
    slices = {}
    for index in np.flatnonzero(stack.any(axis=(1, 2))).tolist():
        rows, columns = np.nonzero(stack[index])
        slices[index] = {5: Prompt(Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1))}
    once = SegmentSettings(passes=1, precision="float32")
    prompts = CasePrompts("a", slices, axis)
    found = answer(oracle("previous"), volume, prompts, {5: mask}, once).labels
    overlap = 2 * ((found == 5) & (mask > 0)).sum() / ((found == 5).sum() + mask.sum())
    assert overlap > 0.99


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_mask_alone_is_a_prompt(oracle, make_volume, axis):
    volume = make_volume((50, 52, 54), spacing_mm=(1.0, 1.0, 1.0))
    mask = filled(volume.shape, axis, {(20, 1): Box(12, 15, 30, 35), (21, 1): Box(13, 15, 30, 33)})
    prompts = CasePrompts("a", {index: {5: Prompt(mask="m.nii.gz")} for index in (20, 21)}, axis)
    found = answer(oracle("previous"), volume, prompts, {5: mask.astype(np.float32)}).labels
    np.testing.assert_array_equal(found == 5, mask == 1)


def test_the_first_answer_is_the_second_question_s_mask(oracle, make_volume):
    network = oracle("box")
    volume = make_volume((60, 60, 2))
    twice = SegmentSettings(passes=2)
    answer(network, volume, CasePrompts("a", {0: {1: Prompt(Box(10, 10, 40, 40))}}), settings=twice)
    first, second = network.asked
    assert not first.prompts[:, 3].any()
    assert float((second.prompts[:, 3] - second.prompts[:, 0]).abs().max()) < 0.6
    assert float(second.prompts[:, 3].max()) > 0.99


def test_labels_and_texts_say_what_is_asked_for_unless_anonymous(oracle, make_volume):
    volume = make_volume((60, 60, 1))
    box = Box(10, 10, 40, 40)
    prompts = CasePrompts(
        "a", {0: {420: Prompt(box), 1: Prompt(box, text="spleen"), 500: Prompt(box, text="?")}}
    )
    network = oracle("box")
    answer(network, volume, prompts)
    assert sorted(network.asked[0].structures.tolist()) == [1, 3, 12]
    hidden = oracle("box")
    answer(hidden, volume, prompts, settings=SegmentSettings(anonymous=True))
    assert not hidden.asked[0].structures.any()


def test_labels_that_only_count_are_not_taken_for_the_challenge_s(oracle, make_volume):
    """1 is the challenge's liver; beside 2 and 3 it is the first of three structures."""
    box = Box(10, 10, 40, 40)
    network = oracle("box")
    answer(
        network,
        make_volume((60, 60, 1)),
        CasePrompts("a", {0: {1: Prompt(box), 2: Prompt(box), 3: Prompt(box)}}),
    )
    assert not network.asked[0].structures.any()


def blob(volume, centre_mm, radius_mm):
    """The volume, 200 inside of a ball in patient space and 50 outside."""
    index = np.indices(volume.shape).reshape(3, -1)
    world = volume.affine[:3, :3] @ index + volume.affine[:3, 3:]
    inside = np.linalg.norm(world.T - centre_mm, axis=1) < radius_mm
    return volume.with_data(np.where(inside, 200.0, 50.0).reshape(volume.shape).astype(np.float32))


@pytest.mark.parametrize("codes", ["LPS", "LSP", "PSR", "RAI", "IAL"])
def test_sequences_on_grids_of_their_own_see_the_same_place(oracle, make_volume, codes):
    reference = make_volume((64, 64, 9), codes, (1.4, 1.4, 8.0), 12.0)
    middle = reference.affine @ np.array([*((n - 1) / 2 for n in reference.shape), 1.0])
    other = make_volume((70, 80, 60), "SRA", (1.5, 1.2, 1.9), -25.0)
    shift = middle - other.affine @ np.array([*((n - 1) / 2 for n in other.shape), 1.0])
    other = type(other)(other.data, other.affine + np.outer(shift, (0, 0, 0, 1)), other.file)
    case = Case("a", {"LGE": reference, "T2": blob(other, middle[:3], 20.0)})
    truth = blob(reference, middle[:3], 20.0).data > 100
    axis = reference.acquisition_axis
    stack = np.moveaxis(truth, axis, 0)
    slices = {}
    for index in np.flatnonzero(stack.any(axis=(1, 2))).tolist():
        rows, columns = np.nonzero(stack[index])
        box = Box(rows.min() - 2, columns.min() - 2, rows.max() + 3, columns.max() + 3)
        slices[index] = {3: Prompt(box)}
    network = oracle("image")
    flat = Case(
        "a",
        {"LGE": reference.with_data(np.zeros(reference.shape, np.float32)), **{"T2": case.sequences["T2"]}},
    )
    found = answer(network, flat, CasePrompts("a", slices, axis)).labels > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.9
    assert sorted(set(network.asked[0].sequences.tolist())) == [2, 3]


def test_a_shorter_sequence_is_no_hindrance(tiny_network, make_volume):
    case = Case("a", {"LGE": make_volume((40, 40, 10)), "T2": make_volume((40, 40, 4))})
    slices = {index: {200: Prompt(Box(8, 8, 30, 30))} for index in range(10)}
    assert answer(tiny_network, case, CasePrompts("a", slices)).labels.shape == (40, 40, 10)


def test_the_order_of_sequences_says_nothing(tiny_network, make_volume):
    volumes = {
        name: make_volume(data=np.random.default_rng(i).normal(0, 1, (40, 40, 4)).astype(np.float32))
        for i, name in enumerate(("LGE", "T2", "bSSFP"))
    }
    prompts = CasePrompts("a", {1: {200: Prompt(Box(8, 8, 30, 30))}})
    one = answer(tiny_network, Case("a", volumes), prompts).labels
    other = answer(tiny_network, Case("a", dict(reversed(volumes.items()))), prompts).labels
    assert (one != other).mean() < 1e-3


def test_a_sequence_of_another_name_counts_as_unknown(oracle, make_volume):
    network = oracle("box")
    case = Case("a", {"my own": make_volume((40, 40, 4))})
    answer(network, case, CasePrompts("a", {1: {200: Prompt(Box(8, 8, 30, 30))}}))
    assert network.asked[0].sequences.tolist() == [0]


@pytest.mark.parametrize("value", [0.0, -1000.0, 1e30])
def test_a_constant_image_is_answered(tiny_network, make_volume, value):
    volume = make_volume(data=np.full((40, 40, 3), value, dtype=np.float32))
    prompts = CasePrompts("a", {1: {200: Prompt(Box(8, 8, 30, 30))}})
    assert answer(tiny_network, volume, prompts).labels.shape == volume.shape


def test_nothing_prompted_gives_an_empty_map(tiny_network, make_volume):
    volume = make_volume()
    assert not answer(tiny_network, volume, CasePrompts("a", dict.fromkeys(range(6)))).labels.any()
