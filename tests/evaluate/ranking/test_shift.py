"""In against out of distribution, and the control that takes the centre's difficulty out."""

import numpy as np
import pytest
from tests.evaluate.results import patient, row, table_of

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.shift import centre_control, distribution_gaps
from unicare.evaluate.ranking.table import CaseFacts
from unicare.evaluate.rows import Row


def kinds(text: str, task: str = "whs") -> tuple[CaseFacts, ...]:
    """I: in distribution, centre A; O: out of it, centre Z."""
    return tuple(
        CaseFacts(f"c{n:02d}", f"p{n:02d}", "AZ"[kind == "O"], {"I": "ID", "O": "OOD"}[kind], task)
        for n, kind in enumerate(text)
    )


def test_the_gap_is_how_much_worse_unseen_centres_are():
    dice = [[0.9] * 5 + [0.7] * 5]
    distance = [[10.0] * 5 + [25.0] * 5]
    table = table_of(dice, distance, facts=kinds("IIIIIOOOOO"))
    (by_dice,) = distribution_gaps(table, "dice", bootstrap=10)
    (by_distance,) = distribution_gaps(table, "hausdorff_mm", bootstrap=10)
    assert (by_dice.in_distribution.value, by_dice.out_of_distribution.value) == pytest.approx((0.9, 0.7))
    assert by_dice.gap.value == pytest.approx(0.2)
    assert by_distance.gap.value == pytest.approx(15)
    assert (by_dice.id_cases, by_dice.ood_cases, by_dice.task) == (5, 5, "whs")


def test_there_is_no_interval_where_nothing_could_be_drawn():
    (gap,) = distribution_gaps(table_of([[0.7, 0.8, 0.9]], facts=kinds("IIO")), "dice", bootstrap=50)
    assert gap.in_distribution.low is not None
    assert (gap.out_of_distribution.value, gap.out_of_distribution.low) == (pytest.approx(0.9), None)
    assert (gap.gap.value, gap.gap.low) == (pytest.approx(-0.15), None)


def test_a_gap_can_be_negative():
    (gap,) = distribution_gaps(table_of([[0.7, 0.7, 0.9, 0.9]], facts=kinds("IIOO")), "dice")
    assert gap.gap.value == pytest.approx(-0.2)


def test_the_interval_of_a_gap_is_wider_than_that_of_either_side():
    dice = np.random.default_rng(0).normal(0.8, 0.05, (1, 60))
    (gap,) = distribution_gaps(table_of(dice, facts=kinds("I" * 30 + "O" * 30)), "dice", seed=1)

    def width(estimate):
        return estimate.high - estimate.low

    assert gap.gap.low < 0 < gap.gap.high
    assert width(gap.gap) > 1.2 * max(width(gap.in_distribution), width(gap.out_of_distribution))


def test_tasks_are_kept_apart_and_those_of_one_kind_left_out():
    facts = (*kinds("IO"), *(CaseFacts(f"l{n}", f"q{n}", "A", "ID", "liver") for n in range(2)))
    found = distribution_gaps(table_of([[0.9, 0.8, 0.1, 0.1]], facts=facts), "dice", bootstrap=0)
    assert [(one.task, pytest.approx(one.gap.value)) for one in found] == [("whs", 0.1)]


def test_without_both_kinds_there_is_no_gap():
    with pytest.raises(SettingsError, match="expected ID and OOD"):
        distribution_gaps(table_of([[0.9, 0.8]], facts=kinds("II")), "dice")
    with pytest.raises(SettingsError, match="unknown metric"):
        distribution_gaps(table_of([[0.9, 0.8]], facts=kinds("IO")), "beauty")


def trained(dice_z: float, noise: float = 0.0, seed: int = 0) -> list[Row]:
    """Figures on ten cases of centre A (0.8) and ten of centre Z."""
    generator = np.random.default_rng(seed)
    values = np.repeat([0.8, dice_z], 10) + noise * generator.normal(size=20)
    return [row(f"c{n:02d}", float(value), centre="A" if n < 10 else "Z") for n, value in enumerate(values)]


def test_an_easy_unseen_centre_hides_what_not_having_seen_it_costs():
    """OOD looks better than ID by 0.1; on the same cases, the centre in training is worth 0.05."""
    found = centre_control(trained(0.95), trained(0.90), "Z", "dice", bootstrap=20)
    assert found.gap.value == pytest.approx(-0.10)
    assert found.shift.value == pytest.approx(0.05)
    assert found.difficulty.value == pytest.approx(-0.15)
    assert found.gap.value == pytest.approx(found.shift.value + found.difficulty.value)
    assert found.p_value < 0.01
    assert found.cases == 10


def test_a_hard_centre_is_not_taken_for_a_shift():
    found = centre_control(trained(0.6, 0.02), trained(0.6, 0.02, seed=1), "Z", "dice", bootstrap=500)
    assert found.gap.low > 0.15
    assert found.shift.low < 0 < found.shift.high
    assert found.p_value > 0.05


def test_the_difference_is_paired():
    """Cases differ much, the trainings always by the same."""
    generator = np.random.default_rng(3)
    level = generator.uniform(0.3, 0.9, 20)
    seen = [row(f"c{n}", float(value), centre="Z") for n, value in enumerate(level)]
    unseen = [row(f"c{n}", float(value - 0.02), centre="Z") for n, value in enumerate(level)]
    found = centre_control(seen, unseen, "Z", "dice")
    assert found.shift.low == pytest.approx(0.02)
    assert found.shift.high == pytest.approx(0.02)
    assert found.with_centre.high - found.with_centre.low > 0.1
    assert (found.elsewhere.value, found.gap.value) == (None, None)


def test_the_manifest_may_say_what_the_rows_do_not():
    cohort = [patient(f"c{n}", centre="Z", patient="p") for n in range(3)]
    rows = [row(f"c{n}", 0.5) for n in range(3)]
    assert centre_control(rows, rows, "Z", "dice", cohort=cohort).shift.value == 0


def test_both_trainings_must_have_the_same_cases():
    with pytest.raises(SettingsError, match="1 cases missing with the centre, 0 without"):
        centre_control(trained(0.9)[:-1], trained(0.9), "Z", "dice")
    with pytest.raises(SettingsError, match="no case of centre Q"):
        centre_control(trained(0.9), trained(0.9), "Q", "dice")
