import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import GeometryError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.evaluate.robustness.perturb import (
    add_noise,
    choose_points,
    draw_jitter,
    jitter_case,
    jitter_prompt,
    noise_seed,
    onto_grid,
)

SHAPE = (40, 48)
PROMPT = Prompt(
    box=Box(10, 20, 22, 40), points=(Point(12, 25), Point(20, 38)), negative_points=(Point(5, 5),), text="LV"
)
PROMPTS = CasePrompts("one", {0: None, 1: {500: PROMPT}, 2: {500: PROMPT, 200: PROMPT}})


def numbers(prompt):
    box = () if prompt.box is None else tuple(prompt.box)
    return np.array(
        [*box, *(value for point in (*prompt.points, *prompt.negative_points) for value in point)]
    )


def test_no_jitter_is_the_identity():
    assert jitter_case(PROMPTS, 0.0, SHAPE, seed=7) == PROMPTS


def test_jitter_is_replayed_and_depends_on_case_slice_label_and_seed():
    moved = jitter_case(PROMPTS, 0.2, SHAPE, seed=7)
    assert moved == jitter_case(PROMPTS, 0.2, SHAPE, seed=7)
    assert moved != jitter_case(PROMPTS, 0.2, SHAPE, seed=8)
    assert moved.slices[1][500] != moved.slices[2][500] != moved.slices[2][200]
    assert moved.slices[0] is None
    alone = jitter_case(CasePrompts("one", {2: {200: PROMPT}}), 0.2, SHAPE, seed=7)
    assert alone.slices[2][200] == moved.slices[2][200]


@settings(deadline=None)
@given(st.integers(0, 1000), st.floats(0, 1))
def test_nothing_moves_further_than_its_share_of_the_box_or_off_the_slice(seed, share):
    moved = jitter_prompt(PROMPT, draw_jitter(PROMPT, seed, "one", 3, 500), share, SHAPE)
    assert 0 <= moved.box.x0 < moved.box.x1 <= SHAPE[0]
    assert 0 <= moved.box.y0 < moved.box.y1 <= SHAPE[1]
    # the sides are 12 and 20 voxels; where edges would cross, the box keeps a voxel
    limits = np.tile([12 * share + 0.5, 20 * share + 0.5], 2)
    crossed = np.array([0, 0, moved.box.x1 - moved.box.x0 == 1, moved.box.y1 - moved.box.y0 == 1])
    assert (np.abs(np.array(moved.box) - np.array(PROMPT.box)) <= limits)[crossed == 0].all()
    for before, after in zip(PROMPT.points, moved.points, strict=True):
        assert moved.box.contains(after)
        if moved.box.contains(before):
            assert abs(after.x - before.x) <= 12 * share + 0.5
            assert abs(after.y - before.y) <= 20 * share + 0.5
    (negative,) = moved.negative_points
    assert 0 <= negative.x < SHAPE[0]
    assert 0 <= negative.y < SHAPE[1]
    assert moved.text == "LV"


def test_twice_the_level_moves_twice_as_far():
    wide = Prompt(box=Box(1000, 1000, 2000, 2000), points=(Point(1500, 1500),))
    draw = draw_jitter(wide, 0, "one", 0, 500)
    near, far = (jitter_prompt(wide, draw, share, (3000, 3000)) for share in (0.1, 0.2))
    steps = numbers(near) - numbers(wide)
    assert np.abs(steps).max() > 20
    assert np.abs(numbers(far) - numbers(wide) - 2 * steps).max() <= 1


def test_movements_are_spread_evenly():
    draws = np.array([draw_jitter(PROMPT, 0, "one", index, 500).edges for index in range(500)])
    assert abs(draws.mean()) < 0.05
    assert draws.min() < -0.95
    assert draws.max() > 0.95


def test_points_without_a_box_move_by_a_share_of_their_extent():
    spread = Prompt(points=(Point(10, 10), Point(29, 29)))
    moved = jitter_prompt(spread, draw_jitter(spread, 1, "one", 0, 500), 0.2, SHAPE)
    assert moved.box is None
    assert 0 < np.abs(numbers(moved) - numbers(spread)).max() <= 20 * 0.2


def test_negative_levels_are_refused(make_volume):
    with pytest.raises(SettingsError):
        jitter_case(PROMPTS, -0.1, SHAPE, seed=0)
    with pytest.raises(SettingsError):
        add_noise(make_volume(), -0.1, (0,))


@pytest.fixture
def truth():
    labels = np.zeros((*SHAPE, 3), dtype=np.int32)
    labels[10:22, 20:40, 1:] = 500
    labels[12, 24:27, 2] = 200
    return labels


@pytest.mark.parametrize("box", [True, False])
def test_fewer_points_are_the_first_of_more(truth, box):
    chosen = [choose_points(PROMPTS, truth, count, box=box, seed=4) for count in (1, 2, 3, 4, 5)]
    for count, case in enumerate(chosen, start=1):
        prompt = case.slices[1][500]
        assert prompt.points == chosen[4].slices[1][500].points[:count]
        assert len(set(prompt.points)) == count
        assert all(truth[point.x, point.y, 1] == 500 for point in prompt.points)
        assert prompt.box == (PROMPT.box if box else None)
        # three voxels give three points at most
        assert len(case.slices[2][200].points) == min(count, 3)


def test_points_follow_the_slice_axis(truth):
    turned = CasePrompts("one", {15: {500: PROMPT}}, slice_axis=0)
    for point in choose_points(turned, truth, 5, box=True, seed=0).slices[15][500].points:
        assert truth[15, point.x, point.y] == 500


def test_a_label_that_is_not_in_the_truth_keeps_its_own_points(truth):
    elsewhere = CasePrompts("one", {0: {500: PROMPT, 7: Prompt(box=PROMPT.box)}})
    chosen = choose_points(elsewhere, truth, 1, box=False, seed=0).slices[0]
    assert chosen[500].points == PROMPT.points[:1]
    assert chosen[7] == Prompt(box=PROMPT.box)  # else nothing would be left of it


@pytest.mark.parametrize("count", [0, 6])
def test_impossible_numbers_of_points(truth, count):
    with pytest.raises(SettingsError, match="1 to 5"):
        choose_points(PROMPTS, truth, count, box=True, seed=0)


def test_noise_has_the_share_of_the_spread_that_was_asked_for(make_volume):
    volume = make_volume(shape=(60, 60, 12))
    noisy = add_noise(volume, 0.5, noise_seed(0, "one", "LGE"))
    difference = noisy.data - volume.data
    assert difference.std() / volume.data.std() == pytest.approx(0.5, rel=0.02)
    assert abs(difference.mean()) < 0.05 * difference.std()
    assert np.array_equal(noisy.affine, volume.affine)
    again = add_noise(volume, 0.5, noise_seed(0, "one", "LGE"))
    assert np.array_equal(noisy.data, again.data)
    twice = add_noise(volume, 1.0, noise_seed(0, "one", "LGE"))
    np.testing.assert_allclose(twice.data - volume.data, 2 * difference, atol=1e-3)


def test_noise_differs_between_cases_and_sequences(make_volume):
    volume = make_volume()
    seeds = [noise_seed(0, "one", "LGE"), noise_seed(0, "two", "LGE"), noise_seed(0, "one", "T2")]
    data = [add_noise(volume, 0.3, seed).data for seed in seeds]
    assert not np.array_equal(data[0], data[1])
    assert not np.array_equal(data[0], data[2])
    assert add_noise(volume, 0.0, seeds[0]) is volume


def test_a_ramp_is_the_same_ramp_on_another_grid(make_volume):
    # a value that is linear in millimetres survives linear interpolation
    def ramp(volume):
        index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), axis=-1)
        places = index @ volume.affine[:3, :3].T + volume.affine[:3, 3]
        return places @ np.array([1.0, -2.0, 0.5])

    fine = make_volume(shape=(40, 48, 12), codes="PLS", spacing_mm=(1.5, 1.5, 4.0), tilt_degrees=9.0)
    coarse = make_volume(shape=(20, 20, 8), codes="LPS", spacing_mm=(2.0, 2.5, 4.0), tilt_degrees=4.0)
    moved = onto_grid(fine.with_data(ramp(fine).astype(np.float32)), coarse)
    assert moved.shape == coarse.shape
    assert np.array_equal(moved.affine, coarse.affine)
    index = np.stack(np.meshgrid(*map(np.arange, coarse.shape), indexing="ij"), axis=-1)
    between = np.linalg.inv(fine.affine) @ coarse.affine
    at = index @ between[:3, :3].T + between[:3, 3]
    within = ((at >= 0) & (at <= np.array(fine.shape) - 1)).all(axis=-1)
    assert within.mean() > 0.2
    np.testing.assert_allclose(moved.data[within], ramp(coarse)[within], atol=1e-2)


def test_volumes_that_do_not_meet(make_volume):
    here = make_volume()
    there = type(here)(here.data, here.affine + np.array([[0, 0, 0, 1000.0]] + [[0, 0, 0, 0]] * 3), here.file)
    with pytest.raises(GeometryError, match="different places"):
        onto_grid(there, here)
