"""Where and in which arithmetic the network computes, and how much memory it took."""

import numpy as np
import pytest
import torch

from unicare.core.errors import SettingsError
from unicare.infer.device import autocast, resolve_device
from unicare.infer.memory import peak_memory_mb, reset_peak_memory


def test_devices_by_name(monkeypatch):
    assert resolve_device("cpu") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert resolve_device("auto") == torch.device("cpu")
    with pytest.raises(SettingsError, match="use --device cpu"):
        resolve_device("cuda")
    with pytest.raises(SettingsError, match="auto, cpu or cuda"):
        resolve_device("gpu")


@pytest.mark.parametrize(("name", "kind"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_precisions_by_name(name, kind):
    with autocast(torch.device("cpu"), name):
        assert (torch.ones(4, 4) @ torch.ones(4, 4)).dtype == kind


def test_other_precisions_are_refused():
    with pytest.raises(SettingsError, match="float32 or bfloat16"):
        autocast(torch.device("cpu"), "float8")


def test_the_peak_counts_what_was_held():
    reset_peak_memory()
    before = peak_memory_mb()
    if before is None:
        pytest.skip("nobody knows here")
    held = np.ones(20_000_000)
    assert peak_memory_mb() >= before + held.nbytes / 1e6 * 0.9
