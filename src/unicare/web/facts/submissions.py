"""What a team handed in, as its people and the organisers may know it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from unicare.web.challenge import PhaseState
from unicare.web.facts.base import Facts
from unicare.web.life.states import State

__all__ = [
    "CheckFacts",
    "EvaluationFacts",
    "FindingFacts",
    "MeanFacts",
    "QuotaFacts",
    "ScoreFacts",
    "SubmissionFacts",
    "SubmissionSummary",
    "UploadFacts",
]


class QuotaFacts(Facts):
    """What a team has left of its evaluations for one task of one phase.

    Attributes:
        phase: as in addresses.
        phase_title: for people.
        task: as in addresses.
        task_title: for people.
        kind: what is handed in.
        state: where the phase is in its life.
        closes: the first moment at which it is too late; null if there is none.
        quota: successful evaluations that a team has.
        used: evaluations that have a score.
        under_way: evaluations that wait or run; they are given back if they fail.
        left: what is neither used nor under way.
        arriving: submissions that are uploaded or checked; they count once their check has passed.
        largest_bytes: of one upload.
        hands_out_images: whether images can be fetched here.
        unattended_since: since when no worker was seen that can check what is handed in; null if one is.
    """

    phase: str
    phase_title: str
    task: str
    task_title: str
    kind: Literal["predictions", "container"]
    state: PhaseState
    closes: datetime | None
    quota: int
    used: int
    under_way: int
    left: int
    arriving: int
    largest_bytes: int
    hands_out_images: bool
    unattended_since: datetime | None


class UploadFacts(Facts):
    """How far an upload has come.

    Attributes:
        submission: number of the submission.
        name: of the file, as the team calls it.
        total_bytes: its length, as announced.
        length: bytes that have come: where to go on.
        sha256: of the whole, as announced; null if it wasn't.
        whole: whether nothing is missing.
        chunk_bytes: that one request may bring at most.
    """

    submission: int
    name: str
    total_bytes: int
    length: int
    sha256: str | None
    whole: bool
    chunk_bytes: int


class FindingFacts(Facts):
    """One thing that the check found.

    Attributes:
        kind: what sort of thing.
        text: what there is to know and to do.
        name: of the file; empty where it is about no single file.
        case: empty where it is about no single case.
        note: nothing wrong, only good to know.
        voxels: how many it is about; null where it isn't about voxels.
    """

    kind: str
    text: str
    name: str
    case: str
    note: bool
    voxels: int | None


class CheckFacts(Facts):
    """What came of the check.

    Attributes:
        at: when it ended; null while it hasn't.
        cases: how many predictions were expected; null where it didn't come to that.
        findings: all of them, in one list.
        messages: sentences about the whole.
        log: the last that a container printed on public cases; empty for predictions.
        waits: why it isn't queued though nothing is wrong; empty if it is.
    """

    at: datetime | None
    cases: int | None
    findings: tuple[FindingFacts, ...]
    messages: tuple[str, ...]
    log: str
    waits: str


class MeanFacts(Facts):
    """One metric of one structure over cases.

    Attributes:
        structure: its name.
        label: its value in label maps; null for cases as a whole.
        metric: as ``unicare evaluate`` names it.
        title: for people.
        unit: of the figures; empty if they have none.
        mean: over cases; null if there is no figure.
        sd: sample standard deviation; null for fewer than two cases.
        median: over cases; null if there is no figure.
        n: cases with a figure.
    """

    structure: str
    label: int | None
    metric: str
    title: str
    unit: str
    mean: float | None
    sd: float | None
    median: float | None
    n: int


class ScoreFacts(Facts):
    """The figures of an evaluation, over some of the cases.

    Attributes:
        distribution: ID or OOD; empty for all cases together.
        means: each structure's metrics.
    """

    distribution: str
    means: tuple[MeanFacts, ...]


class EvaluationFacts(Facts):
    """One evaluation of a submission; the last one counts.

    Attributes:
        number: 1 for the first, 2 for the first rerun …
        state: where it is in its life.
        place: in the queue, 1 for the next; null if it doesn't wait.
        queued_at: when it was queued.
        started_at: null if it wasn't.
        finished_at: null if it isn't.
        error: why it failed; empty if it didn't.
        definition: version of the metrics' definition; null before there are figures.
        unicare: version that measured; null before there are figures.
        scores: all cases first, then each distribution; empty while there are none, or none to be shown.
    """

    number: int
    state: Literal["queued", "running", "scored", "failed", "cancelled"]
    place: int | None
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    error: str
    definition: str | None
    unicare: str | None
    scores: tuple[ScoreFacts, ...]


class SubmissionSummary(Facts):
    """A submission in a list.

    Attributes:
        id: number.
        task: as in addresses.
        phase: as in addresses.
        kind: what was handed in.
        state: where it is in its life.
        final: whether nothing happens any more by itself.
        place: in the queue, 1 for the next; null if it doesn't wait.
        created_at: when it was announced.
        by: who handed it in.
        note: the team's own words.
        headline: mean Dice of all structures over all cases; null if there is none to be shown.
    """

    id: int
    task: str
    phase: str
    kind: Literal["predictions", "container"]
    state: State
    final: bool
    place: int | None
    created_at: datetime
    by: str
    note: str
    headline: float | None


class SubmissionFacts(SubmissionSummary):
    """All that there is to know of a submission now.

    Attributes:
        team: whose it is.
        task_title: for people.
        phase_title: for people.
        upload: how far it has come; null once it has been taken.
        check: what came of it.
        evaluations: the last one first.
        scores_shown: whether figures are shown now.
        scores_from: from when on, if they aren't; null if that isn't set, or they are.
        cases_shown: whether figures of single cases are shown now.
        worst_shown: whether the worst cases can be looked at now.
        may_cancel: whether it can be taken back now.
        may_queue: whether it waits for its team to have it evaluated.
        quota: its team’s, for its task and phase; null if the challenge has these no more.
    """

    team: str
    task_title: str
    phase_title: str
    upload: UploadFacts | None
    check: CheckFacts
    evaluations: tuple[EvaluationFacts, ...]
    scores_shown: bool
    scores_from: datetime | None
    cases_shown: bool
    worst_shown: bool
    may_cancel: bool
    may_queue: bool
    quota: QuotaFacts | None
