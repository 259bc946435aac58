"""kill -9 of the site's web process, workers and database, hundreds of times at random points of their work.

    python -m bench.site_kills --database postgresql

The challenge is two boxes on a small grid: what is tried is not how anything is measured. Uploading, taking
in, checking, queueing and scoring are the site's own, in processes of their own. At the end every submission
that the web process has said yes to has to be there, scored once, or failed with its quota given back. What
isn't so is printed, and the exit status is 1. With PostgreSQL, the server is killed as well: its first
process, all of its processes, or one that serves a connection.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
import multiprocessing
import os
import random
import sys
import tempfile
import threading
import time
import zipfile
from collections import Counter
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from tests.web.postgres import KilledServer, Victim

from unicare.core.errors import UnicareError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.web.database import upgrade
from unicare.web.database.tables import AuditEntry, Evaluation, QuotaSlot, Submission, Team, Upload, User
from unicare.web.life.arrivals import take_upload
from unicare.web.life.clean import discard_unneeded, remove_orphans
from unicare.web.life.hand_in import begin_submission
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.life.states import HOLDS_SLOT, State
from unicare.web.life.worker import run_worker
from unicare.web.settings import SiteSettings, load_settings

ENDS = (State.SCORED, State.FAILED)
CASES = {"one": ("A", "ID"), "two": ("F", "OOD")}
AFFINE = np.diag([-1.0, -1.0, 8.0, 1.0])
BLOCK_BYTES = 200
SAID_YES = "said_yes"
VICTIMS: tuple[Victim, ...] = ("first", "all", "one")
VICTIMS_TOLD = {
    "first": "first process",
    "all": "all processes",
    "one": "a connection's process",
}
TASK, PHASE = "whs", "validation"
CHALLENGE = """\
name: boxes
title: Boxes
texts: {overview: overview.md}
tasks:
  - name: whs
    title: Whole heart
    labels: {205: left ventricular myocardium, 500: left ventricle blood cavity}
    sequences: [CT]
    prompts: false
phases:
  - {name: validation, kind: predictions, always_open: true, show_boards: at_once, quota: 1000}
"""


def box(shift: int = 0) -> np.ndarray:
    """A box of cavity in a box of muscle, (P, L, S)."""
    labels = np.zeros((20, 18, 6), np.int16)
    labels[3:15, 3:15, 1:5] = 205
    labels[6:12, 6:12, 1:5] = 500
    return np.roll(labels, shift, 0)


def write_challenge(folder: Path) -> Path:
    """The challenge's folder."""
    reference = folder / "reference" / TASK / PHASE
    for part in ("images", "truth"):
        (reference / part).mkdir(parents=True)
    rows = []
    for case, (centre, distribution) in CASES.items():
        nib.save(nib.Nifti1Image(box().astype(np.float32), AFFINE), reference / "images" / f"{case}.nii.gz")
        nib.save(nib.Nifti1Image(box(), AFFINE), reference / "truth" / f"{case}.nii.gz")
        rows.append(
            CohortRow(
                case=case,
                patient=case,
                centre=centre,
                vendor="A",
                task=TASK,
                split="validation",
                distribution=distribution,
                sequences=("CT",),
                annotated=(205, 500),
            )
        )
    write_cohort(reference, rows)
    (folder / "challenge.yaml").write_text(CHALLENGE)
    (folder / "overview.md").write_text("# Boxes\n")
    return folder


def predictions() -> bytes:
    """A zip archive that passes its check."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for case in CASES:
            image = nib.Nifti1Image(box(1), AFFINE)
            archive.writestr(f"{case}_pred.nii.gz", gzip.compress(image.to_bytes(), mtime=0))
    return packed.getvalue()


def settings_of(data_dir: str, given: dict[str, Any]) -> SiteSettings:
    return load_settings(Path(data_dir), **given)


def work(data_dir: str, given: dict[str, Any]) -> None:
    """A worker."""
    run_worker(settings_of(data_dir, given), threading.Event())


def serve(data_dir: str, given: dict[str, Any], wanted: int, team_id: int, user_id: int) -> None:
    """What a web process does while a team uploads; what goes wrong is asked for again, as browsers would."""
    site, data = open_site(settings_of(data_dir, given)), predictions()
    with Path(data_dir, SAID_YES).open("a") as said_yes:
        while True:
            try:
                there, waiting = look(site)
                for submission_id, upload_id in waiting:
                    send(site, submission_id, upload_id, data)
                if there >= wanted:
                    return
                print(announce(site, len(data), team_id, user_id), file=said_yes, flush=True)
            except (DBAPIError, UnicareError) as error:  # the database is gone …: the answer would be 503
                print("web:", type(error).__name__, file=sys.stderr, flush=True)
                time.sleep(0.1)


def look(site: WorkingSite) -> tuple[int, list[tuple[int, str]]]:
    """How many submissions there are, and which of them are being uploaded."""
    with site.database.reading() as session:
        there = session.scalar(select(func.count()).select_from(Submission)) or 0
        under_way = select(Submission.id, Submission.upload_id).where(Submission.state == State.UPLOADING)
        return there, [(one, upload_id or "") for one, upload_id in session.execute(under_way)]


def send(site: WorkingSite, submission_id: int, upload_id: str, data: bytes) -> None:
    """Goes on where an upload stands, and takes it when it is whole."""
    state = site.uploads.state(upload_id)
    for offset in range(state.length, len(data), BLOCK_BYTES):
        site.uploads.append(upload_id, offset, io.BytesIO(data[offset : offset + BLOCK_BYTES]))
    take_upload(site, submission_id)


def announce(site: WorkingSite, length: int, team_id: int, user_id: int) -> int:
    """Begins a submission; its number."""
    upload_id = site.uploads.begin("boxes.zip", length, team=str(team_id))

    def begin(session: Session, now: datetime) -> int:
        session.add(
            Upload(
                id=upload_id,
                team_id=team_id,
                user_id=user_id,
                name="boxes.zip",
                total_bytes=length,
                created_at=now,
            )
        )
        session.flush()
        return begin_submission(
            session,
            site.challenge,
            team_id=team_id,
            user_id=user_id,
            task=TASK,
            phase=PHASE,
            upload_id=upload_id,
            now=now,
        ).id

    return site.transact(begin)


def found_a_team(session: Session, now: datetime) -> tuple[int, int]:
    user = User(
        email="a@x.org",
        email_key="a@x.org",
        name="A",
        affiliation="",
        password_hash="",
        created_at=now,
        is_organiser=False,
    )
    team = Team(name="boxers", name_key="boxers", created_at=now)
    session.add_all([user, team])
    session.flush()
    return team.id, user.id


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
        if at_the_end and one.state not in ENDS:
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
    context.set_forkserver_preload(["unicare.web.life.worker"])
    team_id, user_id = site.transact(found_a_team)
    chance = random.Random(options.seed)
    wanted = options.submissions

    def begin(name: str) -> ForkServerProcess:
        arguments = (data_dir, given, wanted, team_id, user_id) if name == "web" else (data_dir, given)
        process = context.Process(target=serve if name == "web" else work, args=arguments)
        process.start()
        return process

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
    while not over(site, wanted) and time.monotonic() < until:
        if running["web"].exitcode not in (None, 0):
            running["web"] = begin("web")
        time.sleep(0.2)
    rest_s = time.monotonic() - begun - killed_for_s
    for process in running.values():
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


def over(site: WorkingSite, wanted: int) -> bool:
    with site.database.reading() as session:
        states = list(session.scalars(select(Submission.state)))
    return len(states) >= wanted and all(state in ENDS for state in states)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--submissions", type=int, default=60)
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
        }
        data_dir = str(Path(folder, "data"))
        site = open_site(settings_of(data_dir, given))
        upgrade(site.database.engine)
        result = play(site, data_dir, given, options, server)
        site.database.close()
        return result


if __name__ == "__main__":
    raise SystemExit(main())
