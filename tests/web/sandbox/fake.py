"""An engine for those who call one: what it runs is a Python program of this host, held by nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from unicare.web.interrupt import Interrupted, never
from unicare.web.sandbox.engine import ContainerSpec, ContainerState


class FakeEngine:
    """Runs ``program`` with the folders of input and output as its arguments.

    Attributes:
        loaded: names of the images that are loaded.
        specs: what was run, in order.
    """

    name = "fake"

    def __init__(self, program: str = "") -> None:
        self.program = program
        self.loaded: list[str] = []
        self.specs: list[ContainerSpec] = []
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def load(self, archive: Path, image: str, interrupted: Interrupted = never) -> None:
        assert archive.is_file()
        self.loaded.append(image)

    def run(self, spec: ContainerSpec) -> subprocess.Popen[bytes]:
        self.specs.append(spec)
        process = subprocess.Popen(
            [sys.executable, "-c", self.program, str(spec.input_dir), str(spec.output_dir)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._processes[spec.name] = process
        return process

    def inspect(self, name: str) -> ContainerState:
        process = self._processes[name]
        code = process.poll()
        return ContainerState(True, code, False, process.pid if code is None else None)

    def kill(self, name: str) -> None:
        self._processes[name].kill()

    def remove(self, name: str) -> None:
        process = self._processes.pop(name, None)
        if process is not None:
            process.kill()
            process.wait()

    def remove_image(self, image: str) -> None:
        if image in self.loaded:
            self.loaded.remove(image)

    def containers(self, prefix: str) -> list[str]:
        return [name for name in self._processes if name.startswith(prefix)]

    def images(self, prefix: str) -> list[str]:
        return [name for name in self.loaded if name.startswith(prefix)]

    def free_bytes(self) -> int:
        return 2**50
