"""Frozen boards: when, with what, and what an organiser may do about it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.web.standings.stage import AFTER_END, AFTER_FREEZE, AFTER_RELEASE, Stage, table
from tests.web.standings.test_boards_of_runs import FAIR, GOOD, POOR

from unicare.web.database.tables import AuditEntry, BoardSnapshot, Submission, Team
from unicare.web.standings import FreezeRefusedError, freeze_board, unfreeze_board


def freeze(stage: Stage, board: str = "latest", reason: str = "one team withdrew") -> int:
    def work(session):
        return freeze_board(
            session, stage.site.challenge, board, organiser_id=1, reason=reason, now=stage.now
        ).number

    return stage.database.transact(work)


def unfreeze(stage: Stage, board: str = "latest") -> None:
    def work(session):
        unfreeze_board(
            session, stage.site.challenge, board, organiser_id=1, reason="too early", now=stage.now
        )

    stage.database.transact(work)


def snapshots(stage: Stage) -> list[tuple[str, int, int | None]]:
    with stage.database.reading() as session:
        every = select(BoardSnapshot.board, BoardSnapshot.number, BoardSnapshot.frozen_by)
        return [tuple(row) for row in session.execute(every.order_by(BoardSnapshot.id))]


def disqualify(stage: Stage, team: int) -> None:
    stage.database.transact(
        lambda session: setattr(session.get_one(Team, team), "disqualified_at", stage.now)
    )


@pytest.fixture
def north(stage: Stage) -> int:
    return stage.team("North")


def test_a_board_is_frozen_when_its_date_is_over_and_everything_has_ended(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    under_way = stage.submission(stage.team("South"), "atrium", state="queued")
    stage.keep()
    assert snapshots(stage) == []
    stage.now = AFTER_FREEZE
    stage.keep()
    assert snapshots(stage) == [], "South's run was handed in before"
    found = stage.board("joined")
    assert (found["state"], found["frozen"], found["counting"]) == ("frozen", None, True)
    assert "then this board is frozen" in stage.client.get("/boards/joined").text
    stage.evaluate(under_way, "atrium", GOOD)
    stage.score(stage.team("West"), "atrium", GOOD)  # too late for this board
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]
    found = stage.board("joined")
    assert [team for _, team, _ in table(found, "la ID")] == ["South", "North"]
    assert found["frozen"]["number"] == 1
    assert found["counting"] is False
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]


@pytest.mark.parametrize("state", ["failed", "refused", "cancelled", "checked"])
def test_what_never_gets_a_score_keeps_no_board_from_being_frozen(
    stage: Stage, north: int, state: str
) -> None:
    stage.score(north, "atrium", FAIR)
    stage.submission(north, "atrium", state=state)
    stage.now = AFTER_FREEZE
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]


def test_uploads_that_were_begun_before_are_waited_for_a_while(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    stage.submission(north, "atrium", state="uploading")
    stage.now = (
        AFTER_FREEZE.replace(month=7, day=1, hour=0, minute=0) - timedelta(hours=2) + timedelta(minutes=5)
    )
    stage.keep()
    assert snapshots(stage) == []
    stage.now = AFTER_FREEZE
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]


def test_what_was_whole_in_time_is_waited_for_however_long_it_takes_to_take_it_in(
    stage: Stage, north: int
) -> None:
    stage.score(north, "atrium", FAIR)
    late = stage.submission(stage.team("South"), "atrium", state="uploading", whole_at=stage.now)
    stage.submission(stage.team("West"), "atrium", state="uploading", whole_at=AFTER_FREEZE)
    stage.now = AFTER_FREEZE
    stage.keep()
    assert snapshots(stage) == []
    stage.evaluate(late, "atrium", GOOD)
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]
    assert [team for _, team, _ in table(stage.board("joined"), "la ID")] == ["South", "North"]


def test_a_disqualified_teams_run_is_not_waited_for(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    south = stage.team("South")
    stage.submission(south, "atrium", state="queued")
    disqualify(stage, south)
    stage.now = AFTER_FREEZE
    stage.keep()
    assert snapshots(stage) == [("joined", 1, None)]


def test_a_board_on_which_nothing_stands_is_not_frozen(stage: Stage) -> None:
    stage.now = AFTER_END
    stage.keep()
    assert snapshots(stage) == []


def test_a_frozen_board_stays_until_an_organiser_corrects_it(stage: Stage, north: int) -> None:
    south = stage.team("South")
    submission = stage.score(north, "atrium", FAIR)
    stage.score(south, "atrium", GOOD)
    stage.now = AFTER_END
    stage.keep()
    before = stage.board("latest")
    stage.evaluate(submission, "atrium", POOR, number=2)
    disqualify(stage, south)
    stage.keep()
    assert stage.board("latest") == before
    history = stage.history("latest")
    assert freeze(stage) == 2
    now = stage.board("latest")
    assert table(now, "la ID") == [(1, "North", 0.5)]
    assert now["frozen"]["number"] == 2
    assert now["frozen"]["reason"] == "one team withdrew"
    assert [one["name"] for one in now["editions"]] == ["current", "frozen-1"]
    old = stage.board("latest", edition="frozen-1")
    assert old["tables"] == before["tables"]
    assert stage.history("latest", edition="frozen-1")["tables"] == history["tables"]
    page = stage.client.get("/boards/latest").text
    assert "one team withdrew" in page
    assert "correction 1" in page
    assert "The organisers have corrected this board since" in (
        stage.client.get("/boards/latest?edition=frozen-1").text
    )
    csv = stage.client.get("/api/v1/boards/latest/figures.csv?edition=frozen-1").text
    assert ",South," in csv
    assert ",South," not in stage.client.get("/api/v1/boards/latest/figures.csv").text
    with stage.database.reading() as session:
        wanted = select(AuditEntry.actor_id).where(AuditEntry.action == "board.freeze")
        assert sorted(session.scalars(wanted), key=str) == [1, *[None] * 2]  # latest twice, joined once


def test_a_board_is_frozen_before_its_date_until_it_is_unfrozen(stage: Stage, north: int) -> None:
    submission = stage.score(north, "atrium", FAIR)
    stage.keep()
    assert freeze(stage, reason="the results are read at noon") == 1
    found = stage.board("latest")
    assert (found["state"], found["frozen"]["correction"]) == ("frozen", 0)
    page = stage.client.get("/boards/latest").text
    assert "Frozen by the organisers: the results are read at noon" in page
    stage.score(stage.team("South"), "atrium", GOOD)
    stage.evaluate(submission, "atrium", POOR, number=2)
    stage.keep()
    assert stage.board("latest") == found
    assert stage.board("best")["state"] == "hidden", "no other board"
    assert freeze(stage, reason="South was late by our fault") == 2
    anew = stage.board("latest")
    assert [team for _, team, _ in table(anew, "la ID")] == ["South", "North"]
    assert (anew["frozen"]["correction"], len(anew["editions"])) == (1, 2)
    unfreeze(stage)
    live = stage.board("latest")
    assert (live["state"], live["frozen"]) == ("open", None)
    assert [one["name"] for one in live["editions"]] == ["current", "frozen-2", "frozen-1"]
    first = stage.board("latest", edition="frozen-1")
    assert first["tables"] == found["tables"]
    assert "have changed this board since" in stage.client.get("/boards/latest?edition=frozen-1").text
    stage.evaluate(submission, "atrium", GOOD, number=3)
    stage.keep()
    assert stage.board("latest")["tables"] != live["tables"]
    assert snapshots(stage) == [("latest", 1, 1), ("latest", 2, 1)]


def test_a_board_that_was_unfrozen_is_frozen_at_its_date(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    stage.keep()
    freeze(stage)
    unfreeze(stage)
    stage.score(stage.team("South"), "atrium", GOOD)
    stage.now = AFTER_END
    stage.keep()
    found = stage.board("latest")
    assert (found["frozen"]["number"], found["frozen"]["correction"], found["frozen"]["reason"]) == (2, 0, "")
    assert [team for _, team, _ in table(found, "la ID")] == ["South", "North"]


def test_a_board_that_was_frozen_early_stays_so_after_its_date(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    stage.keep()
    freeze(stage)
    stage.score(stage.team("South"), "atrium", GOOD)
    stage.now = AFTER_END
    stage.keep()
    assert [team for _, team, _ in table(stage.board("latest"), "la ID")] == ["North"]
    with pytest.raises(FreezeRefusedError, match="freeze it anew"):
        unfreeze(stage)


def test_what_is_not_frozen_can_not_be_unfrozen(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    stage.keep()
    with pytest.raises(FreezeRefusedError, match="isn't frozen"):
        unfreeze(stage)
    freeze(stage)
    unfreeze(stage)
    with pytest.raises(FreezeRefusedError, match="isn't frozen"):
        unfreeze(stage)
    assert freeze(stage) == 2, "although nothing has changed"


def test_an_organiser_can_not_freeze_what_is_empty_unchanged_or_not_counted(stage: Stage, north: int) -> None:
    stage.keep()
    with pytest.raises(FreezeRefusedError, match="no run stands on it"):
        freeze(stage)
    stage.score(north, "atrium", FAIR)
    stage.keep()
    with pytest.raises(FreezeRefusedError, match="no such board"):
        freeze(stage, "nothing")
    stage.now = AFTER_END
    stage.keep()
    with pytest.raises(FreezeRefusedError, match="nothing has changed"):
        freeze(stage)
    disqualify(stage, north)
    with pytest.raises(FreezeRefusedError, match="being counted"):
        freeze(stage)
    stage.keep()
    assert freeze(stage) == 2
    assert stage.board("latest")["tables"] == []


def test_an_organiser_need_not_wait_for_a_run_that_is_stuck(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR)
    stage.submission(north, "atrium", state="running")
    stage.now = AFTER_END
    stage.keep()
    assert snapshots(stage) == []
    assert freeze(stage, reason="one run can't be evaluated") == 1
    assert table(stage.board("latest"), "la ID") == [(1, "North", 0.75)]


def test_a_hidden_board_is_frozen_and_hides_its_snapshots(stage: Stage, north: int) -> None:
    stage.score(north, "atrium", FAIR, "best")
    stage.now = AFTER_END
    stage.keep()
    assert snapshots(stage) == [("best", 1, None)]
    disqualify(stage, north)
    stage.keep()
    assert freeze(stage, "best") == 2
    found = stage.board("best")
    assert found["state"] == "hidden"
    assert (found["tables"], found["frozen"], [one["name"] for one in found["editions"]]) == (
        [],
        None,
        ["current"],
    )
    assert stage.client.get("/api/v1/boards/best?edition=frozen-1").status_code == 404
    stage.now = AFTER_RELEASE
    assert len(stage.board("best", edition="frozen-1")["tables"]) == 2


def test_runs_handed_in_at_the_last_moment_count(stage: Stage, north: int) -> None:
    submission = stage.score(north, "atrium", FAIR)
    last = AFTER_FREEZE.replace(month=6, day=30, hour=21, minute=59, second=59)
    stage.database.transact(
        lambda session: setattr(session.get_one(Submission, submission), "created_at", last)
    )
    late = stage.score(stage.team("South"), "atrium", GOOD)
    stage.database.transact(
        lambda session: setattr(session.get_one(Submission, late), "created_at", last + timedelta(seconds=1))
    )
    stage.now = AFTER_FREEZE
    stage.keep()
    assert [team for _, team, _ in table(stage.board("joined"), "la ID")] == ["North"]
