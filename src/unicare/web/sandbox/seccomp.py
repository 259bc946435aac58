"""Which calls of the kernel containers may make: the engine's own list, and less.

podman's list lets a container make namespaces of its own, in which it has all capabilities, and reach the
kernel's keyrings. Those belong to a user, not to a container: what one container leaves there, the next one
can read, also one of another team. So some calls are taken from the list. docker's service doesn't show its
own list; whether it keeps containers from keyrings is tried out (``probe``).
"""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

from unicare.core.errors import ContainerError

__all__ = ["read_profile", "tightened"]

_KEYRINGS = ("add_key", "keyctl", "request_key")
_NAMESPACES = ("unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot")
_MOUNTS = ("fsconfig", "fsmount", "fsopen", "fspick", "mount_setattr", "move_mount", "open_tree")
_NEEDED_BY_NONE = (
    "bpf",
    "io_uring_enter",
    "io_uring_register",
    "io_uring_setup",
    "name_to_handle_at",
    "open_by_handle_at",
    "perf_event_open",
    "userfaultfd",
)
"""Large parts of the kernel, that a program for images does without."""

_REFUSED = (*_KEYRINGS, *_NAMESPACES, *_MOUNTS, *_NEEDED_BY_NONE)
_DECIDED_BY_ARGUMENTS = ("clone", "clone3", "socket", "socketcall")

_NO_PERMISSION = 1  # EPERM
_NO_SUCH_CALL = 38  # ENOSYS: C libraries then use clone in place of clone3

_NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW… that clone knows
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
_NETLINK, _NETLINK_ROUTE = 16, 0

_ARCHITECTURES = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}


def read_profile(path: Path) -> str:
    """A list as podman keeps it, tightened, as JSON.

    Args:
        path: of podman's list, as ``podman info`` says it.

    Raises:
        ContainerError: there is none, or it can't be understood.
    """
    try:
        return json.dumps(tightened(json.loads(path.read_text(encoding="utf-8"))))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ContainerError(
            "containers can't be held: no list of the calls that they may make of the kernel",
            found=f"{path}: {error}",
            mend="on Debian: apt-get install golang-github-containers-common; see seccomp_profile in "
            "containers.conf(5)",
        ) from None


def tightened(profile: dict[str, Any]) -> dict[str, Any]:
    """A list without calls that lead out of a container, and for programs of this processor's own kind only.

    32-bit programs make other calls, by which sockets of every kind can be had. They don't run.

    Args:
        profile: as podman and docker read it.

    Returns:
        A list of its own; ``profile`` stays as it is.

    Raises:
        KeyError: this processor isn't known, or it is no such list.
    """
    taken = {*_REFUSED, *_DECIDED_BY_ARGUMENTS}
    kept = []
    for rule in profile["syscalls"]:
        names = [name for name in rule["names"] if name not in taken]
        if names:
            kept.append({**rule, "names": names})
    rest = {key: value for key, value in profile.items() if key not in ("archMap", "architectures")}
    return {
        **rest,
        "architectures": [_ARCHITECTURES[platform.machine()]],
        "syscalls": [
            *kept,
            _rule("SCMP_ACT_ERRNO", list(_REFUSED), errno=_NO_PERMISSION),
            _rule("SCMP_ACT_ERRNO", ["clone3"], errno=_NO_SUCH_CALL),
            _rule("SCMP_ACT_ALLOW", ["clone"], (0, "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES, 0)),
            *(
                _rule("SCMP_ACT_ALLOW", ["socket"], (0, "SCMP_CMP_EQ", family, 0))
                for family in _FAMILIES.values()
            ),
            _rule(
                "SCMP_ACT_ALLOW",
                ["socket"],
                (0, "SCMP_CMP_EQ", _NETLINK, 0),
                (2, "SCMP_CMP_EQ", _NETLINK_ROUTE, 0),
            ),
        ],
    }


def _rule(
    action: str, names: list[str], *arguments: tuple[int, str, int, int], errno: int | None = None
) -> dict[str, Any]:
    """A line of the list; all of its arguments must be so.

    Args:
        action: what becomes of the call.
        names: of the calls.
        *arguments: place, comparison, and its two values.
        errno: what the call is told, where it is refused.
    """
    rule: dict[str, Any] = {
        "names": names,
        "action": action,
        "args": [
            {"index": index, "op": comparison, "value": value, "valueTwo": other}
            for index, comparison, value, other in arguments
        ],
        "includes": {},
        "excludes": {},
    }
    return rule if errno is None else {**rule, "errnoRet": errno}
