"""The options that hold a container: one list for podman and docker, what they call differently beside it."""

from __future__ import annotations

import math
import resource
from collections.abc import Callable, Mapping
from pathlib import Path

from unicare.core.errors import ContainerError
from unicare.web.sandbox.engine import CONTAINER_USER, ContainerSpec
from unicare.web.sandbox.limits import Limits

__all__ = ["DIALECTS", "HOST_NAME", "create_options"]

HOST_NAME = "sandbox"
"""What every container believes the host to be called."""

_OPEN_FILES = 4096
_USER_PROCESSES = 4096
_GRACE_SECONDS = 60
_PAGE_BYTES = 4096


def create_options(command: str, spec: ContainerSpec, seccomp: Path | None = None) -> list[str]:
    """What stands between ``podman create`` or ``docker create`` and the image.

    Args:
        command: a key of ``DIALECTS``.
        spec: what to run.
        seccomp: file with the list of the kernel's calls that it may make; None for the engine's own list.

    Raises:
        ContainerError: a folder's path can't be written in an option.
    """
    limits = spec.limits
    options = [
        f"--name={spec.name}",
        "--pull=never",
        "--network=none",
        "--read-only",
        f"--user={CONTAINER_USER}:{CONTAINER_USER}",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        "--ipc=private",
        "--cgroupns=private",
        "--no-healthcheck",
        "--log-driver=none",  # what it prints comes to us alone, and lies on no disk
        f"--hostname={HOST_NAME}",
        f"--memory={limits.total_memory_bytes}",
        f"--memory-swap={limits.total_memory_bytes}",  # the same: no swap on top
        f"--cpus={limits.cpus:g}",
        f"--pids-limit={limits.pids}",
        f"--shm-size={limits.shm_bytes}",
        *_ulimits(limits),
        "--env=HOME=/tmp",
        # libraries count the host's cores, and would start a thread for each
        f"--env=OMP_NUM_THREADS={max(1, math.floor(limits.cpus))}",
        _bind(spec.input_dir, "/input", ",readonly"),
        _bind(spec.output_dir, "/output"),
    ]
    if spec.tmp_dir is not None:
        options.append(_bind(spec.tmp_dir, "/tmp"))
    else:
        options.append(f"--tmpfs=/tmp:rw,nosuid,nodev,mode=1777,size={limits.tmp_bytes}")
    if seccomp is not None:
        options.append(f"--security-opt=seccomp={seccomp}")
    return options + DIALECTS[command](limits)


def _podman(limits: Limits) -> list[str]:
    options = [
        "--read-only-tmpfs=false",  # else /run and /var/tmp could be written to, without a limit
        "--image-volume=ignore",  # else a VOLUME of the image is a folder on the host's disk
        "--systemd=false",  # else an image whose program is called init gets more to write to
        "--http-proxy=false",
        # should this program die, the container ends all the same
        f"--timeout={math.ceil(limits.seconds) + _GRACE_SECONDS}",
    ]
    return options + ([f"--device=nvidia.com/gpu={limits.gpu}"] if limits.gpu is not None else [])


def _docker(limits: Limits) -> list[str]:
    if limits.gpu is None:
        return []
    return ["--gpus=all" if limits.gpu == "all" else f"--gpus=device={limits.gpu}"]


DIALECTS: Mapping[str, Callable[[Limits], list[str]]] = {"podman": _podman, "docker": _docker}
"""What each engine calls its own way."""


def _ulimits(limits: Limits) -> list[str]:
    """Said outright, for engines' own choices lie above what a restricted host lets them set."""
    # a little more than any place holds: a full place is an error that programs report, this limit kills them
    largest_file = max(limits.output_bytes, limits.tmp_bytes, limits.shm_bytes) + _PAGE_BYTES
    return [
        f"--ulimit=nofile={_at_most(resource.RLIMIT_NOFILE, _OPEN_FILES)}",
        f"--ulimit=nproc={_at_most(resource.RLIMIT_NPROC, max(_USER_PROCESSES, limits.pids))}",
        f"--ulimit=fsize={largest_file}:{largest_file}",
        "--ulimit=core=0:0",
    ]


def _at_most(kind: int, wanted: int) -> str:
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    return f"{value}:{value}"


def _bind(source: Path, place: str, more: str = "") -> str:
    text = str(source.absolute())
    if not text.isprintable() or any(mark in text for mark in ',"'):
        raise ContainerError(
            "a folder's path can't be given to the container engine",
            found=ascii(text),
            expected="no comma, quotation mark or control character in it",
        )
    return f"--mount=type=bind,source={text},destination={place}{more}"
