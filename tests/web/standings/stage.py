"""A site on whose boards runs are put as if they had been evaluated, and what everybody sees of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.web.sites import KEY, QUICK, asking

from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.rows import Row, write_rows
from unicare.web.app import create_app
from unicare.web.boards import Boards
from unicare.web.database import Database
from unicare.web.database.tables import Evaluation, Submission, Team, Upload, User
from unicare.web.interrupt import never
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.settings import load_settings
from unicare.web.standings import BoardKeeper, StoredScores

YAML = """\
name: hearts
title: Hearts
texts: {overview: overview.md}
tasks:
  - {name: atrium, title: Left atrium, kind: la, labels: {420: left atrium blood cavity}, sequences: [LGE]}
  - {name: liver, title: Liver, labels: {1: liver}, sequences: [LGE], distributions: [ID]}
phases:
  - name: latest
    kind: predictions
    start: 2025-05-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    counts: latest
    show_boards: at_once
  - name: best
    kind: predictions
    tasks: [atrium]
    start: 2025-05-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    release: 2025-08-10 12:00 Europe/Berlin
    counts: best
    show_boards: on_release
boards:
  - {name: latest, board: boards/both.yaml, phase: latest}
  - {name: best, board: boards/atrium.yaml, phase: best}
  - {name: joined, board: boards/joined.yaml, phase: latest, freeze: 2025-06-30 23:59 Europe/Berlin}
baselines:
  - {name: Mean shape, predictions: baselines/mean}
"""

ATRIUM = """\
parts:
  - {name: la ID, title: Left atrium (ID), task: la, distribution: ID}
  - {name: la OOD, title: Left atrium (OOD), task: la, distribution: OOD}
"""
LIVER = "  - {name: liver ID, title: Liver (ID), task: liver, distribution: ID}\n"
HEAD = """\
title: Dice or distance
scheme: aggregate_then_rank
criteria: [{metric: dice}, {metric: hausdorff_mm}]
sort: dice
"""

HERE = datetime(2025, 6, 1, 12, tzinfo=UTC)
"""When the story begins: both phases are open, no board is frozen."""
AFTER_FREEZE = datetime(2025, 7, 2, tzinfo=UTC)
"""The board ``joined`` is frozen."""
AFTER_END = datetime(2025, 8, 1, tzinfo=UTC)
"""All are frozen, ``best`` is hidden still."""
AFTER_RELEASE = datetime(2025, 8, 20, tzinfo=UTC)

CASES = {"a1": "ID", "a2": "ID", "a3": "OOD"}
LABELS = {"atrium": (420, "left atrium blood cavity"), "liver": (1, "liver")}
KINDS = {"atrium": "la", "liver": "liver"}

Figures = Mapping[str, tuple[float, float]]
"""Case to Dice and Hausdorff distance."""


def write_stage(folder: Path) -> Path:
    """The challenge's folder; its reference data are the manifests."""
    files = {
        "challenge.yaml": YAML,
        "overview.md": "# Hearts\n",
        "boards/both.yaml": HEAD + ATRIUM + LIVER,
        "boards/atrium.yaml": HEAD + ATRIUM,
        "boards/joined.yaml": HEAD + ATRIUM + LIVER + "combine: mean_rank\n",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (folder / "baselines" / "mean").mkdir(parents=True)
    for task, phase in (("atrium", "latest"), ("liver", "latest"), ("atrium", "best")):
        (folder / "reference" / task / phase).mkdir(parents=True)
        write_cohort(folder / "reference" / task / phase, manifest(task))
    return folder


def manifest(task: str) -> list[CohortRow]:
    """Three cases of the atrium, two of the liver that have the same names."""
    cases = CASES if task == "atrium" else {"a1": "ID", "a2": "ID"}
    label = LABELS[task][0]
    return [
        CohortRow(case, f"p{case}", "here" if where == "ID" else "there", "made", KINDS[task], "test",
                  "ID" if where == "ID" else "OOD", ("LGE",), (label,))
        for case, where in cases.items()
    ]  # fmt: skip


def rows_of(task: str, figures: Figures) -> list[Row]:
    """What an evaluation would have written."""
    known = {row.case: row for row in manifest(task)}
    label, structure = LABELS[task]
    return [
        Row(case, known[case].centre, known[case].distribution, label, structure, metric, value, "measured")
        for case, (dice, distance) in figures.items()
        for metric, value in (("dice", dice), ("hausdorff_mm", distance))
    ]


class Stage:
    """A site whose clock stands where one puts it."""

    def __init__(self, folder: Path, database_url: str, **settings: Any) -> None:
        self.now = HERE
        self.folder = folder
        self.challenge_folder = write_stage(folder / "challenge")
        self.settings = load_settings(
            folder / "data",
            challenge_dir=self.challenge_folder,
            database_url=database_url,
            secret_key=KEY,
            container_engine="none",
            **{**QUICK, **settings},
        )
        self.site = self.open()
        self.keeper = BoardKeeper(self.site)

    def open(self) -> WorkingSite:
        """The site as another worker opens it."""
        return open_site(self.settings, clock=lambda session: self.now)

    @property
    def database(self) -> Database:
        return self.site.database

    def close(self) -> None:
        self.site.database.close()

    def later(self, **given: float) -> datetime:
        """Lets time pass."""
        self.now += timedelta(**given)
        return self.now

    def team(self, name: str) -> int:
        def work(session: Session) -> int:
            user = User(
                email=f"{name}@x.org", email_key=f"{name}@x.org", name=name, affiliation="",
                password_hash="", created_at=self.now,
            )  # fmt: skip
            team = Team(name=name, name_key=name.lower(), created_at=self.now)
            session.add_all([user, team])
            session.flush()
            return team.id

        return self.database.transact(work)

    def submission(
        self,
        team: int,
        task: str,
        phase: str = "latest",
        *,
        state: str = "scored",
        whole_at: datetime | None = None,
    ) -> int:
        """Something handed in at this moment; its last byte came later if that is said."""

        def work(session: Session) -> int:
            user_id = 1
            upload_id = None
            if whole_at is not None:
                upload = Upload(
                    id=f"{team}-{task}-{whole_at.timestamp()}", team_id=team, user_id=user_id, name="x",
                    total_bytes=1, created_at=self.now, finished_at=whole_at,
                )  # fmt: skip
                session.add(upload)
                session.flush()
                upload_id = upload.id
            row = Submission(
                team_id=team, user_id=user_id, task=task, phase=phase, kind="predictions", state=state,
                created_at=self.now, storage_key="x", upload_id=upload_id,
            )  # fmt: skip
            session.add(row)
            session.flush()
            return row.id

        return self.database.transact(work)

    def evaluate(
        self, submission: int, task: str, figures: Figures, *, number: int = 1, definition: str = "v1"
    ) -> None:
        """An evaluation that has its score."""
        key = f"evaluations/{submission}-{number}/metrics.parquet"
        path = self.folder / "rows.parquet"
        write_rows(path, rows_of(task, figures))
        self.site.storage.put(key, path)

        def work(session: Session) -> None:
            row = Evaluation(
                submission_id=submission, number=number, state="scored", queued_at=self.now,
                finished_at=self.now, definition_version=definition, unicare_version="0", summary={},
                rows_key=key,
            )  # fmt: skip
            session.add(row)
            session.get_one(Submission, submission).state = "scored"

        self.database.transact(work)
        path.unlink()

    def score(self, team: int, task: str, figures: Figures, phase: str = "latest") -> int:
        """A submission and its score."""
        submission = self.submission(team, task, phase)
        self.evaluate(submission, task, figures)
        return submission

    def keep(self) -> int:
        """What a worker does for boards; time passes, so that boards have rested."""
        ranked = self.keeper.keep(never)
        self.later(minutes=11)
        return ranked

    @cached_property
    def scores(self) -> StoredScores:
        """What workers have left, looked at anew each time."""
        return StoredScores(self.database, self.site.challenge, look_every_s=0)

    @cached_property
    def boards(self) -> Boards:
        """What the site shows of it."""
        return Boards(self.site.challenge, self.scores)

    @cached_property
    def client(self) -> TestClient:
        """Somebody who asks the site; slower to make than the boards."""
        app = create_app(
            self.settings, self.site.challenge, self.database, scores=self.scores, clock=lambda: self.now
        )
        return asking(app)

    def board(self, name: str, **asked: Any) -> dict[str, Any]:
        """What the API answers of a board."""
        return self.boards.show(name, self.now, **asked).model_dump(mode="json")

    def history(self, name: str, **asked: Any) -> dict[str, Any]:
        """What it answers of its past."""
        return self.boards.history(name, self.now, **asked).model_dump(mode="json")


def table(board: dict[str, Any], name: str) -> list[tuple[int, str, float]]:
    """Rank, team and score of each row."""
    tables = [*board["tables"], *([board["overall"]] if board.get("overall") else [])]
    found = next(one for one in tables if one["name"] == name)
    return [(row["rank"], row["team"], row["score"]["value"]) for row in found["rows"]]
