import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import OutputError, SettingsError
from unicare.data.cohort import MANIFEST_NAME, CohortRow, read_cohort, write_cohort

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
)


@settings(deadline=None, max_examples=40)
@given(rows=st.lists(ROWS, max_size=4, unique_by=lambda row: (row.task, row.case)))
def test_what_is_written_is_read(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    assert write_cohort(folder, rows) == folder / MANIFEST_NAME
    assert read_cohort(folder) == rows
    assert [path.name for path in folder.iterdir()] == [MANIFEST_NAME]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("myops", "brain", "unknown task"),
        ("training", "train", "unknown split"),
        (",ID,", ",maybe,", "unknown distribution"),
        ("LGE+T2", "LGE+PET", "PET"),
        ("200+500", "200+x", "not a number"),
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
