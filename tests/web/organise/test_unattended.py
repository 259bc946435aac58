"""Where nobody runs containers, organisers and teams are told so, before anything is uploaded."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from tests.web.organise.season import made_season
from tests.web.sites import DURING

from unicare.web.database.tables import WorkerWatch

HAND_IN = "/submissions/new?phase=test&task=la"
NOBODY = "No machine of this site has run containers since"


def test_that_nobody_runs_containers_is_said_where_it_matters(tmp_path: Path) -> None:
    season = made_season(tmp_path)
    team, chief = season.logged_in(season.participant), season.logged_in(season.organiser)
    assert NOBODY not in team.get(HAND_IN).text
    assert chief.get("/api/v1/organise/overview").json()["queue"]["unattended"] == {}

    def missed(kind: str, since: timedelta) -> None:
        row = WorkerWatch(kind=kind, seen_at=DURING - since, looked_at=DURING)  # type: ignore[arg-type]
        season.site.database.transact(lambda session: session.add(row))

    missed("container", timedelta(hours=3))
    assert NOBODY in team.get(HAND_IN).text
    assert NOBODY not in team.get("/submissions/new?phase=validation&task=la").text
    quotas = team.get("/api/v1/quotas").json()
    assert {one["kind"] for one in quotas if one["unattended_since"]} == {"container"}
    assert list(chief.get("/api/v1/organise/overview").json()["queue"]["unattended"]) == ["container"]
    page = chief.get("/organise").text
    assert "Nobody has run containers since" in page
    assert "No worker was seen" not in page
    missed("predictions", timedelta(minutes=1))
    assert "No worker was seen" not in chief.get("/organise").text
