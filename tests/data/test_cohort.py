import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from unicare.core.errors import OutputError, SettingsError
from unicare.data.cohort import (
    MANIFEST_NAME,
    MANIFEST_PARQUET,
    CohortRow,
    read_cohort,
    subgroup_columns,
    write_cohort,
)

ROW = CohortRow(
    "C1", "P1", "A", "vendor A", "myops", "training", "ID", ("LGE", "T2"), (200, 500), 1.5, "F", "50-59"
)

ROWS = st.builds(
    CohortRow,
    case=st.text("abc ,;\"'äß1_-", min_size=1, max_size=8),
    patient=st.text("xyz1", max_size=4),
    centre=st.sampled_from(["A", "C/D"]),
    vendor=st.sampled_from(["", "vendor B"]),
    task=st.sampled_from(["la", "liver", "custom"]),
    split=st.sampled_from(["training", "test"]),
    distribution=st.sampled_from(["ID", "OOD"]),
    sequences=st.lists(st.sampled_from(["CT", "T1"]), min_size=1, max_size=2, unique=True).map(tuple),
    annotated=st.lists(st.integers(0, 70000), max_size=3).map(tuple),
    field_strength_t=st.sampled_from([None, 0.55, 3.0]),
    subgroups=st.sampled_from([{"scanner age": "3, or\n4", "bmi": ""}, {"scanner age": "", "bmi": "27.5"}]),
)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(ROWS, min_size=1, max_size=4, unique_by=lambda row: (row.task, row.case)))
def test_what_is_written_is_read(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    assert write_cohort(folder, rows) == folder / MANIFEST_NAME
    assert read_cohort(folder) == rows
    assert [path.name for path in folder.iterdir()] == [MANIFEST_NAME]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("myops", "brain", "unknown task; found brain; .*; tasks of your own are called custom here"),
        ("training", "train", "unknown split"),
        (",ID,", ",maybe,", "unknown distribution"),
        ("LGE+T2", "LGE+PET", "PET"),
        ("200+500", "200+x", "unknown annotated structure; found x"),
        ("200+500", "200+liver", "found liver; expected a label value, or one of left ventricle blood"),
        (",1.5,", ",strong,", "field_strength_t is not a number"),
        ("sex,", "case,", "found case"),
        ("sex,", ",", "one without a name"),
        ("C1,", ",", "no case id"),
        ("case,", "name,", "columns"),
        (",F,50-59", ",F", "11 fields"),
    ],
)
def test_errors_say_where_and_what(tmp_path, old, new, said):
    path = write_cohort(tmp_path, [ROW])
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as caught:
        read_cohort(path)
    assert str(path) in str(caught.value)


def test_the_same_case_twice_is_refused(tmp_path):
    path = write_cohort(tmp_path, [ROW, ROW])
    with pytest.raises(SettingsError, match="twice"):
        read_cohort(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad", b""])
def test_files_that_are_no_manifest_are_refused(tmp_path, content):
    path = tmp_path / MANIFEST_NAME
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError):
        read_cohort(path)


def test_a_place_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another folder"):
        write_cohort(tmp_path / "file", [ROW])


REQUIRED = {
    "case": "C1",
    "patient": "P1",
    "centre": "A",
    "vendor": "vendor A",
    "task": "myops",
    "split": "test",
    "distribution": "OOD",
    "sequences": "LGE;T2",
    "annotated": "",
}


def csv_of(folder, **cells):
    row = {**REQUIRED, **cells}
    path = folder / "own.csv"
    path.write_text(",".join(row) + "\n" + ",".join(row.values()) + "\n", encoding="utf-8-sig")
    return path


def test_columns_for_grouping_may_be_missing(tmp_path):
    (row,) = read_cohort(csv_of(tmp_path))
    assert (row.sequences, row.annotated, row.subgroups) == (("LGE", "T2"), (), {})
    assert (row.field_strength_t, row.sex, row.age_band) == (None, "", "")


def test_any_further_column_is_a_group(tmp_path):
    (row,) = read_cohort(csv_of(tmp_path, bmi="25-30", field_strength_t="3.0"))
    groups = {name: row.subgroup(name) for name in ("bmi", "field_strength_t", "centre", "sex", "planet")}
    assert groups == {"bmi": "25-30", "field_strength_t": "3", "centre": "A", "sex": "", "planet": ""}
    assert subgroup_columns([row]) == ("centre", "vendor", "field_strength_t", "bmi")


@pytest.mark.parametrize(
    ("task", "said", "labels"),
    [
        ("myops", "200+500", (200, 500)),
        ("myops", "left ventricular myocardium + lv;scar", (200, 500, 2221)),
        ("whs", "Myocardium+LV", (205, 500)),
        ("custom", "3+7", (3, 7)),
    ],
)
def test_what_is_annotated_may_be_named(tmp_path, task, said, labels):
    (row,) = read_cohort(csv_of(tmp_path, task=task, annotated=said))
    assert row.annotated == labels


def test_parquet_says_the_same_as_csv(tmp_path):
    columns = {
        **{name: [cell] * 2 for name, cell in REQUIRED.items()},
        "case": ["001", "002"],
        "sequences": [["LGE", "T2"]] * 2,
        "annotated": [[200, 500], None],
        "field_strength_t": [3.0, None],
        "scars": [2.0, float("nan")],
    }
    parquet.write_table(pa.table(columns), tmp_path / MANIFEST_PARQUET)
    first, second = read_cohort(tmp_path)
    assert (first.case, first.sequences, first.annotated) == ("001", ("LGE", "T2"), (200, 500))
    assert (first.field_strength_t, first.subgroup("scars")) == (3.0, "2")
    assert (second.annotated, second.field_strength_t, second.subgroup("scars")) == ((), None, "")


def test_which_of_two_manifests_has_to_be_said(tmp_path):
    write_cohort(tmp_path, [ROW])
    parquet.write_table(pa.table({"case": ["a"]}), tmp_path / MANIFEST_PARQUET)
    with pytest.raises(SettingsError, match="two manifests"):
        read_cohort(tmp_path)
    with pytest.raises(SettingsError, match="also patient, centre"):
        read_cohort(tmp_path / MANIFEST_PARQUET)
    assert read_cohort(tmp_path / MANIFEST_NAME) == [ROW]


def test_a_broken_parquet_file_is_one_sentence(tmp_path):
    (tmp_path / "own.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(SettingsError, match=r"own\.parquet: can't read the manifest"):
        read_cohort(tmp_path / "own.parquet")
