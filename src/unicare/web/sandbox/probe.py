"""Which container engine works here, found out by running a program of a few bytes that ends at once."""

from __future__ import annotations

import io
import platform
import struct
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from unicare.core.errors import ContainerError
from unicare.web.sandbox.archive_writer import IMAGE_PREFIX, ArchiveWriter
from unicare.web.sandbox.command_engine import CommandEngine
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.images import PROCESSORS
from unicare.web.sandbox.limits import Limits
from unicare.web.sandbox.owner import new_name
from unicare.web.sandbox.run import Status, run_container
from unicare.web.sandbox.seccomp import read_profile

__all__ = ["ENGINES", "find_engine"]

_RUNTIMES: tuple[str | None, ...] = (None, "runc", "crun")
_TRIAL = {
    # exit(keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, create) >= 0)
    "amd64": (
        62,
        bytes.fromhex("b8fa000000 31ff 48c7c6fcffffff ba01000000 0f05 48c1e83f 83f001 89c7 b83c000000 0f05"),
    ),
    "arm64": (
        183,
        bytes.fromhex("000080d2 61008092 220080d2 681b80d2 010000d4 00fc7fd3 000040d2 a80b80d2 010000d4"),
    ),
}
"""ELF's number of the processor, and instructions that end well where the user's keyring can't be reached.

It belongs to the user that every container runs as, so it would be a way from one container into the next.
"""

_PROBE_LIMITS = Limits(
    memory_bytes=64 * 1024**2,
    cpus=1.0,
    pids=16,
    seconds=60.0,
    output_bytes=2**20,
    output_files=8,
    tmp_bytes=2**20,
    shm_bytes=2**20,
)


def find_engine(names: tuple[str, ...] | None = None, *, scratch: Path | None = None) -> ContainerEngine:
    """The first engine that runs a container within all its limits.

    Args:
        names: of ``ENGINES``, in order of preference; None for all.
        scratch: where runs' folders lie; None for the system's.

    Raises:
        ContainerError: none works; says of each why not, and what to install.
    """
    reasons = []
    for name in names or tuple(ENGINES):
        if name not in ENGINES:
            raise ContainerError(f"no engine {name!r}", expected=", ".join(ENGINES))
        try:
            return ENGINES[name](Path(scratch or tempfile.gettempdir()))
        except ContainerError as error:
            reasons.append(f"{name}: {error}")
    raise ContainerError(
        "no container engine works here",
        found="; ".join(reasons),
        expected="podman (as root) or docker, with cgroups that limit memory, processes and CPU",
        mend="on Debian: apt-get install podman runc",
    )


def _podman(scratch: Path) -> ContainerEngine:
    engine = CommandEngine("podman")
    host = engine.info().get("host", {})
    missing = {"cpu", "memory", "pids"} - set(host.get("cgroupControllers") or ())
    if missing:
        raise ContainerError(
            "limits can't be held",
            found=f"no cgroup controller for {', '.join(sorted(missing))}",
            mend="run as root, or give the user's session these controllers (systemd: Delegate=yes)",
        )
    security = host.get("security") or {}
    if not security.get("seccompEnabled"):
        raise ContainerError("the kernel's calls can't be limited", found="podman info: no seccomp")
    profile = read_profile(Path(security.get("seccompProfilePath") or "/usr/share/containers/seccomp.json"))
    # crun runs on no host that has both kinds of cgroups, and is podman's own choice
    return _first_that_runs([CommandEngine("podman", runtime, profile) for runtime in _RUNTIMES], scratch)


def _docker(scratch: Path) -> ContainerEngine:
    engine = CommandEngine("docker")
    info = engine.info()
    if not info.get("ServerVersion"):
        raise ContainerError("docker's service doesn't answer", mend="start it: systemctl start docker")
    missing = [name for name in ("MemoryLimit", "PidsLimit", "CpuCfsQuota") if not info.get(name)]
    if missing:
        raise ContainerError("limits can't be held", found=f"docker info: no {', '.join(missing)}")
    if not any(option.startswith("name=seccomp") for option in info.get("SecurityOptions") or ()):
        raise ContainerError("the kernel's calls can't be limited", found="docker info: no seccomp")
    return _first_that_runs([engine], scratch)


ENGINES: Mapping[str, Callable[[Path], ContainerEngine]] = {"podman": _podman, "docker": _docker}
"""Name to what finds out how an engine works here."""


def _first_that_runs(candidates: Sequence[CommandEngine], scratch: Path) -> ContainerEngine:
    """The first that has run a container with every option that holds one.

    Raises:
        ContainerError: none has; says why the first hasn't.
    """
    failures = []
    with tempfile.TemporaryDirectory(dir=scratch, prefix="probe-") as name:
        place = Path(name)
        (place / "input").mkdir()
        with _probe_image(candidates[0], place) as image:
            for engine in candidates:
                try:
                    run = run_container(
                        engine, image, place / "input", place, (), _PROBE_LIMITS, scratch=place
                    )
                except ContainerError as error:
                    failures.append(error)
                    continue
                if run.status is Status.COMPLETED:
                    return engine
                found = (
                    "a container reaches the kernel's keyrings, by which one could tell another something"
                    if run.exit_code == 1
                    else run.message(_PROBE_LIMITS)
                )
                failures.append(ContainerError(f"{engine.name}: a trial failed", found=found))
    raise failures[0]


@contextmanager
def _probe_image(engine: ContainerEngine, place: Path) -> Iterator[str]:
    image = f"{IMAGE_PREFIX}{new_name()}:run"
    archive = place / "probe.tar"
    processor = PROCESSORS.get(platform.machine(), platform.machine())
    if processor not in _TRIAL:
        raise ContainerError(
            "no trial program for this processor", found=processor, expected="amd64 or arm64"
        )
    with ArchiveWriter(archive) as writer:
        writer.begin_layer()
        writer.write(_layer(_program(*_TRIAL[processor])))
        writer.end_layer()
        writer.finish(image, {"architecture": processor, "os": "linux", "config": {"Entrypoint": ["/end"]}})
    try:
        engine.load(archive, image)
        yield image
    finally:
        engine.remove_image(image)


def _program(machine: int, code: bytes) -> bytes:
    """An ELF file of one segment: header (64 bytes), its table of segments (56), instructions."""
    start, base = 64 + 56, 0x400000
    size = start + len(code)
    head = b"\x7fELF\x02\x01\x01" + bytes(9)
    head += struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, base + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000) + code


def _layer(program: bytes) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        entry = tarfile.TarInfo("end")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
    return layer.getvalue()
