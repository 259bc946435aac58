"""Real containers, where an engine runs here; without one these tests are skipped, and say why."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.web.sandbox.archives import docker_archive, shell_layer
from tests.web.sandbox.small import BUSYBOX, SMALL, no_busybox

from unicare.core.errors import ContainerError
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.probe import find_engine
from unicare.web.sandbox.run import ContainerRun, run_container
from unicare.web.sandbox.sweep import remove_leftovers


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def real_engine(scratch: Path) -> ContainerEngine:
    try:
        engine = find_engine(scratch=scratch)
    except ContainerError as error:
        pytest.skip(str(error))
    remove_leftovers(engine, scratch)  # of tests that were killed
    return engine


@pytest.fixture(scope="session")
def shell_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An image that runs /input/do.sh."""
    if why := no_busybox():
        pytest.skip(why)
    path = tmp_path_factory.mktemp("archive") / "shell.tar"
    path.write_bytes(docker_archive([shell_layer(BUSYBOX)]))
    return path


@pytest.fixture(scope="session")
def shell_image(real_engine: ContainerEngine, shell_archive: Path, scratch: Path) -> Iterator[str]:
    with loaded_image(real_engine, shell_archive, scratch=scratch) as image:
        yield image


@pytest.fixture
def run_script(
    real_engine: ContainerEngine, shell_image: str, scratch: Path, tmp_path: Path
) -> Callable[..., tuple[ContainerRun, Path]]:
    """Runs a shell script in a container: ``run_script(text, expected=names, seconds=…)``; run and output."""

    def run(script: str, expected: tuple[str, ...] = (), **limits: Any) -> tuple[ContainerRun, Path]:
        given, output = tmp_path / "input", tmp_path / "output"
        for place in (given, output):
            place.mkdir(exist_ok=True)
        (given / "do.sh").write_text(script)
        chosen = replace(SMALL, **limits)
        return run_container(
            real_engine, shell_image, given, output, expected, chosen, scratch=scratch
        ), output

    return run
