"""What boards show, when, and of whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from tests.web.boards.made import AS_OF, SKILL, MadeScores
from tests.web.sites import AFTER_END, AFTER_RELEASE, BEFORE, DURING, made_challenge

from unicare.core.errors import SettingsError
from unicare.web.boards import Boards, NoSuchBoardError, Scored
from unicare.web.boards.facts import BoardFacts, BoardState, Order, RowFacts, TableFacts
from unicare.web.challenge import BoardEntry, Challenge, load_challenge

CARE = Path(__file__).parents[3] / "examples" / "challenges" / "care2025"


@pytest.fixture(scope="module")
def challenge(tmp_path_factory: pytest.TempPathFactory) -> Challenge:
    return made_challenge(tmp_path_factory.mktemp("challenge"))


def by_team(table: TableFacts) -> dict[str, RowFacts]:
    return {row.team: row for row in table.rows}


def dice(board: BoardFacts, table: int, team: str) -> float | None:
    return by_team(board.tables[table])[team].figures["dice"].value


@pytest.mark.parametrize(
    ("now", "states"),
    [
        (BEFORE, [BoardState.UPCOMING, BoardState.UPCOMING]),
        (DURING, [BoardState.OPEN, BoardState.HIDDEN]),
        (AFTER_END, [BoardState.FROZEN, BoardState.HIDDEN]),
        (AFTER_RELEASE, [BoardState.FROZEN, BoardState.FROZEN]),
    ],
)
def test_the_state_follows_the_phase(challenge: Challenge, now: datetime, states: list[BoardState]) -> None:
    found = Boards(challenge).summaries(now)
    assert [one.state for one in found] == states
    for one in found:
        assert (one.shown_from is not None) == (one.state in (BoardState.UPCOMING, BoardState.HIDDEN))


def test_scores_are_not_even_asked_for_while_they_are_hidden(challenge: Challenge) -> None:
    scores = MadeScores()
    boards = Boards(challenge, scores)
    for now in (BEFORE, DURING, AFTER_END):
        board = boards.show("hidden", now, edition="current")
        assert board.tables == ()
        assert board.as_of is None
    assert scores.asked == []
    board = boards.show("hidden", AFTER_RELEASE, edition="current")
    assert len(board.tables) == 2
    assert scores.asked == [("hidden", "dice", board.frozen_from)]


def test_runs_from_the_freeze_on_do_not_count(challenge: Challenge) -> None:
    scores = MadeScores()
    board = Boards(challenge, scores).show("open", DURING)
    assert board.frozen_from is not None
    assert board.frozen_from.isoformat() == "2025-07-31T00:00:00+02:00"
    assert scores.asked[0][2] == board.frozen_from


def test_own_runs_are_shown_first_else_the_newest_that_was_published(challenge: Challenge) -> None:
    with_runs, without = Boards(challenge, MadeScores()), Boards(challenge)
    assert with_runs.show("hidden", AFTER_RELEASE).edition.own
    assert with_runs.show("hidden", AFTER_RELEASE).as_of == AS_OF
    assert with_runs.show("hidden", DURING).edition.name == "year-two"
    assert without.show("hidden", AFTER_RELEASE).edition.name == "year-two"
    assert [one.name for one in without.summary("hidden", DURING).editions] == [
        "current",
        "year-two",
        "year-one",
    ]
    one = without.show("hidden", DURING, edition="year-one")
    assert dice(one, 0, "=Alpha") == 0.95
    assert without.show("open", DURING).edition.own  # nothing else is there


def test_published_care_cardiac_is_ranked_as_it_was() -> None:
    boards = Boards(load_challenge(CARE))
    board = boards.show("care-cardiac", AFTER_RELEASE)
    assert [table.name for table in board.tables] == ["Lb1", "Lb2", "Lb3", "Lb4", "Lb5", "Lb6"]
    assert [table.distribution for table in board.tables] == ["ID", "OOD"] * 3
    assert [row.team for row in board.tables[0].rows[:2]] == ["Space", "Med-AIR"]  # 0.9392 and 0.9390
    by_distance = boards.show("care-cardiac", AFTER_RELEASE, sort="hausdorff_mm")
    assert by_distance.tables[0].rows[0].team == "Med-AIR"
    assert by_distance.tables[1].rows[0].team == "Qipeng Su"
    assert [row.rank for row in by_distance.tables[1].rows] == [1, 2, 3, 4, 5]


def test_out_of_distribution_tells_what_changed() -> None:
    board = Boards(load_challenge(CARE)).show("care-cardiac", AFTER_RELEASE)
    cemrg = by_team(board.tables[1])["Cemrg"].figures
    assert cemrg["dice"].change_from_id == pytest.approx(0.4442 - 0.9230)
    assert cemrg["hausdorff_mm"].change_from_id == pytest.approx(69.7284 - 73.7738)
    for row in board.tables[0].rows:
        assert all(figure.change_from_id is None for figure in row.figures.values())


def test_intervals_and_groups_come_through(challenge: Challenge) -> None:
    board = Boards(challenge, MadeScores()).show("open", DURING)
    assert board.bootstrap == 50
    first = board.tables[0].rows[0]
    assert first.team == "North"
    assert first.score.low is not None
    assert first.score.low <= first.score.value <= first.score.high
    assert first.groups
    assert board.tables[0].cases == 8


def test_baselines_have_figures_but_no_rank_and_push_nobody_down(challenge: Challenge) -> None:
    board = Boards(challenge, MadeScores()).show("open", DURING)
    table = board.tables[0]
    assert [row.rank for row in table.rows] == [1, 2, 3, 4]
    assert {row.team for row in table.rows} == set(SKILL)
    (baseline,) = table.baselines
    assert baseline.team == "Mean <shape>"
    assert baseline.rank is None
    assert baseline.figures["dice"].value == 0.90  # better than all but one, still without rank
    assert baseline.figures["dice"].rank is None


def test_baselines_stand_alone_until_somebody_hands_in(challenge: Challenge) -> None:
    board = Boards(challenge).show("open", DURING)
    assert [len(table.rows) for table in board.tables] == [0, 0]
    assert [len(table.baselines) for table in board.tables] == [1, 1]
    assert Boards(challenge).show("open", BEFORE).tables == ()


def test_a_column_that_does_not_rank_orders_rows_only(challenge: Challenge) -> None:
    class Combined(MadeScores):
        """A board whose overall table has columns of its own."""

        def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
            joined = entry.board.model_copy(update={"combine": "mean_rank"})
            return super().scored(entry.model_copy(update={"board": joined}), sort, until)

    boards = Boards(challenge, Combined())
    board = boards.show("open", DURING, sort="la OOD", order="worst_first")
    assert board.overall is not None
    assert board.overall.rows[-1].figures["la OOD"].value == 1
    plain = boards.show("open", DURING)
    assert plain.overall is not None
    ranks = {row.team: row.rank for row in plain.overall.rows}
    assert {row.team: row.rank for row in board.overall.rows} == ranks


def test_figures_that_are_no_numbers_are_none(challenge: Challenge) -> None:
    class Broken(MadeScores):
        """A result in which a figure is infinite."""

        def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
            found = super().scored(entry, sort, until)
            assert found is not None
            table = found.result.tables[0]
            row = table.rows[0]
            figures = {**row.figures, "dice": replace(row.figures["dice"], value=float("inf"))}
            rows = (replace(row, figures=figures), *table.rows[1:])
            tables = (replace(table, rows=rows), *found.result.tables[1:])
            return replace(found, result=replace(found.result, tables=tables))

    board = Boards(challenge, Broken()).show("open", DURING)
    figure = board.tables[0].rows[0].figures["dice"]
    assert (figure.value, figure.rank) == (None, None)
    assert "inf" not in board.model_dump_json().lower().replace("info", "")


@pytest.mark.parametrize(("name", "edition"), [("none", ""), ("open", "none"), ("open", "year-one")])
def test_what_is_not_there_is_said(challenge: Challenge, name: str, edition: str) -> None:
    with pytest.raises(NoSuchBoardError):
        Boards(challenge).show(name, DURING, edition=edition)


def test_an_unknown_column_is_said_with_those_there_are(challenge: Challenge) -> None:
    with pytest.raises(SettingsError, match="dice, hausdorff_mm"):
        Boards(challenge).show("open", DURING, sort="speed")


def test_baselines_have_no_score_that_depends_on_who_else_is_there(challenge: Challenge) -> None:
    entry = challenge.boards[0]
    weighted = entry.board.model_copy(update={"scheme": "weighted_score", "sort": ""})
    entry = entry.model_copy(update={"board": weighted})
    changed = challenge.model_copy(update={"boards": (entry,), "history": ()})
    board = Boards(changed, MadeScores()).show("open", DURING)
    (baseline,) = board.tables[0].baselines
    assert baseline.score.value is None
    assert baseline.figures["dice"].value == 0.90
    assert all(row.score.value is not None for row in board.tables[0].rows)


def test_baselines_of_both_kinds_stand_in_one_table_in_the_order_of_their_figures(
    challenge: Challenge,
) -> None:
    class WithBaselines(MadeScores):
        def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
            found = super().scored(entry, sort, until)
            assert found is not None
            return replace(found, baselines=found.result)

    boards = Boards(challenge, WithBaselines())
    orders: tuple[Order, ...] = ("best_first", "worst_first")
    for order in orders:
        table = boards.show("open", DURING, order=order).tables[0]
        assert {row.team for row in table.baselines} == {"Mean <shape>", *SKILL}
        values = [row.figures["dice"].value for row in table.baselines]
        assert values == sorted(values, reverse=order == "best_first")
        assert all(row.rank is None and row.groups == () for row in table.baselines)
