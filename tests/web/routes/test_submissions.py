"""Handing in through the API: from the first byte to the score, whatever goes wrong on the way."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from sqlalchemy.orm import Session
from tests.web.challenge.folders import heart
from tests.web.handing_in import (
    CLOSED,
    RELEASE_DAY,
    RELEASED,
    Hearts,
    begun,
    handed_in,
    made_hearts,
    sent,
    told_of,
    write_hearts,
    zipped,
)
from tests.web.life.players import assert_sound, evaluations_of, submission_of
from tests.web.sites import asking

from unicare.evaluate.run import evaluate
from unicare.web.archive.unpack import unpack
from unicare.web.database import Database
from unicare.web.database.tables import Evaluation, Submission, Team
from unicare.web.hand_in import volumes
from unicare.web.hand_in.announce import is_still_wanted
from unicare.web.hand_in.results import worst_cases
from unicare.web.life import WorkingSite, find_arrivals
from unicare.web.routes.api import uploads

HERE = "/api/v1/submissions"


@pytest.fixture(scope="session")
def hearts_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The challenge, to be read only."""
    return write_hearts(tmp_path_factory.mktemp("hearts"))


@pytest.fixture
def on_both(database: Database, tmp_path: Path, hearts_folder: Path) -> Hearts:
    """On SQLite and on PostgreSQL."""
    return made_hearts(tmp_path / "data", hearts_folder, database)


@pytest.fixture
def hearts(sqlite_template: Path, tmp_path: Path, hearts_folder: Path) -> Iterator[Hearts]:
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    database = Database.open(f"sqlite:///{tmp_path / 'site.sqlite'}")
    yield made_hearts(tmp_path / "data", hearts_folder, database)
    database.close()


def test_from_what_is_wrong_to_the_digits_of_ones_own_evaluation(on_both: Hearts, tmp_path: Path) -> None:
    red = on_both.player("ann", "red")
    bad = zipped(without=("one",), two=np.zeros((3, 3, 3), np.int16))
    first = handed_in(red, bad, note="a first try")
    assert told_of(red, first)["state"] == "uploaded"
    on_both.work()
    refused = told_of(red, first)
    assert (refused["state"], refused["final"], refused["evaluations"]) == ("refused", True, [])
    assert {(one["case"], one["kind"]) for one in refused["check"]["findings"]} == {
        ("one", "missing"),
        ("two", "shape"),
    }
    data = zipped(shift=1)
    second = handed_in(red, data, sha256=hashlib.sha256(data).hexdigest())
    on_both.work()
    told = told_of(red, second)
    assert told["state"] == "scored"
    assert (told["quota"]["used"], told["quota"]["left"]) == (1, 1)

    (tmp_path / "ours.zip").write_bytes(data)
    unpack(tmp_path / "ours.zip", tmp_path / "ours")
    truth = on_both.site.challenge.folder / "reference/whs/validation"
    at_home = evaluate(tmp_path / "ours", truth / "truth", cohort_csv=truth / "cohort.csv", task="whs")
    (evaluation,) = told["evaluations"]
    for part, means in (
        ("", at_home.as_summary()["structures"]),
        *at_home.as_summary()["distributions"].items(),  # type: ignore[attr-defined]
    ):
        own = {(one["label"], one["metric"]): one for one in means}  # type: ignore[index,attr-defined]
        (shown,) = [one["means"] for one in evaluation["scores"] if one["distribution"] == part]
        assert shown
        for one in shown:
            home = own[one["label"], one["metric"]]
            assert [one[key] for key in ("mean", "sd", "median", "n")] == [
                home[key] for key in ("mean", "sd", "median", "n")
            ]
    rows = list(csv.DictReader(io.StringIO(red.api.get(f"{HERE}/{second}/cases.csv").text)))
    assert [(one["case"], one["metric"], one["value"]) for one in rows] == [
        (row.case, row.metric, str(row.value)) for row in at_home.rows
    ]
    listed = red.api.get(HERE).json()
    assert [(one["id"], one["state"]) for one in listed] == [(second, "scored"), (first, "refused")]
    assert listed[1]["note"] == "a first try"
    assert_sound(on_both.site.database)


def test_quota_is_kept_and_told(hearts: Hearts) -> None:
    red, blue = hearts.player("ann", "red"), hearts.player("bob", "blue")
    three = [handed_in(red, zipped(shift)) for shift in range(3)]
    hearts.work()
    assert [told_of(red, one)["state"] for one in three] == ["scored", "scored", "checked"]
    waits = told_of(red, three[2])
    assert "no evaluation left" in waits["check"]["waits"]
    assert waits["may_queue"]
    answer = red.api.post(HERE, json={"task": "whs", "phase": "validation", "name": "a", "total_bytes": 9})
    assert (answer.status_code, answer.json()["reason"]) == (409, "quota_used_up")
    assert list(hearts.working.uploads.every()) == []  # neither row nor bytes
    assert red.api.post(f"{HERE}/{three[2]}/evaluation").json()["reason"] == "quota_used_up"
    (quota,) = [one for one in red.api.get("/api/v1/quotas").json() if one["phase"] == "validation"]
    assert (quota["used"], quota["under_way"], quota["left"], quota["quota"]) == (2, 0, 0, 2)
    (other,) = [one for one in blue.api.get("/api/v1/quotas").json() if one["phase"] == "validation"]
    assert other["left"] == 2
    assert red.api.post(f"{HERE}/{three[0]}/evaluation").json()["reason"] == "not_now"
    assert_sound(hearts.site.database)


def test_a_team_that_was_taken_off_the_boards_has_nothing_evaluated(hearts: Hearts) -> None:
    red = hearts.player("ann", "red")
    three = [handed_in(red, zipped(shift)) for shift in range(3)]
    hearts.check()
    assert red.api.delete(f"{HERE}/{three[1]}").json()["state"] == "cancelled"

    def disqualify(session: Session) -> None:
        team_id = session.get_one(Submission, three[2]).team_id
        session.get_one(Team, team_id).disqualified_at = hearts.now[0]

    hearts.site.database.transact(disqualify)
    answer = red.api.post(f"{HERE}/{three[2]}/evaluation")
    assert (answer.status_code, told_of(red, three[2])["state"]) == (422, "checked")


def test_what_waits_for_quota_is_queued_once_one_is_given_back(hearts: Hearts) -> None:
    red = hearts.player("ann", "red")
    three = [handed_in(red, zipped(shift)) for shift in range(3)]
    hearts.check()
    assert [told_of(red, one)["state"] for one in three] == ["queued", "queued", "checked"]
    assert [told_of(red, one)["place"] for one in three] == [1, 2, None]
    assert red.api.delete(f"{HERE}/{three[1]}").json()["state"] == "cancelled"
    again = red.api.post(f"{HERE}/{three[2]}/evaluation")
    assert (again.status_code, again.json()["state"], again.json()["place"]) == (202, "queued", 2)
    hearts.work()
    assert [told_of(red, one)["state"] for one in three] == ["scored", "cancelled", "scored"]
    assert red.api.delete(f"{HERE}/{three[0]}").json()["reason"] == "not_now"
    assert_sound(hearts.site.database)


def test_those_who_hand_in_at_once_have_the_quota_together(on_both: Hearts) -> None:
    players = [on_both.player(name, "red") for name in ("ann", "amy", "abe")]
    found: list[int] = []
    together = threading.Barrier(len(players))

    def hand_in(place: int) -> None:
        together.wait()
        found.append(handed_in(players[place], zipped(place)))

    threads = [threading.Thread(target=hand_in, args=(place,)) for place in range(len(players))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    on_both.check()
    assert sorted(told_of(players[0], one)["state"] for one in found) == ["checked", "queued", "queued"]
    assert_sound(on_both.site.database)


def test_an_upload_goes_on_where_it_stood(hearts: Hearts) -> None:
    red, data = hearts.player("ann", "red"), zipped()
    number = begun(red, data)["id"]
    assert sent(red, number, data[:100]).json()["length"] == 100
    wrong = sent(red, number, data[:100])
    assert (wrong.status_code, wrong.json()["reason"], wrong.json()["length"]) == (409, "offset", 100)
    early = red.api.post(f"{HERE}/{number}/upload/end")
    assert (early.status_code, early.json()["reason"], early.json()["length"]) == (409, "incomplete", 100)
    too_much = sent(red, number, data[100:] + b"more", 100)
    assert (too_much.status_code, too_much.json()["reason"]) == (413, "too_big")
    here = red.api.get(f"{HERE}/{number}/upload").json()
    assert (here["length"], here["whole"]) == (too_much.json()["length"], False)
    assert sent(red, number, data[here["length"] :], here["length"]).json()["length"] == len(data)
    assert red.api.post(f"{HERE}/{number}/upload/end").json()["state"] == "uploaded"
    assert red.api.post(f"{HERE}/{number}/upload/end").json()["state"] == "uploaded"  # asked again
    assert sent(red, number, b"x", len(data)).status_code == 409


@pytest.mark.parametrize("offset", ["-1", "x", "", "9" * 30, None])
def test_an_offset_that_is_none_is_refused(hearts: Hearts, offset: str | None) -> None:
    red = hearts.player("ann", "red")
    number = begun(red, b"123")["id"]
    headers = {} if offset is None else {"Upload-Offset": offset}
    answer = red.api.patch(f"{HERE}/{number}/upload", content=b"123", headers=headers)
    assert answer.status_code == 422


def test_a_piece_that_is_too_long_is_refused(
    sqlite_template: Path, tmp_path: Path, hearts_folder: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    database = Database.open(f"sqlite:///{tmp_path / 'site.sqlite'}")
    hearts = made_hearts(tmp_path / "data", hearts_folder, database, upload_chunk_mb=1)
    red = hearts.player("ann", "red")
    told = begun(red, bytes(2**21))
    assert told["upload"]["chunk_bytes"] == 2**20
    assert sent(red, told["id"], bytes(2**20 + 1)).status_code == 413
    assert sent(red, told["id"], bytes(2**20)).json()["length"] == 2**20
    assert sent(red, told["id"], bytes(2**20), 2**20).json()["length"] == 2**21
    database.close()


def test_what_came_wrong_begins_again(hearts: Hearts) -> None:
    red, data = hearts.player("ann", "red"), zipped()
    number = begun(red, data, sha256=hashlib.sha256(data).hexdigest().upper())["id"]
    sent(red, number, data[:-1] + b"?")
    answer = red.api.post(f"{HERE}/{number}/upload/end")
    assert (answer.status_code, answer.json()["reason"], answer.json()["length"]) == (409, "hash", 0)
    assert sent(red, number, data).status_code == 200
    assert red.api.post(f"{HERE}/{number}/upload/end").json()["state"] == "uploaded"


def test_taken_back_while_its_bytes_come(hearts: Hearts) -> None:
    red, data = hearts.player("ann", "red"), zipped()
    number = begun(red, data)["id"]
    sent(red, number, data[:100])

    def pieces() -> Iterator[bytes]:
        yield data[100:200]
        assert red.api.delete(f"{HERE}/{number}").json()["state"] == "cancelled"
        yield data[200:300]

    taken_back = red.api.patch(f"{HERE}/{number}/upload", content=pieces(), headers={"Upload-Offset": "100"})
    assert (taken_back.status_code, taken_back.json()["reason"]) == (409, "finished")
    assert hearts.working.uploads.every() == []
    assert sent(red, number, data).status_code == 409
    assert red.api.get(f"{HERE}/{number}/upload").status_code == 404
    assert told_of(red, number)["upload"] is None
    hearts.work()
    assert submission_of(hearts.site.database, number).state == "cancelled"


def test_a_worker_may_take_it_in_before_the_team_hears_that_all_has_come(
    hearts: Hearts, monkeypatch: pytest.MonkeyPatch
) -> None:
    red, data = hearts.player("ann", "red"), zipped()
    number = begun(red, data)["id"]

    def overtaken(site: WorkingSite, submission_id: int, upload_id: str) -> bool:
        site.uploads.finish(upload_id)  # by a request to end it that was broken off, and asked again
        assert find_arrivals(site) == 1
        return is_still_wanted(site, submission_id, upload_id)

    monkeypatch.setattr(uploads, "is_still_wanted", overtaken)
    told = sent(red, number, data)
    assert (told.status_code, told.json()["length"], told.json()["whole"]) == (200, len(data), True)
    stands = red.api.get(f"{HERE}/{number}/upload").json()
    assert (stands["length"], stands["total_bytes"], stands["whole"]) == (len(data), len(data), True)
    assert red.api.post(f"{HERE}/{number}/upload/end").json()["state"] == "uploaded"
    hearts.work()
    assert told_of(red, number)["state"] == "scored"
    assert red.api.get(f"{HERE}/{number}/upload").json()["whole"]


def test_a_last_byte_after_the_end_is_too_late(hearts: Hearts) -> None:
    red, data = hearts.player("ann", "red"), zipped()
    number = begun(red, data)["id"]
    sent(red, number, data)
    (file,) = (hearts.working.settings.data_dir / "uploads").glob("*/data")
    os.utime(file, (CLOSED.timestamp(), CLOSED.timestamp()))
    late = red.api.post(f"{HERE}/{number}/upload/end")
    assert late.status_code == 422
    assert told_of(red, number)["state"] == "cancelled"


WHAT_OTHERS_TRY = (
    ("get", ""),
    ("delete", ""),
    ("post", "/evaluation"),
    ("get", "/upload"),
    ("patch", "/upload"),
    ("post", "/upload/end"),
    ("get", "/cases"),
    ("get", "/cases.csv"),
    ("get", "/worst"),
    ("get", "/worst/one/truth.nii.gz"),
)


@pytest.mark.parametrize(("method", "place"), WHAT_OTHERS_TRY)
def test_others_learn_nothing_not_even_that_it_is_there(
    scored: tuple[Hearts, int], method: str, place: str
) -> None:
    hearts, number = scored
    blue, nobody = hearts.blue, hearts.nobody  # type: ignore[attr-defined]
    extra: dict[str, Any] = {"headers": {"Upload-Offset": "0"}} if method == "patch" else {}
    theirs = getattr(blue.api, method)(f"{HERE}/{number}{place}", **extra)
    none = getattr(blue.api, method)(f"{HERE}/{number + 1000}{place}", **extra)
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() | {"request_id": ""} == none.json() | {"request_id": ""}
    assert getattr(nobody.api, method)(f"{HERE}/{number}{place}", **extra).status_code in (403, 404)
    assert getattr(asking(hearts.app), method)(f"{HERE}/{number}{place}", **extra).status_code in (401, 403)


@pytest.fixture(scope="module")
def scored(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, hearts_folder: Path
) -> Iterator[tuple[Hearts, int]]:
    """A site with one submission that has a score, moved by a voxel in one case and by three in the other."""
    folder = tmp_path_factory.mktemp("scored")
    shutil.copy(sqlite_template, folder / "site.sqlite")
    database = Database.open(f"sqlite:///{folder / 'site.sqlite'}")
    hearts = made_hearts(folder / "data", hearts_folder, database)
    red = hearts.player("ann", "red")
    number = handed_in(red, zipped(1, two=np.roll(heart(), 3, 0)))
    hearts.work()
    hearts.red = red  # type: ignore[attr-defined]
    hearts.blue = hearts.player("bob", "blue")  # type: ignore[attr-defined]
    hearts.nobody = hearts.player("eve")  # type: ignore[attr-defined]
    yield hearts, number
    database.close()


def test_cases_and_the_worst_of_them(scored: tuple[Hearts, int]) -> None:
    hearts, number = scored
    red = hearts.red  # type: ignore[attr-defined]
    cases = red.api.get(f"{HERE}/{number}/cases").json()
    assert [one["case"] for one in cases["cases"]] == ["one", "two"]
    assert {one["name"] for one in cases["metrics"]} >= {"dice", "hausdorff_mm"}
    assert "centre" not in json.dumps(cases)
    worst = red.api.get(f"{HERE}/{number}/worst").json()
    assert [one["case"] for one in worst["cases"]] == ["two", "one"]
    assert worst["cases"][0]["dice"] == pytest.approx(
        np.mean([one["value"] for one in worst["cases"][0]["figures"]])
    )
    truth, prediction, image = (
        nib.Nifti1Image.from_bytes(gzip.decompress(red.api.get(worst["cases"][0][what]).content))
        for what in ("truth", "prediction", "image")
    )
    assert np.array_equal(np.asarray(truth.dataobj), heart())
    assert np.array_equal(np.asarray(prediction.dataobj), np.roll(heart(), 3, 0))
    assert image.shape == truth.shape


@pytest.mark.parametrize(
    "place",
    ["three/truth", "..%2ftruth/truth", "one/cohort", "%2e%2e/truth", "one%00/truth", "prompts.json/truth"],
)
def test_no_other_file_is_given_out(scored: tuple[Hearts, int], place: str) -> None:
    hearts, number = scored
    answer = hearts.red.api.get(f"{HERE}/{number}/worst/{place}.nii.gz")  # type: ignore[attr-defined]
    assert answer.status_code in (404, 422)


def test_only_the_worst_can_be_fetched(scored: tuple[Hearts, int], monkeypatch: pytest.MonkeyPatch) -> None:
    hearts, number = scored
    red = hearts.red  # type: ignore[attr-defined]
    monkeypatch.setattr(volumes, "worst_cases", the_worst_one)
    assert red.api.get(f"{HERE}/{number}/worst/two/truth.nii.gz").status_code == 200
    assert red.api.get(f"{HERE}/{number}/worst/one/truth.nii.gz").status_code == 404


def the_worst_one(rows: Any) -> Any:
    return worst_cases(rows, 1)


def test_organisers_see_all_and_do_nothing_in_a_teams_name(scored: tuple[Hearts, int]) -> None:
    hearts, number = scored
    boss = hearts.player("olga", organiser=True)
    assert told_of(boss, number)["team"] == "red"
    assert not told_of(boss, number)["may_cancel"]
    assert boss.api.get(f"{HERE}/{number}/worst").status_code == 200
    assert boss.api.delete(f"{HERE}/{number}").status_code == 403


def test_hidden_scores_show_by_no_route_until_they_are_released(hearts: Hearts) -> None:
    red, boss = hearts.player("ann", "red"), hearts.player("olga", organiser=True)
    number = handed_in(red, zipped(1), phase="hidden")
    hearts.work()
    for moment in (hearts.now[0], CLOSED):
        hearts.now[0] = moment
        told = told_of(red, number)
        assert (told["state"], told["headline"], told["scores_shown"]) == ("scored", None, False)
        assert told["scores_from"] == f"{RELEASE_DAY}T10:00:00Z"
        assert told["evaluations"][0]["scores"] == []
        assert red.api.get(HERE).json()[0]["headline"] is None
        for place in ("/cases", "/cases.csv", "/worst", "/worst/one/truth.nii.gz"):
            answer = red.api.get(f"{HERE}/{number}{place}")
            assert answer.status_code == 403, place
            assert RELEASE_DAY in answer.json()["detail"]
        (summary,) = [one.summary for one in evaluations_of(hearts.site.database, number)]
        figures = {str(one["mean"]) for one in summary["structures"]}  # type: ignore[index]
        everything = json.dumps(told) + red.api.get(HERE).text + red.api.get("/api/v1/quotas").text
        assert not [one for one in figures if len(one) > 6 and one in everything]
        assert told_of(boss, number)["evaluations"][0]["scores"]
    hearts.now[0] = RELEASED
    assert told_of(red, number)["evaluations"][0]["scores"]
    assert red.api.get(f"{HERE}/{number}/worst").status_code == 200


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"task": "liver"}, 422, "submission"),
        ({"phase": "none"}, 422, "submission"),
        ({"total_bytes": 0}, 422, "bad_request"),
        ({"total_bytes": -5}, 422, "bad_request"),
        ({"total_bytes": 2**60}, 413, "too_big"),
        ({"total_bytes": 4001 * 2**20}, 413, "too_big"),
        ({"total_bytes": 10**400}, 422, ""),
        ({"name": ""}, 422, ""),
        ({"name": "a\x00b"}, 422, ""),
        ({"note": "a\x00b"}, 422, ""),
        ({"note": "x" * 2001}, 422, ""),
        ({"sha256": "abc"}, 422, ""),
        ({"team": 1}, 422, ""),
    ],
)
def test_what_cannot_be_is_refused(hearts: Hearts, changes: Any, status: int, reason: str) -> None:
    red = hearts.player("ann", "red")
    body = {"task": "whs", "phase": "validation", "name": "a.zip", "total_bytes": 10, **changes}
    answer = red.api.post(HERE, json=body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert hearts.working.uploads.every() == []


def test_a_closed_phase_takes_nothing(hearts: Hearts) -> None:
    red = hearts.player("ann", "red")
    hearts.now[0] = CLOSED
    body = {"task": "whs", "phase": "validation", "name": "a.zip", "total_bytes": 10}
    answer = red.api.post(HERE, json=body)
    assert answer.status_code == 422
    assert "closed" in answer.json()["detail"] or "released" in answer.json()["detail"]
    assert hearts.working.uploads.every() == []


def test_images_are_handed_out_whole_and_without_truths(hearts: Hearts) -> None:
    red, nobody = hearts.player("ann", "red"), hearts.player("eve")
    answer = red.api.get("/api/v1/phases/validation/tasks/whs/images.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert {one.compress_type for one in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.namelist() == [
            "whs-validation/images/one.nii.gz",
            "whs-validation/images/two.nii.gz",
            "whs-validation/prompts.json",
        ]
        folder = hearts.site.challenge.folder / "reference/whs/validation"
        for name in archive.namelist():
            assert archive.read(name) == (folder / name.partition("/")[2]).read_bytes()
    assert nobody.api.get("/api/v1/phases/validation/tasks/whs/images.zip").status_code == 200
    for phase, task in (("hidden", "whs"), ("test", "whs"), ("validation", "la"), ("none", "whs")):
        assert red.api.get(f"/api/v1/phases/{phase}/tasks/{task}/images.zip").status_code == 404
    assert red.browser.get("/api/v1/phases/validation/tasks/whs/images.zip").status_code == 200


def test_of_a_hidden_test_set_a_team_sees_scores_and_no_case(hearts: Hearts) -> None:
    red, boss = hearts.player("ann", "red"), hearts.player("olga", organiser=True)
    number = begun(red, b"an image", phase="test")["id"]
    mean = {"structure": "left ventricle blood cavity", "label": 500, "sd": 0.25, "median": 0.5, "n": 2}
    summary = {
        "structures": [
            {**mean, "metric": "dice", "mean": 0.123456789, "rules": {"measured": 2}},
            {**mean, "metric": "truth_volume_ml", "mean": 98.7654321, "rules": {"measured": 2}},
        ],
        "distributions": {},
        "missing_predictions": ["secret-case"],
        "findings": ["secret-case is odd"],
    }

    def score(session: Session) -> None:
        session.get_one(Submission, number).state = "scored"
        row = Evaluation(submission_id=number, number=1, state="scored", queued_at=hearts.now[0])
        row.summary, row.rows_key = summary, "evaluations/1/1/metrics.parquet"
        session.add(row)

    hearts.site.database.transact(score)
    for moment in (hearts.now[0], RELEASED):
        hearts.now[0] = moment
        for place in ("/cases", "/cases.csv", "/worst", "/worst/one/truth.nii.gz"):
            assert red.api.get(f"{HERE}/{number}{place}").status_code == 403
        assert boss.api.get(f"{HERE}/{number}/worst").status_code == 403
        everything = red.api.get(f"{HERE}/{number}").text
        assert "secret-case" not in everything
        assert "98.7654321" not in everything
    assert "0.123456789" in everything


@pytest.mark.parametrize(
    "body",
    [
        b'{"task": "whs", "phase": "validation", "name": "\\ud800", "total_bytes": 9}',
        b'{"task": "whs", "phase": "validation", "name": "a", "note": "\\ud800", "total_bytes": 9}',
        b'{"task": "whs", "phase": "validation", "name": "a", "total_bytes": 1e400}',
        b'{"task": "whs", "phase": "validation", "name": "a", "total_bytes": 99999999999999999999999999}',
        b'{"task": "whs", "phase": "x", "name": "a", "total_bytes": 99999999999999999999999999}',
        b"[]",
        b"\xff",
        b"",
    ],
)
def test_what_can_hardly_be_read_is_refused(hearts: Hearts, body: bytes) -> None:
    red = hearts.player("ann", "red")
    answer = red.api.post(HERE, content=body, headers={"Content-Type": "application/json"})
    assert 400 <= answer.status_code < 500
    assert red.api.get(f"{HERE}?before=99999999999").status_code == 422
    assert red.api.get(f"{HERE}/99999999999").status_code == 422
