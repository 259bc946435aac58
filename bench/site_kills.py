"""kill -9 of the site's web process, workers and database, hundreds of times at random points of their work.

    python -m bench.site_kills --database postgresql

The challenge is two boxes on a small grid: what is tried is not how anything is measured. Handing in by HTTP,
checking, queueing and scoring are the site's own, in processes of their own; the team's program lives on. At
the end every submission that the web process has said yes to has to be there, scored once, or failed with its
quota given back. What isn't so is printed, and the exit status is 1. With PostgreSQL, the server is killed as
well: its first process, all of its processes, or one that serves a connection.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import socket
import tempfile
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import uvicorn
from bench.boxes import write_challenge
from bench.team_client import SAID_YES, hand_in
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.web.postgres import KilledServer, Victim

from unicare.web.accounts.api_tokens import create_api_token
from unicare.web.accounts.rules import AccountRules, rules_of
from unicare.web.app import create_app
from unicare.web.challenge import load_challenge
from unicare.web.database import Database, upgrade
from unicare.web.database.tables import (
    AuditEntry,
    Evaluation,
    Membership,
    QuotaSlot,
    Registration,
    Submission,
    Team,
    User,
)
from unicare.web.life.clean import discard_unneeded, remove_orphans
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.life.states import HOLDS_SLOT, State
from unicare.web.life.worker import run_worker
from unicare.web.settings import SiteSettings, load_settings

ENDS = (State.SCORED, State.FAILED)
VICTIMS: tuple[Victim, ...] = ("first", "all", "one")
VICTIMS_TOLD = {
    "first": "first process",
    "all": "all processes",
    "one": "a connection's process",
}


def settings_of(data_dir: str, given: dict[str, Any]) -> SiteSettings:
    return load_settings(Path(data_dir), **given)


def work(data_dir: str, given: dict[str, Any]) -> None:
    """A worker."""
    run_worker(settings_of(data_dir, given), threading.Event())


def serve(data_dir: str, given: dict[str, Any]) -> None:
    """The web process."""
    settings = settings_of(data_dir, given)
    database = Database.open(settings.database_url.get_secret_value())
    app = create_app(settings, load_challenge(given["challenge_dir"]), database)
    uvicorn.run(app, host="127.0.0.1", port=settings.port, log_config=None)


def found_a_team(session: Session, now: datetime, rules: AccountRules) -> str:
    """A team of one; a token for its program."""
    user = User(
        email="a@x.org",
        email_key="a@x.org",
        name="A",
        affiliation="",
        password_hash="",
        created_at=now,
        email_confirmed_at=now,
    )
    team = Team(name="boxers", name_key="boxers", created_at=now)
    session.add_all([user, team])
    session.flush()
    session.add(Registration(user_id=user.id, status="approved", created_at=now))
    session.add(Membership(user_id=user.id, team_id=team.id, is_captain=True, joined_at=now))
    session.flush()
    return create_api_token(session, rules, user.id, "bench", now=now).token


def wrongs(site: WorkingSite, data_dir: str, *, at_the_end: bool) -> dict[str, list[str]]:
    """What must never be, by sort."""
    found: dict[str, list[str]] = {"lost": [], "scored twice": [], "stuck": [], "else wrong": []}
    said_yes = Path(data_dir, SAID_YES)  # read first: the web process goes on meanwhile
    promised = {int(line) for line in said_yes.read_text().split()} if said_yes.exists() else set()
    with site.database.reading() as session:
        submissions = {one.id: one for one in session.scalars(select(Submission))}
        slots = Counter(session.scalars(select(QuotaSlot.submission_id)))
        evaluations = list(session.scalars(select(Evaluation)))
        scores = Counter(
            session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "evaluation.score"))
        )
    found["lost"] += [f"submission {one} is gone" for one in sorted(promised - submissions.keys())]
    for one in submissions.values():
        if slots[one.id] != (one.state in HOLDS_SLOT):
            found["else wrong"].append(f"submission {one.id} is {one.state} and has {slots[one.id]} slots")
        forgotten = one.state == State.CANCELLED and one.id not in promised
        if at_the_end and one.state not in ENDS and not forgotten:
            found["stuck"].append(f"submission {one.id} is {one.state}")
    for each in evaluations:
        times, scored = scores[f"evaluation:{each.id}"], each.state == "scored"
        if times > 1 or sum(one.submission_id == each.submission_id for one in evaluations) > 1:
            found["scored twice"].append(f"evaluation {each.id} of submission {each.submission_id}: {times}")
        if times != scored or (each.summary is not None) != scored:
            found["else wrong"].append(f"evaluation {each.id} is {each.state}, scored {times} times")
        if scored and not site.storage.exists(each.rows_key or "none"):
            found["lost"].append(f"rows of evaluation {each.id}")
        if each.state == "failed" and not each.public_error:
            found["else wrong"].append(f"evaluation {each.id} failed without a word")
    return found


def left_lying(site: WorkingSite) -> int:
    """How many things had to be cleared up in the end: nobody may be at anything any more."""
    discard_unneeded(site)
    orphans = len(remove_orphans(site, timedelta(0))) + len(site.uploads.every())
    assert remove_orphans(site, timedelta(0)) == []
    return orphans


def play(
    site: WorkingSite,
    data_dir: str,
    given: dict[str, Any],
    options: argparse.Namespace,
    server: KilledServer | None,
) -> dict[str, Any]:
    """Kills, and then lets it come to its end."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unicare.web.life.worker", "unicare.web.app"])
    rules = rules_of(site.settings, site_name="boxes")
    token = site.transact(lambda session, now: found_a_team(session, now, rules))
    chance = random.Random(options.seed)
    wanted = options.submissions

    def begin(name: str) -> ForkServerProcess:
        process = context.Process(target=serve if name == "web" else work, args=(data_dir, given))
        process.start()
        return process

    team = context.Process(target=hand_in, args=(data_dir, given, token, wanted))
    team.start()
    running = {name: begin(name) for name in ("web", *(f"worker {n}" for n in range(options.workers)))}
    victims = [*sorted(running), *(["database"] if server is not None else [])]
    kills: Counter[str] = Counter()
    found: dict[str, set[str]] = {}
    begun = time.monotonic()
    while sum(kills.values()) < options.kills:
        time.sleep(chance.uniform(0, options.pause_s))
        name = chance.choice(victims)
        if name == "database" and server is not None:
            victim = chance.choice(VICTIMS)
            server.kill(victim)
            kills[f"database, {VICTIMS_TOLD[victim]}"] += 1
            time.sleep(chance.uniform(0, 0.5))
            server.begin()
        else:
            running[name].kill()
            running[name].join()
            kills[name.split()[0]] += 1
            running[name] = begin(name)
        add(found, wrongs(site, data_dir, at_the_end=False))
    killed_for_s = time.monotonic() - begun
    until = time.monotonic() + options.limit_s
    while not (team.exitcode is not None and over(site)) and time.monotonic() < until:
        time.sleep(0.2)
    rest_s = time.monotonic() - begun - killed_for_s
    for process in (team, *running.values()):
        process.kill()
        process.join()
    add(found, wrongs(site, data_dir, at_the_end=True))
    with site.database.reading() as session:
        states = Counter(session.scalars(select(Submission.state)))
        attempts = Counter(session.scalars(select(Evaluation.attempt)))
    return {
        "kills": dict(sorted(kills.items())),
        "submissions": dict(states),
        "attempts of evaluations": dict(sorted(attempts.items())),
        "seconds of kills": round(killed_for_s, 1),
        "seconds until all had ended": round(rest_s, 1),
        "left lying until the sweep": left_lying(site),
        **{sort: len(every) for sort, every in found.items()},
        "wrong": sorted(one for every in found.values() for one in every),
    }


def add(found: dict[str, set[str]], new: dict[str, list[str]]) -> None:
    for sort, every in new.items():
        found.setdefault(sort, set()).update(every)


def over(site: WorkingSite) -> bool:
    with site.database.reading() as session:
        states = list(session.scalars(select(Submission.state)))
    return all(state in (*ENDS, State.CANCELLED) for state in states)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument(
        "--submissions", type=int, default=45, help="what the team's list of the last 50 has room for"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pause-s", type=float, default=1.2, help="longest time between two kills")
    parser.add_argument("--limit-s", type=float, default=600, help="for the rest, after the last kill")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path, help="where the result is written")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    server = KilledServer(fsync=True) if options.database == "postgresql" else None
    try:
        result = {"load before": round(load, 1), "database": options.database} | run(options, server)
    finally:
        if server is not None:
            server.end()
    print(json.dumps(result, indent=2))
    if options.json is not None:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
    return 1 if result["wrong"] else 0


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def run(options: argparse.Namespace, server: KilledServer | None) -> dict[str, Any]:
    """A site of its own, with all that befalls it."""
    with tempfile.TemporaryDirectory() as folder:
        given = {
            "challenge_dir": write_challenge(Path(folder, "challenge")),
            "database_url": None if server is None else server.url,
            "container_engine": "none",
            "lease_seconds": 3,
            "sweep_seconds": 0.5,
            "retry_seconds": 0.5,
            "port": free_port(),
            "uploads_at_once": 100,  # announced by a web process that died, they count for ten minutes
            "api_requests_per_minute": 1_000_000,
        }
        data_dir = str(Path(folder, "data"))
        site = open_site(settings_of(data_dir, given))
        upgrade(site.database.engine)
        result = play(site, data_dir, given, options, server)
        site.database.close()
        return result


if __name__ == "__main__":
    raise SystemExit(main())
