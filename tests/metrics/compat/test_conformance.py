"""What --compat says, held against the libraries themselves; differences in definition are named."""

import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy import ndimage

from unicare.metrics.compat import DEFINITIONS
from unicare.metrics.labelmaps import measure_labels
from unicare.metrics.surface import hausdorff_mm, surface_distances

ROOT = Path(__file__).parents[3]

LIBRARIES = sorted(DEFINITIONS)

RELATIVE = dict.fromkeys(LIBRARIES, 1e-9) | {"monai": 1e-6}
"""How near: MONAI's figures are in single precision, so 1e-6 of the figure is what can be asked of it."""

masks = npst.array_shapes(min_dims=3, max_dims=3, max_side=7).flatmap(
    lambda shape: st.tuples(npst.arrays(np.bool_, shape), npst.arrays(np.bool_, shape))
)
steps = st.one_of(st.sampled_from([0.5, 0.7, 1.0, 1.25, 8.0, 23.0]), st.floats(0.25, 20.0, width=16))
spacings = st.tuples(steps, steps, steps)


def load_script():
    path = ROOT / "scripts" / "conformance_table.py"
    spec = importlib.util.spec_from_file_location("conformance_table", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where its dataclasses look for it
    spec.loader.exec_module(module)
    return module


SCRIPT = load_script()
CASES = {case.__name__: case for case in SCRIPT.CASES}


def assert_same(name, ours, theirs):
    assert set(ours) == set(theirs) == set(DEFINITIONS[name].metrics)
    for metric, figure in ours.items():
        expected = pytest.approx(float(theirs[metric]), rel=RELATIVE[name], abs=1e-9, nan_ok=True)
        assert figure.value == expected, metric


def blobs(seed):
    """Two smooth shapes that overlap in part, on a grid of a random size."""
    random = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(random.random(random.integers(12, 30, 3)), 2.0)
    other = noise + 0.5 * ndimage.gaussian_filter(random.random(noise.shape), 2.0)
    return noise > np.quantile(noise, 0.8), other > np.quantile(other, 0.8), tuple(random.uniform(0.4, 12, 3))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("case", CASES)
def test_known_shapes(library, name, case):
    shapes = CASES[case]()
    for truth, prediction in ((shapes.truth, shapes.prediction), (shapes.prediction, shapes.truth)):
        ours = DEFINITIONS[name].measure(truth, prediction, shapes.spacing_mm, tolerance_mm=2.0)
        assert_same(name, ours, library(name, truth, prediction, shapes.spacing_mm, 2.0))


@pytest.mark.parametrize("name", LIBRARIES)
@pytest.mark.parametrize("seed", range(4))
def test_smooth_shapes(library, name, seed):
    truth, prediction, spacing_mm = blobs(seed)
    ours = DEFINITIONS[name].measure(truth, prediction, spacing_mm, tolerance_mm=1.5)
    assert_same(name, ours, library(name, truth, prediction, spacing_mm, 1.5))


@pytest.mark.parametrize("name", LIBRARIES)
def test_random_shapes(library, name):
    @settings(deadline=None, max_examples=60, derandomize=True)
    @given(pair=masks, spacing_mm=spacings, tolerance_mm=st.sampled_from([0.5, 1.0, 2.0, 8.0]))
    def hold(pair, spacing_mm, tolerance_mm):
        ours = DEFINITIONS[name].measure(*pair, spacing_mm, tolerance_mm=tolerance_mm)
        assert_same(name, ours, library(name, *pair, spacing_mm, tolerance_mm))

    hold()


def test_medpys_guards_against_0_by_0_need_pythons_integers(library):
    binary = pytest.importorskip("medpy.metric.binary")
    nothing = np.zeros((3, 3, 3), dtype=bool)
    assert DEFINITIONS["medpy"].measure(nothing, nothing, (1, 1, 1))["dice"].value == 1.0
    if not isinstance(np.count_nonzero(nothing), int):
        with pytest.warns(RuntimeWarning, match="invalid value"):
            assert math.isnan(binary.dc(nothing, nothing))


def value(name, shapes, metric):
    return DEFINITIONS[name].measure(shapes.truth, shapes.prediction, shapes.spacing_mm)[metric].value


def own(shapes, metric):
    labels = (shapes.truth.astype(np.uint8), shapes.prediction.astype(np.uint8))
    return measure_labels(*labels, [1], shapes.spacing_mm, metrics=[metric])[1][metric].value


def test_a_missed_slice_costs_its_thickness_in_3d_and_nothing_slice_by_slice():
    shapes = SCRIPT.missed_end_slice()
    assert own(shapes, "hausdorff_mm") == pytest.approx(23.0)
    for name in ("monai", "medpy", "surface-distance", "itk"):
        assert value(name, shapes, "hausdorff_mm") == pytest.approx(23.0, rel=1e-6)
    both = [k for k in range(9) if shapes.truth[..., k].any() and shapes.prediction[..., k].any()]
    by_slice = [hausdorff_mm(shapes.truth[..., k], shapes.prediction[..., k], (1.4, 1.4)).value for k in both]
    assert round(max(by_slice), 1) == 4.4


def test_an_inner_hole_is_measured_from_its_border_or_from_the_mask():
    shapes = SCRIPT.inner_hole()
    assert own(shapes, "hausdorff_mm") == pytest.approx(20.9)
    assert value("monai", shapes, "hausdorff_mm") == pytest.approx(20.9, rel=1e-6)
    assert value("medpy", shapes, "hausdorff_mm") == pytest.approx(20.9)
    # Its surfaces run between voxels: half a voxel more out there, half a voxel more in here.
    assert value("surface-distance", shapes, "hausdorff_mm") == pytest.approx(22.0)
    assert value("itk", shapes, "hausdorff_mm") == pytest.approx(4.4)


def test_medpy_takes_one_percentile_of_both_directions_together():
    shapes = SCRIPT.false_island()
    assert own(shapes, "hd95_mm") > 10
    assert value("monai", shapes, "hd95_mm") == pytest.approx(own(shapes, "hd95_mm"), rel=1e-6)
    assert value("medpy", shapes, "hd95_mm") == 0.0


def test_surface_distance_counts_area_not_voxels():
    shapes = SCRIPT.missed_end_slice()
    assert value("surface-distance", shapes, "assd_mm") < own(shapes, "assd_mm") / 2


def test_only_unicare_takes_the_outline_of_a_single_slice():
    shapes = SCRIPT.single_slice()
    assert own(shapes, "hausdorff_mm") == pytest.approx(5.0)
    assert {value(name, shapes, "hausdorff_mm") for name in ("monai", "medpy", "itk")} == {1.0}
    assert value("surface-distance", shapes, "hausdorff_mm") == 0.0


def test_empty_masks_are_where_the_libraries_agree_least():
    said = {
        case.__name__: {
            name: tuple(value(name, case(), metric) for metric in ("dice", "hausdorff_mm"))
            for name in ("monai", "medpy", "surface-distance", "itk")
        }
        for case in (SCRIPT.both_empty, SCRIPT.truth_empty, SCRIPT.prediction_empty)
    }
    nan, inf = pytest.approx(math.nan, nan_ok=True), math.inf
    assert said["both_empty"] == {
        "monai": (nan, nan),
        "medpy": (1.0, nan),
        "surface-distance": (nan, inf),
        "itk": (0.0, nan),
    }
    assert said["truth_empty"] == {
        "monai": (nan, inf),
        "medpy": (0.0, nan),
        "surface-distance": (0.0, inf),
        "itk": (0.0, nan),
    }
    assert said["prediction_empty"] == {**said["truth_empty"], "monai": (0.0, inf)}


@settings(deadline=None, max_examples=40)
@given(pair=masks, spacing_mm=spacings)
def test_where_definitions_agree_with_v1(pair, spacing_mm):
    """Away from empty masks and single slices, v1 is MONAI's maximum and percentile, and MedPy's mean."""
    truth, prediction = pair
    if min(truth.shape) == 1 or not (truth.any() and prediction.any()):
        return
    own = surface_distances(truth, prediction, spacing_mm)
    monai = DEFINITIONS["monai"].measure(truth, prediction, spacing_mm)
    medpy = DEFINITIONS["medpy"].measure(truth, prediction, spacing_mm)
    assert monai["hausdorff_mm"].value == pytest.approx(own.hausdorff_mm().value, rel=1e-6)
    # MONAI finds the place of the percentile in single precision, so that it can be off by a bit of one gap
    assert monai["hd95_mm"].value == pytest.approx(own.hd95_mm().value, rel=1e-6, abs=1e-4)
    assert medpy["hausdorff_mm"].value == pytest.approx(own.hausdorff_mm().value)
    assert medpy["assd_mm"].value == pytest.approx(own.assd_mm().value)


def test_tables_in_the_docs_are_what_the_script_makes():
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert SCRIPT.put_into(text) == text, "run python scripts/conformance_table.py"
