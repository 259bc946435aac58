import base64
import io

import numpy as np
import pytest
from PIL import Image

from unicare.core.prompt import Box, Point, Prompt
from unicare.core.volume import Volume
from unicare.evaluate.report.overlay import draw_overlay

# PLS axes in the file already: rows 1 mm, columns 2 mm, slices 8 mm.
AFFINE = np.array([[0.0, -2.0, 0, 0], [-1.0, 0, 0, 0], [0, 0, 8.0, 0], [0, 0, 0, 1]])
SHAPE = (200, 100, 4)


@pytest.fixture
def truth():
    labels = np.zeros(SHAPE, dtype=np.uint8)
    labels[90:110, 45:55, 2] = 5
    return Volume.from_file_axes(labels, AFFINE)


def rings(path):
    """The corners of each ring in mm, as a browser follows the path."""
    corners = []
    for ring in path.split("M")[1:]:
        start, steps = ring.rstrip("z").split("l")
        moves = [[float(n) for n in pair.split(",")] for pair in (start, *steps.split(" "))]
        corners.append(np.cumsum(moves, axis=0))
    return corners


def numbers(path):
    points = np.concatenate(rings(path))
    return points[:, 0], points[:, 1]


def picture_of(overlay):
    return Image.open(io.BytesIO(base64.b64decode(overlay.image.split(",")[1]))).convert("L")


def test_outline_box_and_points_are_in_the_same_millimetres(truth):
    prompt = Prompt(box=Box(90, 45, 110, 55), points=(Point(100, 50),), negative_points=(Point(80, 40),))
    overlay = draw_overlay(None, truth, [truth.data], 5, 2, 2, prompt)
    x, y, width, height = overlay.box
    assert (width, height) == (20.0, 20.0)
    xs, ys = numbers(overlay.truth)
    assert xs.min() == pytest.approx(x, abs=1.01)
    assert xs.max() == pytest.approx(x + width, abs=1.01)
    assert ys.min() == pytest.approx(y, abs=0.51)
    assert ys.max() == pytest.approx(y + height, abs=0.51)
    assert overlay.points == ((x + 11.0, y + 10.5),)
    assert overlay.negative_points == ((x - 9.0, y - 9.5),)
    assert overlay.predictions == (overlay.truth,)


def test_picture_has_square_pixels_and_the_cut_outs_shape(truth):
    image = truth.with_data(np.random.default_rng(0).normal(100, 9, SHAPE).astype(np.float32))
    overlay = draw_overlay(image, truth, [truth.data], 5, 2, 2, None)
    width, height = picture_of(overlay).size
    assert width / height == pytest.approx(overlay.width_mm / overlay.height_mm, rel=0.03)
    assert overlay.width_mm >= 60


def test_bright_voxel_lies_inside_the_outline(truth):
    data = np.zeros(SHAPE, dtype=np.float32)
    data[100:104, 50:52, 2] = 1000.0
    overlay = draw_overlay(truth.with_data(data), truth, [truth.data], 5, 2, 2, None)
    grey = np.asarray(picture_of(overlay), dtype=float)
    rows, columns = np.nonzero(grey > 200)
    scale = overlay.height_mm / grey.shape[0]
    xs, ys = numbers(overlay.truth)
    assert xs.min() < columns.mean() * scale < xs.max()
    assert ys.min() < rows.mean() * scale < ys.max()


def test_ct_gets_a_soft_tissue_window(truth):
    data = np.full(SHAPE, 40.0, dtype=np.float32)
    data[:40] = -1000.0
    data[95:100, 48:52] = 3000.0
    overlay = draw_overlay(truth.with_data(data), truth, [truth.data], 5, 2, 2, None)
    grey = np.asarray(picture_of(overlay), dtype=float)
    assert 60 < np.median(grey) < 180


def test_nothing_predicted_and_nothing_prompted(truth):
    overlay = draw_overlay(None, truth, [np.zeros(SHAPE)], 5, 2, 2, None)
    assert overlay.truth
    assert (overlay.image, overlay.predictions, overlay.box, overlay.points) == (None, ("",), None, ())


def test_constant_image_is_grey(truth):
    overlay = draw_overlay(truth.with_data(np.ones(SHAPE)), truth, [truth.data], 5, 2, 2, None)
    assert np.ptp(np.asarray(picture_of(overlay))) <= 1


def test_hole_is_a_path_of_its_own(truth):
    ring = truth.data.copy()
    ring[98:102, 49:51, 2] = 0
    overlay = draw_overlay(None, truth.with_data(ring), [ring], 5, 2, 2, None)
    assert overlay.truth.count("M") == 2


def area(path):
    """Of all rings, by the shoelace formula; holes count against it."""
    total = 0.0
    for ring in rings(path):
        x, y = ring[:, 0], ring[:, 1]
        total += (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2
    return abs(total)


def test_an_outline_holds_the_area_of_its_mask(truth):
    overlay = draw_overlay(None, truth, [truth.data], 5, 2, 2, None)
    voxels = 20 * 10
    corners_mm2 = 4 * 0.125 * 1.0 * 2.0  # the outline cuts each corner half way between voxel centres
    assert area(overlay.truth) == pytest.approx(voxels * 1.0 * 2.0 - corners_mm2, abs=0.01 * voxels)


def test_straight_edges_are_one_step(truth):
    overlay = draw_overlay(None, truth, [truth.data], 5, 2, 2, None)
    assert len(rings(overlay.truth)[0]) == 8


def test_predictions_share_one_cut_out(truth):
    far = np.roll(truth.data, 60, axis=0)
    overlay = draw_overlay(None, truth, [truth.data, far], 5, 2, 2, None)
    xs, ys = numbers(overlay.predictions[1])
    own_xs, own_ys = numbers(overlay.predictions[0])
    assert ys.min() - own_ys.min() == pytest.approx(60, abs=0.2)
    assert xs.min() == own_xs.min()
    assert ys.max() < overlay.height_mm
