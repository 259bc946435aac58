import numpy as np
import pytest
from tests.evaluate.report.made import comparisons_of, rows_of, run_of

from unicare.evaluate.ranking.boards import load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.table import build_table
from unicare.evaluate.report.results import compare_runs
from unicare.evaluate.report.story import tell_story

CASES = [f"case {number}" for number in range(30)]


def told(runs, missing=None, errors=None):
    table = None
    if len(runs) > 1:
        board = load_board("test_then_rank")
        table = rank_teams(board, build_table({run.name: run.rows for run in runs}), bootstrap=200).final
    return tell_story(compare_runs(runs), [run.name for run in runs], table, missing or {}, errors or {})


def run_with(name, dice, **facts):
    return run_of(
        name, *(rows_of(case, {"dice": float(d)}, **facts) for case, d in zip(CASES, dice, strict=False))
    )


def answer(story, question):
    return next((point.answer for point in story.points if point.question == question), None)


@pytest.fixture
def noise():
    drawn = np.random.default_rng(0).normal(0, 0.02, (2, 15))
    return (drawn - drawn.mean(axis=1, keepdims=True)).ravel()


def test_a_clear_winner_is_called_the_best(noise):
    story = told([run_with("weak", 0.5 + noise), run_with("strong", 0.9 + noise[::-1])])
    assert story.leading == "strong"
    assert story.headline.startswith("strong is best: mean Dice 0.900")
    assert "differs from every other run" in answer(story, "How sure?")
    assert "n = 30 patients" in answer(story, "How sure?")


def test_a_tie_is_not_called_a_win(noise):
    story = told([run_with("one", 0.8 + noise), run_with("twin", 0.8 + noise[::-1])])
    assert "is best" not in story.headline
    assert "can’t be told apart" in answer(story, "How sure?")


def test_a_drop_out_of_distribution_is_said_with_its_interval(noise):
    inside = run_with("one", 0.9 + noise[:15], centre="A")
    outside = [
        rows_of(f"far {place}", {"dice": float(0.6 + d)}, centre="B", distribution="OOD")
        for place, d in enumerate(noise[15:])
    ]
    story = told([run_of("one", list(inside.rows), *outside)])
    said = answer(story, "At unseen centres?")
    assert said.startswith("It drops: mean Dice 0.900 in distribution (n = 15), 0.600 out of it (n = 15)")
    assert "the difference is 0.300, 95% interval 0.2" in said


def test_no_drop_is_claimed_where_the_interval_holds_0(noise):
    rows = [
        rows_of(case, {"dice": float(0.8 + d)}, distribution=("ID", "OOD")[place % 2])
        for place, (case, d) in enumerate(zip(CASES, noise, strict=True))
    ]
    assert answer(told([run_of("one", *rows)]), "At unseen centres?").startswith("No clear drop")


def test_the_worst_structure_and_centre_are_named():
    rows = [
        rows_of(f"{centre}{place}", {"dice": dice - harder}, label=label, structure=name, centre=centre)
        for centre, harder in (("north", 0.0), ("south", 0.2))
        for label, (name, dice) in enumerate((("scar", 0.5), ("liver", 0.95)), start=1)
        for place in range(4)
    ]
    story = told([run_of("one", *rows)])
    assert answer(story, "Which structure?").startswith("Worst on scar (mean Dice 0.400, n = 8)")
    assert answer(story, "Which centre?").startswith("Lowest at centre south: a case’s Dice is 0.200 below")


def test_the_lowest_of_centres_that_are_alike_may_be_chance(noise):
    rows = [
        rows_of(case, {"dice": float(0.8 + d)}, centre="ABC"[place % 3])
        for place, (case, d) in enumerate(zip(CASES, noise, strict=True))
    ]
    assert "may be chance" in answer(told([run_of("one", *rows)]), "Which centre?")


def test_what_is_broken_is_said():
    good = run_with("good", np.full(10, 0.9))
    bad = run_of("bad", *(rows_of(case, {"dice": 0.0}, rule="prediction_empty") for case in CASES[:10]))
    story = told([good, bad], missing={"bad": ["case 1", "case 2"]}, errors={"bad": 1})
    said = answer(story, "bad")
    assert "2 predictions missing" in said
    assert "nothing found where there is something: 10 of 10" in said
    assert "1 case not scored" in said


def test_few_cases_are_a_reason_to_be_careful():
    few = comparisons_of({"one": {"a": 0.5, "b": 0.6}})
    many = comparisons_of({"one": dict.fromkeys(CASES, 0.5)})
    assert "2 cases only" in answer(tell_story(few, ["one"], None, {}, {}), "Careful")
    assert answer(tell_story(many, ["one"], None, {}, {}), "Careful") is None
