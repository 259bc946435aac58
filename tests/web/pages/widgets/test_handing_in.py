"""From a file on somebody's disk to its worst case in the viewer, on the site's own pages."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.web.handing_in import Hearts, made_hearts, write_hearts, zipped
from tests.web.served import served

from unicare.web.database import Database
from unicare.web.deps import SESSION_COOKIE
from unicare.web.security.cookies import cookie_name


@pytest.fixture
def hearts(sqlite_template: Path, tmp_path: Path) -> Iterator[Hearts]:
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    database = Database.open(f"sqlite:///{tmp_path / 'site.sqlite'}")
    yield made_hearts(tmp_path / "data", write_hearts(tmp_path / "hearts"), database)
    database.close()


@pytest.fixture
def address(hearts: Hearts) -> Iterator[str]:
    with served(hearts.app) as found:
        yield found


def test_a_folder_is_uploaded_scored_and_looked_at(
    new_tab: Callable[..., Any], hearts: Hearts, address: str, tmp_path: Path
) -> None:
    player = hearts.player("ann", "red")
    name = cookie_name(hearts.site.settings, SESSION_COOKIE)
    tab = new_tab(viewport={"width": 1000, "height": 900})
    tab.context.add_cookies([{"name": name, "value": player.browser.cookies[name], "url": address}])
    with zipfile.ZipFile(BytesIO(zipped(1))) as archive:
        archive.extractall(tmp_path / "our run")

    tab.goto(f"{address}/submissions/new?task=whs&phase=validation")
    tab.set_input_files("#upload-folder", str(tmp_path / "our run"))
    tab.get_by_label("Note").fill("the first")
    tab.get_by_role("button", name="Upload", exact=True).click()
    tab.wait_for_url("**/submissions/1")
    hearts.work()
    tab.locator(".viewer").wait_for()  # the page came anew by itself
    tab.locator(".viewer").scroll_into_view_if_needed()
    tab.locator(".viewer[data-state=ready]").wait_for()
    assert tab.get_by_text("the first").is_visible()
    assert tab.locator(".viewer-modes button").count() == 5
    assert tab.get_by_role("status").get_by_text("can’t").count() == 0
