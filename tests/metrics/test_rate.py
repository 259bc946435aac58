import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import SettingsError
from unicare.metrics.rate import Rate

rates = st.integers(1, 400).flatmap(lambda of: st.builds(Rate, st.integers(0, of), st.just(of)))


def test_wilson_interval_of_published_examples():
    # R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3 (score, no continuity correction).
    for count, of, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611)):
        assert Rate(count, of).interval() == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))
    assert Rate(1, 29).interval() == (pytest.approx(0.0061, abs=5e-5), pytest.approx(0.1718, abs=5e-5))


def test_nobody_asked_is_not_known():
    assert math.isnan(Rate(0, 0).value)
    assert Rate(0, 0).interval() == (0.0, 1.0)


def test_rates_add_up():
    assert Rate(1, 2) + Rate(3, 4) == Rate(4, 6)


@settings(deadline=None)
@given(rates)
def test_interval_holds_the_rate_and_narrows_with_less_confidence(rate):
    low, high = rate.interval()
    assert 0.0 <= low <= rate.value <= high <= 1.0
    narrow_low, narrow_high = rate.interval(0.5)
    assert low <= narrow_low
    assert narrow_high <= high


@pytest.mark.parametrize(("count", "of"), [(3, 2), (-1, 2)])
def test_impossible_counts_are_refused(count, of):
    with pytest.raises(SettingsError, match=f"{count} of {of}"):
        Rate(count, of)


def test_impossible_confidence_is_refused():
    with pytest.raises(SettingsError, match="95"):
        Rate(1, 2).interval(95)
