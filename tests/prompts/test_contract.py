from __future__ import annotations

import contextlib
import json
import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unicare.core.errors import OutputError, PromptError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.prompts.contract import LARGEST_FILE_BYTES, LARGEST_LABEL, read_prompts, write_prompts

quickly = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

POINTS = st.lists(st.builds(Point, st.integers(0, 4000), st.integers(0, 4000)), max_size=5).map(tuple)
BOXES = st.builds(
    lambda corner, h, w: Box(corner.x - 2, corner.y - 2, corner.x + h, corner.y + w),
    st.builds(Point, st.integers(0, 4000), st.integers(0, 4000)),
    st.integers(0, 500),
    st.integers(0, 500),
)
TEXTS = st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
JSON_VALUES = SCALARS | st.lists(SCALARS, max_size=2) | st.dictionaries(TEXTS, SCALARS, max_size=2)
NESTED = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
KNOWN = {"box", "points", "text", "mask", "negative_points"}
EXTRAS = st.dictionaries(TEXTS.filter(lambda key: key not in KNOWN), JSON_VALUES, max_size=1)
PROMPTS = st.builds(Prompt, box=st.none() | BOXES, points=POINTS.filter(bool)) | st.builds(
    Prompt,
    box=BOXES,
    points=POINTS,
    negative_points=POINTS,
    text=st.none() | st.just("scar") | st.text(min_size=1, max_size=5),
    mask=st.sampled_from([None, "mask.nii.gz"]),
    extra=EXTRAS,
)
SLICES = st.dictionaries(
    st.integers(0, 500),
    st.none() | st.dictionaries(st.integers(1, LARGEST_LABEL), PROMPTS, min_size=1, max_size=2),
    max_size=2,
)
CASE_NAMES = st.text(st.characters(exclude_characters="/\x00"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)


def read_text(folder, text: str | bytes):
    path = folder / "prompts.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_prompts(path)


def read_entry(folder, entry) -> Prompt:
    """The prompt that a JSON value (or text) means as an entry of label 500 on slice 12."""
    text = entry if isinstance(entry, str) else json.dumps(entry)
    cases, errors = read_text(folder, f'{{"a": {{"12": {{"500": {text}}}}}}}')
    if errors:
        raise errors["a"]
    return cases["a"].slices[12][500]


@quickly
@given(contents=st.dictionaries(CASE_NAMES, SLICES, max_size=2))
def test_what_is_written_is_read_back(tmp_path, contents):
    cases = [CasePrompts(case, slices) for case, slices in contents.items()]
    write_prompts(tmp_path / "prompts.json", cases)
    found, errors = read_prompts(tmp_path / "prompts.json")
    assert errors == {}
    assert found == {case.case: case for case in cases}


def test_plain_prompts_are_written_as_the_challenge_lays_down(tmp_path):
    path = tmp_path / "prompts.json"
    prompt = Prompt(Box(1, 2, 30, 40), (Point(5, 6), Point(7, 8)))
    write_prompts(path, [CasePrompts("Case 1", {0: None, 1: {2221: prompt}})])
    expected = {"Case 1": {"0": None, "1": {"2221": [[1, 2, 30, 40], [[5, 6], [7, 8]]]}}}
    assert json.loads(path.read_bytes()) == expected


@pytest.mark.parametrize(
    "key", ["12", "slice 12", "Slice_012", "SLICE12", "012", " 12 ", "12.0", "Slice Id12", "slice_id_12"]
)
def test_slice_keys_are_read_in_every_spelling(tmp_path, key):
    cases, errors = read_text(tmp_path, json.dumps({"a": {key: {"label 500": [[1, 2, 3, 4], [[1, 2]]]}}}))
    assert errors == {}
    assert cases["a"].slices == {12: {500: Prompt(Box(1, 2, 3, 4), (Point(1, 2),))}}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ([[1, 2, 3, 4], [[1, 2]]], Prompt(Box(1, 2, 3, 4), (Point(1, 2),))),
        ([[1, 2, 3, 4]], Prompt(Box(1, 2, 3, 4))),
        ([[1, 2, 3, 4], None], Prompt(Box(1, 2, 3, 4))),
        ([[1, 2, 3, 4], []], Prompt(Box(1, 2, 3, 4))),
        ([None, [[1, 2]]], Prompt(points=(Point(1, 2),))),
        ([[], [1, 2]], Prompt(points=(Point(1, 2),))),
        ([[1.0, 2.0, 3.0, 4.0], [[1.0, 2.0]]], Prompt(Box(1, 2, 3, 4), (Point(1, 2),))),
        ([[1, 2, 1, 4]], Prompt(Box(1, 2, 2, 4))),
        ({"points": [[1, 2]]}, Prompt(points=(Point(1, 2),))),
        ({"mask": "m.nii.gz"}, Prompt(mask="m.nii.gz")),
        (
            {"box": [1, 2, 3, 4], "negative_points": [[9, 9]], "text": "scar", "reader": [1, {"x": 2}]},
            Prompt(Box(1, 2, 3, 4), (), (Point(9, 9),), "scar", None, {"reader": [1, {"x": 2}]}),
        ),
        ([None, [[1, 2]], {"text": "liver"}], Prompt(points=(Point(1, 2),), text="liver")),
    ],
)
def test_entries_are_read_with_tolerance(tmp_path, entry, expected):
    assert read_entry(tmp_path, entry) == expected


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ([[30, 2, 3, 4]], "box: reversed corners; found \\[30, 2, 3, 4\\]"),
        ([[1, 2, 3]], "box; found \\[1, 2, 3\\]; expected \\[x, y, x\\+h, y\\+w\\]"),
        ([[1, 2, 3, 4.5]], "box; found 4.5"),
        ([[1, 2, 3, "4"]], "box; found '4'"),
        ([[1, 2, 3, True]], "box; found true"),
        ([[-30, 2, 3, 4]], "box: negative coordinate"),
        ([[1, 2, 10**9, 4]], "box: huge coordinate"),
        ("[[1, 2, 3, NaN]]", "box; found nan"),
        ("[[1, 2, 3, Infinity]]", "box; found inf"),
        ("[[1, 2, 3, 1e999]]", "box; found inf"),
        ("[[1, 2, 3, " + "9" * 6000 + "]]", "box; found inf"),
        ("[null, [[1, -Infinity]]]", "points; found -inf"),
        ([None, [[-1, 2]]], "points: negative coordinate"),
        ([None, [[10**30, 2]]], "points: huge coordinate"),
        ([None, [[1, 2]] * 6], "points: too many; found 6; expected 1 to 5"),
        ([None, [[1, 2, 3]]], "points; found"),
        ([None, {"x": 1}], "points; found an object"),
        ([None, "1,2"], "points; found '1,2'"),
        ([None, None], "neither box nor points"),
        ([], "neither box nor points"),
        ({}, "neither box nor points"),
        ({"text": "liver"}, "neither box nor points"),
        ([[1, 2, 3, 4], [[1, 2]], {"box": [1, 2, 3, 4]}], "box is given twice"),
        ([[1, 2, 3, 4], [[1, 2]], "liver"], "expected an object behind box and points"),
        ([1, 2, 3, 4], "expected \\[box, points\\]"),
        (7, "found 7; expected \\[box, points\\]"),
        ("true", "found true"),
        ({"box": [1, 2, 3, 4], "text": 5}, "text; found 5; expected a string"),
        ('{"box": [1, 2, 3, 4], "box": null}', "key 'box' comes twice"),
        ('{"box": [1, 2, 3, 4], "more": {"k": 1, "k": 2}}', "more: key 'k' comes twice"),
        ('{"box": [1, 2, 3, 4], "more": NaN}', "more; found nan"),
        ('{"box": [1, 2, 3, 4], "more": ' + "[" * 60 + "]" * 60 + "}", "more: nested too deeply"),
    ],
)
def test_a_bad_entry_is_named(tmp_path, entry, says):
    with pytest.raises(PromptError, match=says) as caught:
        read_entry(tmp_path, entry)
    assert str(caught.value).startswith(f"{tmp_path / 'prompts.json'}: case a, slice 12, label 500")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        (
            '{"12": {"liver": [[1, 2, 3, 4]]}}',
            "slice 12: not a label; found 'liver'; expected a whole number",
        ),
        ('{"12": {"0": [[1, 2, 3, 4]]}}', "slice 12: not a label; found '0'"),
        ('{"12": {"-5": [[1, 2, 3, 4]]}}', "slice 12: not a label; found '-5'"),
        ('{"12": {"2147483648": [[1, 2, 3, 4]]}}', "slice 12: not a label; found '2147483648'"),
        ('{"12": {"1.5": [[1, 2, 3, 4]]}}', "slice 12: not a label"),
        ('{"12": {"5": [[1, 2, 3, 4]], "05": [[1, 2, 3, 4]]}}', "slice 12, label 5: listed twice"),
        ('{"12": {"5": [[1, 2, 3, 4]], "5": [[1, 2, 3, 4]]}}', "slice 12: key '5' comes twice"),
        ('{"12": [[1, 2, 3, 4]]}', "slice 12; found"),
        ('{"12": 5}', "slice 12; found 5; expected null or an object"),
        ('{"middle": null}', "not a slice; found 'middle'"),
        ('{"-1": null}', "not a slice; found '-1'"),
        ('{"' + "9" * 50 + '": null}', "not a slice"),
        ('{"12": null, "slice 12": null}', "slice 12: listed twice"),
        ('{"12": null, "12": null}', "key '12' comes twice"),
        ("[1]", "case bad; found \\[1\\]; expected an object"),
        ('"text"', "case bad; found 'text'"),
    ],
)
def test_a_bad_case_is_named_and_the_others_are_read(tmp_path, case, says):
    good = '{"0": null, "1": {"70000": [[1, 2, 3, 4], [[1, 2]]]}}'
    cases, errors = read_text(tmp_path, f'{{"first": {good}, "bad": {case}, "last": {good}}}')
    assert list(cases) == ["first", "last"]
    assert cases["last"].labels == (70000,)
    assert list(errors) == ["bad"]
    with pytest.raises(PromptError, match=says):
        raise errors["bad"]


def test_a_case_that_comes_twice_is_bad_both_times(tmp_path):
    cases, errors = read_text(tmp_path, '{"a": {}, "b": {}, "a": {"1": null}}')
    assert list(cases) == ["b"]
    assert "case a: listed twice" in str(errors["a"])


@pytest.mark.parametrize("name", ["", ".", "..", "../b", "/etc/passwd", "a\x00b"])
def test_a_case_name_that_no_file_can_have_is_refused(tmp_path, name):
    cases, errors = read_text(tmp_path, json.dumps({name: {}}))
    assert cases == {}
    assert "impossible case name" in str(errors[name])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        ('{"é": {}}'.encode("utf-16"), "wrong encoding; found UTF-16 or UTF-32; expected UTF-8"),
        ('{"a": {}}'.encode("utf-16-le"), "wrong encoding; found UTF-16"),
        ('{"a": {},\n"é": {}}'.encode("latin-1"), "wrong encoding; found byte 0xe9 in line 2"),
        (b'{"a": {},\n "b" {}}', "not JSON; found a colon is missing in line 2, column 6"),
        (b'{"a": {"1": }}', "not JSON; found .* in line 1, column 13"),
        (b'{"a": {}', "not JSON; found a comma or closing brace is missing"),
        (b'{"a": {}} {}', "not JSON; found something follows"),
        (b"{'a': {}}", "not JSON; found a name in double quotes is missing"),
        (b"prompts", "not JSON"),
        (b"[1, 2]", "not an object; found list"),
        (b"null", "not an object; found NoneType"),
        (b'{"a":' + b"[" * 200000, "nested too deeply"),
    ],
)
def test_a_file_that_is_no_prompts_json_is_refused_in_one_sentence(tmp_path, text, says):
    with pytest.raises(PromptError, match=says) as caught:
        read_text(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "prompts.json"))
    assert "\n" not in str(caught.value)


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert list(read_text(tmp_path, b'\xef\xbb\xbf{"a": {}}').cases) == ["a"]


def test_missing_files_folders_and_enormous_files_are_refused(tmp_path):
    with pytest.raises(PromptError, match="no such file"):
        read_prompts(tmp_path / "prompts.json")
    with pytest.raises(PromptError, match="can't be read"):
        read_prompts(tmp_path)
    with (tmp_path / "prompts.json").open("wb") as file:
        file.truncate(LARGEST_FILE_BYTES + 1)
    with pytest.raises(PromptError, match="too large; found 268 MB"):
        read_prompts(tmp_path / "prompts.json")


@quickly
@given(value=st.dictionaries(TEXTS, NESTED, max_size=2) | NESTED)
def test_any_json_is_read_or_refused(tmp_path, value):
    try:
        _, errors = read_text(tmp_path, json.dumps(value))
    except PromptError as error:
        message = str(error)
        assert not isinstance(value, dict)
        assert "not an object" in message
        return
    assert all("\n" not in str(error) and str(error).isprintable() for error in errors.values())


NEARLY = st.sampled_from(["1", "slice 2", "500", "box", "points", "text", "-1", "0", "x"])
NUMBERS = st.integers(-3, 9) | st.floats() | st.sampled_from([True, None, "1", 10**20])
NEARLY_PROMPTS = st.recursive(
    NUMBERS | st.lists(NUMBERS, max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(NEARLY, inner, max_size=3),
    max_leaves=8,
)


@quickly
@given(value=st.dictionaries(NEARLY, st.dictionaries(NEARLY, NEARLY_PROMPTS, max_size=3), max_size=3))
def test_what_nearly_is_a_prompt_is_read_or_refused_and_can_be_written_again(tmp_path, value):
    cases, errors = read_text(tmp_path, json.dumps(value))
    assert set(cases) | set(errors) == set(value)
    write_prompts(tmp_path / "again.json", cases.values())
    assert read_prompts(tmp_path / "again.json").cases == cases


@quickly
@given(raw=st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path, raw):
    with contextlib.suppress(PromptError):
        cases, errors = read_text(tmp_path, raw)
        assert cases.keys().isdisjoint(errors)


@pytest.mark.parametrize(
    "prompts",
    [
        CasePrompts("a", {0: {1: Prompt()}}),
        CasePrompts("a", {0: {0: Prompt(Box(1, 2, 3, 4))}}),
        CasePrompts("a", {-1: None}),
        CasePrompts("a", {0: {1: Prompt(Box(9, 2, 3, 4))}}),
        CasePrompts("a", {0: {1: Prompt(Box(3, 2, 3, 4))}}),
        CasePrompts("a", {0: {1: Prompt(points=(Point(1, 2),) * 6)}}),
        CasePrompts("a", {0: {1: Prompt(points=(Point(1.5, 2),))}}),
        CasePrompts("a", {0: {1: Prompt(Box(1, 2, 3, 4), extra={"score": float("nan")})}}),
        CasePrompts("a", {0: {1: Prompt(Box(1, 2, 3, 4), extra={"score": object()})}}),
        CasePrompts("a/b", {}),
    ],
)
def test_what_could_not_be_read_back_is_not_written(tmp_path, prompts):
    path = tmp_path / "prompts.json"
    path.write_text("as it was")
    with pytest.raises(PromptError, match="case a"):
        write_prompts(path, [prompts])
    assert path.read_text() == "as it was"
    assert os.listdir(tmp_path) == ["prompts.json"]


def test_a_case_is_written_once(tmp_path):
    with pytest.raises(PromptError, match="case a: comes twice"):
        write_prompts(tmp_path / "prompts.json", [CasePrompts("a", {}), CasePrompts("a", {})])


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="can't be written"):
        write_prompts(tmp_path / "file" / "prompts.json", [])
