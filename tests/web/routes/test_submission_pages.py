"""The pages of submissions: what they show in each state, and what they never show."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.handing_in import (
    RELEASE_DAY,
    RELEASED,
    Hearts,
    Player,
    begun,
    handed_in,
    made_hearts,
    sent,
    write_hearts,
    zipped,
)

from unicare.web.database import Database
from unicare.web.security.headers import SCRIPTED_PAGE_POLICY


@pytest.fixture(scope="module")
def hearts(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearts]:
    folder = tmp_path_factory.mktemp("pages")
    shutil.copy(sqlite_template, folder / "site.sqlite")
    database = Database.open(f"sqlite:///{folder / 'site.sqlite'}")
    yield made_hearts(folder / "data", write_hearts(folder / "hearts"), database)
    database.close()


@pytest.fixture(scope="module")
def red(hearts: Hearts) -> Player:
    return hearts.player("ann", "red <b>team</b>")


@pytest.fixture(scope="module")
def scored(hearts: Hearts, red: Player) -> int:
    number = handed_in(red, zipped(1), note="a <script>note</script>")
    hearts.work()
    return number


def page(player: Player, address: str, status: int = 200) -> str:
    answer = player.browser.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == status
    return answer.text


def pressed(player: Player, address: str, form: str) -> str:
    """Where a form of a page leads to."""
    text = page(player, address)
    assert f'action="{form}"' in text
    token = text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = player.browser.post(form, data={"csrf_token": token})
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def test_a_score_with_all_that_belongs_to_it(hearts: Hearts, red: Player, scored: int) -> None:
    answer = red.browser.get(f"/submissions/{scored}")
    assert answer.headers["Content-Security-Policy"] == SCRIPTED_PAGE_POLICY
    text = answer.text
    for words in ("Scores", "Worst cases", "cases.csv", "±", "OOD", "red &lt;b&gt;team&lt;/b&gt;"):
        assert words in text
    assert "a &lt;script&gt;note" in text
    assert "<script>note" not in text
    assert "hx-get" not in text  # nothing changes any more
    falling = page(red, f"/submissions/{scored}?metric=hausdorff_mm&sort=mean&order=falling&worst=two")
    assert 'aria-sort="descending"' in falling
    assert f"/api/v1/submissions/{scored}/worst/two/image.nii.gz" in falling
    page(red, f"/submissions/{scored}?metric=none&sort=%00&order=x&worst=..%2f")


def test_the_list_and_what_is_left(hearts: Hearts, red: Player, scored: int) -> None:
    text = page(red, "/submissions")
    assert f"/submissions/{scored}" in text
    assert "1 of 2 left" in text
    assert "/api/v1/phases/validation/tasks/whs/images.zip" in text
    assert "Nothing was handed in before" in page(red, f"/submissions?before={scored}")
    alone = hearts.player("eve")
    assert "Found one" in page(alone, "/submissions")
    page(alone, "/submissions/new", 403)


def test_handing_in_names_the_command(red: Player) -> None:
    text = page(red, "/submissions/new?task=whs&phase=validation")
    assert "unicare submit PREDICTIONS" in text
    assert 'data-kind="predictions"' in text
    container = page(red, "/submissions/new?phase=test")
    assert 'data-kind="container"' in container
    assert "podman save" in container
    assert "whs" in page(red, "/submissions/new?task=%3Cx%3E&phase=none")


def test_what_changes_is_asked_for_until_it_is_final(hearts: Hearts, red: Player) -> None:
    number = handed_in(red, zipped(without=("one",)))
    assert f'hx-get="/submissions/{number}/status"' in page(red, f"/submissions/{number}")
    fragment = red.browser.get(f"/submissions/{number}/status")
    assert "<html" not in fragment.text
    assert "hx-get" in fragment.text
    assert "HX-Refresh" not in fragment.headers
    for part in ("state-badge", "team-slots"):  # what stands above the fragment says the same as it does
        assert f'<span id="{part}" hx-swap-oob="true">' in fragment.text
        assert f'<span id="{part}">' in page(red, f"/submissions/{number}")
    hearts.work()
    final = red.browser.get(f"/submissions/{number}/status")
    assert final.headers["HX-Refresh"] == "true"
    assert "hx-get" not in final.text
    assert "No prediction" in final.text or "no prediction" in final.text


def test_taken_back_by_a_button(red: Player) -> None:
    number = begun(red, b"123")["id"]
    sent(red, number, b"1")
    place = pressed(red, f"/submissions/{number}", f"/submissions/{number}/cancel")
    assert "taken back" in page(red, place)
    token = page(red, "/submissions").split('name="csrf_token" value="')[1].split('"')[0]
    again = red.browser.post(f"/submissions/{number}/cancel", data={"csrf_token": token})
    assert again.status_code == 409
    assert "isn’t possible now" in again.text
    assert red.browser.post(f"/submissions/{number}/cancel").status_code == 403


def test_hidden_scores_are_on_no_page(hearts: Hearts, red: Player) -> None:
    number = handed_in(red, zipped(2), phase="hidden")
    hearts.work()
    dice = hearts.player("olga", organiser=True).api.get(f"/api/v1/submissions/{number}").json()["headline"]
    for address in (f"/submissions/{number}", f"/submissions/{number}/status", "/submissions"):
        text = page(red, address)
        assert f"{dice:.3f}" not in text
        assert f"submissions/{number}/worst" not in text
        assert f"submissions/{number}/cases" not in text
    before = hearts.now[0]
    assert RELEASE_DAY[-2:].lstrip("0") in page(red, f"/submissions/{number}")
    hearts.now[0] = RELEASED
    red_later = hearts.player("amy", "red <b>team</b>")
    assert f"{dice:.3f}" in page(red_later, f"/submissions/{number}")
    hearts.now[0] = before


def test_other_teams_find_nothing(hearts: Hearts, scored: int) -> None:
    blue = hearts.player("bob", "blue")
    for place in ("", "/status"):
        page(blue, f"/submissions/{scored}{place}", 404)
    listed = page(blue, "/submissions")
    assert "Nothing was handed in yet" in listed
    assert f"/submissions/{scored}" not in listed
    visitor = hearts.player("pat")
    visitor.browser.cookies.clear()
    assert visitor.browser.get("/submissions", headers={"Accept": "text/html"}).status_code == 303


def test_it_is_open_until_the_minute_that_the_challenge_names(hearts: Hearts, red: Player) -> None:
    last = hearts.site.challenge.phase("validation").end
    assert last is not None
    for address in ("/submissions", "/submissions/new?phase=validation&task=whs"):
        assert f"{last.day} {last:%b %Y, %H:%M} UTC<" in page(red, address)
