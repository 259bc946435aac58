"""Weights files: what is written is read back, and what is wrong with one is said in a sentence."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from unicare.core.errors import WeightsError
from unicare.models.weights import FORMAT, load_network, load_weights, weights_sha256


def test_what_was_exported_is_read_back(tiny_network, tiny_weights):
    network = load_network(tiny_weights)
    assert not network.training
    assert network.settings == tiny_network.settings
    for name, value in tiny_network.state_dict().items():
        assert torch.equal(network.state_dict()[name], value)


def test_half_precision_becomes_float32(tiny_network, tiny_weights, tmp_path):
    halves = {
        name: value.half() if value.is_floating_point() else value
        for name, value in tiny_network.state_dict().items()
    }
    header = {"format": FORMAT, "model": json.dumps(tiny_network.settings.as_dict())}
    save_file(
        {name: value.contiguous() for name, value in halves.items()}, tmp_path / "h.safetensors", header
    )
    network = load_network(tmp_path / "h.safetensors")
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def test_the_sum_is_that_of_the_file(tiny_weights):
    assert weights_sha256(tiny_weights) == hashlib.sha256(tiny_weights.read_bytes()).hexdigest()


def variant(tiny_weights, tmp_path, **header):
    """The same tensors under another header; None leaves a key out."""
    path = tmp_path / "other.safetensors"
    shape = {"grid": 32, "channels": [8, 8, 8, 8], "blocks": [1, 1, 1, 1]}
    shape |= {"fine_channels": 4, "query_size": 8}
    full = {"format": FORMAT, "model": json.dumps(shape), **header}
    save_file(load_file(tiny_weights), path, {key: value for key, value in full.items() if value is not None})
    return path


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({"format": "other-1"}, "found other-1; expected unicare-ask-1"),
        ({"format": None}, "weights of something else"),
        ({"model": None}, "don't fit its own header"),
        ({"model": "no json"}, "don't fit its own header"),
        ({"model": "[1, 2]"}, "don't fit its own header"),
        ({"model": '{"colour": 3}'}, "don't fit its own header"),
        ({"model": '{"grid": 32, "channels": [16, 8, 8, 8]}'}, "don't fit its own header"),
        ({"model": '{"channels": [-8]}'}, "don't fit its own header"),
        ({"model": '{"channels": "wide"}'}, "don't fit its own header"),
    ],
)
def test_another_header_is_told(tiny_weights, tmp_path, header, words):
    with pytest.raises(WeightsError) as told:
        load_network(variant(tiny_weights, tmp_path, **header))
    assert words in str(told.value)
    assert "other.safetensors" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"text", b"\xff" * 64, b"\x10" + b"\0" * 7 + b'{"a": 1'])
def test_a_damaged_file_is_told(tmp_path, content):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match="can't be read as safetensors"):
        load_network(path)


def test_a_file_that_was_cut_off_is_told(tiny_weights, tmp_path):
    path = tmp_path / "cut.safetensors"
    path.write_bytes(tiny_weights.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="can't be read"):
        load_network(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        load_network(tmp_path / "none.safetensors")
    with pytest.raises(WeightsError):
        load_network(tmp_path)


def test_a_network_of_another_shape_is_not_filled(tiny_weights):
    from unicare.models.ask import Ask, AskSettings

    with pytest.raises(WeightsError, match="another shape"):
        load_weights(Ask(AskSettings(grid=32, channels=(8, 8), blocks=(1, 1))), tiny_weights)
