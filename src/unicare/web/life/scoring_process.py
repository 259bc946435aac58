"""The process in which a submission is scored: asked on stdin, answers in lines of JSON on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from unicare.core.errors import UnicareError
from unicare.web.archive.contained import ProcessLimits, end_with_parent, limit_this_process

__all__ = ["main"]

_LARGEST_FILE_BYTES = 2**32


def main() -> int:
    """Scores what stdin says; the exit status is 0 when there is an answer."""
    request = json.load(sys.stdin)
    end_with_parent(request["parent"])
    limit_this_process(ProcessLimits(**request["process"]), _LARGEST_FILE_BYTES)
    try:
        errors = _score(request)
    except MemoryError:
        _say({"memory": "used up"})
        return 1
    except UnicareError as error:
        _say({"refused": str(error)})
        return 1
    _say({"errors": errors})
    return 0


def _score(request: dict[str, Any]) -> dict[str, str]:
    from unicare.evaluate.run import evaluate

    names, cohort = request["names"], request["cohort"]
    result = evaluate(
        Path(request["predictions"]),
        Path(request["truth"]),
        Path(request["out"]),
        Path(cohort) if cohort else None,
        lambda done, total, _: _say({"progress": [done, total]}),
        names={int(label): name for label, name in names.items()} if names else None,
        task=request["task"],
    )
    return dict(result.errors)


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main())
