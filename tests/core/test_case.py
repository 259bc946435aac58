"""Cases: which sequence a word means, and whose grid is answered on."""

import pytest

from unicare.core.case import SEQUENCES, Case, sequence_name
from unicare.core.errors import ImageError


@pytest.mark.parametrize(
    ("word", "name"),
    [("LGE", "LGE"), ("de", "LGE"), ("c0", "bSSFP"), ("Cine", "bSSFP"), ("t2", "T2"), ("GED4", "GED4")],
)
def test_words_of_file_names(word, name):
    assert sequence_name(word) == name
    assert name in SEQUENCES


@pytest.mark.parametrize("word", ["", "patient", "T", "GED5"])
def test_other_words_are_no_sequence(word):
    assert sequence_name(word) is None


@pytest.mark.parametrize(
    ("there", "reference"),
    [
        (("bSSFP", "T2", "LGE"), "LGE"),
        (("bSSFP", "T2"), "T2"),
        (("CT", "bSSFP"), "bSSFP"),
        (("GED4", "T1"), "GED4"),
    ],
)
def test_lge_then_t2_then_c0_is_answered_on(make_volume, there, reference):
    volumes = {name: make_volume() for name in there}
    case = Case("a", volumes)
    assert case.reference_name == reference
    assert case.reference is volumes[reference]


def test_a_case_needs_an_image():
    with pytest.raises(ImageError, match="no image"):
        Case("a", {})
