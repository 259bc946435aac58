"""What challenge.yaml may say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo

from unicare.core.case import SEQUENCES
from unicare.core.errors import UnicareError
from unicare.core.structure import TASKS
from unicare.evaluate.ranking.boards import Board, load_board
from unicare.web.challenge.base import Slug, Strict, Title, Url
from unicare.web.challenge.limits import Containers, Uploads
from unicare.web.challenge.paths import FileInside, FolderInside, inside
from unicare.web.challenge.phase import Phase
from unicare.web.challenge.times import Moment

__all__ = [
    "Announcement",
    "Baseline",
    "BoardEntry",
    "Challenge",
    "History",
    "Link",
    "Registration",
    "Task",
]

Kind = Literal["la", "la_scar", "whs", "myops", "liver", "custom"]
Label = Annotated[int, Field(ge=1, le=2**31 - 1)]


def _sequence(written: Any) -> str:
    if written not in SEQUENCES:
        raise ValueError(f"no sequence {written}; expected one of {', '.join(SEQUENCES)}")
    return str(written)


def _board(written: Any, info: ValidationInfo) -> Board:
    """The board of a name, or of a YAML file in the challenge's folder."""
    if isinstance(written, Board):
        return written
    text = str(written)
    folder: Path = (info.context or {})["folder"]
    try:
        return load_board(inside(folder, text) if text.endswith((".yaml", ".yml")) else text)
    except UnicareError as error:
        raise ValueError(str(error).replace(f"{folder}/", "")) from None


class Task(Strict):
    """One task.

    Attributes:
        name: as in addresses and in ``reference/<task>``.
        title: for people.
        kind: CARE task whose structures and boards' parts it has; the name if that is one, else ``custom``.
        labels: label value to the structure's name.
        sequences: that cases may have, any subset.
        distributions: that its cases come from.
        prompts: whether each phase's reference has a ``prompts.json`` that teams and containers are given.
    """

    name: Slug
    title: Title
    kind: Kind | None = None
    labels: dict[Label, Title]
    sequences: tuple[Annotated[str, PlainValidator(_sequence)], ...]
    distributions: tuple[Literal["ID", "OOD"], ...] = ("ID", "OOD")
    prompts: bool = True

    @property
    def care_task(self) -> Kind:
        """What manifests, boards and ``unicare evaluate --task`` call it; ``custom`` if it is none."""
        if self.kind is not None:
            return self.kind
        return self.name if self.name in TASKS else "custom"  # type: ignore[return-value]


class BoardEntry(Strict):
    """A board of the challenge.

    Attributes:
        name: as in addresses.
        board: how it ranks; in challenge.yaml a board that comes with unicare, or a YAML file of the folder.
        title: for people; the board's own if not given.
        phase: whose runs stand on it.
        tasks: whose runs stand on it; all of the phase if none is named.
        freeze: the last minute in which runs still change it; that of the phase's end if not given.
    """

    name: Slug
    board: Annotated[Board, PlainValidator(_board)]
    title: Title = ""
    phase: str
    tasks: tuple[str, ...] = ()
    freeze: Moment | None = None


class Registration(Strict):
    """How one takes part.

    Attributes:
        approval: whether an organiser must approve.
        agreement: Markdown file, the data-use agreement that each person accepts.
        opens: from when on.
        closes: the last minute.
        largest_team: persons in a team.
    """

    approval: bool = True
    agreement: FileInside | None = None
    opens: Moment | None = None
    closes: Moment | None = None
    largest_team: int | None = Field(default=None, ge=1)


class Announcement(Strict):
    """News of the organisers.

    Attributes:
        at: when it appears.
        title: one line.
        text: Markdown.
    """

    at: Moment
    title: Title = Field(min_length=1)
    text: str = Field(default="", max_length=20_000)


class Baseline(Strict):
    """Something to compare with, marked as such on boards.

    Attributes:
        name: as shown in place of a team's.
        about: one line.
        board: name of the challenge's board that published figures belong to.
        figures: CSV of published means, see ``unicare.evaluate.ranking.published``.
        predictions: folder with ``<task>/<phase>/<case>_pred.nii.gz``, evaluated like any team's.
    """

    name: Title = Field(min_length=1)
    about: Title = ""
    board: str | None = None
    figures: FileInside | None = None
    predictions: FolderInside | None = None


class History(Strict):
    """A board that was published before.

    Attributes:
        title: for people.
        board: name of the challenge's board whose tables these are.
        figures: CSV of published means.
        published: day.
        source: where it stands.
    """

    title: Title = Field(min_length=1)
    board: str
    figures: FileInside
    published: date | None = None
    source: Url | None = None


class Link(Strict):
    """A page elsewhere.

    Attributes:
        title: for people.
        url: its address.
    """

    title: Title = Field(min_length=1)
    url: Url


class Challenge(Strict):
    """A challenge, as its folder has it; all paths are absolute and inside the folder.

    Attributes:
        folder: absolute.
        name: as in addresses.
        title: for people.
        about: one line.
        organisers: one line.
        contact: an address on the web or of a mailbox.
        links: pages elsewhere.
        texts: page to Markdown file; ``overview`` is the first page.
        registration: how one takes part.
        tasks: in the order in which they are shown.
        phases: in the order in which they start.
        boards: in the order in which they are shown.
        containers: how they are run.
        uploads: how much may be uploaded.
        announcements: in any order.
        baselines: on boards.
        history: boards published before.
    """

    folder: Path
    name: Slug
    title: Title = Field(min_length=1)
    about: Title = ""
    organisers: Title = ""
    contact: Title = ""
    links: tuple[Link, ...] = ()
    texts: dict[Slug, FileInside] = Field(default_factory=dict)
    registration: Registration = Registration()
    tasks: tuple[Task, ...] = ()
    phases: tuple[Phase, ...] = ()
    boards: tuple[BoardEntry, ...] = ()
    containers: Containers = Containers()
    uploads: Uploads = Uploads()
    announcements: tuple[Announcement, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    history: tuple[History, ...] = ()

    def task(self, name: str) -> Task:
        """The task of a name.

        Raises:
            KeyError: there is none.
        """
        return {one.name: one for one in self.tasks}[name]

    def phase(self, name: str) -> Phase:
        """The phase of a name.

        Raises:
            KeyError: there is none.
        """
        return {one.name: one for one in self.phases}[name]

    def board(self, name: str) -> BoardEntry:
        """The board of a name.

        Raises:
            KeyError: there is none.
        """
        return {one.name: one for one in self.boards}[name]

    def tasks_of(self, phase: Phase) -> tuple[Task, ...]:
        """What a phase is about."""
        return tuple(task for task in self.tasks if not phase.tasks or task.name in phase.tasks)

    def tasks_on(self, entry: BoardEntry) -> tuple[Task, ...]:
        """Whose runs stand on a board."""
        every = self.tasks_of(self.phase(entry.phase))
        return tuple(task for task in every if not entry.tasks or task.name in entry.tasks)
