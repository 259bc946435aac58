"""The one training loop: every network of this project is trained by `train`."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
import yaml
from lightning_fabric import Fabric
from lightning_fabric.plugins.precision import MixedPrecision, Precision
from torch import Tensor, nn

from unicare.core.errors import SettingsError, UnicareError
from unicare.train.average import AveragedModel
from unicare.train.batches import seed_everything
from unicare.train.checkpoint import export_weights, load_checkpoint, save_checkpoint, write_atomically
from unicare.train.device import resolve_precision, to_channels_last
from unicare.train.optimizer import make_optimizer
from unicare.train.progress import RunLog, TrainingProgress
from unicare.train.schedule import learning_rate, planned_steps, planning_step
from unicare.train.settings import LoopSettings, setting_changes
from unicare.train.stop import StopRequest

__all__ = ["TrainTask", "train"]

WEIGHTS_FILE = "weights.safetensors"
PATIENCE = 50  # steps in a row without a finite gradient before the run is given up


class TrainTask(Protocol):
    """What is learned: a network, endless batches, and a loss."""

    def build_model(self) -> nn.Module:
        """A fresh network; the loop has seeded torch before."""
        ...

    def batches(self, first: int, seed: int) -> Iterator[Any]:
        """Batches number `first`, `first` + 1, …, endlessly.

        Batch i must depend on `seed` and i only: that is what makes a resumed run go on exactly
        (`batches.episode_batches` does it, with worker processes). A batch is any nest of dictionaries, lists
        and dataclasses of tensors.
        """
        ...

    def loss(
        self, model: nn.Module, batch: Any, fabric: Fabric
    ) -> tuple[Tensor, Mapping[str, Tensor | float]]:
        """The loss of a batch on the model's device, and its parts for the log.

        Call `model(...)` itself: other methods of it go past mixed precision.
        """
        ...

    def validate(self, model: nn.Module) -> Mapping[str, float]:
        """Figures of the averaged network, in evaluation mode and without gradients; may be empty."""
        ...

    def metadata(self) -> Mapping[str, str]:
        """Texts for the header of the exported weights."""
        ...

    def settings(self) -> Mapping[str, Any]:
        """The recipe's other sections (model, data) as plain values, to be saved beside the loop's."""
        ...


def train(task: TrainTask, settings: LoopSettings, out: str | Path) -> Path:
    """Train until the steps are done or the time is up; goes on from the newest checkpoint in `out`.

    In `out` it keeps ``settings.yaml``, ``checkpoints/``, ``losses.jsonl`` (every step),
    ``validation.jsonl``, ``tensorboard/`` and ``weights.safetensors`` (averaged weights, renewed with every
    checkpoint). A run that was killed goes on as if nothing had happened; on a CPU to the bit.

    Args:
        task: what to learn.
        settings: how.
        out: folder of the run.

    Returns:
        The exported weights.

    Raises:
        OutputError: `out` can't be written to.
        SettingsError: `out` holds a run of another network.
        UnicareError: gradients stay infinite.
        KeyboardInterrupt: Ctrl-C or SIGTERM, with a sentence; a checkpoint was written before.
    """
    run = _Run(task, settings, Path(out))
    run.resume()
    with TrainingProgress(run.step, run.steps) as progress, StopRequest() as stop:
        run.progress = progress
        try:
            run.log = RunLog(run.out, run.step)
            run.loop(stop)
        finally:
            run.close()
    return run.out / WEIGHTS_FILE


class _Run:
    """One run's state, and what is done with it."""

    log: RunLog
    progress: TrainingProgress

    def __init__(self, task: TrainTask, settings: LoopSettings, out: Path) -> None:
        self.task, self.settings, self.out = task, settings, out
        device, self.precision = resolve_precision(settings)
        # the plugin itself, because its name would make Fabric print a line of its own
        arithmetic = Precision() if self.precision == "32-true" else MixedPrecision("bf16-mixed", device)
        self.fabric = Fabric(accelerator=device, devices=1, plugins=arithmetic)
        seed_everything(settings.seed, 0, stream=2)
        model = task.build_model()
        if settings.channels_last:
            to_channels_last(model)
        model = self.fabric.to_device(model)
        self.model = model
        self.average = AveragedModel(model, settings.ema_decay)
        self.wrapped = self.fabric.setup_module(model)
        # Not wrapped: Fabric's wrapper keeps stale parameter groups after a checkpoint is loaded, and
        # bfloat16 needs no scaling of gradients.
        self.optimizer = make_optimizer(model, settings)
        self.step = 0
        self.steps = settings.steps
        self.minutes = 0.0
        self.unusable = 0
        self._checkpoint_at = time.monotonic()
        self._notes: list[str] = []

    def resume(self) -> None:
        """Take up the newest checkpoint, if any, and write down the settings."""
        settings = {"loop": self.settings.model_dump(mode="json"), **self.task.settings()}
        plain = json.loads(json.dumps(settings, default=str))  # tuples and paths have no place in YAML
        state = load_checkpoint(self.out / "checkpoints")
        if state is not None:
            try:
                self.model.load_state_dict(state["model"])
                self.average.model.load_state_dict(state["average"])
                self.optimizer.load_state_dict(state["optimizer"])
            except (RuntimeError, ValueError):
                raise SettingsError(
                    f"{self.out}: its checkpoint is of another network",
                    expected="the network of this recipe",
                    mend="choose another folder",
                ) from None
            self.step, self.minutes = state["step"], state["minutes"]
            self.steps = self.settings.steps or state["steps"]
            self._notes.append(f"goes on from step {self.step}")
            changed = setting_changes(yaml.safe_load(state["settings"]), plain)
            if changed:
                self._notes.append(f"settings differ from the checkpoint's: {'; '.join(changed)}")
        self._settings_text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
        write_atomically(
            self.out / "settings.yaml", lambda part: part.write_bytes(self._settings_text.encode())
        )

    def loop(self, stop: StopRequest) -> None:
        """Step until the end, with checkpoints and validations on the way."""
        device = self.fabric.device.type
        self.progress.say(f"training on {device}, {self.precision}, in {self.out}")
        for note in self._notes:
            self.progress.say(note)
        batches = self.task.batches(self.step * self.settings.accumulate, self.settings.seed)
        validated = self.step
        started, minutes_before = time.monotonic(), self.minutes
        while not self._is_done():
            self._one_step(batches)
            self.minutes = minutes_before + (time.monotonic() - started) / 60
            self._plan()
            if stop.requested and not self._is_done():
                path = self.save()
                raise KeyboardInterrupt(
                    f"stopped at step {self.step}; the same command goes on from {path}, averaged weights in "
                    f"{self.out / WEIGHTS_FILE}"
                )
            if _due(self.step, self.settings.validate_every) and not self._is_done():
                self.validate()
                validated = self.step
            if _due(self.step, self.settings.checkpoint_every) or self._checkpoint_is_old():
                self.save()
        if validated != self.step:
            self.validate()
        self.save()
        self.progress.say(f"done: {self.step} steps in {self.minutes:.1f} min, {self.out / WEIGHTS_FILE}")

    def _one_step(self, batches: Iterator[Any]) -> None:
        started = time.monotonic()
        rate = learning_rate(self.step, self.steps, self.settings)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        micro = [self.fabric.to_device(next(batches)) for _ in range(self.settings.accumulate)]
        # Seeded here and not carried along, so that random numbers are the same after a resume, whatever
        # making batches and validating has used up.
        seed_everything(self.settings.seed, self.step, stream=1)
        self.wrapped.train()
        losses, parts = [], []
        for batch in micro:
            loss, logs = self.task.loss(self.wrapped, batch, self.fabric)
            self.fabric.backward(loss / self.settings.accumulate)
            losses.append(loss.detach())
            parts.append(logs)
        norm = self._update()
        self.step += 1
        if math.isfinite(norm):
            self.average.update(self.model, self.step)
        loss_value = float(torch.stack(losses).mean())
        logs_mean = {name: sum(float(part[name]) for part in parts) / len(parts) for name in parts[0]}
        seconds = time.monotonic() - started
        samples = sum(_batch_size(batch) for batch in micro)
        self.progress.update(self.step, self.steps, loss_value, samples, seconds)
        self.log.step(self.step, {"loss": loss_value, **logs_mean})
        if _due(self.step, self.settings.log_every):
            curves = {"loss": loss_value, "learning_rate": rate, "gradient_norm": norm}
            curves["samples_per_second"] = self.progress.samples_per_second
            self.log.curves(self.step, curves | {f"loss/{name}": value for name, value in logs_mean.items()})

    def _update(self) -> float:
        """Clip and step; a gradient that isn't finite is thrown away. Returns its norm."""
        limit = self.settings.clip_norm or math.inf
        norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), limit))
        if math.isfinite(norm):
            self.optimizer.step()
            self.unusable = 0
        else:
            self.unusable += 1
        self.optimizer.zero_grad(set_to_none=True)
        if self.unusable >= PATIENCE:
            raise UnicareError(
                f"step {self.step + 1}: gradients of {PATIENCE} steps in a row aren't finite",
                mend="lower loop.learning_rate, or set loop.precision=32-true, and start in another folder",
            )
        return norm

    def validate(self) -> None:
        """Figures of the averaged network."""
        with torch.no_grad(), self.fabric.autocast():
            figures = {name: float(value) for name, value in self.task.validate(self.average.model).items()}
        if figures:
            self.log.validation(self.step, figures)
            shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
            self.progress.say(f"validation at step {self.step}: {shown}")

    def save(self) -> Path:
        """Write a checkpoint and the averaged weights."""
        state = {
            "step": self.step,
            "steps": self.steps,
            "minutes": self.minutes,
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "settings": self._settings_text,
        }
        path = save_checkpoint(self.out / "checkpoints", self.step, state)
        settings = json.dumps(yaml.safe_load(self._settings_text))
        metadata = {**self.task.metadata(), "step": str(self.step), "settings": settings}
        export_weights(self.average.model, self.out / WEIGHTS_FILE, metadata, self.settings.export_dtype)
        self._checkpoint_at = time.monotonic()
        return path

    def close(self) -> None:
        """Close the log."""
        if hasattr(self, "log"):
            self.log.close()

    def _is_done(self) -> bool:
        late = self.settings.max_minutes is not None and self.minutes >= self.settings.max_minutes
        return late or (self.steps is not None and self.step >= self.steps)

    def _plan(self) -> None:
        if self.steps is None and self.settings.max_minutes and self.step >= planning_step(self.settings):
            self.steps = planned_steps(self.step, self.minutes, self.settings.max_minutes)
            self.progress.say(f"planned {self.steps} steps for {self.settings.max_minutes:g} minutes")

    def _checkpoint_is_old(self) -> bool:
        return time.monotonic() - self._checkpoint_at >= 60 * self.settings.checkpoint_minutes


def _due(step: int, every: int | None) -> bool:
    return every is not None and step % every == 0


def _batch_size(batch: Any) -> int:
    """Length of the first tensor in a nest of dictionaries, sequences and dataclasses; 1 without any."""
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else 1
    if dataclasses.is_dataclass(batch):
        inner: list[Any] = [getattr(batch, field.name) for field in dataclasses.fields(batch)]
    elif isinstance(batch, Mapping):
        inner = list(batch.values())
    elif isinstance(batch, Sequence) and not isinstance(batch, str):
        inner = list(batch)
    else:
        return 1
    nested = (Tensor, Mapping, list, tuple)
    found = [item for item in inner if isinstance(item, nested) or dataclasses.is_dataclass(item)]
    return _batch_size(found[0]) if found else 1
