"""Boards: as they stand, as they stood, as they were frozen, and the organisers' own runs on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Double, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import JSON_TYPE, Base

__all__ = ["BaselineRun", "BoardPoint", "BoardSnapshot", "BoardState", "BoardTurn"]


class BoardState(Base):
    """A board as it stands; only the newest of each board stays.

    Attributes:
        id: number; never given twice, so that whoever read a state knows whether there is a newer one.
        board: as in challenge.yaml.
        runs: what the database said counts, as a digest.
        rules: by what these runs were ranked, as a digest.
        as_of: the moment at which these were the runs that count.
        content: all that is needed to show it.
    """

    __tablename__ = "board_states"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board: Mapped[str] = mapped_column(String(40), index=True)
    runs: Mapped[str] = mapped_column(String(64))
    rules: Mapped[str] = mapped_column(String(64))
    as_of: Mapped[datetime]
    content: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)


class BoardPoint(Base):
    """That a team's score or rank in a table of a board became another one.

    Attributes:
        id: number of the row.
        board: as in challenge.yaml.
        ranked_by: the column that the board was ranked by; empty where it leaves no choice.
        part: name of the table.
        team_id: whose.
        at: from when on.
        score: the new one; None where the team left the table.
        place: the new rank; None as well then.
    """

    __tablename__ = "board_points"
    __table_args__ = (Index(None, "board", "ranked_by", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board: Mapped[str] = mapped_column(String(40))
    ranked_by: Mapped[str] = mapped_column(String(80))
    part: Mapped[str] = mapped_column(Text)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    at: Mapped[datetime]
    score: Mapped[float | None] = mapped_column(Double)
    place: Mapped[int | None]


class BoardTurn(Base):
    """Which worker ranks a board at the moment, so that not all of them do; nothing is spoilt if two do.

    Attributes:
        board: as in challenge.yaml.
        owner: the worker; None between two turns.
        not_before: until when it has the board, or nobody shall try again.
        problem: why the last turn came to nothing; for organisers.
    """

    __tablename__ = "board_turns"

    board: Mapped[str] = mapped_column(String(40), primary_key=True)
    owner: Mapped[str | None] = mapped_column(String(100))
    not_before: Mapped[datetime]
    problem: Mapped[str | None] = mapped_column(Text, default=None)


class BoardSnapshot(Base):
    """A frozen board; a later correction is a new one, the old ones stay.

    Attributes:
        id: number of the row.
        board: as in challenge.yaml.
        number: 1 for the first, 2 for the first correction …
        frozen_at: when.
        frozen_by: the organiser; None if the date did it.
        content: all that is needed to show it.
        lifted_at: when it was unfrozen; None while it stands.
    """

    __tablename__ = "board_snapshots"
    __table_args__ = (UniqueConstraint("board", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    board: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    frozen_at: Mapped[datetime]
    frozen_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSON_TYPE)
    lifted_at: Mapped[datetime | None] = mapped_column(default=None)


class BaselineRun(Base):
    """An evaluation of predictions that organisers give to compare with; older ones stay.

    Attributes:
        id: number.
        name: as in challenge.yaml.
        task: as in challenge.yaml.
        phase: as in challenge.yaml.
        fingerprint: of the predictions' files, and of the metrics' definition.
        definition_version: of the metrics.
        evaluated_at: when.
        rows_key: where the rows of all cases lie in the storage; None where they can't be scored.
        problem: why they can't; for organisers.
    """

    __tablename__ = "baseline_runs"
    __table_args__ = (UniqueConstraint("name", "task", "phase", "fingerprint"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str] = mapped_column(String(300))
    task: Mapped[str] = mapped_column(String(40))
    phase: Mapped[str] = mapped_column(String(40))
    fingerprint: Mapped[str] = mapped_column(String(64))
    definition_version: Mapped[str] = mapped_column(String(40))
    evaluated_at: Mapped[datetime]
    rows_key: Mapped[str | None] = mapped_column(String(300))
    problem: Mapped[str | None] = mapped_column(Text, default=None)
