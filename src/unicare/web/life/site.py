"""What a worker works with, opened from the site's settings."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy.orm import Session

from unicare.core.errors import ContainerError, SettingsError
from unicare.web.archive.contained import ProcessLimits
from unicare.web.archive.upload_rules import UploadLimits
from unicare.web.archive.uploads import Uploads
from unicare.web.challenge import Challenge, Phase, load_challenge
from unicare.web.database import Database
from unicare.web.database.tables import SubmissionKind
from unicare.web.life.clock import Clock, database_time
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.probe import find_engine
from unicare.web.settings import SiteSettings
from unicare.web.storage import Storage, open_storage

__all__ = ["WorkingSite", "largest_upload", "open_site", "open_uploads", "working_site"]

T = TypeVar("T")

_LOG = structlog.get_logger(__name__)

UPLOADS_FOLDER = "uploads"
SCRATCH_FOLDER = "scratch"


def _new_owner() -> str:
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(8)}"


@dataclass(frozen=True)
class WorkingSite:
    """The site as workers see it.

    Attributes:
        settings: of the site.
        database: the truth about what has to be done.
        storage: submissions and results.
        challenge: as its folder was when this was opened.
        uploads: those of this machine.
        scratch: a folder for what is needed while work is under way.
        engine: what runs containers; None where this machine runs none.
        clock: that leases are counted by.
        owner: this worker's name; nobody else has it.
    """

    settings: SiteSettings
    database: Database
    storage: Storage
    challenge: Challenge
    uploads: Uploads
    scratch: Path
    engine: ContainerEngine | None = None
    clock: Clock = database_time
    owner: str = field(default_factory=_new_owner)

    @property
    def lease(self) -> timedelta:
        """For how long work is given."""
        return timedelta(seconds=self.settings.lease_seconds)

    @property
    def kinds(self) -> tuple[SubmissionKind, ...]:
        """The submissions that this worker can deal with."""
        return ("predictions",) if self.engine is None else ("predictions", "container")

    @property
    def scoring_limits(self) -> ProcessLimits:
        """What the process that scores a submission may take."""
        wall_s = max(1, round(self.settings.evaluation_minutes * 60))
        memory_bytes = self.settings.evaluation_memory_mb * 2**20
        return ProcessLimits(memory_bytes=memory_bytes, cpu_s=wall_s, wall_s=wall_s, files=256)

    def transact(self, work: Callable[[Session, datetime], T]) -> T:
        """A transaction whose work is told the time."""
        return self.database.transact(lambda session: work(session, self.clock(session)))


def open_site(settings: SiteSettings, clock: Clock = database_time) -> WorkingSite:
    """Opens what a worker needs; tables have to be there.

    Raises:
        SettingsError: no challenge, or something in the settings or the challenge that can't be used.
        ContainerError: the container engine that is asked for by name doesn't work here.
        OutputError: the scratch folder can't be made.
    """
    if settings.challenge_dir is None:
        raise SettingsError("a worker needs a challenge", found="none", mend="set UNICARE_CHALLENGE_DIR")
    challenge = load_challenge(settings.challenge_dir)
    database = Database.open(settings.database_url.get_secret_value())
    site = working_site(settings, challenge, database, clock)
    return replace(site, engine=_engine(settings, challenge, site.scratch))


def working_site(
    settings: SiteSettings, challenge: Challenge, database: Database, clock: Clock = database_time
) -> WorkingSite:
    """The site as workers see it, without what runs containers: all that handing in needs.

    Raises:
        SettingsError: the storage can't be opened.
        OutputError: the scratch folder can't be made.
    """
    scratch = settings.data_dir / SCRATCH_FOLDER
    scratch.mkdir(parents=True, exist_ok=True)
    return WorkingSite(
        settings=settings,
        database=database,
        storage=open_storage(settings.storage_url.get_secret_value()),
        challenge=challenge,
        uploads=open_uploads(settings),
        scratch=scratch,
        clock=clock,
    )


def open_uploads(settings: SiteSettings) -> Uploads:
    """The uploads that lie on this machine; ``largest_upload`` says what one of a phase may have."""
    most = settings.upload_mb * 2**20
    limits = UploadLimits(upload_bytes=most, team_bytes=2 * most, team_uploads=settings.uploads_at_once)
    return Uploads(settings.data_dir / UPLOADS_FOLDER, limits)


def largest_upload(challenge: Challenge, phase: Phase, settings: SiteSettings) -> int:
    """How long one upload of a phase may be, in bytes; for ``Uploads.begin(…, most_bytes=…)``.

    An image's archive may have ``containers.limits.image_gb``, predictions ``uploads.archive_mb``, and
    neither more than the site takes.
    """
    if phase.kind == "container":
        most = round(challenge.containers.limits.image_gb * 2**30)
    else:
        most = challenge.uploads.archive_mb * 2**20
    return min(most, settings.upload_mb * 2**20)


def _engine(settings: SiteSettings, challenge: Challenge, scratch: Path) -> ContainerEngine | None:
    """Looked for only where the challenge takes containers, since that runs one.

    Where none was asked for by name and none works, this machine has predictions evaluated all the same;
    containers wait for a worker that can run them.
    """
    if settings.container_engine == "none" or all(one.kind != "container" for one in challenge.phases):
        return None
    if settings.container_engine != "auto":
        return find_engine((settings.container_engine,), scratch=scratch)
    try:
        return find_engine(scratch=scratch)
    except ContainerError as error:
        _LOG.warning("this worker runs no containers", why=str(error))
        return None
