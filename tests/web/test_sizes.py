"""Sizes as people read them."""

import pytest

from unicare.web.sizes import size_words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (2**20, "1.05 MB"),
        (999_900_000, "1000 MB"),
        (16 * 2**30, "17.2 GB"),
        (1_234_567_000_000, "1235 GB"),
    ],
)
def test_units_are_decimal_and_no_size_is_a_power_of_ten(count: int, words: str) -> None:
    assert size_words(count) == words
