import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics import overlap, surface
from unicare.metrics.catalogue import DEFAULT_METRICS
from unicare.metrics.labelmaps import LABEL_METRICS, count_labels, measure_labels
from unicare.metrics.overlap import Overlap
from unicare.metrics.rules import Figure, Rule, diagonal_mm

LABELS = (1, 2, 500)
SPACINGS_MM = (0.4, 0.73, 1.0, 2.5, 13.0)

lengths = st.tuples(st.integers(1, 9), st.integers(1, 8), st.integers(1, 14))
spacings = st.tuples(*[st.sampled_from(SPACINGS_MM)] * 3)


def label_maps(shape):
    """Noise, or a few boxes over one another: both crowded and smooth maps."""
    noise = npst.arrays(np.int16, shape, elements=st.sampled_from((0, *LABELS)))
    corner = st.tuples(*[st.tuples(st.integers(0, n), st.integers(0, n)) for n in shape])
    painted = st.lists(st.tuples(corner, st.sampled_from((0, *LABELS))), max_size=6).map(
        lambda boxes: paint(shape, boxes)
    )
    return noise | painted


def paint(shape, boxes):
    labels = np.zeros(shape, dtype=np.int16)
    for corner, label in boxes:
        labels[tuple(slice(min(ends), max(ends)) for ends in corner)] = label
    return labels


pairs = lengths.flatmap(lambda shape: st.tuples(label_maps(shape), label_maps(shape)))


def blob(shape, seed, levels=(0.5, 0.56, 0.62)):
    """A smooth map of nested labels 1, 2, 3."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.random(shape), [n / 12 for n in shape])
    smooth = (smooth - smooth.min()) / np.ptp(smooth)
    return np.searchsorted(levels, smooth).astype(np.uint8)


def one_by_one(truth, prediction, label, spacing_mm, tolerance_mm=2.0):
    masks = truth == label, prediction == label
    return {
        "dice": overlap.dice(*masks),
        "iou": overlap.iou(*masks),
        "precision": overlap.precision(*masks),
        "recall": overlap.recall(*masks),
        "truth_volume_ml": overlap.truth_volume_ml(*masks, spacing_mm),
        "volume_ml": overlap.volume_ml(*masks, spacing_mm),
        "volume_error_ml": overlap.volume_error_ml(*masks, spacing_mm),
        "hausdorff_mm": surface.hausdorff_mm(*masks, spacing_mm),
        "hd95_mm": surface.hd95_mm(*masks, spacing_mm),
        "assd_mm": surface.assd_mm(*masks, spacing_mm),
        "nsd": surface.nsd(*masks, spacing_mm, tolerance_mm),
    }


def transformed(truth, prediction, spacing_mm):
    """Sorted distances both ways by a distance transform of everything: slow, and another way altogether."""
    edges = [surface.border(mask) for mask in (truth, prediction)]
    return [
        np.sort(ndimage.distance_transform_edt(~goal, sampling=spacing_mm)[start])
        for start, goal in (edges, edges[::-1])
    ]


@settings(deadline=None, max_examples=120)
@given(pair=pairs, spacing_mm=spacings)
def test_all_at_once_is_what_each_structure_gives_alone(pair, spacing_mm):
    figures = measure_labels(*pair, LABELS, spacing_mm, metrics=LABEL_METRICS)
    for label in LABELS:
        expected = one_by_one(*pair, label, spacing_mm)
        assert figures[label].keys() == expected.keys()
        for metric, figure in figures[label].items():
            assert figure.rule is expected[metric].rule, metric
            assert figure.value == pytest.approx(expected[metric].value, rel=1e-12, abs=1e-12), metric


@settings(deadline=None, max_examples=120)
@given(pair=pairs, spacing_mm=spacings)
def test_distances_are_those_of_a_distance_transform(pair, spacing_mm):
    for label in LABELS:
        masks = [labels == label for labels in pair]
        if not all(mask.any() for mask in masks):
            continue
        found = surface.surface_distances(*masks, spacing_mm)
        there, back = transformed(*masks, spacing_mm)
        np.testing.assert_allclose(np.sort(found.truth_to_prediction_mm), there, rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(np.sort(found.prediction_to_truth_mm), back, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0, 1.0), (0.4, 0.4, 0.6), (1.2, 1.2, 10.0), (9.0, 0.3, 2.0)])
def test_near_and_far_borders_of_large_shapes(spacing_mm):
    truth = blob((60, 70, 30), seed=1)
    prediction = np.roll(blob((60, 70, 30), seed=2), 7, axis=0)
    figures = measure_labels(
        truth, prediction, (1, 2, 3), spacing_mm, metrics=("hausdorff_mm", "hd95_mm", "assd_mm")
    )
    for label in (1, 2, 3):
        there, back = transformed(truth == label, prediction == label, spacing_mm)
        values = {metric: figure.value for metric, figure in figures[label].items()}
        assert values["hausdorff_mm"] == pytest.approx(max(there[-1], back[-1]), rel=1e-12)
        assert values["hd95_mm"] == pytest.approx(
            max(np.percentile(there, 95), np.percentile(back, 95)), rel=1e-12
        )
        assert values["assd_mm"] == pytest.approx(np.concatenate([there, back]).mean(), rel=1e-12)


def test_far_apart_and_close_by_in_several_slabs():
    # Wide enough for the walk to take several slabs, one of them blank.
    truth, prediction = np.zeros((2, 90, 300, 300), dtype=np.uint8)
    truth[5:25, 20:60, 20:60] = 4
    truth[70:85, 200:240, 20:60] = 9
    prediction[6:26, 20:60, 20:60] = 4
    prediction[70:85, 200:240, 220:260] = 9
    figures = measure_labels(truth, prediction, (4, 9), (2.0, 0.5, 0.5))
    assert figures[4]["hausdorff_mm"].value == 2.0
    assert figures[9]["hausdorff_mm"].value == 100.0
    assert figures[4]["dice"].value == pytest.approx(0.95)
    assert figures[9]["recall"] == Figure(0.0, Rule.MEASURED)
    assert figures[9]["volume_ml"].value == pytest.approx(15 * 40 * 40 * 0.5 / 1000)


def test_labels_in_neither_or_one_map():
    truth, prediction = np.zeros((2, 3, 4, 12), dtype=np.int32)
    truth[1, 1, 1], prediction[0, 0, 0] = 2221, -7
    figures = measure_labels(truth, prediction, (5, 2221, -7), (1, 1, 1))
    assert list(figures) == [5, 2221, -7]
    assert list(figures[5]) == list(DEFAULT_METRICS)
    assert {figure.rule for figure in figures[5].values()} == {Rule.BOTH_EMPTY}
    assert figures[5]["nsd"].value == 1.0
    assert figures[2221]["hausdorff_mm"] == Figure(13.0, Rule.PREDICTION_EMPTY)
    assert figures[2221]["iou"] == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert figures[-7]["hd95_mm"] == Figure(13.0, Rule.TRUTH_EMPTY)
    assert figures[-7]["volume_error_ml"] == Figure(pytest.approx(0.001), Rule.TRUTH_EMPTY)


def test_both_maps_blank():
    blank = np.zeros((4, 5, 6), dtype=np.uint8)
    assert count_labels(blank, blank) == {}
    assert measure_labels(blank, blank, (1,), (1, 1, 1))[1]["dice"] == Figure(1.0, Rule.BOTH_EMPTY)


def test_a_label_within_another_gives_it_an_inner_border():
    truth = np.ones((15, 15, 15), dtype=np.uint8)
    truth[5:10, 5:10, 5:10] = 2
    prediction = np.ones((15, 15, 15), dtype=np.uint8)
    figures = measure_labels(truth, prediction, (1, 2), (3.0, 1.5, 1.0))
    # From the middle of the inner border in slice 4 to the nearer side, seven voxels along the last axis.
    assert figures[1]["hausdorff_mm"].value == pytest.approx(7.0)
    assert figures[2]["hausdorff_mm"].rule is Rule.PREDICTION_EMPTY


@pytest.mark.parametrize(
    "dtype", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.int64, np.uint32, np.uint64, ">i2"]
)
def test_integer_types_change_nothing(dtype):
    truth, prediction = blob((20, 25, 15), 3), blob((20, 25, 15), 4)
    expected = measure_labels(truth, prediction, (1, 2, 3), (1.0, 0.8, 2.5))
    assert measure_labels(truth.astype(dtype), prediction, (1, 2, 3), (1.0, 0.8, 2.5)) == expected
    assert measure_labels(truth, prediction.astype(dtype), (1, 2, 3), (1.0, 0.8, 2.5)) == expected


def test_large_and_negative_labels():
    values = np.array([0, -1, 70_000, 2**40])
    truth, prediction = values[blob((20, 25, 15), 3)], values[blob((20, 25, 15), 4)]
    small = measure_labels(blob((20, 25, 15), 3), blob((20, 25, 15), 4), (1, 2, 3), (1.0, 0.8, 2.5))
    large = measure_labels(truth, prediction, (-1, 70_000, 2**40), (1.0, 0.8, 2.5))
    assert list(large.values()) == list(small.values())
    assert list(count_labels(truth, prediction)) == [-1, 70_000, 2**40]


@pytest.mark.parametrize(
    "view",
    [
        np.asfortranarray,
        lambda labels: labels[::-1, :, ::-1],
        lambda labels: np.asfortranarray(labels)[:, ::-1],
        lambda labels: np.repeat(labels, 2, axis=2)[..., ::2],
        lambda labels: np.ascontiguousarray(labels.transpose(1, 2, 0)).transpose(2, 0, 1),
    ],
)
def test_how_the_maps_lie_in_memory_changes_nothing(view):
    truth, prediction = blob((20, 25, 15), 3), blob((20, 25, 15), 4)
    expected = measure_labels(truth, prediction, (1, 2, 3), (1.0, 0.8, 2.5))
    turned = measure_labels(view(truth), view(prediction), (1, 2, 3), (1.0, 0.8, 2.5))
    mixed = measure_labels(
        truth[::-1, :, ::-1], np.asfortranarray(prediction[::-1, :, ::-1]), (1, 2, 3), (1.0, 0.8, 2.5)
    )
    for other in (turned, mixed):
        for label in (1, 2, 3):
            for metric, figure in other[label].items():
                assert figure.value == pytest.approx(expected[label][metric].value, rel=1e-12), metric


def test_maps_are_left_as_they_were():
    truth, prediction = blob((20, 25, 15), 3), blob((20, 25, 15), 4)
    kept = truth.copy(), prediction.copy()
    measure_labels(truth, prediction, (1, 2, 3), (1.0, 0.8, 2.5))
    np.testing.assert_array_equal(truth, kept[0])
    np.testing.assert_array_equal(prediction, kept[1])


@settings(deadline=None, max_examples=60)
@given(pair=pairs)
def test_counts(pair):
    truth, prediction = pair
    found = count_labels(truth, prediction)
    assert list(found) == [int(label) for label in np.union1d(truth, prediction) if label]
    for label, counts in found.items():
        inside = truth == label, prediction == label
        assert counts == Overlap(inside[0].sum(), inside[1].sum(), (inside[0] & inside[1]).sum())


@settings(deadline=None, max_examples=40)
@given(pair=pairs, spacing_mm=spacings)
def test_bounds(pair, spacing_mm):
    for label, figures in measure_labels(*pair, LABELS, spacing_mm).items():
        for metric in ("dice", "iou", "precision", "recall", "nsd"):
            assert 0.0 <= figures[metric].value <= 1.0, label
        for metric in ("hausdorff_mm", "hd95_mm", "assd_mm"):
            assert 0.0 <= figures[metric].value <= diagonal_mm(pair[0].shape, spacing_mm), label


def test_other_dimensions():
    line_truth, line = np.array([0, 1, 1, 1, 0, 0, 2]), np.array([0, 0, 1, 1, 1, 0, 2])
    figures = measure_labels(line_truth, line, (1, 2), (2.0,))
    assert figures[1]["hausdorff_mm"].value == 2.0
    assert figures[2]["hausdorff_mm"].value == 0.0
    none = np.zeros((4, 0, 1), dtype=np.uint8)
    assert measure_labels(none, none, (1,), (1, 1, 1))[1]["assd_mm"] == Figure(0.0, Rule.BOTH_EMPTY)
    one = np.ones((1, 1, 1), dtype=np.uint8)
    assert measure_labels(one, one, (1,), (1, 1, 1))[1]["assd_mm"] == Figure(0.0, Rule.MEASURED)


def test_what_cannot_be_measured_is_refused():
    labels = np.ones((3, 3, 3), dtype=np.uint8)
    with pytest.raises(GeometryError, match=r"\(3, 3, 4\).*\(3, 3, 3\)"):
        measure_labels(labels, np.ones((3, 3, 4), dtype=np.uint8), (1,), (1, 1, 1))
    with pytest.raises(GeometryError, match=r"\(3, 3, 4\).*\(3, 3, 3\)"):
        count_labels(labels, np.ones((3, 3, 4), dtype=np.uint8))
    with pytest.raises(GeometryError, match="3 positive numbers"):
        measure_labels(labels, labels, (1,), (1, 1))
    with pytest.raises(GeometryError, match="whole numbers"):
        measure_labels(labels, labels * 0.5, (1,), (1, 1, 1))
    with pytest.raises(SettingsError, match="brier"):
        measure_labels(labels, labels, (1,), (1, 1, 1), metrics=("dice", "brier"))
    with pytest.raises(SettingsError, match="tolerance"):
        measure_labels(labels, labels, (1,), (1, 1, 1), tolerance_mm=-1.0)
    with pytest.raises(SettingsError, match="background"):
        measure_labels(labels, labels, (0, 1), (1, 1, 1))
