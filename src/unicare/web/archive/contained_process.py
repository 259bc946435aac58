"""The process in which a submission is taken in: asked on stdin, answers in lines of JSON on stdout."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from unicare.core.errors import OutputError
from unicare.web.archive.contained import ProcessLimits, end_with_parent, limit_this_process
from unicare.web.archive.intake import Reference, take_in
from unicare.web.archive.sources import Source
from unicare.web.archive.unpack import UnpackLimits

__all__ = ["main"]


def main() -> int:
    """Takes in what stdin says; the exit status is 0 when there is an answer."""
    request = json.load(sys.stdin)
    end_with_parent(request["parent"])
    limits = UnpackLimits(**request["limits"])
    limit_this_process(ProcessLimits(**request["process"]), limits.file_bytes)
    try:
        result = take_in(
            _source(request["source"]),
            Path(request["target"]),
            _reference(request["reference"]),
            limits,
            lambda done, total: _say({"progress": [done, total]}),
        )
    except MemoryError:
        _say({"memory": "used up"})
        return 1
    except OutputError as error:
        _say({"output": str(error)})
        return 1
    _say({"result": result.as_dict()})
    return 0


def _source(values: str | dict[str, str]) -> Source:
    return Path(values) if isinstance(values, str) else {name: Path(place) for name, place in values.items()}


def _reference(values: dict[str, Any]) -> Reference:
    names = values["names"]
    return Reference(
        folder=Path(values["folder"]),
        cohort=Path(values["cohort"]) if values["cohort"] else None,
        task=values["task"],
        names={int(label): name for label, name in names.items()} if names else None,
        geometry_only=values["geometry_only"],
    )


def _say(event: dict[str, Any]) -> None:
    print(json.dumps(event), flush=True)


if __name__ == "__main__":
    sys.exit(main())
