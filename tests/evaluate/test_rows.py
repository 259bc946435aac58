"""The tidy table: what is written is read, whatever the format; the means are those of the table."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from unicare.core.errors import ImageError
from unicare.evaluate.rows import (
    ERROR,
    METRICS_FILE,
    PARQUET_FILE,
    WHOLE_CASE,
    Row,
    read_rows,
    summarise,
    write_rows,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
ROWS = st.builds(
    Row,
    case=TEXTS.map(lambda text: f"c{text}"),
    centre=TEXTS,
    distribution=st.sampled_from(["", "ID", "OOD"]),
    label=st.none() | st.integers(-5, 2**40),
    structure=TEXTS,
    metric=st.sampled_from(["dice", "hd95_mm", ERROR]),
    value=st.none() | st.floats(allow_nan=False),
    rule=TEXTS,
)


@pytest.mark.parametrize("name", [METRICS_FILE, PARQUET_FILE])
@settings(deadline=None, max_examples=30)
@given(rows=st.lists(ROWS, max_size=5).map(tuple))
def test_what_is_written_is_read(name, rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    write_rows(folder / name, rows)
    assert read_rows(folder / name) == rows
    assert read_rows(folder) == rows
    assert [path.name for path in folder.iterdir()] == [name]


def row(value, rule="measured", metric="dice", label=500, structure="left ventricle"):
    return Row("a", "", "", label, structure, metric, value, rule)


@pytest.mark.parametrize("name", [METRICS_FILE, PARQUET_FILE])
def test_nan_and_infinity_are_values_and_blank_is_none(name, tmp_path):
    write_rows(tmp_path / name, [row(math.nan), row(math.inf), row(None)])
    first, second, third = (one.value for one in read_rows(tmp_path / name))
    assert first is not None
    assert math.isnan(first)
    assert second == math.inf
    assert third is None


def test_parquet_has_types(tmp_path):
    write_rows(tmp_path / PARQUET_FILE, [row(0.25), row(None, label=None)])
    types = {field.name: str(field.type) for field in parquet.read_schema(tmp_path / PARQUET_FILE)}
    assert types.pop("label") == "int64"
    assert types.pop("value") == "double"
    assert set(types.values()) == {"string"}
    assert list(types) == ["case", "centre", "distribution", "structure", "metric", "rule"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metrics.csv", b"case,metric\na,dice\n"),
        ("metrics.csv", b"\xff\xfe\x00"),
        ("metrics.parquet", b"PAR1 and no more"),
        ("metrics.csv", None),
    ],
)
def test_files_that_are_no_such_table_are_told(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=name.replace(".", r"\.")):
        read_rows(tmp_path / name)


def test_parquet_without_the_columns_is_told(tmp_path):
    import pyarrow as pa

    parquet.write_table(pa.table({"case": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(ImageError, match="not a table of metrics"):
        read_rows(tmp_path / "other.parquet")


def test_means_say_their_spread_and_rules():
    rows = [row(0.5), row(1.0, "both_empty"), row(0.0, "prediction_empty"), row(0.7, label=600)]
    first, second = summarise(rows)
    assert (first.mean, first.sd, first.median, first.n) == (0.5, 0.5, 0.5, 3)
    assert first.rules == {"measured": 1, "both_empty": 1, "prediction_empty": 1}
    assert (second.label, second.n, second.sd) == (600, 1, None)


def test_errors_are_in_no_mean_and_whole_cases_are():
    rows = [row(None, "unreadable", ERROR, None, ""), row(0.5, metric="generalised_dice", label=None)]
    (mean,) = summarise([*rows[:1], Row("b", "", "", None, WHOLE_CASE, "generalised_dice", 0.5, "measured")])
    assert (mean.structure, mean.label, mean.mean) == (WHOLE_CASE, None, 0.5)


@pytest.mark.parametrize(
    ("values", "mean", "sd", "n", "undefined"),
    [
        ([0.5, math.nan, 1.0], 0.75, pytest.approx(math.sqrt(0.125)), 2, 1),
        ([math.nan], math.nan, None, 0, 1),
        ([math.inf, 1.0], math.inf, None, 2, 0),
        ([math.inf, -math.inf], math.nan, None, 2, 0),
    ],
)
def test_figures_that_are_none_in_means_and_json(values, mean, sd, n, undefined):
    (found,) = summarise([row(value) for value in values])
    assert found.mean == mean or (math.isnan(found.mean) and math.isnan(mean))
    assert (found.sd, found.n, found.undefined) == (sd, n, undefined)
    told = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert told["mean"] == (mean if math.isfinite(mean) else None)
