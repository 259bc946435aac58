"""Predictions that organisers give to compare with, evaluated in earnest beside a team's run."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.web.challenge.folders import AFFINE, CENTRES, SHAPE, heart, save, write_challenge
from tests.web.life.conftest import DATES, zipped  # noqa: F401  a fixture
from tests.web.life.players import new_team, upload
from tests.web.sites import KEY, asking

from unicare.evaluate.run import evaluate
from unicare.web.app import create_app
from unicare.web.database.tables import BaselineRun, BoardState
from unicare.web.interrupt import never
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker
from unicare.web.settings import load_settings
from unicare.web.standings import BoardKeeper, StoredScores


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A challenge that is always open, with a baseline of two cases and one of none."""
    root = write_challenge(tmp_path / "challenge")
    file = root / "challenge.yaml"
    text = file.read_text().replace(DATES, "    always_open: true\n", 1)
    text += "  - {name: Shifted, predictions: baselines/shifted}\n"
    text += "  - {name: Nothing, predictions: baselines/none}\n"
    file.write_text(text)
    write_predictions(root, 2)
    (root / "baselines" / "none").mkdir(parents=True)
    return root


def write_predictions(root: Path, shift: int, cases: tuple[str, ...] = tuple(CENTRES)) -> Path:
    place = root / "baselines" / "shifted" / "whs" / "validation"
    shutil.rmtree(place, ignore_errors=True)
    for case in cases:
        save(place / f"{case}_pred.nii.gz", np.roll(heart(), shift, 0))
    return place


class Clock:
    """The site's, which stands where one puts it."""

    def __init__(self) -> None:
        self.now = datetime(2025, 6, 1, 12, tzinfo=UTC)

    def __call__(self, _: Session) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def site(folder: Path, database_url: str, tmp_path: Path, clock: Clock) -> Iterator[WorkingSite]:
    opened = open_site(
        load_settings(
            tmp_path / "data",
            challenge_dir=folder,
            database_url=database_url,
            secret_key=KEY,
            container_engine="none",
        ),
        clock,
    )
    yield opened
    opened.database.close()


def runs(site: WorkingSite) -> list[BaselineRun]:
    with site.database.reading() as session:
        return list(session.scalars(select(BaselineRun).order_by(BaselineRun.id)))


def board(site: WorkingSite) -> dict[str, Any]:
    scores = StoredScores(site.database, site.challenge, look_every_s=0)
    app = create_app(site.settings, site.challenge, site.database, scores=scores)
    found: dict[str, Any] = asking(app).get("/api/v1/boards/own").json()
    return found


def rank(site: WorkingSite, clock: Clock) -> None:
    """The boards, when they have rested."""
    clock.now += timedelta(hours=1)
    assert BoardKeeper(site).keep(never) > 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_baseline_is_evaluated_once_and_stands_below_the_teams(
    site: WorkingSite,
    folder: Path,
    tmp_path: Path,
    zipped: Callable[..., bytes],  # noqa: F811
    clock: Clock,
) -> None:
    rank(site, clock)
    BoardKeeper(site).keep(never)
    (run,) = runs(site)
    assert (run.name, run.task, run.phase, run.problem) == ("Shifted", "whs", "validation", None)
    alone = board(site)
    assert [one["rows"] for one in alone["tables"]] == [[], []]
    (row,) = alone["tables"][1]["baselines"]
    assert (row["team"], row["rank"], row["groups"]) == ("Shifted", None, [])
    reference = folder / "reference" / "whs" / "validation"
    ours = evaluate(
        folder / "baselines" / "shifted" / "whs" / "validation",
        reference / "truth",
        None,
        reference / "cohort.csv",
    )
    expected = np.mean([one.value for one in ours.rows if (one.case, one.metric) == ("two", "dice")])
    assert row["figures"]["dice"]["value"] == pytest.approx(expected)

    upload(site, new_team(site.database, "Shifted"), zipped(shift=4))  # a team of the same name, and worse
    worker = Worker(site, EmbeddedWake(), threading.Event())
    worker.sweep()
    while worker.work_once():
        pass
    rank(site, clock)
    found = board(site)["tables"][1]
    assert [(one["team"], one["rank"]) for one in found["rows"]] == [("Shifted", 1)]
    assert [one["figures"]["dice"]["value"] for one in found["baselines"]] == [pytest.approx(expected)]
    assert found["rows"][0]["figures"]["dice"]["value"] < expected


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_files_are_evaluated_anew_and_those_that_come_back_are_known(
    site: WorkingSite, folder: Path, clock: Clock
) -> None:
    rank(site, clock)
    before = board(site)["tables"][1]["baselines"][0]["figures"]["dice"]["value"]
    write_predictions(folder, 0, ("two",))
    rank(site, clock)
    assert len(runs(site)) == 2
    found = board(site)
    assert found["tables"][1]["baselines"][0]["figures"]["dice"]["value"] == 1.0
    assert found["tables"][0]["baselines"][0]["figures"]["dice"]["value"] == 0.0, (
        "a missing case counts as empty"
    )
    write_predictions(folder, 2)
    rank(site, clock)
    assert len(runs(site)) == 2
    assert board(site)["tables"][1]["baselines"][0]["figures"]["dice"]["value"] == before


def test_a_file_that_can_not_be_used_is_told_to_organisers_and_harms_no_board(
    site: WorkingSite, folder: Path, clock: Clock
) -> None:
    place = write_predictions(folder, 2)
    save(place / "one_pred.nii.gz", np.zeros((2, 2, 2), np.int16), AFFINE)
    rank(site, clock)
    (run,) = runs(site)
    assert run.problem is not None
    assert "one" in run.problem
    assert str(SHAPE[0]) in run.problem
    with site.database.reading() as session:
        assert {one.board for one in session.scalars(select(BoardState))} == {"own", "first"}
