"""Boards: what is ranked by what, read from small YAML files."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicare.core.errors import SettingsError
from unicare.core.structure import TASKS
from unicare.evaluate.ranking.table import RANKABLE

__all__ = ["Aggregation", "Board", "Criterion", "Part", "board_names", "load_board"]

Scheme = Literal[
    "aggregate_then_rank", "rank_then_aggregate", "test_then_rank", "mean_of_ranks", "weighted_score"
]

_FOLDER = "board_files"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Criterion(_Strict):
    """One kind of figure that counts.

    Attributes:
        metric: one of ``RANKABLE``.
        statistic: the mean over cases, that of the worst subgroup, or the gap between best and worst.
        by: manifest columns that the subgroups come from.
        weight: share in weighted scores and mean ranks.
        bounds: figures that score 0 and 1 under ``normalise: bounds``, worse one first.
    """

    metric: str
    statistic: Literal["mean", "worst_group", "gap"] = "mean"
    by: tuple[str, ...] = ()
    weight: float = Field(default=1.0, gt=0)
    bounds: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.metric not in RANKABLE:
            raise ValueError(f"no metric {self.metric} to rank by; there are {', '.join(RANKABLE)}")
        if (self.statistic == "mean") == bool(self.by):
            raise ValueError("'by' names the subgroups of worst_group and gap; a mean has none")
        if self.bounds is not None and self.bounds[0] == self.bounds[1]:
            raise ValueError("the bounds are the same number")
        return self

    @property
    def column(self) -> str:
        """What its column is called."""
        return self.metric if self.statistic == "mean" else f"{self.metric}_{self.statistic}"


class Part(_Strict):
    """Some of the cases, which get a table of their own.

    Attributes:
        name: short, as in published tables.
        title: for people; the name if not given.
        task: only cases of this task count.
        distribution: only cases of this distribution count.
        structures: only these structures count, by name; all if not given.
        weight: share in the overall mean of ranks.
    """

    name: str
    title: str = ""
    task: str | None = None
    distribution: Literal["ID", "OOD"] | None = None
    structures: tuple[str, ...] | None = None
    weight: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        known = (*TASKS, "custom")
        if self.task is not None and self.task not in known:
            raise ValueError(
                f"no task {self.task}; there are {', '.join(known)}; tasks of your own are called custom here"
            )
        return self


class Aggregation(_Strict):
    """How a team's figures become one.

    Attributes:
        first: ``structures``: the mean over the structures of each case, then over cases. ``cases``: over the
            cases of each structure, then the mean over structures. They differ where cases have different
            structures.
        cases: mean or median over cases.
    """

    first: Literal["structures", "cases"] = "structures"
    cases: Literal["mean", "median"] = "mean"


class Board(_Strict):
    """A board.

    Attributes:
        name: that of its file.
        title: for people.
        about: how it ranks, for people.
        scheme: how figures become ranks; see docs/ranking.md.
        criteria: the figures that count.
        parts: the tables; one of everything if none is given.
        combine: ``none``, or ``mean_rank``: the teams' ranks in the parts are averaged and ranked again.
        aggregation: how cases and structures become a figure.
        normalise: how ``weighted_score`` makes figures comparable: best team 1 and worst 0 (``min_max``),
            the same by ranks (``rank``), or by fixed bounds (``bounds``).
        sort: the column that ranks by default, under ``aggregate_then_rank``; the first if not given.
        smallest_group: subgroups with fewer cases don't count.
    """

    name: str
    title: str
    about: str = ""
    scheme: Scheme = "aggregate_then_rank"
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(default=(Part(name="all", title="All cases"),), min_length=1)
    combine: Literal["none", "mean_rank"] = "none"
    aggregation: Aggregation = Aggregation()
    normalise: Literal["min_max", "rank", "bounds"] = "min_max"
    sort: str = ""
    smallest_group: int = Field(default=5, ge=1)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for what, names in (
            ("criterion", [one.column for one in self.criteria]),
            ("part", [one.name for one in self.parts]),
        ):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(f"the {what} {name} is there twice")
        if self.sort and self.sort not in self.sorts:
            raise ValueError(f"can't sort by {self.sort}; can by {', '.join(self.sorts) or 'nothing'}")
        if self.normalise == "bounds" and any(one.bounds is None for one in self.criteria):
            raise ValueError("normalise: bounds needs the bounds of every criterion")
        if self.scheme in ("rank_then_aggregate", "test_then_rank") and any(
            one.statistic != "mean" for one in self.criteria
        ):
            raise ValueError(f"{self.scheme} works on single cases, which have no subgroups")
        return self

    @property
    def sorts(self) -> tuple[str, ...]:
        """The columns that one may choose to rank by; none where the scheme joins them."""
        if self.scheme != "aggregate_then_rank":
            return ()
        return tuple(one.column for one in self.criteria)


def board_names() -> tuple[str, ...]:
    """The boards that come with the package."""
    files = resources.files("unicare.evaluate.ranking").joinpath(_FOLDER).iterdir()
    return tuple(sorted(file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")))


def load_board(name: str | Path) -> Board:
    """Reads a board.

    Args:
        name: of a board that comes with the package, or the path of a YAML file.

    Raises:
        SettingsError: there is no such board, or its file says something impossible; names the key.
    """
    path = Path(name)
    if str(name) in board_names():
        shipped = resources.files("unicare.evaluate.ranking").joinpath(_FOLDER, f"{name}.yaml")
        return _parsed(shipped.read_text(encoding="utf-8"), str(name), f"board {name}")
    if path.suffix not in (".yaml", ".yml"):
        near = difflib.get_close_matches(str(name), board_names(), n=1)
        raise SettingsError(
            f"no board {name}",
            expected=f"one of {', '.join(board_names())}, or a .yaml file",
            mend=f"did you mean {near[0]}?" if near else None,
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: can't be read as a board ({reason})", mend="check the path") from None
    return _parsed(text, path.stem, str(path))


def _parsed(text: str, name: str, source: str) -> Board:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{source}: isn't YAML ({reason})", expected="a board") from None
    if not isinstance(content, dict):
        raise SettingsError(
            f"{source}: isn't a board", expected="keys and values, such as title and criteria"
        )
    if "name" in content:
        raise SettingsError(f"{source}: key name", mend="leave it out, a board is called like its file")
    try:
        return Board.model_validate({"name": name, **{str(key): value for key, value in content.items()}})
    except ValidationError as error:
        raise _told(source, error.errors()[0]) from None


def _told(source: str, first: Any) -> SettingsError:
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(first["loc"][-1]), _keys_beside(first["loc"]), n=1, cutoff=0.5)
        known = ", ".join(_keys_beside(first["loc"]))
        mend = f"did you mean {near[0]}?" if near else f"known are {known}"
        return SettingsError(f"{source}: unknown key {key}", mend=mend)
    message = str(first["msg"]).removeprefix("Value error, ")
    return SettingsError(f"{source}: {key + ': ' if key else ''}{message}")


def _keys_beside(place: Sequence[Any]) -> list[str]:
    kinds: dict[str, type[BaseModel]] = {"criteria": Criterion, "parts": Part, "aggregation": Aggregation}
    kind = kinds[str(place[0])] if len(place) > 1 else Board
    return [name for name in kind.model_fields if not (kind is Board and name == "name")]
