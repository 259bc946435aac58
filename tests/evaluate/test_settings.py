import pytest

from unicare.cli.evaluate import CompatName
from unicare.core.errors import SettingsError
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.catalogue import CATALOGUE, DEFAULT_METRICS


def test_what_is_measured_when_nobody_says():
    settings = EvaluationSettings()
    assert set(settings.label_metrics) == set(DEFAULT_METRICS)
    assert settings.lesion_metrics == ("lesion_recall", "lesion_precision", "lesion_f1")
    assert settings.case_metrics == settings.probability_metrics == ()


def test_metrics_are_in_the_catalogues_order_whatever_order_they_are_asked_in():
    settings = EvaluationSettings(metrics=("generalised_dice", "nsd", "dice", "lesion_f1", "dice"))
    assert settings.label_metrics == ("dice", "nsd")
    assert settings.lesion_metrics == ("lesion_f1",)
    assert settings.case_metrics == ("generalised_dice",)
    assert settings.as_dict()["metrics"] == ["dice", "nsd", "lesion_f1", "generalised_dice"]


def test_every_metric_of_the_catalogue_can_be_measured(tmp_path):
    settings = EvaluationSettings(metrics=tuple(CATALOGUE), probabilities=tmp_path)
    assert sorted(settings.as_dict()["metrics"]) == sorted(CATALOGUE)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"metrics": ("dise",)}, "unknown metric; found dise; expected one of dice, iou"),
        ({"metrics": ()}, "no metrics"),
        ({"tolerance_mm": -1.0}, "tolerance; found -1.0 mm"),
        ({"tolerance_mm": float("nan")}, "tolerance"),
        ({"metrics": ("brier",)}, "found brier; say where they are with --probabilities"),
        ({"compat": "excel"}, "unknown library; found excel; expected one of monai, medpy"),
        ({"compat": "medpy", "metrics": ("lesion_f1",)}, "unknown metric; found lesion_f1"),
    ],
)
def test_what_cannot_be_measured_is_refused(wrong, said):
    with pytest.raises(SettingsError, match=said):
        EvaluationSettings(**wrong)


def test_another_librarys_definition_measures_only_what_that_library_does(tmp_path):
    settings = EvaluationSettings(compat="medpy")
    assert set(settings.label_metrics) == set(settings.definition.metrics)
    assert settings.lesion_metrics == settings.case_metrics == ()
    with pytest.raises(SettingsError, match="leave out --compat"):
        EvaluationSettings(compat="medpy", probabilities=tmp_path)


def test_the_command_line_offers_every_library():
    from unicare.metrics.compat import DEFINITIONS

    assert [name.value for name in CompatName] == list(DEFINITIONS)
