"""Learning rate as a pure function of the step, and the number of steps that fit a time."""

from __future__ import annotations

import math

from unicare.train.settings import LoopSettings

__all__ = ["learning_rate", "planned_steps", "planning_step"]


def learning_rate(step: int, steps: int | None, settings: LoopSettings) -> float:
    """Learning rate of a step: linear warm-up, then a half cosine down to the floor.

    Args:
        step: steps done before this one.
        steps: length of the run; None while it isn't planned yet (then there is no descent).
        settings: the loop's settings.
    """
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    if steps is None:
        return settings.learning_rate
    length = max(steps - settings.warmup_steps, 1)
    done = min((step - settings.warmup_steps) / length, 1.0)
    share = settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * done))
    return settings.learning_rate * share


def planning_step(settings: LoopSettings) -> int:
    """The step after which a run without a given number of steps plans it: late enough to know its speed."""
    return max(settings.warmup_steps, 20)


def planned_steps(step: int, minutes: float, max_minutes: float) -> int:
    """Steps that fit into `max_minutes` at the speed so far, with 3 % kept for validation and slow spells."""
    speed = step / max(minutes, 1e-9)  # steps per minute
    return max(step, int(speed * max_minutes * 0.97))
