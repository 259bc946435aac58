"""Boards of what teams handed in: known answers, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from tests.web.standings.stage import AFTER_FREEZE, AFTER_RELEASE, Stage, manifest, rows_of, table

from unicare.evaluate.ranking.boards import load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.standings import TableResult
from unicare.evaluate.ranking.table import build_table
from unicare.web.database.tables import Team

GOOD = {"a1": (0.9, 10.0), "a2": (0.8, 20.0), "a3": (0.7, 30.0)}
FAIR = {"a1": (0.7, 5.0), "a2": (0.8, 5.0), "a3": (0.75, 40.0)}
POOR = {"a1": (0.5, 50.0), "a2": (0.5, 50.0), "a3": (0.1, 60.0)}
LIVER = {"a1": (0.6, 1.0), "a2": (0.8, 3.0)}


def test_a_board_without_runs_says_so(stage: Stage) -> None:
    assert stage.board("latest")["tables"] == []
    stage.keep()
    found = stage.board("latest")
    assert found["tables"] == []
    assert found["counting"] is False


def test_two_teams_stand_where_anyone_would_put_them(stage: Stage) -> None:
    stage.score(stage.team("North"), "atrium", GOOD)
    stage.score(stage.team("South"), "atrium", FAIR)
    waiting = stage.board("latest")
    assert waiting["tables"] == []
    stage.keep()
    found = stage.board("latest")
    assert table(found, "la ID") == [(1, "North", pytest.approx(0.85)), (2, "South", pytest.approx(0.75))]
    assert table(found, "la OOD") == [(1, "South", 0.75), (2, "North", 0.7)]
    assert [one["name"] for one in found["tables"]] == ["la ID", "la OOD"]  # nobody has a liver
    by_distance = stage.board("latest", sort="hausdorff_mm")
    assert table(by_distance, "la ID") == [(1, "South", 5.0), (2, "North", 15.0)]
    assert table(by_distance, "la OOD") == [(1, "North", 30.0), (2, "South", 40.0)]
    changed = found["tables"][1]["rows"][1]["figures"]["dice"]["change_from_id"]
    assert changed == pytest.approx(0.7 - 0.85)


def test_a_board_is_as_of_the_moment_at_which_it_was_ranked(stage: Stage) -> None:
    team = stage.team("North")
    stage.score(team, "atrium", FAIR)
    ranked_at = stage.now
    stage.keep()
    assert stage.keep() == 0, "nothing has changed"
    found = stage.board("latest")
    assert found["as_of"] == ranked_at.isoformat().replace("+00:00", "Z")
    assert found["counting"] is False
    stage.score(team, "atrium", GOOD)
    found = stage.board("latest")
    assert found["counting"] is True
    assert table(found, "la ID") == [(1, "North", 0.75)]
    assert "Newer runs are being counted" in stage.client.get("/boards/latest").text
    stage.keep()
    found = stage.board("latest")
    assert found["counting"] is False
    assert table(found, "la ID") == [(1, "North", pytest.approx(0.85))]


def test_the_latest_run_counts_also_where_it_is_worse(stage: Stage) -> None:
    team = stage.team("North")
    stage.score(team, "atrium", GOOD)
    stage.later(hours=1)
    stage.score(team, "atrium", POOR)
    stage.later(hours=1)
    stage.submission(team, "atrium", state="failed")
    stage.keep()
    assert table(stage.board("latest"), "la ID") == [(1, "North", 0.5)]


def test_the_best_run_is_that_of_the_boards_own_sort(stage: Stage) -> None:
    """FAIR has the better distances, but the board sorts by Dice."""
    team, other = stage.team("North"), stage.team("South")
    for figures in (POOR, GOOD, FAIR):
        stage.score(team, "atrium", figures, "best")
        stage.later(hours=1)
    stage.score(other, "atrium", FAIR, "best")
    stage.keep()
    stage.now = AFTER_RELEASE
    assert table(stage.board("best"), "la ID") == [
        (1, "North", pytest.approx(0.85)),
        (2, "South", pytest.approx(0.75)),
    ]
    by_distance = stage.board("best", sort="hausdorff_mm")
    assert table(by_distance, "la ID") == [(1, "South", 5.0), (2, "North", 15.0)], (
        "GOOD stands for North still"
    )


def test_a_better_run_takes_the_place_of_the_best(stage: Stage) -> None:
    team = stage.team("North")
    for figures, best in ((POOR, 0.5), (FAIR, 0.75), (POOR, 0.75), (GOOD, 0.85)):
        stage.score(team, "atrium", figures, "best")
        stage.keep()
        at, stage.now = stage.now, AFTER_RELEASE
        assert table(stage.board("best"), "la ID") == [(1, "North", pytest.approx(best))]
        stage.now = at


def test_a_rerun_takes_the_place_of_what_was_evaluated_before(stage: Stage) -> None:
    team = stage.team("North")
    submission = stage.score(team, "atrium", POOR)
    stage.score(stage.team("South"), "atrium", FAIR)
    stage.keep()
    stage.evaluate(submission, "atrium", GOOD, number=2, definition="v2")
    stage.keep()
    found = stage.board("latest")
    assert table(found, "la ID")[0] == (1, "North", pytest.approx(0.85))
    assert "not all runs are evaluated alike yet: by versions v1 and v2 of the metrics" in found["notes"]


def test_disqualified_teams_are_off_the_board_until_they_are_back(stage: Stage) -> None:
    north = stage.team("North")
    stage.score(north, "atrium", GOOD)
    stage.score(stage.team("South"), "atrium", FAIR)
    stage.keep()

    def disqualify(at: Any) -> None:
        stage.database.transact(lambda session: setattr(session.get_one(Team, north), "disqualified_at", at))

    disqualify(stage.now)
    assert stage.board("latest")["counting"] is True
    stage.keep()
    assert [team for _, team, _ in table(stage.board("latest"), "la ID")] == ["South"]
    assert all(line["team"] == "South" for one in stage.history("latest")["tables"] for line in one["lines"])
    disqualify(None)
    stage.keep()
    assert [team for _, team, _ in table(stage.board("latest"), "la ID")] == ["North", "South"]


def test_a_team_that_lacks_a_task_is_in_the_other_tables_only(stage: Stage) -> None:
    north, south = stage.team("North"), stage.team("South")
    stage.score(north, "atrium", GOOD)
    stage.score(south, "atrium", FAIR)
    stage.score(south, "liver", LIVER)
    stage.keep()
    found = stage.board("latest")
    assert table(found, "liver ID") == [(1, "South", pytest.approx(0.7))]
    assert not [note for one in found["tables"] for note in one["notes"] if "North" in note]
    overall = table(stage.board("joined"), "overall")
    assert overall == [
        (1, "South", pytest.approx((2 + 1 + 1) / 3)),
        (2, "North", pytest.approx((1 + 2 + 2) / 3)),
    ]
    page = stage.client.get("/boards/joined").text
    assert page.count("South") > page.count("North")


def test_one_team_alone_is_first(stage: Stage) -> None:
    stage.score(stage.team("<b>Only</b>"), "atrium", GOOD)
    stage.keep()
    found = stage.board("latest")
    assert [row["rank"] for one in found["tables"] for row in one["rows"]] == [1, 1]
    page = stage.client.get("/boards/latest").text
    assert "&lt;b&gt;Only&lt;/b&gt;" in page
    assert "<b>Only</b>" not in page


def test_runs_without_a_figure_leave_the_board_empty_and_say_why(stage: Stage) -> None:
    stage.score(stage.team("North"), "atrium", {})
    stage.keep()
    found = stage.board("latest")
    assert found["tables"] == []
    assert any("nothing to rank" in note for note in found["notes"])
    assert "Nothing to rank" in stage.client.get("/boards/latest").text
    assert stage.keep() == 0, "it isn't tried again and again"


def plain(rows: TableResult) -> list[tuple[object, ...]]:
    return [
        (
            row.team,
            row.rank.rank,
            row.rank.low,
            row.rank.high,
            list(row.groups),
            *((one.value, one.low, one.high) for one in row.figures.values()),
        )
        for row in rows.rows
    ]


@pytest.mark.parametrize("sort", ["dice", "hausdorff_mm"])
def test_the_digits_are_those_of_unicare_rank(stage: Stage, sort: str) -> None:
    runs = {"North": GOOD, "South": FAIR, "West": POOR}
    for name, figures in runs.items():
        stage.score(stage.team(name), "atrium", figures)
    stage.keep()
    board = load_board(stage.challenge_folder / "boards" / "both.yaml")
    rows = {name: rows_of("atrium", figures) for name, figures in runs.items()}
    expected = rank_teams(board, build_table(rows, manifest("atrium")), sort=sort)
    found = stage.board("latest", sort=sort)
    assert found["bootstrap"] == expected.bootstrap == 1000
    for shown, ours in zip(found["tables"], expected.tables, strict=True):
        assert [
            (
                row["team"],
                row["rank"],
                row["rank_low"],
                row["rank_high"],
                row["groups"],
                *((one["value"], one["low"], one["high"]) for one in row["figures"].values()),
            )
            for row in shown["rows"]
        ] == plain(ours)
        assert (shown["cases"], shown["patients"]) == (ours.cases, ours.patients)


def test_hidden_boards_show_neither_figures_nor_history(stage: Stage) -> None:
    team = stage.team("North")
    for figures in (POOR, GOOD):
        stage.score(team, "atrium", figures, "best")
        stage.keep()
    assert stage.board("best")["tables"] == []
    assert stage.history("best")["tables"] == []
    page = stage.client.get("/boards/best").text
    assert "North" not in page
    assert "<svg" not in page
    stage.now = AFTER_RELEASE
    assert stage.history("best")["tables"]


def test_history_has_a_point_for_each_change_and_no_other(stage: Stage) -> None:
    north, south = stage.team("North"), stage.team("South")
    first = stage.now
    stage.score(north, "atrium", FAIR)
    stage.keep()
    second = stage.now
    stage.score(south, "atrium", GOOD)
    stage.keep()
    stage.score(south, "liver", LIVER)
    stage.keep()
    third = stage.now
    stage.score(south, "atrium", POOR)
    stage.keep()
    found = stage.client.get("/api/v1/boards/latest/history").json()
    assert found == stage.history("latest")
    assert stage.client.get("/api/v1/boards/latest").json() == stage.board("latest")
    assert [one["name"] for one in found["tables"]] == ["la ID", "la OOD", "liver ID"]
    lines = {line["team"]: line["points"] for line in found["tables"][0]["lines"]}
    times = [moment.isoformat().replace("+00:00", "Z") for moment in (first, second, third)]
    assert lines["North"] == [
        {"at": times[0], "score": 0.75, "rank": 1},
        {"at": times[1], "score": 0.75, "rank": 2},
        {"at": times[2], "score": 0.75, "rank": 1},
    ]
    assert [(one["at"], one["rank"]) for one in lines["South"]] == [(times[1], 1), (times[2], 2)]
    by_distance = stage.history("latest", sort="hausdorff_mm")
    assert [point["score"] for point in by_distance["tables"][0]["lines"][0]["points"]] == [5.0]
    page = stage.client.get("/boards/latest").text
    assert page.count('class="curve c1"') == 2, "the liver's table has had one run only"


@pytest.mark.parametrize("query", [{"sort": "nothing"}, {"edition": "nothing"}])
def test_there_is_no_history_of_what_is_not_there(stage: Stage, query: dict[str, str]) -> None:
    answer = stage.client.get("/api/v1/boards/latest/history", params=query)
    assert answer.status_code == (404 if "edition" in query else 422)


def test_what_was_handed_in_too_late_does_not_count(stage: Stage) -> None:
    """Begun in time, but the last byte came when the board was frozen."""
    north = stage.team("North")
    stage.score(north, "atrium", FAIR)
    late = stage.submission(north, "atrium", whole_at=AFTER_FREEZE)
    stage.evaluate(late, "atrium", GOOD)
    stage.keep()
    assert table(stage.board("joined"), "la ID") == [(1, "North", 0.75)]
    assert table(stage.board("latest"), "la ID") == [(1, "North", pytest.approx(0.85))]
