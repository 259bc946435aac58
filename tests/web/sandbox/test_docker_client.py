"""docker's own client reads our options, and says what it would ask its service for; no service is needed."""

import http.server
import json
import os
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
from dataclasses import replace

import pytest
from tests.web.sandbox.small import MIB, SMALL

from unicare.web.sandbox.engine import ContainerSpec
from unicare.web.sandbox.flags import create_options

pytestmark = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command here")


class Answers(http.server.BaseHTTPRequestHandler):
    """As much of docker's service as ``docker create`` asks for."""

    protocol_version = "HTTP/1.1"
    asked: list[dict]

    def do_HEAD(self):
        self._say(b"")

    def do_GET(self):
        self._say(b"OK")

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        assert re.fullmatch(r"/v[0-9.]+/containers/create\?name=unicare-run-x", self.path)
        self.asked.append(json.loads(body))
        self._say(json.dumps({"Id": "f" * 64, "Warnings": []}).encode(), 201)

    def log_message(self, *_):
        pass

    def address_string(self):
        return "client"

    def _say(self, body, status=200):
        self.send_response(status)
        self.send_header("Api-Version", "1.45")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def ask(tmp_path):
    """What docker's client asks its service for, given our options."""

    class Service(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    handler = type("Handler", (Answers,), {"asked": []})
    with tempfile.TemporaryDirectory() as short, Service(f"{short}/s", handler) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()

        def ask(limits, tmp_dir=None):
            spec = ContainerSpec(
                "unicare-run-x", "localhost/x:run", tmp_path / "input", tmp_path / "output", tmp_dir, limits
            )
            environment = {
                "PATH": os.environ["PATH"],
                "HOME": str(tmp_path),
                "DOCKER_HOST": f"unix://{short}/s",
                "DOCKER_CONFIG": "/nonexistent",
            }
            done = subprocess.run(
                ["docker", "create", *create_options("docker", spec), spec.image],
                capture_output=True,
                env=environment,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr.decode()
            assert done.stderr == b""
            return handler.asked[-1]

        yield ask
        service.shutdown()


def test_every_option_that_holds_a_container_reaches_the_service(ask, tmp_path):
    asked = ask(SMALL, tmp_path / "tmp")
    host = asked["HostConfig"]
    total = SMALL.total_memory_bytes
    assert {name: host[name] for name in ("Memory", "MemorySwap", "NanoCpus", "PidsLimit", "ShmSize")} == {
        "Memory": total,
        "MemorySwap": total,
        "NanoCpus": 10**9,
        "PidsLimit": 32,
        "ShmSize": MIB,
    }
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"] is True
    assert [name.lower() for name in host["CapDrop"]] == ["all"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert (host["IpcMode"], host["CgroupnsMode"], host["PidMode"], host["UsernsMode"]) == (
        "private",
        "private",
        "",
        "",
    )
    assert host["LogConfig"]["Type"] == "none"
    assert host["Privileged"] is False
    assert host["RestartPolicy"]["Name"] in ("", "no")
    assert not host["Devices"]
    assert not host["DeviceRequests"]
    assert asked["User"] == "65532:65532"
    assert asked["Hostname"] == "sandbox"
    assert asked["Healthcheck"] == {"Test": ["NONE"]}
    assert sorted(asked["Env"]) == ["HOME=/tmp", "OMP_NUM_THREADS=1"]
    mounts = {one["Target"]: one for one in host["Mounts"]}
    assert {target: (one["Type"], one["Source"]) for target, one in mounts.items()} == {
        "/input": ("bind", str(tmp_path / "input")),
        "/output": ("bind", str(tmp_path / "output")),
        "/tmp": ("bind", str(tmp_path / "tmp")),
    }
    assert [target for target, one in mounts.items() if one.get("ReadOnly")] == ["/input"]
    ulimits = {one["Name"]: (one["Soft"], one["Hard"]) for one in host["Ulimits"]}
    assert set(ulimits) == {"nofile", "nproc", "fsize", "core"}
    assert ulimits["core"] == (0, 0)
    assert ulimits["fsize"][1] == 2 * MIB + 4096


def test_a_place_in_memory_where_none_could_be_mounted_and_a_gpu(ask):
    asked = ask(replace(SMALL, gpu="0"))
    assert asked["HostConfig"]["Tmpfs"] == {"/tmp": f"rw,nosuid,nodev,mode=1777,size={MIB}"}
    (gpu,) = asked["HostConfig"]["DeviceRequests"]
    assert (gpu["DeviceIDs"], gpu["Capabilities"]) == (["0"], [["gpu"]])
    (every,) = ask(replace(SMALL, gpu="all"))["HostConfig"]["DeviceRequests"]
    assert every["Count"] == -1
