"""Calls of the kernel that would lead from a container into another one, or to the host."""

import errno
import json
import platform
from pathlib import Path

import pytest
from tests.web.sandbox.archives import configuration, docker_archive, entry, shell_layer, tar
from tests.web.sandbox.programs import one_call
from tests.web.sandbox.small import BUSYBOX, SMALL, no_busybox

from unicare.core.errors import ContainerError
from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.run import Status, run_container
from unicare.web.sandbox.seccomp import read_profile, tightened

SOCKET, CLONE, UNSHARE, KEYCTL, IO_URING_SETUP, CLONE3 = 41, 56, 272, 250, 425, 435
NEW_USER, NEW_NETWORK, CHILD_ENDED = 0x10000000, 0x40000000, 17
STREAM, RAW, ROUTE, NETFILTER = 1, 3, 0, 12

REFUSED = {
    "keyring": (one_call(KEYCTL, 0, -4, 1), {errno.EPERM}),
    "unshare": (one_call(UNSHARE, NEW_USER | NEW_NETWORK), {errno.EPERM}),
    "clone": (one_call(CLONE, NEW_USER | CHILD_ENDED), {errno.ENOSYS}),
    "clone3": (one_call(CLONE3, 0, 0), {errno.ENOSYS}),
    "vsock": (one_call(SOCKET, 40, STREAM, 0), {errno.ENOSYS}),
    "alg": (one_call(SOCKET, 38, STREAM, 0), {errno.ENOSYS}),
    "netfilter": (one_call(SOCKET, 16, RAW, NETFILTER), {errno.ENOSYS}),
    "io_uring": (one_call(IO_URING_SETUP, 1, 0), {errno.EPERM}),
}
ALLOWED = {
    "fork": one_call(CLONE, CHILD_ENDED),
    "unix": one_call(SOCKET, 1, STREAM, 0),
    "inet": one_call(SOCKET, 2, STREAM, 0),
    "route": one_call(SOCKET, 16, RAW, ROUTE),
}


@pytest.mark.skipif(platform.machine() != "x86_64", reason="these programs are for amd64")
def test_nothing_that_leads_out_of_a_container_is_done_for_it(real_engine, scratch, tmp_path):
    if why := no_busybox():
        pytest.skip(why)
    programs = {name: program for name, (program, _) in REFUSED.items()} | ALLOWED
    layers = [
        shell_layer(BUSYBOX),
        tar(*(entry(f"calls/{name}", data, mode=0o755) for name, data in programs.items())),
    ]
    archive = tmp_path / "image.tar"
    script = "for one in /calls/*; do $one; echo ${one##*/} $?; done"
    archive.write_bytes(docker_archive(layers, configuration(layers, Entrypoint=["/bin/sh", "-c", script])))
    (tmp_path / "input").mkdir()
    with loaded_image(real_engine, archive, scratch=scratch) as image:
        run = run_container(real_engine, image, tmp_path / "input", tmp_path, (), SMALL, scratch=scratch)
    assert run.status is Status.COMPLETED
    said = dict(line.split() for line in run.log_tail.splitlines())
    told = {name: int(said.pop(name)) for name in REFUSED}
    assert {name: code for name, code in told.items() if code not in REFUSED[name][1]} == {}
    assert said == dict.fromkeys(sorted(ALLOWED), "0")


def test_a_list_of_the_engine_loses_these_calls_and_nothing_else():
    given = {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["SCMP_ARCH_X86"]}],
        "syscalls": [
            {"names": ["read", "keyctl", "clone"], "action": "SCMP_ACT_ALLOW", "args": []},
            {"names": ["unshare"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
        ],
    }
    before = json.dumps(given)
    made = tightened(given)
    assert json.dumps(given) == before
    assert made["defaultAction"] == "SCMP_ACT_ERRNO"
    assert "archMap" not in made
    assert len(made["architectures"]) == 1
    freely = [
        rule["names"] for rule in made["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW" and not rule["args"]
    ]
    assert freely == [["read"]]


@pytest.mark.parametrize("text", [None, "nonsense", "[]", "{}", '{"syscalls": [{}]}'])
def test_without_a_list_no_container_is_run(tmp_path: Path, text: str | None):
    path = tmp_path / "seccomp.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ContainerError, match="containers can't be held") as told:
        read_profile(path)
    assert str(path) in str(told.value)
