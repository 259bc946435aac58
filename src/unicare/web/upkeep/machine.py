"""What this machine can do for the site: whether it runs containers, how its workers are woken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import SecretStr

from unicare.core.errors import ContainerError
from unicare.web.challenge import Challenge
from unicare.web.data_folder import hide_file, hide_folder
from unicare.web.life.site import SCRATCH_FOLDER
from unicare.web.sandbox.probe import find_engine
from unicare.web.settings import SiteSettings

__all__ = ["Machine", "look_at_machine"]

_WAKE_FILE = "wake.sqlite"


@dataclass(frozen=True)
class Machine:
    """What was found.

    Attributes:
        settings: of the site, with what was found filled in: workers needn't look again.
        engine: what runs containers here; None if nothing does.
        no_engine: why not, for organisers; empty where the challenge takes none, or none are wanted.
        takes_containers: whether teams hand in containers.
    """

    settings: SiteSettings
    engine: Literal["podman", "docker"] | None
    no_engine: str
    takes_containers: bool


def look_at_machine(settings: SiteSettings, challenge: Challenge) -> Machine:
    """Looks for a container engine, once for all workers, and gives them something to be woken by.

    Where none is asked for by name, a machine without an engine does everything else; containers wait for one
    that has.

    Raises:
        ContainerError: the engine that the settings name doesn't work here.
        OSError: the scratch folder, or the file that wakes workers, can't be made.
    """
    scratch = settings.data_dir / SCRATCH_FOLDER
    hide_folder(scratch)
    if settings.wake_url.get_secret_value() == "":
        hide_file(settings.data_dir / _WAKE_FILE)
        wake = SecretStr(f"sqlite:///{settings.data_dir / _WAKE_FILE}")
        settings = settings.model_copy(update={"wake_url": wake})
    takes_containers = any(one.kind == "container" for one in challenge.phases)
    if not takes_containers or settings.container_engine == "none" or settings.workers == 0:
        return Machine(settings, None, "", takes_containers)
    wanted = settings.container_engine
    try:
        found = find_engine(None if wanted == "auto" else (wanted,), scratch=scratch)
    except ContainerError as error:
        if wanted != "auto":
            raise
        without = settings.model_copy(update={"container_engine": "none"})
        return Machine(without, None, str(error), takes_containers)
    engine: Literal["podman", "docker"] = "docker" if found.name == "docker" else "podman"
    return Machine(settings.model_copy(update={"container_engine": engine}), engine, "", takes_containers)
