"""Keeping boards: killed in the middle, done by several at once, never to the harm of other work."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

from sqlalchemy import func, select
from tests.web.standings.stage import HERE, Stage, table
from tests.web.standings.test_boards_of_runs import FAIR, GOOD, POOR

from unicare.web.database.tables import BoardPoint, BoardState, BoardTurn
from unicare.web.interrupt import never
from unicare.web.life.site import open_site
from unicare.web.settings import load_settings
from unicare.web.standings import BoardKeeper


def count(stage: Stage, what: type) -> int:
    with stage.database.reading() as session:
        return session.scalar(select(func.count()).select_from(what)) or 0


def problem(stage: Stage, board: str) -> str | None:
    with stage.database.reading() as session:
        row = session.get(BoardTurn, board)
        return None if row is None else row.problem


def test_only_the_newest_state_of_a_board_stays(stage: Stage) -> None:
    team = stage.team("North")
    for figures in (FAIR, GOOD, POOR):
        stage.score(team, "atrium", figures)
        stage.keep()
    assert count(stage, BoardState) == len(stage.site.challenge.boards)
    points = count(stage, BoardPoint)
    stage.team("South")
    stage.keep()
    assert count(stage, BoardPoint) == points


def test_several_at_once_do_no_harm(stage: Stage) -> None:
    for name, figures in (("North", FAIR), ("South", GOOD), ("West", POOR)):
        stage.score(stage.team(name), "atrium", figures)
    sites = [stage.open() for _ in range(4)]
    threads = [threading.Thread(target=BoardKeeper(site).keep, args=(never,)) for site in sites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for site in sites:
        site.database.close()
    stage.keep()
    assert count(stage, BoardState) == 3
    assert [team for _, team, _ in table(stage.board("latest"), "la ID")] == ["South", "North", "West"]
    lines = stage.history("latest")["tables"][0]["lines"]
    assert [len(line["points"]) for line in lines] == [1, 1, 1]


def test_a_board_rests_after_it_was_ranked(stage: Stage) -> None:
    """So that ranking never takes more than a part of a worker's time."""
    team = stage.team("North")
    stage.score(team, "atrium", FAIR)
    assert stage.keeper.keep(never) == 3, "one of them has no runs"
    stage.score(team, "atrium", GOOD)
    assert stage.keeper.keep(never) == 0
    stage.later(minutes=11)
    assert stage.keeper.keep(never) == 2


def test_what_goes_wrong_is_written_down_and_tried_again(stage: Stage) -> None:
    team = stage.team("North")
    stage.score(team, "atrium", FAIR, "best")
    stage.keep()
    submission = stage.score(team, "atrium", FAIR)
    key = f"evaluations/{submission}-1/metrics.parquet"
    stage.site.storage.get(key, stage.folder / "kept.parquet")
    stage.site.storage.delete(key)
    assert stage.keeper.keep(never) == 0
    assert "FileNotFoundError" in (problem(stage, "latest") or "")
    assert problem(stage, "best") is None
    stage.site.storage.put(key, stage.folder / "kept.parquet")
    assert stage.keeper.keep(never) == 0, "not at once"
    stage.later(seconds=31)
    assert stage.keeper.keep(never) == 2
    assert problem(stage, "latest") is None
    assert table(stage.board("latest"), "la ID") == [(1, "North", 0.75)]


def test_a_worker_that_is_told_to_stop_leaves_the_board_to_others(stage: Stage) -> None:
    for name in ("North", "South"):
        stage.score(stage.team(name), "atrium", FAIR)
    asked = iter([False] * 3 + [True] * 100)
    assert stage.keeper.keep(lambda: next(asked)) == 0
    assert stage.board("latest")["tables"] == []
    other = stage.open()
    assert BoardKeeper(other).keep(never) == 3
    other.database.close()


def test_another_manifest_gives_another_board(stage: Stage) -> None:
    stage.score(stage.team("North"), "atrium", FAIR)
    stage.keep()
    manifest = stage.challenge_folder / "reference" / "atrium" / "latest" / "cohort.csv"
    text = manifest.read_text()
    manifest.write_text(text.replace("OOD", "ID"))
    assert stage.keep() == 2
    found = stage.board("latest")
    assert [one["name"] for one in found["tables"]] == ["la ID"]
    assert found["tables"][0]["cases"] == 3


def rank_and_hang(data_dir, given, reached):
    """A worker that hangs when it has ranked a board and is about to write it down."""
    from unicare.web.standings import keep

    def hang(*_):
        reached.set()
        time.sleep(600)

    keep._store = hang
    site = open_site(load_settings(data_dir, **given), clock=lambda session: HERE)
    BoardKeeper(site).keep(never)


def test_a_worker_killed_in_the_middle_harms_nothing(stage: Stage, database_url: str) -> None:
    stage.score(stage.team("North"), "atrium", FAIR)
    given = {
        "challenge_dir": stage.challenge_folder,
        "database_url": database_url,
        "container_engine": "none",
    }
    context = multiprocessing.get_context("spawn")
    reached = context.Event()
    process = context.Process(target=rank_and_hang, args=(stage.folder / "data", given, reached))
    process.start()
    assert reached.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert stage.keeper.keep(never) == 2, "the dead worker has its turn at one board still"
    stage.later(seconds=stage.settings.lease_seconds + 1)
    assert stage.keeper.keep(never) == 1
    assert table(stage.board("latest"), "la ID") == [(1, "North", 0.75)]
    assert len(stage.history("latest")["tables"][0]["lines"][0]["points"]) == 1
