"""A folder in, a label map for every case out: the container's contract."""

import hashlib
import json
import os

import nibabel
import numpy as np
import pytest

import unicare
from unicare.core.errors import OutputError, PromptError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.data.nifti import load_volume, save_labels
from unicare.infer import batch
from unicare.infer.batch import BatchSettings, predict_folder
from unicare.infer.segment import SegmentSettings


@pytest.fixture
def with_network(monkeypatch, tiny_weights):
    """Settings under which a given network answers."""

    def use(network, **changes):
        monkeypatch.setattr(batch, "load_network", lambda _: network)
        batch._segmenter.cache_clear()
        exact = SegmentSettings(precision="float32")
        return BatchSettings(weights=tiny_weights, device="cpu", segment=exact, **changes)

    yield use
    batch._segmenter.cache_clear()


@pytest.fixture
def settings(tiny_weights):
    return BatchSettings(weights=tiny_weights, device="cpu", segment=SegmentSettings(precision="float32"))


def stored(path):
    """The voxels of a file in the file's own order, untouched by unicare's reader."""
    return np.asarray(nibabel.load(path).dataobj)


def simple(case="a", label=500, count=6):
    slices = dict.fromkeys(range(count))
    slices[2] = {label: Prompt(Box(5, 6, 30, 36), (Point(12, 13),))}
    return CasePrompts(case, slices)


@pytest.mark.parametrize("codes", ["LPS", "LSP", "PSR", "RAI", "SAL"])
def test_a_stack_counted_either_way_is_answered_the_same(
    tmp_path, make_volume, make_input, oracle, with_network, codes
):
    """Short-axis stacks whose few thick slices lie along any axis, slices counted both ways."""
    volume = make_volume((50, 64, 9), codes, (1.4, 1.4, 9.0), tilt_degrees=10.0)
    axis = volume.acquisition_axis
    truth = np.zeros(volume.shape, dtype=np.int32)
    solid = [slice(16, 34)] * 3
    solid[axis] = slice(2, 7)
    truth[tuple(solid)] = 500
    made = {}
    for name, counted in (("literal", 2), ("acquired", axis)):
        stack = np.moveaxis(truth, counted, 0)
        slices = dict.fromkeys(range(len(stack)))
        for index in np.flatnonzero(stack.any(axis=(1, 2))).tolist():
            rows, columns = np.nonzero(stack[index])
            box = Box(rows.min(), columns.min(), rows.max() + 1, columns.max() + 1)
            slices[index] = {500: Prompt(box)}
        made[name] = CasePrompts(name, slices)
    folder = make_input(made, dict.fromkeys(made, volume))
    result = predict_folder(folder, tmp_path / "out", with_network(oracle("box")))
    assert result.errors == {}
    for name in made:
        path = tmp_path / "out" / f"{name}_pred.nii.gz"
        np.testing.assert_array_equal(load_volume(path).data, truth)
        np.testing.assert_array_equal(stored(path), volume.to_file_axes(truth))


@pytest.mark.parametrize("order", [("C0", "T2", "LGE"), ("C0", "t2"), ("DE", "T2"), ("c0",), ("CT", "T1")])
def test_the_answer_lies_on_the_reference_sequence(
    tmp_path, make_volume, make_input, oracle, with_network, order
):
    """LGE if there, else T2, else C0, else the first: same shape, affine and axis order."""
    shapes = {"LGE": (44, 46, 8), "DE": (44, 46, 8), "T2": (42, 40, 7), "t2": (42, 40, 7)}
    codes = {"LGE": "PSR", "DE": "PSR", "T2": "LSP", "t2": "LSP"}
    volumes = {
        f"my case_{name}": make_volume(shapes.get(name, (50, 48, 6)), codes.get(name, "RAI"), tilt_degrees=20)
        for name in order
    }
    wanted = next(
        name for name in ("LGE", "DE", "T2", "t2", "C0", "c0", "CT") if f"my case_{name}" in volumes
    )
    grid = volumes[f"my case_{wanted}"]
    box = Box(2, 3, grid.shape[0] - 1, grid.shape[1] - 2)
    folder = make_input(
        {"my case": CasePrompts("my case", {1: {2221: Prompt(box)}})},
        volumes,
    )
    result = predict_folder(folder, tmp_path / "out", with_network(oracle("box")))
    assert result.errors == {}
    source = nibabel.load(folder / "images" / f"my case_{wanted}.nii.gz")
    answer = nibabel.load(tmp_path / "out" / "my case_pred.nii.gz")
    assert answer.shape == source.shape
    np.testing.assert_array_equal(answer.affine, source.affine)
    labels = np.zeros(grid.shape, dtype=np.int32)
    labels[box.x0 : box.x1, box.y0 : box.y1, 1] = 2221
    np.testing.assert_array_equal(np.asarray(answer.dataobj), grid.to_file_axes(labels))


@pytest.mark.parametrize("label", [1, 255, 256, 2221, 70000, 2**31 - 1])
def test_any_label_is_written_in_an_integer_type_that_holds_it(
    tmp_path, make_volume, make_input, oracle, with_network, label
):
    folder = make_input({"a": simple(label=label)}, {"a": make_volume()})
    assert predict_folder(folder, tmp_path / "out", with_network(oracle("box"))).errors == {}
    saved = nibabel.load(tmp_path / "out" / "a_pred.nii.gz")
    assert saved.get_data_dtype().kind in "iu"
    assert np.unique(np.asarray(saved.dataobj)).tolist() == [0, label]
    assert int((np.asarray(saved.dataobj) == label).sum()) == 25 * 30


def test_parts_win_and_null_slices_stay_empty(tmp_path, make_volume, make_input, oracle, with_network):
    whole, part = Prompt(Box(4, 4, 36, 40)), Prompt(Box(10, 12, 20, 22))
    slices = {0: None, 1: {200: whole, 2221: part}, 2: {200: whole}, 3: {2221: part}, 4: None}
    folder = make_input({"a": CasePrompts("a", slices)}, {"a": make_volume()})
    predict_folder(folder, tmp_path / "out", with_network(oracle("box")))
    labels = load_volume(tmp_path / "out" / "a_pred.nii.gz").data
    assert (labels[10:20, 12:22, 1] == 2221).all()
    assert (labels[:, :, 1] == 200).sum() == 32 * 36 - 100
    assert np.unique(labels[:, :, 2]).tolist() == [0, 200]
    assert np.unique(labels[:, :, 3]).tolist() == [0, 2221]
    assert not labels[:, :, [0, 4, 5]].any()


def test_masks_that_prompts_name_are_read_beside_them(
    tmp_path, make_volume, make_input, oracle, with_network
):
    volume = make_volume((40, 48, 6), "RSA")
    mask = np.zeros(volume.shape, dtype=np.int16)
    mask[10:22, 4:5, 12:30] = 9
    mask[12:20, 3:4, 14:20] = 9
    folder = make_input({}, {"a": volume})
    save_labels(folder / "masks" / "a.nii.gz", volume, mask)
    named = {"mask": "masks/a.nii.gz"}
    axis = 1 if volume.acquisition_axis == 1 else 2
    slices = {
        str(i): {"9": [None, None, named]} for i in np.flatnonzero(np.moveaxis(mask, axis, 0).any((1, 2)))
    }
    (folder / "prompts.json").write_text(json.dumps({"a": slices}))
    made = with_network(oracle("previous"), slice_axis="acquisition" if axis == 1 else "pls")
    assert predict_folder(folder, tmp_path / "out", made).errors == {}
    np.testing.assert_array_equal(load_volume(tmp_path / "out" / "a_pred.nii.gz").data, mask)


def test_the_manifest_says_what_ran(tmp_path, make_volume, make_input, settings):
    folder = make_input({"a": simple(), "b": simple("b")}, {"a": make_volume(), "b": make_volume()})
    told = []
    predict_folder(folder, tmp_path / "out", settings, lambda *words: told.append(words))
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["unicare"] == unicare.__version__
    assert run["weights_sha256"] == hashlib.sha256(settings.weights.read_bytes()).hexdigest()
    assert run["settings"]["segment"]["passes"] == settings.segment.passes
    assert run["settings"]["slice_axis"] == "auto"
    assert (run["device"], run["precision"], run["status"]) == ("cpu", "float32", "finished")
    assert [record["case"] for record in run["cases"]] == ["a", "b"]
    assert all(record["seconds"] > 0 for record in run["cases"])
    assert all(record["peak_memory_mb"] > 1 for record in run["cases"])
    assert told == [(1, 2, "a"), (2, 2, "b")]
    assert not (tmp_path / "out" / "errors.json").exists()


def test_what_is_complete_is_skipped_unless_asked_for(tmp_path, make_volume, make_input, settings):
    folder = make_input({"a": simple(), "b": simple("b")}, {"a": make_volume(), "b": make_volume()})
    out = tmp_path / "out"
    predict_folder(folder, out, settings)
    (out / "a_pred.nii.gz").write_bytes(b"mine")
    (out / "b_pred.nii.gz").unlink()
    again = predict_folder(folder, out, settings)
    assert {record.case: record.status for record in again.records} == {"a": "skipped", "b": "done"}
    assert (out / "a_pred.nii.gz").read_bytes() == b"mine"
    anew = BatchSettings(weights=settings.weights, device="cpu", overwrite=True)
    assert {record.status for record in predict_folder(folder, out, anew).records} == {"done"}
    assert nibabel.load(out / "a_pred.nii.gz").shape == (40, 48, 6)


def test_errors_of_an_earlier_run_go_when_nothing_fails(tmp_path, make_volume, make_input, settings):
    folder = make_input({"a": simple(), "b": simple("b")}, {"a": make_volume()})
    out = tmp_path / "out"
    assert set(predict_folder(folder, out, settings).errors) == {"b"}
    assert set(json.loads((out / "errors.json").read_text())) == {"b"}
    make_input({"a": simple(), "b": simple("b")}, {"b": make_volume()})
    assert predict_folder(folder, out, settings).errors == {}
    assert not (out / "errors.json").exists()


def test_two_processes_give_the_same_bytes_as_one(tmp_path, make_volume, make_input, settings):
    cases = {name: simple(name) for name in "abc"}
    folder = make_input({**cases, "d": simple("d")}, {name: make_volume() for name in cases})
    one, two = tmp_path / "one", tmp_path / "two"
    predict_folder(folder, one, settings)
    both = BatchSettings(weights=settings.weights, device="cpu", workers=2, segment=settings.segment)
    result = predict_folder(folder, two, both)
    assert {record.case: record.status for record in result.records} == {
        **dict.fromkeys(cases, "done"),
        "d": "failed",
    }
    for name in cases:
        path = f"{name}_pred.nii.gz"
        assert (one / path).read_bytes() == (two / path).read_bytes()
        assert np.unique(stored(one / path)).tolist() == [0, 500]


def test_a_bug_in_one_case_does_not_stop_the_others(
    tmp_path, make_volume, make_input, with_network, oracle, monkeypatch
):
    folder = make_input({"a": simple(), "b": simple("b")}, {"a": make_volume(), "b": make_volume()})
    real = batch.read_case

    def read(case, files):
        if case == "a":
            raise ZeroDivisionError("division by zero")
        return real(case, files)

    monkeypatch.setattr(batch, "read_case", read)
    result = predict_folder(folder, tmp_path / "out", with_network(oracle("box")))
    assert {record.case: record.status for record in result.records} == {"a": "failed", "b": "done"}
    assert "case a: an error of unicare's own, ZeroDivisionError" in result.errors["a"]


@pytest.mark.parametrize(
    "problem", [MemoryError(), RuntimeError("[enforce fail] can't allocate memory: you tried 9 bytes")]
)
def test_too_large_for_the_memory_is_told(
    tmp_path, make_volume, make_input, with_network, oracle, monkeypatch, problem
):
    folder = make_input({"a": simple()}, {"a": make_volume()})

    def read(case, files):
        raise problem

    monkeypatch.setattr(batch, "read_case", read)
    result = predict_folder(folder, tmp_path / "out", with_network(oracle("box")))
    assert result.errors["a"].startswith("case a: too large for this machine's memory")


def test_other_weights_at_the_same_place_are_read_anew(
    tmp_path, make_volume, make_input, oracle, with_network, tiny_weights
):
    folder = make_input({"a": simple()}, {"a": make_volume()})
    path = tmp_path / "w.safetensors"
    path.write_bytes(tiny_weights.read_bytes())
    for number, network in enumerate((oracle("box"), oracle("box"))):
        path.write_bytes(tiny_weights.read_bytes() + b" " * number)
        with_network_settings = with_network(network, overwrite=True)
        chosen = BatchSettings(
            weights=path, device="cpu", overwrite=True, segment=with_network_settings.segment
        )
        predict_folder(folder, tmp_path / "out", chosen)
        assert network.asked


def test_nothing_is_begun_that_cannot_be_done(tmp_path, make_volume, make_input, settings):
    folder = make_input({"a": simple()}, {"a": make_volume()})
    with pytest.raises(SettingsError):
        predict_folder(folder, tmp_path / "out", BatchSettings(weights=settings.weights, device="abacus"))
    with pytest.raises(PromptError):
        predict_folder(tmp_path, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        predict_folder(folder, tmp_path / "file", settings)


def test_names_of_cases_may_be_anything(tmp_path, make_volume, make_input, settings):
    names = ["Jürgen's 2nd scan", "日本", "a.b.c", "x_T2_y", "-rf", "%s {0}"]
    names += ["é" * 60] if os.name == "posix" else []
    folder = make_input({name: simple(name) for name in names}, dict.fromkeys(names, make_volume()))
    assert predict_folder(folder, tmp_path / "out", settings).errors == {}
    assert all((tmp_path / "out" / f"{name}_pred.nii.gz").exists() for name in names)


def test_a_name_too_long_for_the_answer_s_file_is_told(tmp_path, make_volume, make_input, settings):
    name = "n" * 246
    folder = make_input({name: simple(name), "a": simple()}, dict.fromkeys((name, "a"), make_volume()))
    result = predict_folder(folder, tmp_path / "out", settings)
    assert {record.case: record.status for record in result.records} == {name: "failed", "a": "done"}
    assert "too long" in result.errors[name]
