"""Work that is ended before it is done: long work asks from time to time whether anybody still wants it."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Interrupted", "InterruptedWorkError", "check_wanted", "never"]

Interrupted = Callable[[], bool]
"""Whether work has to end; asked often, so it must answer at once."""


class InterruptedWorkError(Exception):
    """Work was ended because nobody wants it any more; what it had begun is cleared away.

    Nothing is wrong with what anybody gave, and nobody is told: so it isn't a ``UnicareError``, and whoever
    catches those lets it pass.
    """


def never() -> bool:
    """For work that goes on to its end."""
    return False


def check_wanted(interrupted: Interrupted) -> None:
    """Ends work that isn't wanted any more.

    Raises:
        InterruptedWorkError: it isn't.
    """
    if interrupted():
        raise InterruptedWorkError
