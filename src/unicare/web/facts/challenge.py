"""The challenge as everybody may know it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from unicare.web.challenge import Challenge, Phase, PhaseState, Task
from unicare.web.challenge.schema import Kind
from unicare.web.challenge.times import end_of_minute
from unicare.web.facts.base import Facts
from unicare.web.facts.texts import Texts

__all__ = [
    "ChallengeFacts",
    "LabelFacts",
    "LinkFacts",
    "NewsFacts",
    "PhaseFacts",
    "RegistrationFacts",
    "TaskFacts",
    "TextFacts",
    "challenge_facts",
    "last_moment",
    "phase_facts",
    "task_facts",
]


class LinkFacts(Facts):
    """A page elsewhere.

    Attributes:
        title: for people.
        url: its address.
    """

    title: str
    url: str


class TextFacts(Facts):
    """A page of the challenge.

    Attributes:
        name: as in its address.
        title: for people.
    """

    name: str
    title: str


class NewsFacts(Facts):
    """News of the organisers.

    Attributes:
        at: when it appeared.
        title: one line.
        html: the text.
    """

    at: datetime
    title: str
    html: str


class RegistrationFacts(Facts):
    """How one takes part.

    Attributes:
        approval: whether an organiser must approve.
        agreement: whether there is a data-use agreement.
        opens: from when on; null if always.
        closes: the last minute, null if none.
        largest_team: persons in a team; null if there is no limit.
    """

    approval: bool
    agreement: bool
    opens: datetime | None
    closes: datetime | None
    largest_team: int | None


class ChallengeFacts(Facts):
    """The challenge.

    Attributes:
        name: as in addresses.
        title: for people.
        about: one line.
        organisers: one line.
        contact: an address on the web or of a mailbox.
        links: pages elsewhere.
        texts: its pages.
        registration: how one takes part.
        news: newest first.
        now: the site's clock.
    """

    name: str
    title: str
    about: str
    organisers: str
    contact: str
    links: tuple[LinkFacts, ...]
    texts: tuple[TextFacts, ...]
    registration: RegistrationFacts
    news: tuple[NewsFacts, ...]
    now: datetime


class LabelFacts(Facts):
    """A label.

    Attributes:
        value: in label maps.
        structure: what it stands for.
    """

    value: int
    structure: str


class TaskFacts(Facts):
    """A task.

    Attributes:
        name: as in addresses.
        title: for people.
        kind: task of CARE, or custom.
        labels: by value.
        sequences: that cases may have.
        distributions: ID for centres as in the training data, OOD for others.
        prompts: whether boxes and points are given.
        phases: that it is part of.
    """

    name: str
    title: str
    kind: Kind
    labels: tuple[LabelFacts, ...]
    sequences: tuple[str, ...]
    distributions: tuple[Literal["ID", "OOD"], ...]
    prompts: bool
    phases: tuple[str, ...]


class PhaseFacts(Facts):
    """A phase.

    Attributes:
        name: as in addresses.
        title: for people.
        kind: what teams hand in.
        tasks: that it is about.
        state: where it is in its life.
        always_open: has neither start nor end.
        start: from when on teams may submit.
        end: the last minute in which they may.
        release: when results are shown that are hidden until then.
        quota: successful evaluations that a team has for each task.
        counts: which of a team's runs stands on boards.
        scores_shown: whether teams see their own figures now.
        boards_shown: whether everybody sees boards now.
        hands_out_images: whether approved teams get the images here.
    """

    name: str
    title: str
    kind: Literal["predictions", "container"]
    tasks: tuple[str, ...]
    state: PhaseState
    always_open: bool
    start: datetime | None
    end: datetime | None
    release: datetime | None
    quota: int
    counts: Literal["best", "latest"]
    scores_shown: bool
    boards_shown: bool
    hands_out_images: bool


def challenge_facts(
    challenge: Challenge, texts: Texts, now: datetime, written: Sequence[NewsFacts] = ()
) -> ChallengeFacts:
    """What is known of the challenge at a moment.

    Args:
        challenge: that the site serves.
        texts: its pages.
        now: the site's clock.
        written: news that organisers wrote on the site.
    """
    given = [
        NewsFacts(at=one.at, title=one.title, html=texts.html_of(one.text))
        for one in challenge.announcements
        if one.at.astimezone(UTC) <= now
    ]
    registration = challenge.registration
    return ChallengeFacts(
        name=challenge.name,
        title=challenge.title,
        about=challenge.about,
        organisers=challenge.organisers,
        contact=challenge.contact,
        links=tuple(LinkFacts(title=one.title, url=one.url) for one in challenge.links),
        texts=tuple(TextFacts(name=name, title=text.title) for name, text in texts.pages.items()),
        registration=RegistrationFacts(
            approval=registration.approval,
            agreement=registration.agreement is not None,
            opens=registration.opens,
            closes=registration.closes,
            largest_team=registration.largest_team,
        ),
        news=tuple(sorted([*given, *written], key=_moment, reverse=True)),
        now=now,
    )


def _moment(news: NewsFacts) -> datetime:
    return news.at.astimezone(UTC)


def task_facts(challenge: Challenge) -> tuple[TaskFacts, ...]:
    """The tasks, in the challenge's order."""
    return tuple(_task(challenge, task) for task in challenge.tasks)


def _task(challenge: Challenge, task: Task) -> TaskFacts:
    return TaskFacts(
        name=task.name,
        title=task.title,
        kind=task.care_task,
        labels=tuple(LabelFacts(value=value, structure=name) for value, name in sorted(task.labels.items())),
        sequences=task.sequences,
        distributions=task.distributions,
        prompts=task.prompts,
        phases=tuple(phase.name for phase in challenge.phases if task in challenge.tasks_of(phase)),
    )


def phase_facts(challenge: Challenge, now: datetime) -> tuple[PhaseFacts, ...]:
    """The phases as they are at a moment."""
    return tuple(_phase(challenge, phase, now) for phase in challenge.phases)


def _phase(challenge: Challenge, phase: Phase, now: datetime) -> PhaseFacts:
    return PhaseFacts(
        name=phase.name,
        title=phase.title or phase.name,
        kind=phase.kind,
        tasks=tuple(task.name for task in challenge.tasks_of(phase)),
        state=phase.state(now),
        always_open=phase.always_open,
        start=phase.start,
        end=phase.end,
        release=phase.release,
        quota=phase.quota,
        counts=phase.counts,
        scores_shown=phase.shows_scores(now),
        boards_shown=phase.shows_boards(now),
        hands_out_images=phase.hand_out_images,
    )


def last_moment(phase: PhaseFacts) -> datetime | None:
    """When nothing changes any more: the release, or the end; None if never."""
    moments = [one for one in (phase.end and end_of_minute(phase.end), phase.release) if one is not None]
    return max((one.astimezone(UTC) for one in moments), default=None)
