"""Boxes with exclusive ends, extents, and the order in which prompts come."""

from unicare.core.prompt import Box, CasePrompts, Point, Prompt


def test_the_end_of_a_box_is_outside():
    box = Box(2, 3, 5, 7)
    inside = {Point(x, y) for x in range(10) for y in range(10) if box.contains(Point(x, y))}
    assert inside == {Point(x, y) for x in (2, 3, 4) for y in (3, 4, 5, 6)}


def test_a_union_holds_both():
    assert Box(2, 3, 5, 7).union(Box(0, 4, 3, 9)) == Box(0, 3, 5, 9)


def test_the_extent_is_the_box_else_that_of_the_points():
    points = (Point(4, 9), Point(6, 2))
    assert Prompt(points=points).extent() == Box(4, 2, 7, 10)
    assert Prompt(box=Box(1, 1, 9, 12), points=points).extent() == Box(1, 1, 9, 12)
    assert Prompt(negative_points=points, text="LV").extent() is None


def test_prompts_come_by_slice_then_label():
    one = Prompt(points=(Point(1, 1),))
    prompts = CasePrompts("a", {7: {2221: one, 200: one}, 3: None, 2: {200: one}})
    assert [(index, label) for index, label, _ in prompts] == [(2, 200), (7, 200), (7, 2221)]
    assert prompts.labels == (200, 2221)
    assert list(prompts.of(200)) == [2, 7]
    assert prompts.of(1) == {}
