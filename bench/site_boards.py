"""How long a worker takes to rank a board, and a page to show it.

    python -m bench.site_boards

Figures of the teams are synthetic: a difficulty of each case, a skill of each team, noise. Ranking is the
worker's own, from files of rows in the storage to the row in the database that pages read; as teams hand in
one after the other, it is timed for the last of them. Intervals are those of 1000 bootstrap samples.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.rows import Row, write_rows
from unicare.web.app import create_app
from unicare.web.database import upgrade
from unicare.web.database.tables import Evaluation, Submission, Team, User
from unicare.web.interrupt import never
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.log import configure_logging
from unicare.web.settings import load_settings
from unicare.web.standings import BoardKeeper

TASK, PHASE, BOARD = "hearts", "validation", "hearts"
CENTRES = {"north": "ID", "south": "ID", "east": "OOD"}
CHALLENGE = """\
name: hearts
title: Hearts
texts: {{overview: overview.md}}
tasks:
  - {{name: hearts, title: Hearts, kind: custom, labels: {labels}, sequences: [LGE]}}
phases:
  - {{name: validation, kind: predictions, always_open: true, show_boards: at_once}}
boards:
  - {{name: hearts, board: board.yaml, phase: validation}}
"""
BOARD_YAML = """\
title: Hearts
scheme: aggregate_then_rank
criteria: [{metric: dice}, {metric: hausdorff_mm}]
sort: dice
parts:
  - {name: ID, title: In distribution, task: custom, distribution: ID}
  - {name: OOD, title: Out of distribution, task: custom, distribution: OOD}
"""


def write_challenge(folder: Path, cases: int, structures: int) -> list[CohortRow]:
    """A challenge of one task, whose reference data are a manifest."""
    labels = "{" + ", ".join(f"{label}: structure {label}" for label in range(1, structures + 1)) + "}"
    place = folder / "reference" / TASK / PHASE
    place.mkdir(parents=True)
    (folder / "overview.md").write_text("# Hearts\n")
    (folder / "challenge.yaml").write_text(CHALLENGE.format(labels=labels))
    (folder / "board.yaml").write_text(BOARD_YAML)
    names = list(CENTRES)
    cohort = []
    for number in range(cases):
        centre = names[number % len(names)]
        cohort.append(
            CohortRow(f"case{number:04d}", f"patient{number:04d}", centre, "made", "custom", "test",
                      "OOD" if CENTRES[centre] == "OOD" else "ID", ("LGE",), tuple(range(1, structures + 1)))
        )  # fmt: skip
    write_cohort(place, cohort)
    return cohort


def rows_of(cohort: list[CohortRow], structures: int, skill: float, seed: int) -> list[Row]:
    """What an evaluation would have written."""
    generator = np.random.default_rng(seed)
    hardness = np.random.default_rng(0).normal(0, 0.05, len(cohort))
    rows = []
    for case, hard in zip(cohort, hardness, strict=True):
        for label in range(1, structures + 1):
            dice = float(np.clip(0.85 + skill - hard + generator.normal(0, 0.04), 0, 1))
            distance_mm = float(np.exp(generator.normal(2.5, 0.4) - 4 * (dice - 0.85)))
            rows += [
                Row(case.case, case.centre, case.distribution, label, f"structure {label}", metric, value,
                    "measured")
                for metric, value in (("dice", dice), ("hausdorff_mm", distance_mm))
            ]  # fmt: skip
    return rows


def hand_in(site: WorkingSite, folder: Path, number: int, rows: list[Row]) -> None:
    """A team with a score."""
    key = f"evaluations/{number}/1/metrics.parquet"
    file = folder / "rows.parquet"
    write_rows(file, rows)
    site.storage.put(key, file)
    file.unlink()
    now = datetime.now(UTC)
    name = f"team {number:02d}"

    def work(session: Session) -> None:
        user = User(email=name, email_key=name, name=name, affiliation="", password_hash="", created_at=now)
        team = Team(name=name, name_key=name, created_at=now)
        session.add_all([user, team])
        session.flush()
        submission = Submission(
            team_id=team.id, user_id=user.id, task=TASK, phase=PHASE, kind="predictions", state="scored",
            created_at=now, storage_key="x", upload_id=None,
        )  # fmt: skip
        session.add(submission)
        session.flush()
        session.add(
            Evaluation(submission_id=submission.id, number=1, state="scored", queued_at=now, finished_at=now,
                       definition_version="v1", unicare_version="0", summary={}, rows_key=key)
        )  # fmt: skip

    site.database.transact(work)


def seconds_of_pages(site: WorkingSite, repeats: int) -> list[float]:
    """Processor time of a page with the board."""
    app = create_app(site.settings, site.challenge, site.database)
    client = TestClient(app, base_url=f"http://{site.settings.host}:{site.settings.port}")
    taken = []
    for _ in range(repeats):
        began = time.process_time()
        answer = client.get(f"/boards/{BOARD}", headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text[:300]
        taken.append(time.process_time() - began)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--teams", type=int, default=20)
    parser.add_argument("--cases", type=int, default=500)
    parser.add_argument("--structures", type=int, default=7)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, help="where the result is written, too")
    chosen = parser.parse_args()
    configure_logging(level=logging.ERROR)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cohort = write_challenge(folder / "challenge", chosen.cases, chosen.structures)
        settings = load_settings(
            folder / "data", challenge_dir=folder / "challenge", container_engine="none",
            api_requests_per_minute=1_000_000,
        )  # fmt: skip
        site = open_site(settings)
        upgrade(site.database.engine)
        skills = np.linspace(0, 0.05, chosen.teams + chosen.repeats)
        ranked = []
        for number, skill in enumerate(skills):
            hand_in(site, folder, number, rows_of(cohort, chosen.structures, float(skill), number + 1))
            if number < chosen.teams:
                continue
            later = datetime.now(UTC) + timedelta(hours=number)  # a board rests after it was ranked
            keeper = BoardKeeper(replace(site, clock=lambda _, later=later: later))
            began = time.perf_counter()
            assert keeper.keep(never) == 1
            ranked.append(time.perf_counter() - began)
        pages = seconds_of_pages(site, 50)
        site.database.close()
    result = {
        "load before": round(load, 1),
        "teams": chosen.teams,
        "cases": chosen.cases,
        "structures": chosen.structures,
        "seconds to rank": [round(one, 2) for one in ranked],
        "ms of processor a page": round(1000 * statistics.median(pages[1:]), 1),
    }
    text = json.dumps(result, indent=2)
    print(text)
    if chosen.json is not None:
        chosen.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
