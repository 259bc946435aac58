"""Labels that can't be meant are said, each in one sentence that says what to write instead."""

import pytest

from unicare.evaluate.findings import Finding, Kind, merge_findings
from unicare.evaluate.labels import prediction_findings

WHS = (205, 420, 500, 550, 600, 820, 850)


def only(findings):
    (finding,) = findings
    return finding


def test_labels_that_are_scored_are_nothing_to_talk_about():
    assert prediction_findings("a", {205: 9, 500: 3}, WHS) == []
    assert prediction_findings("a", {}, WHS) == []


@pytest.mark.parametrize("task", ["whs", None])
def test_the_id_of_another_task_is_told_with_the_right_one(task):
    found = only(prediction_findings("a", {200: 9, 500: 3}, WHS, task=task))
    assert (found.kind, found.voxels) == (Kind.OTHER_LABEL, 9)
    for word in ("label 200", "in myops is left ventricular myocardium", "write 205", "not found"):
        assert word in found.text


@pytest.mark.parametrize("predicted", [{1: 5, 2: 3, 3: 4, 7: 1}, {2: 4}])
def test_consecutive_ids_are_recognised(predicted):
    found = only(prediction_findings("a", predicted, WHS, task="whs"))
    assert found.kind is Kind.OTHER_LABEL
    assert "consecutive ids" in found.text
    assert "write 205, 420, 500" in found.text
    assert found.voxels == sum(predicted.values())


def test_ids_that_are_consecutive_by_right_are_fine():
    assert prediction_findings("a", {1: 5}, (1,), task="liver") == []
    assert prediction_findings("a", {1: 5, 2: 5}, (1, 2, 3)) == []
    strange = only(prediction_findings("a", {1: 5, 205: 9}, WHS, task="whs"))
    assert strange.kind is Kind.UNKNOWN_LABEL


def test_a_label_of_no_table_and_no_truth():
    found = only(prediction_findings("a", {77: 3, 500: 1}, WHS, in_truth=WHS, task="whs"))
    assert found.kind is Kind.UNKNOWN_LABEL
    assert (
        "label 77 is predicted, but is in neither the table of whs nor the truth; expected 205 ("
        in found.text
    )
    unseen = only(prediction_findings("a", {77: 3, 500: 1}, WHS, task="whs"))
    assert "label 77 is predicted, but is not in the table of whs; expected 205 (" in unseen.text


def test_an_image_in_the_place_of_a_label_map_is_one_sentence():
    found = only(prediction_findings("a", dict.fromkeys(range(3000, 4000), 2), WHS, task="whs"))
    assert found.kind is Kind.UNKNOWN_LABEL
    assert "looks like an image" in found.text
    assert found.voxels == 2000


def test_a_label_that_somebody_named_is_not_unknown():
    found = only(prediction_findings("a", {77: 3}, (9,), names={77: "thymus", 9: "heart"}))
    assert (found.kind, "thymus" in found.text) == (Kind.NOT_SCORED, True)


def test_what_is_not_annotated_is_left_out_with_the_reason():
    found = only(prediction_findings("a", {500: 2, 600: 4}, (500,), annotated=True, task="myops"))
    assert found.kind is Kind.NOT_SCORED
    assert "label 600 (right ventricle blood cavity)" in found.text
    assert "isn't annotated" in found.text


def test_a_strange_label_that_the_truth_holds_is_not_unknown():
    found = only(prediction_findings("a", {421: 2}, (420,), in_truth={420, 421}, annotated=True))
    assert found.kind is Kind.NOT_SCORED


def test_the_same_thing_in_many_cases_is_one_sentence():
    text = "label 77 is odd"
    many = [Finding(Kind.UNKNOWN_LABEL, text, case, 2) for case in "abcdef"]
    other = Finding(Kind.UNKNOWN_LABEL, "label 78 is odd", "a", 1)
    assert merge_findings([*many, other, Finding(Kind.EXTRA, "x.nii.gz")]) == (
        "6 cases (a, b, c, d and 2 more): label 77 is odd (12 voxels)",
        "case a: label 78 is odd (1 voxels)",
        "x.nii.gz",
    )
