import base64
import io
import re

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


def numbers(path):
    pairs = np.array([float(n) for n in re.findall(r"-?[\d.]+", path)]).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def picture_of(overlay):
    return Image.open(io.BytesIO(base64.b64decode(overlay.image.split(",")[1])))


def test_outline_box_and_points_are_in_the_same_millimetres(truth):
    prompt = Prompt(box=Box(90, 45, 110, 55), points=(Point(100, 50),), negative_points=(Point(80, 40),))
    overlay = draw_overlay(None, truth, truth.data, 5, 2, 2, prompt)
    x, y, width, height = overlay.box
    assert (width, height) == (20.0, 20.0)
    xs, ys = numbers(overlay.truth)
    assert xs.min() == pytest.approx(x, abs=1.01)
    assert xs.max() == pytest.approx(x + width, abs=1.01)
    assert ys.min() == pytest.approx(y, abs=0.51)
    assert ys.max() == pytest.approx(y + height, abs=0.51)
    assert overlay.points == ((x + 11.0, y + 10.5),)
    assert overlay.negative_points == ((x - 9.0, y - 9.5),)
    assert overlay.prediction == overlay.truth


def test_picture_has_square_pixels_and_the_cut_outs_shape(truth):
    image = truth.with_data(np.random.default_rng(0).normal(100, 9, SHAPE).astype(np.float32))
    overlay = draw_overlay(image, truth, truth.data, 5, 2, 2, None)
    width, height = picture_of(overlay).size
    assert width / height == pytest.approx(overlay.width_mm / overlay.height_mm, rel=0.03)
    assert overlay.width_mm >= 60


def test_bright_voxel_lies_inside_the_outline(truth):
    data = np.zeros(SHAPE, dtype=np.float32)
    data[100:104, 50:52, 2] = 1000.0
    overlay = draw_overlay(truth.with_data(data), truth, truth.data, 5, 2, 2, None)
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
    overlay = draw_overlay(truth.with_data(data), truth, truth.data, 5, 2, 2, None)
    grey = np.asarray(picture_of(overlay), dtype=float)
    assert 60 < np.median(grey) < 180


def test_nothing_predicted_and_nothing_prompted(truth):
    overlay = draw_overlay(None, truth, np.zeros(SHAPE), 5, 2, 2, None)
    assert overlay.truth
    assert (overlay.image, overlay.prediction, overlay.box, overlay.points) == (None, "", None, ())


def test_constant_image_is_grey(truth):
    overlay = draw_overlay(truth.with_data(np.ones(SHAPE)), truth, truth.data, 5, 2, 2, None)
    assert np.unique(np.asarray(picture_of(overlay))).tolist() == [128]


def test_hole_is_a_path_of_its_own(truth):
    ring = truth.data.copy()
    ring[98:102, 49:51, 2] = 0
    overlay = draw_overlay(None, truth.with_data(ring), ring, 5, 2, 2, None)
    assert overlay.truth.count("M") == 2
