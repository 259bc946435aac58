"""Uploads from a page: every byte arrives, over broken connections and reloads; folders come as one zip."""

from __future__ import annotations

import base64
import io
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from tests.web.pages.widgets.widget_site import CHUNK_BYTES, Upload, WidgetSite
from tests.web.waiting import PATIENCE_S, until

from unicare.web.archive.unpack import unpack
from unicare.web.archive.zip_directory import find_directory
from unicare.web.pages.asset import load_assets

CONTENT = random.Random(7).randbytes(5 * CHUNK_BYTES + 1234)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "run.zip"
    path.write_bytes(CONTENT)
    return path


def opened(tab: Any, site: WidgetSite, kind: str = "predictions") -> Any:
    tab.goto(f"{site.address}/upload/{kind}")
    return tab


def choose(tab: Any, *paths: Path) -> None:
    tab.set_input_files("#upload-files", [str(path) for path in paths])


def send(tab: Any, button: str = "Upload") -> None:
    tab.get_by_role("button", name=button, exact=True).click()


def hurry(tab: Any) -> None:
    """As a browser says that it is connected again, so that nothing is waited for."""
    tab.evaluate("window.dispatchEvent(new Event('online'))")


def asked(site: WidgetSite, start: str) -> int:
    """How often it was."""
    return sum(one.startswith(start) for one in site.asked)


def deleting(tab: Any) -> Any:
    return tab.expect_response(lambda answer: answer.request.method == "DELETE")


def arrived(tab: Any, site: WidgetSite, number: int = 1) -> bytes:
    tab.wait_for_url(f"**/submissions/{number}", timeout=1000 * PATIENCE_S)
    assert site.uploads[number].ended
    return bytes(site.uploads[number].content)


def test_a_file_arrives_whole_in_pieces_with_what_was_said_about_it(
    tab: Any, site: WidgetSite, archive: Path
) -> None:
    opened(tab, site, "choice")
    tab.get_by_label("Task").select_option("wh")
    tab.get_by_label("Note").fill("  larger <model> ")
    choose(tab, archive)
    assert tab.locator(".chosen").inner_text() == "run.zip, 329 kB"
    send(tab)
    assert arrived(tab, site) == CONTENT
    assert site.uploads[1].about == {
        "task": "wh",
        "phase": "validation",
        "name": "run.zip",
        "note": "larger <model>",
        "total_bytes": len(CONTENT),
    }
    assert site.asked.count("PATCH /api/v1/submissions/1/upload") == 6
    assert tab.evaluate("localStorage.length") == 0


@pytest.mark.usefixtures("rough")
def test_broken_connections_cost_time_only(tab: Any, site: WidgetSite, archive: Path) -> None:
    site.faults = ["", "cut", "503", "lost"]
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    tab.get_by_text("Refused with 503. Trying again in").wait_for()
    assert tab.get_by_role("progressbar").get_attribute("value") != "0"
    hurry(tab)
    assert arrived(tab, site) == CONTENT
    assert site.asked.count("POST /api/v1/submissions") == 1


@pytest.mark.usefixtures("rough")
def test_after_a_reload_the_same_file_goes_on_where_it_was(tab: Any, site: WidgetSite, archive: Path) -> None:
    dialogs = []
    tab.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.accept()))
    site.faults = ["", "", "503"]
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    tab.get_by_text("Trying again in").wait_for()
    tab.reload()
    assert dialogs == ["beforeunload"]
    note = tab.get_by_text("The upload of run.zip was broken off after 131 kB.")
    note.wait_for()
    choose(tab, archive)
    send(tab, "Go on with the upload")
    assert arrived(tab, site) == CONTENT
    assert site.asked.count("POST /api/v1/submissions") == 1
    assert site.asked.count("PATCH /api/v1/submissions/1/upload") == 7


@pytest.mark.usefixtures("rough")
def test_what_is_given_up_is_forgotten_here_and_there(tab: Any, site: WidgetSite, archive: Path) -> None:
    site.faults = ["", "413"]
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    tab.get_by_role("alert").get_by_text("Refused with 413.").wait_for()
    tab.reload()
    with deleting(tab):
        tab.get_by_role("button", name="Give it up").click()
    tab.get_by_role("button", name="Give it up").wait_for(state="hidden")
    assert tab.evaluate("localStorage.length") == 0
    assert site.uploads == {}


@pytest.mark.usefixtures("rough")
def test_what_the_site_forgot_meanwhile_begins_anew(tab: Any, site: WidgetSite, archive: Path) -> None:
    site.faults = ["", "413"]
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    tab.get_by_role("alert").get_by_text("Refused").wait_for()
    del site.uploads[1]
    site.uploads[7] = Upload({})  # of somebody else
    send(tab, "Try again")
    tab.get_by_role("alert").get_by_text("no such submission").wait_for()
    send(tab, "Try again")
    assert arrived(tab, site, 2) == CONTENT


@pytest.mark.usefixtures("rough")
def test_a_pause_holds_it_and_cancelling_ends_it(tab: Any, site: WidgetSite, archive: Path) -> None:
    hold_a_piece(tab, site, archive, 1)
    send(tab, "Pause")
    tab.get_by_text("paused").first.wait_for()
    site.holds = ""
    until(lambda: site.under_way == 0)  # what was on its way when it was held has come by then
    before = len(site.asked)
    hurry(tab)
    tab.wait_for_timeout(300)  # in which it would go on
    send(tab, "Go on")
    assert arrived(tab, site) == CONTENT
    assert site.asked[before] == "GET /api/v1/submissions/1/upload"  # it asks where it stands
    hold_a_piece(tab, site, archive, 2)
    with deleting(tab):
        send(tab, "Cancel")
    site.holds = ""
    assert tab.get_by_role("button", name="Upload", exact=True).is_disabled()
    assert list(site.uploads) == [1]
    assert tab.evaluate("localStorage.length") == 0


def hold_a_piece(tab: Any, site: WidgetSite, archive: Path, number: int) -> None:
    """Sends until a piece is on its way, which the site doesn't take."""
    site.holds = "PATCH"
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    until(lambda: asked(site, f"PATCH /api/v1/submissions/{number}/") == 1)


@pytest.fixture
def announced(tab: Any, site: WidgetSite, archive: Path) -> None:
    """The site has made a submission, and the browser doesn't know of it yet."""
    site.holds = "POST"
    opened(tab, site)
    choose(tab, archive)
    send(tab)
    until(lambda: site.uploads)


@pytest.mark.usefixtures("announced")
@pytest.mark.parametrize("at_once", [False, True])
def test_what_is_paused_while_it_is_announced_is_announced_once(
    tab: Any, site: WidgetSite, at_once: bool
) -> None:
    send(tab, "Pause")
    tab.get_by_text("paused").first.wait_for()
    if at_once:
        send(tab, "Go on")
        site.holds = ""
    else:
        site.holds = ""
        tab.wait_for_function("localStorage.length === 1")
        assert tab.get_by_text("paused").first.is_visible()
        assert asked(site, "PATCH") == 0
        send(tab, "Go on")
    assert arrived(tab, site) == CONTENT
    assert list(site.uploads) == [1]
    assert asked(site, "PATCH") == 6


@pytest.mark.usefixtures("announced")
def test_what_is_cancelled_while_it_is_announced_is_taken_back(
    tab: Any, site: WidgetSite, tmp_path: Path
) -> None:
    send(tab, "Cancel")
    (tmp_path / "other.zip").write_bytes(CONTENT)
    choose(tab, tmp_path / "other.zip")
    with deleting(tab):
        site.holds = ""
    assert site.uploads == {}
    assert tab.evaluate("localStorage.length") == 0
    assert tab.locator(".chosen").inner_text() == "other.zip, 329 kB"  # what was chosen meanwhile stays
    send(tab)
    assert arrived(tab, site) == CONTENT


@pytest.mark.usefixtures("rough")
def test_a_refusal_is_told_in_the_sites_words(tab: Any, site: WidgetSite, tmp_path: Path) -> None:
    (tmp_path / "refused.zip").write_bytes(b"x")
    opened(tab, site)
    choose(tab, tmp_path / "refused.zip")
    send(tab)
    tab.get_by_role("alert").get_by_text("The phase is closed <since> yesterday.").wait_for()
    send(tab, "Cancel")
    tab.get_by_role("button", name="Choose files…").or_(tab.get_by_text("Choose files…")).first.wait_for()


@pytest.mark.parametrize(
    ("kind", "names", "told"),
    [
        ("predictions", ["a.rar"], "Found a.rar; choose one zip archive, a folder, or .nii.gz files."),
        ("predictions", ["a.zip", "b.nii.gz"], "Found 2 files; choose one zip archive"),
        ("predictions", ["empty.zip"], "empty.zip is empty."),
        ("container", ["image.zip"], "Found image.zip; choose one image archive, .tar or .tar.gz."),
    ],
)
def test_what_cant_be_meant_isnt_sent(
    tab: Any, site: WidgetSite, tmp_path: Path, kind: str, names: list[str], told: str
) -> None:
    for name in names:
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"x")
    opened(tab, site, kind)
    choose(tab, *(tmp_path / name for name in names))
    assert told in tab.get_by_role("alert").inner_text()
    assert tab.get_by_role("button", name="Upload").is_disabled()


@pytest.mark.parametrize("name", ["image.tar", "image.tar.gz", "image.tgz"])
def test_an_image_archive_is_sent_as_it_is(tab: Any, site: WidgetSite, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(CONTENT)
    opened(tab, site, "container")
    choose(tab, tmp_path / name)
    send(tab)
    assert arrived(tab, site) == CONTENT
    assert site.uploads[1].about["name"] == name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Predictions, and what else lies about."""
    folder = tmp_path / "my run"
    folder.mkdir()
    for number in range(3):
        labels = np.zeros((8, 8, 4), np.uint8)
        labels[number] = 1
        nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), folder / f"cäse{number}_pred.nii.gz")
    (folder / ".DS_Store").write_bytes(b"x")
    (folder / "notes.txt").write_bytes(b"x")
    return folder


def test_a_folder_comes_as_one_zip_that_is_accepted(
    tab: Any, site: WidgetSite, folder: Path, tmp_path: Path
) -> None:
    opened(tab, site)
    tab.set_input_files("#upload-folder", str(folder))
    words = tab.locator(".chosen").inner_text()
    assert re.fullmatch(r"3 files of my run, \d+ bytes, sent as one zip\. 1 other file left out .*", words)
    send(tab)
    content = arrived(tab, site)
    assert site.uploads[1].about["name"] == "my run.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as opened_zip:
        assert opened_zip.testzip() is None
        assert opened_zip.namelist() == [f"my run/cäse{number}_pred.nii.gz" for number in range(3)]
        assert opened_zip.read("my run/cäse1_pred.nii.gz") == (folder / "cäse1_pred.nii.gz").read_bytes()
    (tmp_path / "sent.zip").write_bytes(content)
    taken = unpack(tmp_path / "sent.zip", tmp_path / "out")
    assert taken.ok
    assert [file.name for file in taken.files] == [f"cäse{number}_pred.nii.gz" for number in range(3)]


@pytest.mark.usefixtures("rough")
def test_a_folder_goes_on_after_a_reload(tab: Any, site: WidgetSite, folder: Path) -> None:
    (folder / "big_pred.nii.gz").write_bytes(CONTENT)
    site.faults = ["", "", "413"]
    for button in ("Upload", "Go on with the upload"):
        opened(tab, site)
        tab.set_input_files("#upload-folder", str(folder))
        send(tab, button)
        tab.get_by_role("alert").get_by_text("Refused").or_(tab.get_by_text("Submission 1")).first.wait_for()
    with zipfile.ZipFile(io.BytesIO(arrived(tab, site))) as opened_zip:
        assert opened_zip.testzip() is None
        assert opened_zip.read("my run/big_pred.nii.gz") == CONTENT


DROP = """
(names) => {
  const carried = new DataTransfer();
  for (const name of names) carried.items.add(new File([name], name, { lastModified: 1_700_000_000_000 }));
  const event = new DragEvent("drop", { dataTransfer: carried, bubbles: true });
  document.querySelector(".drop").dispatchEvent(event);
}
"""


def test_files_can_be_dropped(tab: Any, site: WidgetSite) -> None:
    opened(tab, site)
    tab.evaluate(DROP, ["b_pred.nii.gz", "a_pred.nii.gz"])
    tab.get_by_text("2 files, 26 bytes, sent as one zip.").wait_for()
    send(tab)
    with zipfile.ZipFile(io.BytesIO(arrived(tab, site))) as opened_zip:
        assert opened_zip.namelist() == ["a_pred.nii.gz", "b_pred.nii.gz"]
        assert opened_zip.read("a_pred.nii.gz") == b"a_pred.nii.gz"
        assert opened_zip.infolist()[0].date_time == (2023, 11, 14, 22, 13, 20)


ZIPPED = """
async ([address, count, from64]) => {
  const { storedZip } = await import(address);
  const files = Array.from({ length: count }, (_, number) => {
    const name = `${number}.nii`;
    return { name, file: new File([name.repeat(number)], name, { lastModified: 0 }) };
  });
  const blob = await storedZip(files, { from64 });
  const bytes = new Uint8Array(await blob.arrayBuffer());
  return btoa(Array.from(bytes, (one) => String.fromCharCode(one)).join(""));
}
"""


@pytest.mark.parametrize(("count", "from64"), [(1, 2**32), (40, 2**32), (40, 300), (40, 0)])
def test_zips_beyond_4_gb_are_laid_out_as_the_format_says(
    tab: Any, site: WidgetSite, count: int, from64: int
) -> None:
    opened(tab, site)
    content = base64.b64decode(tab.evaluate(ZIPPED, [load_assets()["zip.js"].address, count, from64]))
    assert find_directory(io.BytesIO(content), 1000).entries == count
    assert (b"PK\6\6" in content) is (from64 < 2**32)
    with zipfile.ZipFile(io.BytesIO(content)) as opened_zip:
        assert opened_zip.testzip() is None
        for number, name in enumerate(opened_zip.namelist()):
            assert opened_zip.read(name) == f"{number}.nii".encode() * number


def test_without_scripts_the_command_line_is_named(new_tab: Callable[..., Any], site: WidgetSite) -> None:
    tab = new_tab(java_script_enabled=False)
    opened(tab, site)
    assert "unicare submit" in tab.locator("form.upload").inner_text()
    assert not tab.get_by_text("Drop predictions here").is_visible()


@pytest.mark.usefixtures("rough")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_nothing_runs_off_the_page(
    new_tab: Callable[..., Any], site: WidgetSite, archive: Path, width: int, scheme: str
) -> None:
    tab = new_tab(viewport={"width": width, "height": 900}, color_scheme=scheme)
    site.faults = ["", "503"]
    opened(tab, site)
    choose(tab, archive)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    send(tab)
    tab.get_by_text("Trying again in").wait_for()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    hurry(tab)
    assert arrived(tab, site) == CONTENT


def test_by_keyboard_alone(tab: Any, site: WidgetSite, archive: Path) -> None:
    choosers: list[Any] = []

    def chosen(one: Any) -> None:
        choosers.append(one)

    tab.on("filechooser", chosen)  # before the key is pressed, so that the browser knows where choosers go
    opened(tab, site)
    tab.locator("#upload-files").focus()
    label = tab.locator("label[for=upload-files]")
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Tab")
    assert label.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    tab.keyboard.press("Space")
    until(lambda: tab.wait_for_timeout(20) or choosers)
    choosers[0].set_files(str(archive))
    tab.locator("button:enabled", has_text=re.compile("^Upload$")).wait_for()
    tab.get_by_label("Note").focus()
    tab.keyboard.press("Enter")
    assert arrived(tab, site) == CONTENT
