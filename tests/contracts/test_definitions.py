"""What every library's definition keeps to, run over all that are registered."""

import subprocess
import sys

import numpy as np
import pytest

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.catalogue import CATALOGUE
from unicare.metrics.compat import DEFINITIONS, find_definition
from unicare.metrics.rules import Figure, Rule

SPACING_MM = (1.0, 1.5, 6.0)


@pytest.fixture(params=DEFINITIONS)
def definition(request):
    return DEFINITIONS[request.param]


def two_boxes():
    truth, prediction = np.zeros((9, 8, 5), dtype=bool), np.zeros((9, 8, 5), dtype=bool)
    truth[1:6, 2:7, 1:4] = True
    prediction[2:6, 2:7, 1:4] = True
    return truth, prediction


def test_metrics_are_in_the_catalogue_and_the_library_is_named_with_its_version(definition):
    assert definition.metrics
    assert len(set(definition.metrics)) == len(definition.metrics)
    assert set(definition.metrics) <= set(CATALOGUE)
    assert any(character.isdigit() for character in definition.library)


def test_all_metrics_and_no_others_are_measured(definition):
    figures = definition.measure(*two_boxes(), SPACING_MM)
    assert tuple(figures) == definition.metrics
    for name, figure in figures.items():
        low, high = CATALOGUE[name].bounds
        assert isinstance(figure, Figure)
        assert type(figure.value) is float
        assert figure.rule is Rule.MEASURED
        assert low is None or figure.value >= low
        assert high is None or figure.value <= high


def test_known_overlap(definition):
    figures = definition.measure(*two_boxes(), SPACING_MM)
    assert figures["dice"].value == pytest.approx(8 / 9, rel=1e-6)
    assert figures["iou"].value == pytest.approx(4 / 5, rel=1e-6) if "iou" in figures else True


def test_the_rule_says_which_mask_is_empty(definition):
    some, _ = two_boxes()
    none = np.zeros_like(some)
    for truth, prediction, rule in (
        (none, none, Rule.BOTH_EMPTY),
        (none, some, Rule.TRUTH_EMPTY),
        (some, none, Rule.PREDICTION_EMPTY),
    ):
        figures = definition.measure(truth, prediction, SPACING_MM)
        assert tuple(figures) == definition.metrics
        assert {figure.rule for figure in figures.values()} == {rule}


def test_the_truth_itself_is_perfect(definition):
    truth, _ = two_boxes()
    for name, figure in definition.measure(truth, truth, SPACING_MM).items():
        assert figure.value == (0.0 if CATALOGUE[name].better == "lower" else 1.0)


def test_any_number_is_inside_and_masks_stay_as_they_are(definition):
    truth, prediction = two_boxes()
    numbers = truth * np.int16(420), prediction * 2.0
    kept = [mask.copy() for mask in numbers]
    assert definition.measure(*numbers, SPACING_MM) == definition.measure(truth, prediction, SPACING_MM)
    for mask, before in zip(numbers, kept, strict=True):
        np.testing.assert_array_equal(mask, before)


def test_impossible_input_is_refused(definition):
    truth, _ = two_boxes()
    with pytest.raises(GeometryError, match="different grids"):
        definition.measure(truth, truth[1:], SPACING_MM)
    with pytest.raises(GeometryError, match="spacing"):
        definition.measure(truth, truth, (1.0, 0.0, 1.0))
    with pytest.raises(GeometryError, match="3D"):
        definition.measure(truth[0], truth[0], (1.0, 1.0))


def test_unknown_library_names_those_that_there_are():
    assert find_definition("itk") is DEFINITIONS["itk"]
    with pytest.raises(SettingsError, match=r"elastix.*medpy"):
        find_definition("elastix")


def test_none_of_the_libraries_is_imported():
    libraries = {"monai", "torch", "medpy", "surface_distance", "nnunetv2", "SimpleITK"}
    measure_all = (
        "import sys; import numpy as np; from unicare.metrics.compat import DEFINITIONS\n"
        "for one in DEFINITIONS.values(): one.measure(np.ones((2, 2, 2)), np.ones((2, 2, 2)), (1, 1, 1))\n"
        f"print(sorted({libraries!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", measure_all], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
