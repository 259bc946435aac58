"""Published means: the six tables of CARE-Cardiac, in either order, and what their pages' own order is."""

from pathlib import Path

import pytest

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.boards import Board, load_board
from unicare.evaluate.ranking.published import PublishedMean, rank_published, read_published

SPEC = Path(__file__).parents[4] / "shared" / "spec" / "care_cardiac_leaderboards.csv"

# http://zmic.org.cn/care_2025/ (CARE-Cardiac), the lines in the order of the page
PAGES = """\
board,task,distribution,team,dice,hd_mm
Lb1,single cardiac structure,ID,Med-AIR,0.9390,13.7725
Lb1,single cardiac structure,ID,Space,0.9392,15.8789
Lb1,single cardiac structure,ID,Cemrg,0.9230,73.7738
Lb1,single cardiac structure,ID,Xcare2025,0.8708,68.5828
Lb1,single cardiac structure,ID,Qipeng Su,0.7777,112.5363
Lb2,single cardiac structure,OOD,Qipeng Su,0.7732,28.2984
Lb2,single cardiac structure,OOD,Space,0.7777,37.0773
Lb2,single cardiac structure,OOD,Med-AIR,0.7768,37.4824
Lb2,single cardiac structure,OOD,Xcare2025,0.7059,49.7781
Lb2,single cardiac structure,OOD,Cemrg,0.4442,69.7284
Lb3,whole heart structures,ID,Med-AIR,0.9088,13.6256
Lb3,whole heart structures,ID,Space,0.8994,14.6366
Lb3,whole heart structures,ID,Xcare2025,0.8486,28.3754
Lb3,whole heart structures,ID,Qipeng Su,0.8454,31.7669
Lb3,whole heart structures,ID,Cemrg,0.8509,38.2703
Lb4,whole heart structures,OOD,Med-AIR,0.9261,10.4423
Lb4,whole heart structures,OOD,Cemrg,0.9038,17.0919
Lb4,whole heart structures,OOD,Space,0.8179,26.9377
Lb4,whole heart structures,OOD,Qipeng Su,0.8134,30.0940
Lb4,whole heart structures,OOD,Xcare2025,0.6187,63.3101
Lb5,structure and pathology,ID,Med-AIR,0.6709,16.9396
Lb5,structure and pathology,ID,Space,0.6705,17.7413
Lb5,structure and pathology,ID,Qipeng Su,0.6096,21.1745
Lb5,structure and pathology,ID,Xcare2025,0.5483,25.9150
Lb5,structure and pathology,ID,Cemrg,0.5394,83.7736
Lb6,structure and pathology,OOD,Med-AIR,0.7613,12.6665
Lb6,structure and pathology,OOD,Space,0.7558,12.7343
Lb6,structure and pathology,OOD,Cemrg,0.7236,14.3194
Lb6,structure and pathology,OOD,Qipeng Su,0.6474,18.4937
Lb6,structure and pathology,OOD,Xcare2025,0.6417,20.3698
"""

# sorted by hand
BY_DICE = {
    "Lb1": "Space 0.9392, Med-AIR 0.9390, Cemrg 0.9230, Xcare2025 0.8708, Qipeng Su 0.7777",
    "Lb2": "Space 0.7777, Med-AIR 0.7768, Qipeng Su 0.7732, Xcare2025 0.7059, Cemrg 0.4442",
    "Lb3": "Med-AIR 0.9088, Space 0.8994, Cemrg 0.8509, Xcare2025 0.8486, Qipeng Su 0.8454",
    "Lb4": "Med-AIR 0.9261, Cemrg 0.9038, Space 0.8179, Qipeng Su 0.8134, Xcare2025 0.6187",
    "Lb5": "Med-AIR 0.6709, Space 0.6705, Qipeng Su 0.6096, Xcare2025 0.5483, Cemrg 0.5394",
    "Lb6": "Med-AIR 0.7613, Space 0.7558, Cemrg 0.7236, Qipeng Su 0.6474, Xcare2025 0.6417",
}
BY_HAUSDORFF = {
    "Lb1": "Med-AIR 13.7725, Space 15.8789, Xcare2025 68.5828, Cemrg 73.7738, Qipeng Su 112.5363",
    "Lb2": "Qipeng Su 28.2984, Space 37.0773, Med-AIR 37.4824, Xcare2025 49.7781, Cemrg 69.7284",
    "Lb3": "Med-AIR 13.6256, Space 14.6366, Xcare2025 28.3754, Qipeng Su 31.7669, Cemrg 38.2703",
    "Lb4": "Med-AIR 10.4423, Cemrg 17.0919, Space 26.9377, Qipeng Su 30.0940, Xcare2025 63.3101",
    "Lb5": "Med-AIR 16.9396, Space 17.7413, Qipeng Su 21.1745, Xcare2025 25.9150, Cemrg 83.7736",
    "Lb6": "Med-AIR 12.6665, Space 12.7343, Cemrg 14.3194, Qipeng Su 18.4937, Xcare2025 20.3698",
}
EXPECTED = {"dice": BY_DICE, "hausdorff_mm": BY_HAUSDORFF}


def lines(text: str) -> list[tuple[str, float]]:
    return [(line.rpartition(" ")[0], float(line.rpartition(" ")[2])) for line in text.split(", ")]


@pytest.fixture
def pages(tmp_path) -> tuple[PublishedMean, ...]:
    (tmp_path / "pages.csv").write_text(PAGES, encoding="utf-8")
    return read_published(tmp_path / "pages.csv")


@pytest.mark.skipif(not SPEC.exists(), reason="no ../shared")
def test_these_are_the_published_figures():
    assert SPEC.read_text(encoding="utf-8").split() == PAGES.split()


@pytest.mark.parametrize("sort", ["dice", "hausdorff_mm"])
def test_the_six_tables_are_reproduced_in_either_order(pages, sort):
    result = rank_published(load_board("care_cardiac"), pages, sort=sort)
    found = {
        table.name: [(row.team, row.figures[sort].value) for row in table.rows] for table in result.tables
    }
    assert found == {name: lines(text) for name, text in EXPECTED[sort].items()}
    for table in result.tables:
        assert [row.rank.rank for row in table.rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("sort", ["dice", "hausdorff_mm"])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_table_can_be_sorted_by_either_column_whatever_ranks_it(pages, sort, reverse):
    for table in rank_published(load_board("care_cardiac"), pages).tables:
        teams = [team for team, _ in lines(EXPECTED[sort][table.name])]
        found = [row.team for row in table.sorted_by(sort, reverse).rows]
        assert found == (teams[::-1] if reverse else teams)


def test_names_and_the_other_column_stay_with_the_team(pages):
    first = rank_published(load_board("care_cardiac"), pages).tables[0].rows[0]
    assert (first.team, first.figures["hausdorff_mm"].value) == ("Space", 15.8789)
    assert first.ranks["hausdorff_mm"].rank == 2


def test_the_pages_own_order_is_that_of_the_weighted_score(pages):
    """Neither Dice nor Hausdorff distance orders all six pages, the two together with equal weight do."""
    shown = {
        name: [one.team for one in pages if one.board == name]
        for name in dict.fromkeys(one.board for one in pages)
    }
    weighted = rank_published(load_board("weighted"), pages)
    assert {table.name: [row.team for row in table.rows] for table in weighted.tables} == shown
    for sort in ("dice", "hausdorff_mm"):
        single = rank_published(load_board("care_cardiac"), pages, sort=sort)
        assert {table.name: [row.team for row in table.rows] for table in single.tables} != shown


def test_nothing_is_claimed_of_how_sure_published_means_are(pages):
    result = rank_published(load_board("care_cardiac"), pages)
    assert result.bootstrap == 0
    assert any("published means" in note for note in result.notes)
    for table in result.tables:
        assert (table.tau, table.p_values) == (None, None)
        assert all(row.score.low is None and row.rank.low is None and not row.groups for row in table.rows)


def test_a_team_that_did_not_publish_a_table_is_last_there(pages):
    without = [one for one in pages if (one.board, one.team) != ("Lb1", "Space")]
    last = rank_published(load_board("care_cardiac"), without).tables[0].rows[-1]
    assert (last.team, last.rank.rank, last.score.value) == ("Space", 5, None)


def test_tables_are_found_by_task_and_distribution_as_well():
    means = [
        PublishedMean("x", {"dice": 0.9}, task="liver", distribution="ID"),
        PublishedMean("y", {"dice": 0.8}, task="liver", distribution="ID"),
        PublishedMean("x", {"dice": 0.5}, task="liver", distribution="OOD"),
        PublishedMean("y", {"dice": 0.6}, task="liver", distribution="OOD"),
    ]
    result = rank_published(load_board("tfm4media"), means)
    assert [table.name for table in result.tables] == ["liver ID", "liver OOD"]
    assert result.overall is not None
    assert [(row.team, row.rank.rank, row.score.value) for row in result.overall.rows] == [
        ("x", 1, 1.5),
        ("y", 1, 1.5),
    ]
    assert sum("not published" in note for note in result.notes) == 7


@pytest.mark.parametrize("name", ["rank_then_aggregate", "test_then_rank"])
def test_what_needs_cases_is_refused(pages, name):
    with pytest.raises(SettingsError, match="case by case"):
        rank_published(load_board(name), pages)


def test_a_board_without_any_of_the_tables_is_refused(pages):
    parts = [{"name": "L9", "task": "liver"}]
    mine = {"name": "mine", "title": "x", "criteria": [{"metric": "dice"}], "parts": parts}
    board = Board.model_validate(mine)
    with pytest.raises(SettingsError, match="expected L9"):
        rank_published(board, pages)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("dice\n0.5\n", "expected board, task, distribution, team"),
        ("team,beauty\nx,1\n", "beauty"),
        ("team,dice\nx,good\n", "line 2: not a number"),
        ("team,dice\n,0.5\n", "line 2: no team"),
        ("", "published means"),
    ],
)
def test_a_table_that_cannot_be_understood(tmp_path, text, told):
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=told):
        read_published(tmp_path / "table.csv")


def test_a_team_is_in_a_table_once():
    means = [PublishedMean("x", {"dice": 0.9}, "Lb1")] * 2
    with pytest.raises(SettingsError, match="twice"):
        rank_published(load_board("care_cardiac"), means)
