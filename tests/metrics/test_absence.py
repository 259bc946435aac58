import pytest

from unicare.core.errors import SettingsError
from unicare.metrics.absence import Absence, count_absence
from unicare.metrics.rate import Rate
from unicare.metrics.rules import Rule

RULES = [Rule.BOTH_EMPTY] * 8 + [Rule.TRUTH_EMPTY] * 2 + [Rule.PREDICTION_EMPTY] + [Rule.MEASURED] * 9


def test_rules_become_counts_and_rates():
    counts = count_absence([("scar", rule) for rule in RULES] + [("liver", "measured")])
    assert list(counts) == ["scar", "liver"]
    assert counts["scar"] == Absence(correct_absence=8, false_alarm=2, missed=1, found=9)
    assert counts["scar"].sensitivity == Rate(8, 10)
    assert counts["scar"].specificity == Rate(9, 10)
    assert counts["liver"].sensitivity == Rate(0, 0)
    assert counts["liver"].specificity.value == 1.0


def test_interval_is_wilsons():
    # 8 of 10: (0.8 + z²/20 ± z·sqrt(0.016 + z²/400)) / (1 + z²/10) with z = 1.959964
    low, high = count_absence(("scar", rule) for rule in RULES)["scar"].sensitivity.interval()
    assert (low, high) == (pytest.approx(0.4902, abs=5e-5), pytest.approx(0.9433, abs=5e-5))


def test_counts_of_two_centres_add_up():
    one, two = Absence(1, 2, 3, 4), Absence(10, 20, 30, 40)
    assert one + two == Absence(11, 22, 33, 44)


def test_the_sentence_of_an_error_row_is_refused():
    with pytest.raises(SettingsError, match=r"can't be read.*one of measured"):
        count_absence([("scar", "patient7.nii.gz: can't be read")])


def test_no_cases_no_counts():
    assert count_absence([]) == {}
