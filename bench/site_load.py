"""Two hundred people on a site at once, while fifty teams upload 100 MB each.

    python -m bench.site_load CHALLENGE --backup SITE.tar --database postgresql

People look at pages one after the other, with pauses of a few seconds as people make them; a third are
logged in and watch a submission's state. Uploads share a network of 1 Gbit/s. The site is `unicare serve` in
a process of its own on this machine, with its worker; people and uploads take their share of its processors,
too. All come from one address, so that the limit of requests for each address is lifted. Pages ask for HTML
only, over connections that stay open. Times are told for all pages, and for those while uploads came.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import math
import os
import random
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path

from bench.load_uploads import announce, upload_all
from sqlalchemy.orm import Session
from tests.web.postgres import KilledServer

from unicare.web.accounts.door import Origin
from unicare.web.accounts.rules import AccountRules, agreement_version
from unicare.web.accounts.secret_tokens import hash_token, new_api_token
from unicare.web.accounts.sessions import open_session
from unicare.web.challenge import Challenge, load_challenge
from unicare.web.database import Database, upgrade
from unicare.web.database.tables import ApiToken, Membership, Registration, Team, User

PUBLIC = ("/", "/boards", "/boards/{board}", "/boards/{board}?sort={sort}", "/texts/rules", "/agreement")
MEMBERS = (
    "/submissions",
    "/submissions/{submission}",
    "/team",
    "/account",
    "/submissions/{submission}/status",
)


@dataclass
class Crowd:
    """Who uses the site.

    Attributes:
        sessions: cookies of people who are logged in.
        tokens: one for each team that uploads.
        submissions: of these teams, once they began.
    """

    sessions: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    submissions: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Visit:
    """A page that somebody looked at.

    Attributes:
        seconds: until all of it had come.
        at: when that was, by this machine's clock.
    """

    seconds: float
    at: float


def populate(database: Database, challenge: Challenge, teams: int) -> Crowd:
    """Teams of one approved person each, logged in, with a token."""
    agreement = challenge.registration.agreement
    version = None if agreement is None else agreement_version(agreement.read_text(encoding="utf-8"))

    def work(session: Session) -> Crowd:
        crowd, now = Crowd(), datetime.now(UTC)
        for _ in range(teams):
            name = f"load {secrets.token_hex(6)}"
            address = f"{name[5:]}@example.org"
            user = User(
                email=address,
                email_key=address,
                name=name,
                affiliation="",
                password_hash="",
                created_at=now,
                email_confirmed_at=now,
            )
            team = Team(name=name, name_key=name, created_at=now)
            session.add_all([user, team])
            session.flush()
            token = new_api_token()
            session.add_all(
                [
                    Registration(
                        user_id=user.id,
                        status="approved",
                        created_at=now,
                        agreement_version=version,
                        agreed_at=now,
                    ),
                    Membership(user_id=user.id, team_id=team.id, is_captain=True, joined_at=now),
                    ApiToken(token_hash=hash_token(token), user_id=user.id, name="load", created_at=now),
                ]
            )
            opened = open_session(session, AccountRules(), user.id, Origin("127.0.0.1"), now, None)
            crowd.sessions.append(opened.token)
            crowd.tokens.append(token)
        return crowd

    return database.transact(work)


async def visit(
    port: int, number: int, crowd: Crowd, names: dict[str, str], until: float, times: dict[str, list[Visit]]
) -> None:
    """One person's visit: seconds of each page, by the page's address."""
    chance = random.Random(number)
    member = number % 3 == 0 and number < 3 * len(crowd.sessions)
    team = number // 3
    cookie = f"Cookie: unicare_session={crowd.sessions[team]}\r\n" if member else ""
    await asyncio.sleep(chance.uniform(0, 3))
    link = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        pages = PUBLIC + MEMBERS if member else PUBLIC
        page = chance.choice(pages)
        if "{submission}" in page and team not in crowd.submissions:
            page = "/submissions"
        address = page.format(**names, submission=crowd.submissions.get(team, 0))
        began = time.perf_counter()
        try:
            status = await get(link, address, cookie)
        except (asyncio.IncompleteReadError, ConnectionError):  # closed by the site while nothing was asked
            link = await asyncio.open_connection("127.0.0.1", port)
            status = await get(link, address, cookie)
        times[page].append(Visit(time.perf_counter() - began, time.monotonic()))
        if status != 200:
            raise RuntimeError(f"{address}: {status}")
        await asyncio.sleep(chance.uniform(1, 5))
    link[1].close()


async def get(link: tuple[asyncio.StreamReader, asyncio.StreamWriter], address: str, cookie: str) -> int:
    """Asks for a page and reads all of it; the status."""
    reader, writer = link
    writer.write(f"GET {address} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\n{cookie}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    lengths = [line.split(":")[1] for line in head if line.lower().startswith("content-length:")]
    await reader.readexactly(int(lengths[0]))
    return int(head[0].split()[1])


def memory_mb(pid: int) -> float:
    """The most that a process ever had in memory at once."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def begin(data: Path, database_url: str, backup: Path | None) -> None:
    """An empty site, or one as it was when a backup was made."""
    data.mkdir()
    if backup is None:
        database = Database.open(database_url)
        upgrade(database.engine)
        database.close()
        return
    command = [sys.executable, "-m", "unicare", "site", "restore", str(backup), "--data", str(data)]
    subprocess.run(command, check=True, env={**os.environ, "UNICARE_DATABASE_URL": database_url})


def serve(challenge: Path, data: Path, port: int, workers: int, database_url: str) -> subprocess.Popen[bytes]:
    """The site, once it answers."""
    environment = {
        **os.environ,
        "UNICARE_API_REQUESTS_PER_MINUTE": "1000000",
        "UNICARE_DATABASE_URL": database_url,
        "UNICARE_WORKERS": str(workers),
    }
    command = [
        sys.executable,
        "-m",
        "unicare",
        "serve",
        "--challenge",
        str(challenge),
        "--data",
        str(data),
    ]
    site = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=(data / "log").open("wb"),
    )
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return site
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the site didn't start: {(data / 'log').read_text()[-2000:]}")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def told(times: dict[str, list[Visit]], uploads_until: float) -> dict[str, object]:
    every = [one.seconds for visits in times.values() for one in visits]
    busy = [one.seconds for visits in times.values() for one in visits if one.at < uploads_until]
    print(f"\n{'page':40}{'n':>7}{'median ms':>12}{'p95 ms':>10}{'worst ms':>10}")
    rows = {page: [one.seconds for one in visits] for page, visits in times.items()}
    for page, values in {**rows, "while uploads came": busy or [math.nan], "all": every}.items():
        shown = [1000 * one for one in (statistics.median(values), percentile(values, 0.95), max(values))]
        print(f"{page:40}{len(values):7}{shown[0]:12.1f}{shown[1]:10.1f}{shown[2]:10.1f}")
    return {
        "pages": len(every),
        "pages_while_uploads_came": len(busy),
        "median_ms": round(1000 * statistics.median(every), 1),
        "p95_ms": round(1000 * percentile(every, 0.95), 1),
        "p95_while_uploads_came_ms": round(1000 * percentile(busy or [math.nan], 0.95), 1),
        "worst_ms": round(1000 * max(every), 1),
    }


def play(port: int, crowd: Crowd, names: dict[str, str], chosen: argparse.Namespace) -> dict[str, object]:
    """All of it at the same time."""
    times: dict[str, list[Visit]] = defaultdict(list)
    size = chosen.megabytes * 10**6
    for team in range(chosen.uploads):
        crowd.submissions[team] = announce(port, crowd.tokens[team], names, size)
    began = time.monotonic()
    until = began + chosen.seconds
    # in a process of their own, so that uploading doesn't hold up the clocks of those who look at pages
    with get_context("spawn").Pool(1) as pool:
        tokens = {number: crowd.tokens[team] for team, number in crowd.submissions.items()}
        uploading = pool.apply_async(upload_all, (port, tokens, size, chosen.network_mbit))

        async def everybody() -> None:
            await asyncio.gather(
                *(visit(port, number, crowd, names, until, times) for number in range(chosen.people))
            )

        asyncio.run(everybody())
        seconds = uploading.get()
    result = told(times, began + max(seconds, default=0.0))
    result["uploads_complete"] = len(seconds)
    result["slowest_upload_s"] = round(max(seconds, default=0.0), 1)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("challenge", type=Path, help="folder of a challenge whose validation phase is open")
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=50)
    parser.add_argument("--megabytes", type=int, default=100)
    parser.add_argument("--network-mbit", type=float, default=1000, help="that all uploads share")
    parser.add_argument("--seconds", type=float, default=90)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", type=Path, help="where the figures are written, too")
    parser.add_argument("--backup", type=Path, help="of a site, to begin with; an empty one if not given")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    chosen = parser.parse_args()
    load = os.getloadavg()[0]
    server = KilledServer(fsync=True) if chosen.database == "postgresql" else None
    try:
        result = {"load before": round(load, 1), "database": chosen.database} | run(chosen, server)
    finally:
        if server is not None:
            server.end()
    text = json.dumps(result, indent=2)
    print(text)
    if chosen.json is not None:
        chosen.json.write_text(text + "\n")


def run(chosen: argparse.Namespace, server: KilledServer | None) -> dict[str, object]:
    """A site, and all of them on it."""
    challenge = load_challenge(chosen.challenge)
    entry = challenge.boards[0]
    names = {
        "board": entry.name,
        "sort": (*entry.board.sorts, "dice")[0],
        "phase": "validation",
        "task": challenge.tasks_of(challenge.phase("validation"))[0].name,
    }
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        database_url = f"sqlite:///{data}/site.sqlite" if server is None else server.url
        begin(data, database_url, chosen.backup)
        database = Database.open(database_url)
        crowd = populate(database, challenge, max(chosen.uploads, chosen.people // 3))
        database.close()
        port = free_port()
        site = serve(chosen.challenge, data, port, chosen.workers, database_url)
        try:
            idle_mb = memory_mb(site.pid)
            result = play(port, crowd, names, chosen)
            result["web_memory_idle_mb"] = round(idle_mb)
            result["web_memory_most_mb"] = round(memory_mb(site.pid))
        finally:
            site.terminate()
            site.wait(timedelta(seconds=60).total_seconds())
    return result


if __name__ == "__main__":
    main()
