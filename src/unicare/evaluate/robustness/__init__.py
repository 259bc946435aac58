"""How a predictor's figures change as sequences go missing, images get noisy and prompts get worse."""

from __future__ import annotations

from unicare.evaluate.robustness.curves import (
    Condition,
    Curve,
    area_under_curve,
    expectation_under_bernoulli,
)
from unicare.evaluate.robustness.results import RobustnessResult, read_result
from unicare.evaluate.robustness.run import RobustnessSettings, measure_robustness

__all__ = [
    "Condition",
    "Curve",
    "RobustnessResult",
    "RobustnessSettings",
    "area_under_curve",
    "expectation_under_bernoulli",
    "measure_robustness",
    "read_result",
]
