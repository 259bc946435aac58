import numpy as np
import pytest
from tests.evaluate.report.made import rows_of, run_of

from unicare.evaluate.report.intervals import gap_of, mean_figure
from unicare.evaluate.report.results import compare_runs


def cohort(dice, distribution="ID", centre="A", start=0):
    return [
        rows_of(f"case {start + place}", {"dice": float(value)}, distribution=distribution, centre=centre)
        for place, value in enumerate(dice)
    ]


def test_the_interval_is_that_of_the_mean():
    values = np.random.default_rng(1).normal(0.8, 0.05, 200)
    mean = mean_figure(compare_runs([run_of("one", *cohort(values))]), "one", "dice")
    assert mean.n == 200
    assert mean.value.value == pytest.approx(values.mean())
    half = 1.96 * values.std(ddof=1) / np.sqrt(200)  # of a normal mean
    assert mean.value.high - mean.value.low == pytest.approx(2 * half, rel=0.15)


def test_structures_of_a_case_are_drawn_together():
    # ten structures a case that are all alike: as wide as for one structure a case, not narrower
    values = np.random.default_rng(2).uniform(0.4, 0.9, 20)
    one = run_of("one", *cohort(values))
    ten = run_of(
        "ten",
        *(
            rows_of(f"case {place}", {"dice": float(value)}, label=label, structure=f"s{label}")
            for place, value in enumerate(values)
            for label in range(10)
        ),
    )
    alone, together = (mean_figure(compare_runs([run]), run.name, "dice") for run in (one, ten))
    assert together.n == 200
    assert together.value.low == pytest.approx(alone.value.low)
    assert together.value.high == pytest.approx(alone.value.high)


def test_one_case_a_centre_still_has_an_interval():
    rows = [rows_of(c, {"dice": d}, centre=c) for c, d in (("A", 0.2), ("B", 0.6), ("C", 0.9))]
    mean = mean_figure(compare_runs([run_of("one", *rows)]), "one", "dice")
    assert mean.value.low < mean.value.value < mean.value.high


def test_a_single_case_has_none():
    mean = mean_figure(compare_runs([run_of("one", *cohort([0.7]))]), "one", "dice")
    assert (mean.value.value, mean.value.low, mean.value.high, mean.sd) == (0.7, None, None, None)
    assert mean_figure([], "one", "dice") is None


def test_a_drop_is_clear_where_distributions_are_apart_and_not_where_they_are_the_same():
    noise = np.random.default_rng(3).normal(0, 0.03, 40)
    apart = cohort(0.9 + noise[:20]) + cohort(0.6 + noise[20:], "OOD", "B", start=20)
    alike = cohort(0.9 + noise[:20]) + cohort(0.9 + noise[:20], "OOD", "B", start=20)
    gap = gap_of(compare_runs([run_of("one", *apart)]), "one", "dice")
    assert gap.is_clear
    assert gap.drop.low < 0.3 < gap.drop.high
    same = gap_of(compare_runs([run_of("one", *alike)]), "one", "dice")
    assert not same.is_clear
    assert same.drop.value == pytest.approx(0)
    assert gap_of(compare_runs([run_of("one", *cohort([0.9, 0.8]))]), "one", "dice") is None
