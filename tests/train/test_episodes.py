"""Episodes: prompts lie where the structure is, the truth covers it, batches follow from the seed."""

import numpy as np
import pytest

from unicare.train.episodes import Episodes, EpisodeSettings, ask_scene
from unicare.train.random_shapes import RandomShapes
from unicare.train.scene import Scene


def disc_scene(depth: int = 3) -> Scene:
    """A bright disc (label 1) with a dark hole (label 2) in it, on each of a few slices."""
    rows, columns = np.mgrid[:64, :64]
    radius = np.hypot(rows - 30, columns - 34)
    labels = np.where(radius < 8, 2, np.where(radius < 18, 1, 0)).astype(np.int16)
    stack = np.repeat(labels[None], depth, axis=0)
    return Scene({"LGE": stack.astype(np.float32)}, stack, {1: 5, 2: 1}, (8.0, 1.5, 1.5))


class OneScene:
    def scene(self, rng: np.random.Generator) -> Scene:
        rng.random()
        return disc_scene()


@pytest.mark.parametrize("seed", range(8))
def test_truth_and_prompts_show_the_same_structure(seed: int) -> None:
    settings = EpisodeSettings(tight=1.0, jittered=0.0, no_box=0.0, no_points=0.0, alone=0.0)
    for answered in ask_scene(disc_scene(), 48, settings, np.random.default_rng(seed)):
        box, points, negative, previous, others = answered.asked.prompts
        inside = answered.truth >= 0.5
        assert inside.any()
        assert (box[inside] > 0.4).all()
        assert (answered.truth[points > 0.99] > 0.3).all()
        assert (answered.truth[negative > 0.99] < 0.7).all()
        assert previous.max() == 0
        assert others.max() > 0


def test_names_are_hidden_as_often_as_asked_for() -> None:
    rng = np.random.default_rng(0)
    named = ask_scene(disc_scene(), 48, EpisodeSettings(anonymous=0.0, unnamed_sequence=0.0), rng)
    nameless = ask_scene(disc_scene(), 48, EpisodeSettings(anonymous=1.0, unnamed_sequence=1.0), rng)
    assert {answered.asked.structure for answered in named} <= {1, 5}
    assert {answered.asked.structure for answered in nameless} == {0}
    assert {name for answered in named for name, _ in answered.asked.images} == {"LGE"}
    assert {name for answered in nameless for name, _ in answered.asked.images} == {"unknown"}


def test_a_batch_follows_from_the_generator_and_has_the_size_asked_for() -> None:
    episodes = Episodes(
        {"disc": OneScene(), "shapes": RandomShapes(4)},
        {"disc": 0.5, "shapes": 0.5},
        EpisodeSettings(slices_per_batch=12, grids={32: 1.0}),
    )
    first, again = (episodes.batch(np.random.default_rng(3)) for _ in range(2))
    other = episodes.batch(np.random.default_rng(4))
    assert first.truth.shape == (12, 32, 32)
    assert first.question.prompts.shape == (12, 5, 32, 32)
    assert first.question.images.equal(again.question.images)
    assert first.truth.equal(again.truth)
    assert not first.truth.equal(other.truth)


def test_slices_know_their_neighbours_within_a_region_only() -> None:
    episodes = Episodes(
        {"disc": OneScene()}, {"disc": 1.0}, EpisodeSettings(slices_per_batch=9, grids={32: 1.0})
    )
    question = episodes.batch(np.random.default_rng(0)).question
    before, after = question.before.tolist(), question.after.tolist()
    assert before == [0, 0, 1, 3, 3, 4, 6, 6, 7]
    assert after == [1, 2, 2, 4, 5, 5, 7, 8, 8]


def test_outside_the_image_nothing_is_true() -> None:
    """A structure cut by the image's edge isn't continued where the image ends."""
    labels = np.zeros((1, 40, 40), dtype=np.int16)
    labels[0, 20:, 10:30] = 1
    scene = Scene({"CT": labels.astype(np.float32)}, labels, {1: 0}, (1.0, 1.0, 1.0))
    settings = EpisodeSettings(tight=1.0, jittered=0.0, no_box=0.0, no_points=0.0)
    (answered,) = ask_scene(scene, 54, settings, np.random.default_rng(0))
    box = answered.asked.prompts[0]
    assert answered.truth[box < 0.01].max() < 0.51
    assert np.isclose(answered.truth.sum(), box.sum(), rtol=0.03)
