"""A whole season in browsers: from the organiser's first log-in to the boards on release day.

With ``UNICARE_SHOTS=folder`` each page's pictures are kept there.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.browsers import NEEDS_CHROMIUM, open_chromium
from tests.web.people import link
from tests.web.sandbox.small import no_busybox
from tests.web.season.hand_ins import box_container, broken, speckled, thinned
from tests.web.season.stage import TASK, Stage, make_virtual, open_stage
from tests.web.season.tabs import PASSWORD, Tab, Theatre
from tests.web.waiting import PATIENCE_S, until

from unicare.web.database import utc_now

pytestmark = NEEDS_CHROMIUM

QUOTA = 10
SUBMISSION = re.compile(r"/submissions/(\d+)$")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("season")
    make_virtual(folder / "challenge", utc_now())
    with capture_logs() as logged, open_stage(folder / "challenge", folder / "data") as found:
        yield found
        failed = [line for line in logged if line["log_level"] in ("error", "critical")]
        assert failed == []


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium(webgl=True) as chromium:
        yield chromium


def test_a_season(stage: Stage, browser: Any, tmp_path: Path) -> None:
    theatre = Theatre(browser, stage)
    olga, ada, ben, cleo = (theatre.enter(name) for name in ("Olga", "Ada", "Ben", "Cleo"))
    the_organiser_sets_up(stage, olga)
    people_register_and_are_approved(olga, (ada, ben, cleo))
    teams_are_founded(stage, ada, ben, cleo)
    what_is_wrong_is_listed_at_once(stage, ada, tmp_path)
    ten_are_evaluated_and_the_eleventh_is_refused(stage, ada, tmp_path)
    one_of_the_worst_cases_is_looked_at(ada)
    the_other_team_hands_in(stage, cleo, tmp_path)
    hidden = a_container_is_handed_in(stage, cleo, tmp_path)
    only_the_organiser_sees_boards_yet(theatre, olga)
    release_day_comes(stage, theatre, hidden)
    the_organiser_has_the_last_word(stage, olga, hidden, tmp_path)
    theatre.check()
    if not hidden:
        pytest.skip(f"all acts were played but the container's: {_no_container(stage)}")


def the_organiser_sets_up(stage: Stage, olga: Tab) -> None:
    stage.organiser(olga.email, olga.name, PASSWORD)
    olga.go("/")
    olga.shot("home")
    olga.log_in()
    olga.go("/organise")
    olga.reads("What there is to do")


def people_register_and_are_approved(olga: Tab, people: tuple[Tab, ...]) -> None:
    for one in people:
        one.register()
        one.shot("account-waiting")
        one.go("/account")
        one.reads("Waiting for the organisers")
    olga.go("/organise")
    olga.reads("3 registrations wait")
    olga.shot("organise-overview")
    olga.go("/organise/people?state=waiting")
    olga.shot("organise-people")
    for left in (2, 1, 0):
        olga.page.get_by_role("button", name="Approve").first.click()
        olga.page.wait_for_load_state()
        assert olga.page.get_by_role("button", name="Approve").count() == left
    for one in people:
        one.go("/account")
        one.reads("Approved")


def teams_are_founded(stage: Stage, ada: Tab, ben: Tab, cleo: Tab) -> None:
    for one, team in ((ada, "North"), (cleo, "South")):
        one.go("/team")
        one.shot("team-none")
        one.fill(name=team)
        one.press("Found it")
        one.reads(team, "Your team is founded")
    ada.page.locator("main [name=email]").fill(ben.email)
    ada.page.locator("form[action='/team/invitations'] button").click()
    ada.page.get_by_text("The invitation is on its way").wait_for()
    ben.go(f"/invitation?token={link(stage.app, 'invitation', ben.email)}")
    ben.reads("Join North?")
    ben.shot("invitation")
    ben.press("Join the team")
    ben.reads("North", "Ada", "Ben")
    ada.go("/team")
    ada.shot("team")


def what_is_wrong_is_listed_at_once(stage: Stage, ada: Tab, folder: Path) -> None:
    ada.go("/submissions")
    ada.shot("submissions-none")
    number = hand_in(ada, "validation", _file(folder / "broken.zip", broken(_truth(stage))))
    wait_for(ada, number, "Refused")
    ada.reads("3 findings", "missing", "extra", "costs none of your evaluations")
    ada.shot("submission-refused")
    ada.go("/submissions")
    ada.reads(f"{QUOTA} of {QUOTA} left")


def ten_are_evaluated_and_the_eleventh_is_refused(stage: Stage, ada: Tab, folder: Path) -> None:
    numbers = []
    for place in range(QUOTA):
        file = _file(folder / f"run-{place}.zip", speckled(_truth(stage), QUOTA - place))
        numbers.append(hand_in(ada, "validation", file, drop=place == 1, note=f"Run {place + 1}"))
        if place == 0:
            ada.shot("submission-under-way")
    ada.go("/submissions")
    ada.shot("submissions")
    for number in numbers:
        wait_for(ada, number, "Scored")
    ada.go("/submissions")
    ada.reads(f"0 of {QUOTA} left")
    ada.shot("submissions-scored")
    ada.go("/submissions/new?phase=validation&task=la")
    ada.reads("Your team has no evaluation left")
    ada.shot("submission-new-none-left")
    body = {"task": TASK, "phase": "validation", "name": "more.zip", "total_bytes": 100}
    told = _ask(ada, "POST", "/api/v1/submissions", body)
    assert (told.status, told.json()["reason"]) == (409, "quota_used_up")


def one_of_the_worst_cases_is_looked_at(ada: Tab) -> None:
    ada.go("/submissions")
    ada.page.locator("table.submissions tbody a").first.click()
    ada.page.get_by_role("heading", name="Worst cases").wait_for()
    ada.page.locator(".viewer").scroll_into_view_if_needed()  # volumes are fetched when they come near
    ada.page.locator(".viewer[data-state=ready] canvas").wait_for()
    ada.shot("submission-scored")
    ada.reads("Scores", "Cases", "Dice")


def the_other_team_hands_in(stage: Stage, cleo: Tab, folder: Path) -> None:
    number = hand_in(cleo, "validation", _file(folder / "thin.zip", thinned(_truth(stage))))
    wait_for(cleo, number, "Scored")
    cleo.reads("Scores")
    other = int(number) - 1
    assert _ask(cleo, "GET", f"/api/v1/submissions/{other}").status == 404


def a_container_is_handed_in(stage: Stage, cleo: Tab, folder: Path) -> str:
    """The number of its submission; empty where no containers run."""
    if _no_container(stage):
        return ""
    cleo.go("/submissions/new?phase=test&task=la")
    cleo.shot("submission-new-container")
    number = hand_in(cleo, "test", _file(folder / "image.tar", box_container()))
    wait_for(cleo, number, "Scored")
    cleo.go(f"/submissions/{number}")
    cleo.reads("Check: The container ended by itself")
    cleo.page.get_by_text("What it printed on the public cases").click()
    cleo.reads("filling boxes", "done with one of size", "Scores")
    assert cleo.page.get_by_role("heading", name="Worst cases").count() == 0
    assert _ask(cleo, "GET", f"/api/v1/submissions/{number}/cases").status == 403
    hidden = [file.name.removesuffix(".nii.gz") for file in _truth(stage, "test").glob("*.nii.gz")]
    assert not [case for case in hidden if case in cleo.page.content()]
    cleo.shot("submission-container")
    return number


def only_the_organiser_sees_boards_yet(theatre: Theatre, olga: Tab) -> None:
    visitor = theatre.enter("Visitor")
    for name in ("validation", "test"):
        visitor.go(f"/boards/{name}")
        visitor.reads("Runs are being evaluated")
        assert visitor.page.locator("table.board").count() == 0
        told = _ask(visitor, "GET", f"/api/v1/boards/{name}").json()
        assert told["tables"] == []
    visitor.go("/boards")
    visitor.shot("boards-hidden")
    until(lambda: _order_of(olga, "/organise/boards/validation") == ["North", "South"], every_s=0.3)
    olga.shot("organise-board")


def release_day_comes(stage: Stage, theatre: Theatre, hidden: str) -> None:
    stage.clock.ahead += timedelta(days=21)
    visitor = theatre.enter("Reader")
    until(lambda: "Frozen" in visitor.go("/boards/validation").locator("main").inner_text(), every_s=0.3)
    visitor.go("/")
    visitor.shot("home-released")
    visitor.go("/boards")
    visitor.shot("boards")
    visitor.page.get_by_role("main").get_by_role("link", name="Validation").first.click()
    visitor.page.locator("table.board").first.wait_for()
    assert _order(visitor) == ["North", "South"]
    visitor.shot("board-by-dice")
    visitor.page.locator(".tools").get_by_role("link", name="Hausdorff distance").click()
    visitor.page.wait_for_url("**sort=hausdorff_mm**")
    assert _order(visitor) == ["South", "North"]
    head = visitor.page.get_by_role("columnheader", name="Hausdorff").first
    assert head.get_attribute("aria-sort") == "ascending"
    visitor.shot("board-by-distance")
    visitor.page.locator(".tools").get_by_role("link", name="Dice").click()
    visitor.page.wait_for_url("**sort=dice**")
    assert _order(visitor) == ["North", "South"]
    if hidden:
        until(lambda: _order_of(visitor, "/boards/test") == ["South"], every_s=0.3)


def the_organiser_has_the_last_word(stage: Stage, olga: Tab, hidden: str, folder: Path) -> None:
    olga.page.goto("/organise")  # three weeks later the session is over
    olga.page.wait_for_url("**/log-in**")
    olga.log_in()
    for name in ("teams", "submissions", "boards", "announcements", "timeline", "audit", "export"):
        olga.go(f"/organise/{name}")
        olga.shot(f"organise-{name}")
    _announce(olga)
    _rerun(olga, hidden or "2")
    _disqualify(olga)
    _freeze(olga)
    _export(olga, folder)


def _announce(olga: Tab) -> None:
    olga.go("/organise/announcements")
    olga.fill(title="The boards are open", text="Thank you **all**. <script>alert(1)</script>")
    olga.page.get_by_role("button", name="Publish").click()
    olga.page.get_by_role("heading", name="The boards are open").wait_for()
    reader = olga.theatre.enter("Anybody")
    reader.go("/")
    reader.reads("The boards are open", "<script>alert(1)</script>")


def _rerun(olga: Tab, number: str) -> None:
    olga.go(f"/organise/submissions/{number}")
    before = _ask(olga, "GET", f"/api/v1/organise/submissions/{number}").json()["runs"]
    olga.page.get_by_text("Evaluate it again").first.click()
    olga.page.locator("#rerun-reason").fill("The evaluation was mended.")
    olga.press("Evaluate again")

    def runs() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = _ask(olga, "GET", f"/api/v1/organise/submissions/{number}").json()[
            "runs"
        ]
        return told

    until(lambda: [run["state"] for run in runs()] == ["scored", "scored"], every_s=0.3)
    after = sorted(runs(), key=lambda run: int(run["number"]))
    assert after[0]["figures"] == before[0]["figures"] != []  # the old score stays
    assert after[1]["figures"] == before[0]["figures"]  # nothing had changed
    olga.go(f"/organise/submissions/{number}")
    olga.shot("organise-submission")


def _disqualify(olga: Tab) -> None:
    olga.go("/organise/teams")
    olga.page.get_by_role("main").get_by_role("link", name="North").first.click()
    olga.page.get_by_text("Take this team off the boards").first.click()
    olga.page.locator("#disqualify-reason").fill("They drew their predictions by hand.")
    olga.press("Disqualify")
    olga.reads("disqualified", "They drew their predictions by hand.")
    olga.shot("organise-team")


def _freeze(olga: Tab) -> None:
    """Frozen boards stay as they are until they are frozen anew."""
    reader = olga.theatre.enter("Latecomer")
    reader.go("/boards/validation")
    assert _order(reader) == ["North", "South"]
    until(lambda: _frozen_anew(olga), every_s=0.3)
    until(lambda: _order_of(reader, "/boards/validation") == ["South"], every_s=0.3)
    reader.reads("One team was disqualified.")
    reader.shot("board-corrected")


def _frozen_anew(olga: Tab) -> bool:
    """Whether it could be done; an organiser is asked to come back while runs are being counted."""
    address, why = "/api/v1/organise/boards/validation/freeze", {"reason": "One team was disqualified."}
    told = _ask(olga, "POST", address, why)
    if told.status == 409:
        assert "runs are being counted; try again" in told.json()["detail"]
        return False
    assert told.status == 201, told.text()
    return True


def _export(olga: Tab, folder: Path) -> None:
    olga.go("/organise/export")
    with olga.page.expect_download() as waiting:
        olga.page.get_by_role("link", name="Download all").click()
    file = folder / "export.zip"
    waiting.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        text = "".join(archive.read(name).decode() for name in names if name.endswith((".csv", ".jsonl")))
    assert any("audit" in name for name in names)
    for words in ("They drew their predictions by hand.", "The evaluation was mended.", "ada@season.test"):
        assert words in text


def hand_in(tab: Tab, phase: str, file: Path, *, drop: bool = False, note: str = "") -> str:
    """Uploads a file by the page; the number of the submission."""
    page = tab.go(f"/submissions/new?phase={phase}&task={TASK}")
    if drop:
        _drop(page, file)
    else:
        page.locator("#upload-files").set_input_files(file)
    page.get_by_role("status").filter(has_text=file.name).first.wait_for()
    if note:
        page.locator("[name=note]").fill(note)
    if phase == "validation" and not note:
        tab.shot("submission-new")
    page.get_by_role("button", name="Upload", exact=True).click()
    page.wait_for_url(SUBMISSION)
    found = SUBMISSION.search(page.url)
    assert found is not None
    return found[1]


def _drop(page: Any, file: Path) -> None:
    """Drags a file from the desk onto the page."""
    data = page.evaluate_handle(
        """([bytes, name]) => {
             const data = new DataTransfer();
             data.items.add(new File([new Uint8Array(bytes)], name, {type: "application/zip"}));
             return data;
           }""",
        [list(file.read_bytes()), file.name],
    )
    place = page.locator(".drop")
    for kind in ("dragenter", "dragover", "drop"):
        place.dispatch_event(kind, {"dataTransfer": data})


def wait_for(tab: Tab, number: str, state: str) -> None:
    """Waits on the submission's own page, which changes by itself, until it is in this state."""
    if not tab.page.url.endswith(f"/submissions/{number}"):
        tab.go(f"/submissions/{number}")
    badge = tab.page.locator("h1 .badge").filter(has_text=re.compile(state, re.IGNORECASE))
    badge.wait_for(timeout=1000 * PATIENCE_S)
    tab.page.wait_for_load_state()


def _ask(tab: Tab, method: str, address: str, body: dict[str, Any] | None = None) -> Any:
    """Asks the API with the cookies of somebody's browser; what it refuses isn't on the console then."""
    request = tab.page.context.request
    headers = {"X-CSRF-Token": request.get("/api/v1/session").json()["csrf_token"]}
    return request.fetch(address, method=method, data=body, headers=headers)


def _order(tab: Tab) -> list[str]:
    rows = tab.page.locator("table.board").first.locator("tbody").first.locator("th")
    return [text.strip() for text in rows.all_inner_texts()]


def _order_of(tab: Tab, address: str) -> list[str]:
    tab.go(address)
    return _order(tab)


def _no_container(stage: Stage) -> str:
    """Why no container can be made or run here; empty if it can."""
    return no_busybox() or stage.no_engine


def _truth(stage: Stage, phase: str = "validation") -> Path:
    return stage.folder / "reference" / TASK / phase / "truth"


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
