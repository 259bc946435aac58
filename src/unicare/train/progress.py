"""What a person sees of a run: a bar on a terminal, else a line now and then; and its record on disk."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from unicare.core.errors import OutputError
from unicare.train.checkpoint import write_atomically

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

__all__ = ["RunLog", "TrainingProgress"]

LINE_SECONDS = 30  # between two lines where there is no terminal
SMOOTHING = 0.98  # memory of the loss that is shown


class TrainingProgress:
    """Step, smoothed loss, samples per second and time left; use it as a context manager.

    Args:
        step: steps done before.
        total: steps of the run; None if not planned yet.
        console: where to write; standard output by default.
    """

    def __init__(self, step: int, total: int | None, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)
        self.loss: float | None = None
        self.samples_per_second = 0.0
        self._step, self._total = step, total
        self._bar: Progress | None = None
        if self.console.is_terminal:
            columns = (
                TextColumn("training"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("loss {task.fields[loss]}"),
                TextColumn("{task.fields[speed]} samples/s"),
                TimeRemainingColumn(compact=True),
            )
            self._bar = Progress(*columns, console=self.console)
            self._task = self._bar.add_task("training", total=total, completed=step, loss="–", speed="–")
        self._line_at, self._line_step = time.monotonic(), step
        self._samples, self._seconds = 0.0, 0.0

    def __enter__(self) -> TrainingProgress:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, step: int, total: int | None, loss: float, samples: int, seconds: float) -> None:
        """Tell of a finished step: its loss, its samples and the time it took."""
        self._step, self._total = step, total
        if math.isfinite(loss):  # else the step was skipped
            self.loss = loss if self.loss is None else SMOOTHING * self.loss + (1 - SMOOTHING) * loss
        self._samples = 0.95 * self._samples + samples
        self._seconds = 0.95 * self._seconds + seconds
        self.samples_per_second = self._samples / max(self._seconds, 1e-9)
        if self._bar:
            shown = "–" if self.loss is None else f"{self.loss:.4f}"
            speed = f"{self.samples_per_second:.1f}"
            self._bar.update(self._task, total=total, completed=step, loss=shown, speed=speed)
        elif time.monotonic() - self._line_at >= LINE_SECONDS or step == total:
            self._write_line()

    def say(self, sentence: str) -> None:
        """Write a sentence of its own line."""
        self.console.print(sentence, markup=False, highlight=False, soft_wrap=True)

    def _write_line(self) -> None:
        now = time.monotonic()
        speed = (self._step - self._line_step) / max(now - self._line_at, 1e-9)
        left = ""
        if self._total is not None and speed > 0:
            left = f", {_duration((self._total - self._step) / speed)} left"
        shown = "–" if self.loss is None else f"{self.loss:.4f}"
        total = "?" if self._total is None else self._total
        self.say(
            f"step {self._step}/{total}, loss {shown}, {self.samples_per_second:.1f} samples/s, "
            f"{speed:.2f} steps/s{left}"
        )
        self._line_at, self._line_step = now, self._step


class RunLog:
    """Numbers of a run: `losses.jsonl` with every step, `validation.jsonl`, and TensorBoard's curves.

    Lines of steps after `step` are removed, so that a run that was killed and goes on has each step once.

    Args:
        out: folder of the run.
        step: steps that the checkpoint covers.
    """

    def __init__(self, out: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter  # takes a second, only needed here

        self._losses = out / "losses.jsonl"
        self._validation = out / "validation.jsonl"
        for path in (self._losses, self._validation):
            _forget_after(path, step)
        self._board: SummaryWriter = SummaryWriter(str(out / "tensorboard"), purge_step=step + 1)

    def step(self, step: int, values: Mapping[str, float]) -> None:
        """Record a step's loss and its parts."""
        self._append(self._losses, step, values)

    def curves(self, step: int, values: Mapping[str, float]) -> None:
        """Add points to TensorBoard's curves."""
        for name, value in values.items():
            self._board.add_scalar(name, value, step)

    def validation(self, step: int, values: Mapping[str, float]) -> None:
        """Record a validation."""
        self._append(self._validation, step, values)
        self.curves(step, {f"validation/{name}": value for name, value in values.items()})

    def close(self) -> None:
        """Write out TensorBoard's last points."""
        self._board.close()

    def _append(self, path: Path, step: int, values: Mapping[str, float]) -> None:
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"step": step, **values}) + "\n")
        except OSError as error:
            reason = error.strerror or str(error)
            mend = "free space, then the same command goes on from the last checkpoint"
            raise OutputError(f"{path}: can't be written ({reason})", mend=mend) from None


def _forget_after(path: Path, step: int) -> None:
    if not path.exists():
        return
    kept = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            known = json.loads(line)["step"] <= step
        except (ValueError, KeyError, TypeError):
            continue  # the line that was being written when the process was killed
        if known:
            kept.append(line + "\n")
    write_atomically(path, lambda part: part.write_text("".join(kept), encoding="utf-8"))


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"
