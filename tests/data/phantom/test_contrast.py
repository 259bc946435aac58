import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import SettingsError
from unicare.data.phantom.contrast import (
    CT_PHASES,
    MRI_SEQUENCES,
    Contrast,
    random_contrast,
    sample_contrast,
)
from unicare.data.phantom.tissues import Tissue

T = Tissue


@pytest.mark.parametrize("sequence", ["CT", *MRI_SEQUENCES])
@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32), field_strength_t=st.sampled_from([0.55, 1.5, 3.0]))
def test_every_tissue_has_a_finite_signal(sequence, seed, field_strength_t):
    contrast = sample_contrast(sequence, np.random.default_rng(seed), field_strength_t=field_strength_t)
    assert contrast.means.shape == (len(T),)
    assert np.isfinite(contrast.means).all()
    assert (contrast.texture >= 0).all()
    if sequence != "CT":
        assert (contrast.means >= 0).all()


def test_ct_numbers_are_ordered_as_in_any_textbook():
    for phase in CT_PHASES:
        hu = sample_contrast("CT", np.random.default_rng(0), phase=phase, variation=0).means
        assert hu[T.AIR] < hu[T.LUNG] < hu[T.FAT] < hu[T.FLUID] < hu[T.LIVER] < hu[T.MARROW] < hu[T.BONE]


def test_iodine_brightens_the_left_heart_first_and_the_liver_later():
    native, arterial, venous = (
        sample_contrast("CT", np.random.default_rng(0), phase=phase, variation=0).means for phase in CT_PHASES
    )
    assert native[T.BLOOD_LV] < venous[T.BLOOD_LV] < arterial[T.BLOOD_LV]
    assert native[T.LIVER] < arterial[T.LIVER] < venous[T.LIVER]


@pytest.mark.parametrize("seed", range(20))
def test_late_enhancement_nulls_myocardium_and_shows_scar(seed):
    means = sample_contrast("LGE", np.random.default_rng(seed)).means
    assert means[T.SCAR] > 1.3 * means[T.MYOCARDIUM]
    assert means[T.BLOOD_LV] > means[T.MYOCARDIUM]


@pytest.mark.parametrize("seed", range(10))
def test_other_sequences_look_as_they_should(seed):
    draw = {name: sample_contrast(name, np.random.default_rng(seed)).means for name in MRI_SEQUENCES}
    assert draw["bSSFP"][T.BLOOD_LV] > 1.5 * draw["bSSFP"][T.MYOCARDIUM]
    assert draw["T2"][T.OEDEMA] > draw["T2"][T.MYOCARDIUM]
    assert draw["DWI"][T.SPLEEN] > draw["DWI"][T.LIVER_VESSEL]
    assert draw["GED2"][T.AORTA_DESCENDING] > draw["GED2"][T.LIVER]
    assert draw["GED4"][T.LIVER] > draw["GED4"][T.SPLEEN]


def test_the_same_seed_gives_the_same_contrast_and_another_one_another():
    first, again, other = (sample_contrast("T1", np.random.default_rng(seed)).means for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_random_contrast_covers_all_tissues_between_zero_and_one():
    contrast = random_contrast(np.random.default_rng(0))
    assert contrast.means.min() >= 0
    assert contrast.means.max() <= 1
    assert len(np.unique(contrast.means)) > 20


def test_contrast_of_a_mapping_leaves_other_labels_dark():
    np.testing.assert_array_equal(Contrast.of({2: 5.0}).means, [0, 0, 5])
    np.testing.assert_array_equal(Contrast.of({1: 40.0}, modality="CT").means, [-1000, 40])


@pytest.mark.parametrize("arguments", [{"sequence": "PET"}, {"sequence": "CT", "phase": "late"}])
def test_unknown_sequences_and_phases_are_refused(arguments):
    with pytest.raises(SettingsError, match="expected"):
        sample_contrast(rng=np.random.default_rng(0), **arguments)
