"""Writes the report: ranks the runs, chooses and draws pictures, fills the page, and keeps it small."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from unicare.core.errors import SettingsError
from unicare.data.cohort import read_cohort
from unicare.evaluate.ranking.boards import load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.standings import BoardResult
from unicare.evaluate.ranking.table import build_table
from unicare.evaluate.report.embedded import picture_json
from unicare.evaluate.report.facts import read_facts
from unicare.evaluate.report.page import Page, add_pictures, fill_page
from unicare.evaluate.report.pictures import Picture, Progress, Shown, choose_shown, draw_pictures
from unicare.evaluate.report.results import Comparison, Run, check_runs, compare_runs
from unicare.evaluate.report.sections import overview, rule_counts, structure_sections
from unicare.evaluate.report.sources import Sources, find_sources
from unicare.evaluate.report.story import Story, tell_story
from unicare.evaluate.rows import write_text

__all__ = ["DEFAULT_BOARD", "LARGEST_BYTES", "write_report"]

DEFAULT_BOARD = "aggregate_then_rank"
"""Ranks the runs where no board is asked for."""

LARGEST_BYTES = 10_000_000
"""Of a whole report: what a mail or a review site takes."""

_KEPT_FREE_BYTES = 50_000
_PAGE_BYTES, _RESULT_BYTES, _PICTURE_BYTES = 1_000_000, 400, 7_000
"""The least that a page, a result and a picture take. How many are drawn follows from it; those that don't
fit are left out again."""


def write_report(
    out_html: str | os.PathLike[str],
    *,
    truth_dir: str | os.PathLike[str],
    runs: Sequence[Run],
    images: str | os.PathLike[str] | None = None,
    prompts_json: str | os.PathLike[str] | None = None,
    cohort: str | os.PathLike[str] | None = None,
    boards: Sequence[str | os.PathLike[str]] = (),
    title: str = "Segmentation report",
    note: str = "",
    workers: int = 1,
    progress: Progress | None = None,
    largest_bytes: int = LARGEST_BYTES,
) -> Path:
    """Writes the report of one or several runs on the same truths.

    Args:
        out_html: the file to write; nothing else is needed to open it.
        truth_dir: as for ``evaluate``.
        runs: predictors or teams; their order decides their colours.
        images: folder that holds ``images/`` in the container's layout; None leaves outlines alone.
        prompts_json: prompts to be drawn; None draws none.
        cohort: manifest, for boards that need tasks or subgroups.
        boards: names or files of boards; several runs are ranked by ``DEFAULT_BOARD`` if there is none.
        title: headline.
        note: what a reader must know first, such as that the patients are simulated.
        workers: processes that draw pictures.
        progress: told after every case that is drawn.
        largest_bytes: pictures are left out, those that matter least first, until the file is this small.

    Returns:
        The path written.

    Raises:
        UnicareError: a folder, prompts.json, the manifest or a board can't be read at all, or the runs can't
            be told apart; single bad cases are left out of the pictures and logged.
        OutputError: the place can't be written to.
    """
    check_runs(runs)
    names = [run.name for run in runs]
    sources = find_sources(
        Path(truth_dir),
        runs,
        None if images is None else Path(images),
        None if prompts_json is None else Path(prompts_json),
    )
    comparisons = compare_runs(runs)
    ranked = _rank(runs, boards, cohort) if comparisons else []
    facts = [read_facts(run, sources.missing[run.name]) for run in runs]
    story = None
    if comparisons:
        errors = {fact.name: len(fact.errors) for fact in facts}
        final = ranked[0].final if ranked else None
        story = tell_story(comparisons, names, final, sources.missing, errors)
    chosen, pictures = _pictures(comparisons, names, story, sources, workers, progress, largest_bytes)
    page = Page(
        title=title,
        note=note,
        runs=tuple(facts),
        cases=len(sources.cases),
        comparisons=tuple(comparisons),
        story=story,
        overview=overview(comparisons, names) if comparisons else None,
        boards=tuple(ranked),
        sections=tuple(structure_sections(comparisons, names)),
        rules=tuple(rule_counts(comparisons, names)),
        shown=tuple(one for one in chosen if one.words),
        pictures=pictures,
    )
    write_text(Path(out_html), _within(page, chosen, largest_bytes))
    return Path(out_html)


def _rank(
    runs: Sequence[Run],
    boards: Sequence[str | os.PathLike[str]],
    cohort: str | os.PathLike[str] | None,
) -> list[BoardResult]:
    """The boards that are asked for; the default one where several runs are to be compared."""
    if not boards and len(runs) < 2:
        return []
    table = build_table({run.name: run.rows for run in runs}, () if cohort is None else read_cohort(cohort))
    return [rank_teams(load_board(os.fspath(board)), table) for board in boards or (DEFAULT_BOARD,)]


def _pictures(
    comparisons: Sequence[Comparison],
    names: Sequence[str],
    story: Story | None,
    sources: Sources,
    workers: int,
    progress: Progress | None,
    largest_bytes: int,
) -> tuple[list[Shown], Mapping[tuple[str, int], Picture]]:
    """What is pictured, what matters most first, and the pictures."""
    if story is None:
        return [], {}
    drawable = [
        one for one in comparisons if one.case in sources.cases and sources.cases[one.case].predictions
    ]
    room = largest_bytes - _PAGE_BYTES - _RESULT_BYTES * len(comparisons) * len(names)
    most = max(1, room // _PICTURE_BYTES)
    chosen = choose_shown(drawable, names, story.leading, most)
    pictures = draw_pictures(chosen, sources, names, workers, progress)
    return [one for one in chosen if (one.comparison.case, one.comparison.label) in pictures], pictures


def _within(page: Page, chosen: Sequence[Shown], largest_bytes: int) -> str:
    """The page with as many pictures for its case browser as fit.

    Raises:
        SettingsError: it is too large without any.
    """
    html = fill_page(page)
    size = len(html.encode("utf-8"))
    room = largest_bytes - _KEPT_FREE_BYTES - size
    if room < 0:
        raise SettingsError(
            "the report is too large",
            found=f"{size} bytes without the case browser's pictures",
            expected=f"at most {largest_bytes}",
            mend="report on fewer runs, structures or cases at a time",
        )
    return add_pictures(html, list(_that_fit(page, chosen, room)))


def _that_fit(page: Page, chosen: Sequence[Shown], room: int) -> Iterator[tuple[int, str]]:
    """Place of the comparison in the page's list, and its picture as JSON."""
    places = {(one.case, one.label): place for place, one in enumerate(page.comparisons)}
    for one in chosen:
        key = (one.comparison.case, one.comparison.label)
        text = picture_json(page.pictures[key])
        room -= len(text.encode("utf-8")) + 100
        if room < 0:
            return
        yield places[key], text
