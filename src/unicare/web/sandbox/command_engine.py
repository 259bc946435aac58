"""podman and docker through their command lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from unicare.core.errors import ContainerError
from unicare.web.interrupt import Interrupted, InterruptedWorkError, never
from unicare.web.sandbox.engine import ContainerSpec, ContainerState
from unicare.web.sandbox.flags import create_options

__all__ = ["CommandEngine"]

_CALL_SECONDS = 120.0
_LOAD_SECONDS = 3600.0
_ATTEMPTS = 6
_LOOK_SECONDS = 0.1
_CLEAR_UP_SECONDS = 20.0
_PASSED_ON = ("PATH", "HOME", "TMPDIR", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DOCKER_HOST")
"""The only variables that an engine gets of this program's: the others may hold secrets."""

_NEVER = "0001-01-01"
_AT_ONCE = {"podman": ("--time=0",), "docker": ()}
"""Else podman would ask a container to end, and wait."""

_LOAD: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    # podman load would unpack the archive once more, to see whether it is of another kind
    "podman": lambda name: ("pull", "--quiet", f"docker-archive:{name}"),
    "docker": lambda name: ("load", "--quiet", "--input", name),
}
"""How an engine takes in an archive that lies in the folder in which it is started; no ``:`` in its name."""


class CommandEngine:
    """An engine that is a command.

    Args:
        command: ``podman`` or ``docker``.
        runtime: the OCI runtime, for podman, or None for podman's own choice.
        seccomp: the list of the kernel's calls that containers may make, as JSON; empty for the engine's own.
    """

    def __init__(self, command: str, runtime: str | None = None, seccomp: str = "") -> None:
        self._command = command
        self._runtime = runtime
        self._seccomp = seccomp
        self._started_in: dict[str, Path] = {}

    @property
    def name(self) -> str:
        """``podman``, ``docker``."""
        return self._command

    @property
    def runtime(self) -> str | None:
        """The OCI runtime that was asked for."""
        return self._runtime

    def load(self, archive: Path, image: str, interrupted: Interrupted = never) -> None:
        """See ``ContainerEngine``."""
        verb = _LOAD[self._command]
        self._call(*verb(archive.name), seconds=_LOAD_SECONDS, interrupted=interrupted, folder=archive.parent)
        self._call("image", "inspect", "--format", "{{.Id}}", image)

    def run(self, spec: ContainerSpec) -> subprocess.Popen[bytes]:
        """See ``ContainerEngine``."""
        folder = spec.output_dir.parent
        self._call("create", *create_options(self._command, spec, self._profile(folder)), spec.image)
        self._started_in[spec.name] = folder
        return subprocess.Popen(
            [*self._start(), "start", "--attach", spec.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(self._command),
            cwd=self._started_in[spec.name],
            start_new_session=True,  # Ctrl-C is for us: we end the container, not the engine's command
        )

    def inspect(self, name: str) -> ContainerState:
        """See ``ContainerEngine``."""
        state = json.loads(self._ask("container", "inspect", name))[0]["State"]
        pid = int(state.get("Pid") or 0)
        # podman's monitor leaves a note where it was started; podman itself doesn't find it on every host
        noted = name in self._started_in and (self._started_in[name] / "oom").exists()
        return ContainerState(
            started=not str(state.get("StartedAt", _NEVER)).startswith(_NEVER),
            exit_code=None if pid else int(state.get("ExitCode", 0)),
            out_of_memory=noted or bool(state.get("OOMKilled", False)),
            pid=pid or None,
        )

    def kill(self, name: str) -> None:
        """See ``ContainerEngine``."""
        try:
            self._call("kill", "--signal", "KILL", name)
        except ContainerError:
            if name in self.containers(name) and self.inspect(name).pid is not None:
                raise

    def remove(self, name: str) -> None:
        """See ``ContainerEngine``."""
        self._started_in.pop(name, None)
        try:
            self._call("rm", "--force", "--volumes", *_AT_ONCE[self._command], name)
        except ContainerError:
            if name in self.containers(name):
                raise

    def remove_image(self, image: str) -> None:
        """See ``ContainerEngine``."""
        try:
            self._call("rmi", "--force", image)
        except ContainerError:
            if image in self.images(image):
                raise

    def containers(self, prefix: str) -> list[str]:
        """See ``ContainerEngine``."""
        names = self._ask("ps", "--all", "--format", "{{.Names}}").split()
        return [name for name in names if name.startswith(prefix)]

    def images(self, prefix: str) -> list[str]:
        """See ``ContainerEngine``."""
        names = self._ask("images", "--format", "{{.Repository}}:{{.Tag}}").split()
        return [name for name in names if name.startswith(prefix)]

    def free_bytes(self) -> int:
        """See ``ContainerEngine``."""
        info = self.info()
        root = Path(info.get("DockerRootDir") or info.get("store", {}).get("graphRoot") or "/var/lib")
        while not root.exists():
            root = root.parent
        return shutil.disk_usage(root).free

    def info(self) -> dict[str, Any]:
        """What the engine says about itself.

        Raises:
            ContainerError: it isn't installed, or doesn't answer.
        """
        said = self._call("info", "--format", "{{json .}}")
        try:
            return dict(json.loads(said))
        except (ValueError, TypeError):
            raise ContainerError(
                f"{self._command} info: not understood", found=ascii(said[:200]), expected="JSON"
            ) from None

    def _profile(self, folder: Path) -> Path | None:
        """The list, where the engine reads it: beside a run's folders, of which the container sees none."""
        if not self._seccomp:
            return None
        path = folder / "seccomp.json"
        path.write_text(self._seccomp, encoding="utf-8")
        return path

    def _start(self) -> list[str]:
        return [self._command, *(["--runtime", self._runtime] if self._runtime else [])]

    def _ask(self, *arguments: str) -> str:
        """An answer, asked for again when something vanished while podman looked at it."""
        for attempt in range(_ATTEMPTS - 1):
            try:
                return self._call(*arguments)
            except ContainerError:
                time.sleep(0.1 * 2**attempt)
        return self._call(*arguments)

    def _call(
        self,
        *arguments: str,
        seconds: float = _CALL_SECONDS,
        interrupted: Interrupted = never,
        folder: Path | None = None,
    ) -> str:
        verb = arguments[0]
        try:
            done = _run([*self._start(), *arguments], folder, seconds, interrupted)
        except FileNotFoundError:
            raise ContainerError(
                f"no {self._command} here",
                expected="podman or docker",
                mend="on Debian: apt-get install podman runc",
            ) from None
        except subprocess.TimeoutExpired:
            raise ContainerError(
                f"{self._command} {verb}: no end in sight", found=f"{seconds:g} s without an answer"
            ) from None
        except OSError as error:
            raise ContainerError(f"{self._command}: can't be run", found=error.strerror) from None
        if done.returncode:
            raise ContainerError(f"{self._command} {verb} failed", found=_last_words(done.stderr))
        return done.stdout.decode("utf-8", "replace")


def _run(
    command: Sequence[str], folder: Path | None, seconds: float, interrupted: Interrupted
) -> subprocess.CompletedProcess[bytes]:
    """Runs a command to its end; if it is interrupted or takes too long, it is asked to end, and then ended.

    Raises:
        InterruptedWorkError: it was interrupted.
        subprocess.TimeoutExpired: it took too long.
        OSError: it can't be run.
    """
    until = time.monotonic() + seconds
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # what podman unpacks meanwhile goes with the archive's folder, also when podman is killed
        env={**_environment(command[0]), **({"TMPDIR": str(folder.absolute())} if folder else {})},
        cwd=folder or "/",
        start_new_session=True,  # Ctrl-C is for us
    ) as process:
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    said, complained = process.communicate(timeout=_LOOK_SECONDS)
                    return subprocess.CompletedProcess(command, process.returncode, said, complained)
                if interrupted():
                    raise InterruptedWorkError
                if time.monotonic() > until:
                    raise subprocess.TimeoutExpired(command, seconds)
        finally:
            if process.poll() is None:
                _ask_to_end(process)


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    """An engine that is asked to end removes what it has half made."""
    process.terminate()
    try:
        process.communicate(timeout=_CLEAR_UP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _environment(command: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    kept["LC_ALL"] = "C"
    if command == "docker":
        kept["DOCKER_CONFIG"] = "/nonexistent"  # its proxies would be passed on to containers
    return kept


def _last_words(said: bytes) -> str:
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:500] if lines else "no word why"
