"""The loop on a tiny network: resume after kill -9, Ctrl-C, budgets, checkpoints, exports."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors import safe_open
from safetensors.torch import load_file

from unicare.core.errors import OutputError, SettingsError, UnicareError, WeightsError
from unicare.train import loop
from unicare.train.average import AveragedModel
from unicare.train.batches import episode_batches
from unicare.train.checkpoint import export_weights, load_checkpoint, save_checkpoint
from unicare.train.loop import train
from unicare.train.optimizer import make_optimizer
from unicare.train.schedule import learning_rate, planned_steps
from unicare.train.settings import LoopSettings

SETTINGS = LoopSettings(
    steps=12, warmup_steps=3, learning_rate=0.01, checkpoint_every=4, validate_every=5, device="cpu",
    precision="32-true", log_every=2,
)  # fmt: skip


def make_batch(rng: np.random.Generator) -> dict[str, np.ndarray]:
    image = rng.normal(size=(4, 1, 8, 8)).astype(np.float32)
    return {"image": image, "truth": (image > 0.3).astype(np.float32)}


class TinyTask:
    """Threshold an image, with a network that has all that is hard to resume: dropout, running statistics."""

    def __init__(self, width: int = 4, workers: int = 0) -> None:
        self.width, self.workers = width, workers

    def build_model(self):
        conv = torch.nn.Conv2d
        layers = [conv(1, self.width, 3, padding=1), torch.nn.BatchNorm2d(self.width), torch.nn.GELU()]
        return torch.nn.Sequential(*layers, torch.nn.Dropout(0.3), conv(self.width, 1, 1))

    def batches(self, first, seed):
        return episode_batches(make_batch, first, seed, workers=self.workers)

    def loss(self, model, batch, fabric):
        logits = model(batch["image"])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch["truth"])
        return loss, {"mean_logit": logits.detach().mean()}

    def validate(self, model):
        assert not model.training
        torch.rand(3)  # validation may use random numbers without a trace in the losses
        return {"bias": float(model[-1].bias)}

    def metadata(self):
        return {"made_for": "a test"}

    def settings(self):
        return {"model": {"width": self.width}}


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def run_child(code: str, out: Path) -> subprocess.Popen:
    """Run code in a process of its own, in which TinyTask, SETTINGS and `out` are known."""
    head = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
    head += f"from test_loop import *\nimport time\nout = Path({str(out)!r})\n"
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", head + code], env=environment, **pipes)


def wait_for_steps(child: subprocess.Popen, out: Path, count: int) -> None:
    path = out / "losses.jsonl"
    while not (path.exists() and len(path.read_text().splitlines()) >= count):
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)


STALLING = """
class Stalling(TinyTask):
    def batches(self, first, seed):
        for count, batch in enumerate(super().batches(first, seed)):
            while count == STALL_AT:
                time.sleep(0.01)
            yield batch
"""


@pytest.mark.parametrize(
    "changes", [{}, {"precision": "bf16-mixed", "accumulate": 2}], ids=["float32", "bfloat16, accumulated"]
)
def test_killed_and_resumed_gives_the_same_to_the_bit(tmp_path, changes):
    settings = SETTINGS.model_copy(update=changes)
    straight = train(TinyTask(), settings, tmp_path / "straight")
    out = tmp_path / "killed"
    child = run_child(
        f"STALL_AT = {6 * settings.accumulate}\n{STALLING}\n"
        f"train(Stalling(), SETTINGS.model_copy(update={changes!r}), out)",
        out,
    )
    wait_for_steps(child, out, 6)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert len(lines(out / "losses.jsonl")) == 6

    resumed = train(TinyTask(workers=2), settings, out)

    for name in ("losses.jsonl", "validation.jsonl"):
        assert lines(out / name) == lines(tmp_path / "straight" / name)
    assert [line["step"] for line in lines(out / "losses.jsonl")] == list(range(1, 13))
    assert resumed.read_bytes() == straight.read_bytes()


def test_it_learns_and_says_so(tmp_path, capsys):
    settings = SETTINGS.model_copy(update={"steps": 150, "validate_every": None, "ema_decay": 0.9})
    weights = train(TinyTask(), settings, tmp_path)
    losses = [line["loss"] for line in lines(tmp_path / "losses.jsonl")]
    assert np.mean(losses[-10:]) < 0.6 * np.mean(losses[:10])

    model = TinyTask().build_model().eval()
    model.load_state_dict(load_file(weights))
    batch = {name: torch.from_numpy(value) for name, value in make_batch(np.random.default_rng(9)).items()}
    assert TinyTask().loss(model, batch, None)[0] < 0.6 * losses[0]

    with safe_open(weights, "pt") as file:
        header = file.metadata()
    assert header["made_for"] == "a test"
    assert header["step"] == "150"
    assert json.loads(header["settings"])["loop"]["steps"] == 150
    assert yaml.safe_load((tmp_path / "settings.yaml").read_text())["model"] == {"width": 4}
    assert list((tmp_path / "tensorboard").iterdir())
    assert len(list((tmp_path / "checkpoints").iterdir())) == 2
    assert "step 150/150" in capsys.readouterr().err


def test_ctrl_c_saves_and_ends_in_one_sentence(tmp_path):
    child = run_child(
        "class Slow(TinyTask):\n"
        "    def loss(self, *given):\n"
        "        time.sleep(0.05)\n"
        "        return super().loss(*given)\n"
        "try:\n"
        "    train(Slow(workers=1), SETTINGS.model_copy(update={'steps': 10_000}), out)\n"
        "except KeyboardInterrupt as stop:\n"
        "    print(stop)\n",
        tmp_path,
    )
    wait_for_steps(child, tmp_path, 2)
    child.send_signal(signal.SIGINT)
    said, errors = child.communicate(timeout=60)
    step = lines(tmp_path / "losses.jsonl")[-1]["step"]
    assert f"stopped at step {step}; the same command goes on from" in said.splitlines()[-1]
    assert "Traceback" not in errors
    assert load_checkpoint(tmp_path / "checkpoints")["step"] == step


def test_time_budget_ends_the_run_and_more_time_goes_on(tmp_path):
    short = SETTINGS.model_copy(update={"max_minutes": 1e-9})
    train(TinyTask(), short, tmp_path)
    assert load_checkpoint(tmp_path / "checkpoints")["step"] == 1
    train(TinyTask(), SETTINGS.model_copy(update={"max_minutes": 60}), tmp_path)
    assert load_checkpoint(tmp_path / "checkpoints")["step"] == 12


def test_steps_are_planned_from_the_time_once(tmp_path, monkeypatch):
    assert planned_steps(100, minutes=1, max_minutes=10) == pytest.approx(1000, rel=0.05)
    assert planned_steps(100, minutes=9, max_minutes=1) == 100
    asked = []
    monkeypatch.setattr(loop, "planned_steps", lambda *given: asked.append(given) or 23)
    settings = SETTINGS.model_copy(update={"steps": None, "max_minutes": 10, "checkpoint_every": 21})
    train(TinyTask(), settings, tmp_path)
    assert [(step, limit) for step, _, limit in asked] == [(20, 10)]
    (tmp_path / "checkpoints" / "step_000000023.pt").unlink()
    train(TinyTask(), settings, tmp_path)
    assert len(asked) == 1
    assert load_checkpoint(tmp_path / "checkpoints")["step"] == 23


def test_a_changed_recipe_is_told_and_another_network_refused(tmp_path, capsys):
    train(TinyTask(), SETTINGS, tmp_path)
    train(TinyTask(), SETTINGS.model_copy(update={"steps": 13}), tmp_path)
    said = capsys.readouterr().err
    assert "goes on from step 12" in said
    assert "loop.steps 12 → 13" in said
    with pytest.raises(SettingsError, match="another network"):
        train(TinyTask(width=5), SETTINGS, tmp_path)


class NotANumberTask(TinyTask):
    def loss(self, model, batch, fabric):
        loss, logs = super().loss(model, batch, fabric)
        return loss * torch.nan, logs


def test_weights_survive_gradients_that_are_not_finite(tmp_path):
    weights = train(NotANumberTask(), SETTINGS, tmp_path / "few")
    assert all(torch.isfinite(tensor).all() for tensor in load_file(weights).values())
    with pytest.raises(UnicareError, match="aren't finite"):
        train(NotANumberTask(), SETTINGS.model_copy(update={"steps": 100}), tmp_path / "many")


def test_a_damaged_newest_checkpoint_falls_back_to_the_one_before(tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, {"step": step})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step_000000002.pt", "step_000000003.pt"]
    newest = tmp_path / "step_000000003.pt"
    newest.write_bytes(newest.read_bytes()[:100])
    assert load_checkpoint(tmp_path)["step"] == 2
    (tmp_path / "step_000000002.pt").write_bytes(b"")
    with pytest.raises(WeightsError, match="none of the checkpoints"):
        load_checkpoint(tmp_path)


def test_a_place_that_is_no_folder_is_refused(tmp_path):
    (tmp_path / "file").write_text("here")
    with pytest.raises(OutputError, match="can't be written"):
        train(TinyTask(), SETTINGS, tmp_path / "file")


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_depend_on_seed_and_number_only(workers):
    def take(first, count, workers, seed=7):
        stream = episode_batches(make_batch, first, seed, workers=workers)
        return [next(stream)["image"] for _ in range(count)]

    whole = take(0, 8, workers=0)
    part = take(3, 5, workers=workers)
    assert all(torch.equal(a, b) for a, b in zip(whole[3:], part, strict=True))
    assert not torch.equal(whole[0], whole[1])
    assert not torch.equal(whole[0], take(0, 1, workers, seed=8)[0])


def test_learning_rate_rises_then_falls_to_the_floor():
    settings = LoopSettings(steps=100, warmup_steps=10, learning_rate=2.0, floor=0.1)
    rates = [learning_rate(step, 100, settings) for step in range(101)]
    assert np.all(np.diff(rates[:10]) > 0)
    assert np.all(np.diff(rates[11:]) < 0)
    assert max(rates) == rates[9] == 2.0
    assert rates[55] == pytest.approx(1.1, abs=0.01)
    assert rates[100] == pytest.approx(0.2)
    assert learning_rate(5000, None, settings) == 2.0


def test_average_follows_weights_and_buffers_and_copies_counters():
    model = torch.nn.BatchNorm1d(2)
    average = AveragedModel(model, decay=0.9)
    with torch.no_grad():
        for buffer in (model.weight, model.running_mean, model.num_batches_tracked):
            buffer.fill_(11)
    for step in range(1000, 1200):
        average.update(model, step)
        if step == 1000:
            assert average.model.running_mean.tolist() == pytest.approx([1.1, 1.1])
            assert average.model.weight.tolist() == pytest.approx([2.0, 2.0])
            assert average.model.num_batches_tracked == 11
    assert average.model.weight.tolist() == pytest.approx([11.0, 11.0])


def test_only_weights_of_maps_decay():
    model = torch.nn.ModuleDict(
        {
            "conv": torch.nn.Conv3d(1, 2, 3),
            "norm": torch.nn.GroupNorm(1, 2),
            "names": torch.nn.Embedding(3, 2),
        }
    )
    model.register_parameter("query_embedding", torch.nn.Parameter(torch.zeros(3, 2)))
    groups = make_optimizer(model, LoopSettings(weight_decay=0.5)).param_groups
    decayed = [p for group in groups if group["weight_decay"] for p in group["params"]]
    assert [id(p) for p in decayed] == [id(model["conv"].weight)]
    assert sum(len(group["params"]) for group in groups) == len(list(model.parameters()))


def test_export_keeps_values_types_and_shared_tensors(tmp_path):
    model = torch.nn.ModuleList([torch.nn.Linear(2, 2), torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2)])
    model[1].weight = model[0].weight
    path = export_weights(model, tmp_path / "half.safetensors", {"about": "halves"}, "float16")
    stored = load_file(path)
    assert stored["0.weight"].dtype == torch.float16
    assert stored["2.num_batches_tracked"].dtype == torch.int64
    assert torch.equal(stored["0.weight"], stored["1.weight"])
    assert torch.equal(stored["0.weight"], model[0].weight.half())
    with torch.no_grad():
        model[0].weight.fill_(1e6)
    with pytest.raises(WeightsError, match=r"0\.weight isn't finite as float16"):
        export_weights(model, path, {}, "float16")
    assert torch.equal(load_file(path)["0.weight"], stored["0.weight"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["half.safetensors"]
