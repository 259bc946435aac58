"""The table of structures, against the challenge's own table of labels."""

import csv
from pathlib import Path

import pytest

from unicare.core.structure import TASKS, structure_table

TABLE = structure_table()
CARE = Path(__file__).parents[3] / "shared" / "spec" / "care_structures.csv"


def test_compact_ids_are_positions_and_names_are_unique():
    assert [structure.id for structure in TABLE.structures] == list(range(len(TABLE)))
    assert all(TABLE.by_id(structure.id) is structure for structure in TABLE.structures)
    words = [w.casefold() for one in TABLE.structures for w in (one.name, *one.synonyms)]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("text", ["LV", "lv", " Left Ventricle ", "left ventricle blood cavity"])
def test_names_and_synonyms_mean_the_same(text):
    assert TABLE.by_name(text).labels["whs"] == 500


@pytest.mark.parametrize("text", ["", "left", "gallbladder"])
def test_other_words_mean_nothing(text):
    assert TABLE.by_name(text) is None


def test_a_label_is_looked_up_in_one_task_or_in_all():
    assert TABLE.by_label(205).name == TABLE.by_label(200, "myops").name == "left ventricular myocardium"
    assert TABLE.by_label(200, "whs") is None
    assert TABLE.by_label(70000) is None
    assert TABLE.by_label(0) is None


def test_parts_at_any_depth():
    scar, myocardium = TABLE.by_label(2221), TABLE.by_label(205)
    assert TABLE.is_part_of(scar, myocardium)
    assert TABLE.is_part_of(TABLE.by_name("no-reflow"), myocardium)
    assert not TABLE.is_part_of(myocardium, scar)
    assert not TABLE.is_part_of(scar, scar)
    assert not TABLE.is_part_of(scar, TABLE.by_name("liver"))


def test_a_sentence_names_what_it_is_part_of():
    assert TABLE.by_label(2221).sentence == "the myocardial scar, part of the left ventricular myocardium"
    assert TABLE.by_name("liver").sentence == "the liver"


@pytest.mark.skipif(not CARE.exists(), reason="the challenge's table isn't beside the repository")
def test_label_values_are_the_challenge_s():
    rows = list(csv.DictReader(CARE.read_text(encoding="utf-8").splitlines()))
    assert rows
    for row in rows:
        for task in set(TASKS) & set(row):
            if row[task]:
                assert TABLE.by_label(int(row[task]), task).name == row["structure"]


def test_findings_in_pieces_are_told_from_organs():
    lesions = {one.name for one in TABLE.structures if one.lesion}
    assert lesions == {"myocardial scar", "myocardial oedema", "left atrial scar", "no-reflow"}
