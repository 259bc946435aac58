import numpy as np
import pytest
from tests.evaluate.report.made import rows_of, run_of

from unicare.evaluate.report.agreement import volume_agreement
from unicare.evaluate.report.results import compare_runs


def volumes(*pairs):
    rows = [
        rows_of(str(case), {"dice": 0.9, "truth_volume_ml": truth, "volume_ml": prediction})
        for case, (truth, prediction) in enumerate(pairs)
    ]
    return compare_runs([run_of("one", *rows)])


def test_a_constant_error_is_all_bias():
    agreement = volume_agreement(volumes((100, 110), (200, 210), (300, 310)), "one")
    assert agreement.bias_ml == pytest.approx(10)
    assert agreement.lower_ml == pytest.approx(10)
    assert agreement.upper_ml == pytest.approx(10)
    assert sorted(mean for _, mean, _ in agreement.pairs) == [105, 205, 305]


def test_limits_hold_95_percent_of_normal_differences():
    differences = np.random.default_rng(0).normal(5, 20, 4000)
    agreement = volume_agreement(volumes(*((1000.0, 1000.0 + d) for d in differences)), "one")
    inside = (differences > agreement.lower_ml) & (differences < agreement.upper_ml)
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_empty_masks_are_left_out_and_two_cases_have_no_limits():
    agreement = volume_agreement(volumes((100, 90), (200, 190), (50, 0), (0, 70)), "one")
    assert len(agreement.pairs) == 2
    assert (agreement.bias_ml, agreement.lower_ml) == (-10, None)
    assert volume_agreement(volumes((100, 0)), "one") is None
    assert volume_agreement(volumes((100, 90)), "nobody") is None
