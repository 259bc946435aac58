"""A small site: a challenge of two hearts that is always open, teams, and submissions of label maps."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.web.challenge.folders import AFFINE, CENTRES, heart, write_challenge
from tests.web.life.players import Team, new_team

from unicare.web.challenge import Challenge, load_challenge
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.settings import SiteSettings, load_settings

DATES = """\
    start: 2025-05-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
"""
LATER = """\
    start: 2025-06-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    release: 2025-08-10 12:00 Europe/Berlin
"""


@pytest.fixture(scope="session")
def challenge_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The challenge, to be read only."""
    folder = write_challenge(tmp_path_factory.mktemp("life") / "challenge")
    file = folder / "challenge.yaml"
    text = file.read_text().replace(DATES, "    always_open: true\n    quota: 3\n")
    file.write_text(
        text.replace(
            LATER, "    always_open: true\n    quota: 2\n    show_scores: at_once\n    show_boards: at_once\n"
        )
    )
    return folder


@pytest.fixture(scope="session")
def challenge(challenge_folder: Path) -> Challenge:
    return load_challenge(challenge_folder)


@pytest.fixture
def settings(database_url: str, challenge_folder: Path, tmp_path: Path) -> SiteSettings:
    return load_settings(
        tmp_path / "data",
        challenge_dir=challenge_folder,
        database_url=database_url,
        container_engine="none",
        lease_seconds=5,
        sweep_seconds=0.2,
        retry_seconds=0,
    )


@pytest.fixture
def site(settings: SiteSettings) -> Iterator[WorkingSite]:
    opened = open_site(settings)
    yield opened
    opened.database.close()


@pytest.fixture
def team(site: WorkingSite) -> Team:
    return new_team(site.database, "red")


@pytest.fixture(scope="session")
def zipped() -> Callable[..., bytes]:
    """A zip archive of predictions, moved by some voxels; without some cases."""

    def make(shift: int = 0, without: tuple[str, ...] = ()) -> bytes:
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for case in CENTRES:
                if case not in without:
                    image = nib.Nifti1Image(np.roll(heart(), shift, 0), AFFINE)
                    archive.writestr(f"{case}_pred.nii.gz", image_bytes(image))
        return packed.getvalue()

    return make


def image_bytes(image: nib.Nifti1Image) -> bytes:
    return gzip.compress(image.to_bytes())
