"""Boards applied to teams' figures: tables with ranks, intervals, groups; pure functions on arrays."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.aggregate import Resampling, resample
from unicare.evaluate.ranking.boards import Board, Part
from unicare.evaluate.ranking.measured import Measured, measure
from unicare.evaluate.ranking.pairwise import group_letters, pairwise_p
from unicare.evaluate.ranking.schemes import SCHEMES, Scored, Tested, merge_tested
from unicare.evaluate.ranking.standings import (
    BoardResult,
    Column,
    Estimate,
    RankEstimate,
    Standing,
    TableResult,
)
from unicare.evaluate.ranking.statistics import estimate, rank_estimate, tau_of
from unicare.evaluate.ranking.table import ResultTable

__all__ = ["ScoredPart", "chosen_sort", "join_parts", "rank_teams", "table_result"]

_FEWEST = 6
"""With fewer pairs the smallest p of a two-sided signed-rank test is above 0.05."""


@dataclass(frozen=True, eq=False)
class ScoredPart:
    """One part of a board, scored but not yet written down.

    Attributes:
        part: what the board says.
        measured: its criteria.
        scored: its scores.
        cases: how many count.
        units: the patients, each in its centre.
        missing: of every team, cases without a figure.
        notes: what else must be known.
        drawn: whether samples differ; they don't where no centre has two patients.
    """

    part: Part
    measured: tuple[Measured, ...]
    scored: Scored
    cases: int = 0
    units: frozenset[Hashable] = frozenset()
    missing: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    drawn: bool = False


def rank_teams(
    board: Board,
    table: ResultTable,
    *,
    sort: str | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
    alpha: float = 0.05,
) -> BoardResult:
    """Ranks teams by a board, and says how sure the order is.

    Samples are drawn over all cases at once, stratified by task, distribution and centre, a patient's cases
    together; every figure, rank and tau is computed anew in each. Groups come from Wilcoxon signed-rank
    tests of all pairs of teams on patients, corrected by Holm.

    Args:
        board: of ``load_board``.
        table: of ``build_table``.
        sort: the column that ranks, where the board lets one choose; its own default if not given.
        bootstrap: number of samples; 0 leaves intervals out.
        seed: the same seed gives the same samples.
        confidence: of the intervals.
        alpha: family-wise error rate of the groups.

    Returns:
        One table for each part that has cases, and the overall one if the board joins them.

    Raises:
        SettingsError: an impossible setting, or no case fits any part of the board.
    """
    _check(bootstrap, confidence, alpha)
    by = chosen_sort(board, sort)
    resampling = resample(table.cases, bootstrap, seed)
    notes: list[str] = []
    parts = []
    for part in board.parts:
        scored = _score_part(board, part, table, resampling, by, alpha)
        if isinstance(scored, str):
            notes.append(scored)
        else:
            parts.append(scored)
    if not parts:
        placed = any(part.task or part.distribution for part in board.parts)
        raise SettingsError(
            f"board {board.name}: nothing to rank",
            found="; ".join(notes),
            mend="give the manifest with --cohort; it says each case's task and distribution"
            if placed
            else "measure what is lacking with unicare evaluate",
        )
    overall = None
    if board.combine == "mean_rank":
        overall = table_result(join_parts(parts), table.teams, confidence, alpha)
    return BoardResult(
        board=board.name,
        title=board.title,
        about=board.about,
        scheme=board.scheme,
        tables=tuple(table_result(part, table.teams, confidence, alpha) for part in parts),
        overall=overall,
        sort=by,
        bootstrap=bootstrap,
        seed=seed,
        confidence=confidence,
        alpha=alpha,
        notes=(*notes, *_lonely(resampling)),
    )


def chosen_sort(board: Board, sort: str | None) -> str:
    """The column to rank by; empty where the scheme leaves no choice.

    Raises:
        SettingsError: the board can't be sorted by that.
    """
    if sort and sort not in board.sorts:
        raise SettingsError(
            f"board {board.name} can't be sorted by {sort}",
            expected=" or ".join(board.sorts) or f"no --sort: {board.scheme} joins its figures to one score",
        )
    return sort or board.sort or (board.sorts[0] if board.sorts else "")


def _check(bootstrap: int, confidence: float, alpha: float) -> None:
    if bootstrap < 0:
        raise SettingsError("bootstrap", found=bootstrap, expected="0 or more samples")
    for name, value in (("confidence", confidence), ("alpha", alpha)):
        if not 0 < value < 1:
            raise SettingsError(name, found=value, expected="between 0 and 1")


def _score_part(
    board: Board, part: Part, table: ResultTable, resampling: Resampling, sort: str, alpha: float
) -> ScoredPart | str:
    """The part's scores, or a sentence that says why it has none."""
    fits = np.array(
        [
            part.task in (None, case.task) and part.distribution in (None, case.distribution)
            for case in table.cases
        ]
    )
    title = part.title or part.name
    if not fits.any():
        return f"{title}: no cases, left out"
    chosen = table.select(fits, part.structures)
    units = tuple(unit for unit, kept in zip(resampling.units, fits, strict=True) if kept)
    drawn = Resampling(resampling.weights[:, fits], units, ())
    found = {one.column: measure(chosen, drawn, one, board) for one in board.criteria}
    measured = tuple(one for one in found.values() if one is not None)
    lacking = [name for name, one in found.items() if one is None]
    if not measured or sort in lacking:
        return f"{title}: nobody has {' or '.join(lacking)}, left out"
    held = np.any(
        [~np.isnan(chosen.figures(one.criterion.metric)[0]).all(axis=1) for one in measured], axis=0
    )
    kept = frozenset(unit for unit, there in zip(units, held, strict=True) if there)
    missing = np.max([chosen.missing(one.criterion.metric) for one in measured], axis=0)
    varied = bool((drawn.weights[1:][:, held] != 1).any())
    notes = _part_notes(part, chosen, lacking, missing, len(kept))
    if drawn.samples and not varied:
        notes.append("no intervals: no centre has two patients here, so that nothing could be drawn")
    return ScoredPart(
        part=part,
        measured=measured,
        scored=SCHEMES[board.scheme](measured, board, sort, alpha),
        cases=int(held.sum()),
        units=kept,
        missing=tuple(int(count) for count in missing),
        notes=tuple(notes),
        drawn=varied,
    )


def _part_notes(
    part: Part, table: ResultTable, lacking: Sequence[str], missing: NDArray[np.int64], patients: int
) -> list[str]:
    notes = [f"{name} doesn't count: there are no figures for it" for name in lacking]
    for team, count in zip(table.teams, missing, strict=True):
        if count:
            cases = "1 case lacks" if count == 1 else f"{count} cases lack"
            notes.append(f"{team}: {cases} figures that others have, which count as the worst")
    gone = [name for name in part.structures or () if name not in table.structures]
    if gone:
        notes.append(f"nobody has figures of {', '.join(gone)}")
    if patients < _FEWEST:
        found = "1 patient is" if patients == 1 else f"{patients} patients are"
        notes.append(f"{found} too few to tell any two teams apart")
    return notes


def _lonely(resampling: Resampling) -> tuple[str, ...]:
    if not resampling.samples or not resampling.lonely:
        return ()
    names = ", ".join(name or "the only centre" for name in resampling.lonely)
    return (f"one patient only, so that its chance is not in the intervals: {names}",)


def join_parts(parts: Sequence[ScoredPart]) -> ScoredPart:
    """The overall table: the weighted mean of each team's ranks in the parts, ranked again."""
    ranks = [part.scored.ranks.astype(np.float64) for part in parts]
    weights = np.array([part.part.weight for part in parts])
    absent = np.all([np.isnan(part.scored.scores[0]) for part in parts], axis=0)
    means = np.where(absent, np.nan, np.tensordot(weights / weights.sum(), np.stack(ranks), axes=1))
    tested = [part.scored.tested for part in parts if part.scored.tested is not None]
    columns = tuple(
        Measured(
            part.measured[0].criterion,
            Column(part.part.name, part.part.title or part.part.name, "", "lower"),
            np.where(np.isnan(part.scored.scores[0]), np.nan, rank),
        )
        for part, rank in zip(parts, ranks, strict=True)
    )
    return ScoredPart(
        part=Part(name="overall", title="Overall: mean of the ranks"),
        measured=columns,
        scored=Scored(
            Column("mean_rank", "Mean of ranks", "", "lower"), means, merge_tested(tested) if tested else None
        ),
        cases=sum(part.cases for part in parts),
        units=frozenset[Hashable]().union(*(part.units for part in parts)),
        missing=tuple(sum(counts) for counts in zip(*(part.missing for part in parts), strict=True)),
        drawn=any(part.drawn for part in parts),
    )


def table_result(scored: ScoredPart, teams: Sequence[str], confidence: float, alpha: float) -> TableResult:
    """Writes a part down: teams in the order of their ranks, with intervals and groups."""
    ranks, scores = scored.scored.ranks, scored.scored.scores
    order = sorted(range(len(teams)), key=lambda team: (ranks[0, team], teams[team]))
    first = 1 if scored.drawn else len(ranks)  # of the samples that say something
    p_values, letters = _compared(scored.scored.tested, order, alpha)
    standings = []
    for team in order:
        figures, by_column = _by_column(scored.measured, team, first, confidence)
        standings.append(
            Standing(
                team=teams[team],
                rank=rank_estimate(int(ranks[0, team]), ranks[first:, team], confidence),
                score=estimate(scores[0, team], scores[first:, team], confidence),
                figures=figures,
                ranks=by_column,
                groups=letters[team] if letters else (),
                missing=scored.missing[team] if scored.missing else 0,
            )
        )
    return TableResult(
        name=scored.part.name,
        title=scored.part.title or scored.part.name,
        columns=tuple(one.column for one in scored.measured),
        score=scored.scored.column,
        rows=tuple(standings),
        p_values=p_values,
        tested=scored.scored.tested.what if scored.scored.tested is not None else "",
        tau=tau_of(ranks[0], ranks[first:], confidence),
        cases=scored.cases,
        patients=len(scored.units),
        notes=scored.notes,
    )


def _by_column(
    measured: Sequence[Measured], team: int, first: int, confidence: float
) -> tuple[Mapping[str, Estimate], Mapping[str, RankEstimate]]:
    figures, ranks = {}, {}
    for one in measured:
        name = one.column.name
        figures[name] = estimate(one.figures[0, team], one.figures[first:, team], confidence)
        ranks[name] = rank_estimate(int(one.ranks[0, team]), one.ranks[first:, team], confidence)
    return figures, ranks


def _compared(
    tested: Tested | None, order: Sequence[int], alpha: float
) -> tuple[tuple[tuple[float, ...], ...] | None, tuple[tuple[str, ...], ...]]:
    """The matrix of p in the order of the table, and the letters in the order of the teams."""
    if tested is None or not tested.units:
        return None, ()
    matrix = pairwise_p(tested.of_present)
    letters = group_letters(matrix, order, alpha)
    return tuple(tuple(float(p) for p in matrix[team, list(order)]) for team in order), letters
