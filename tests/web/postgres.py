"""A private PostgreSQL cluster for the tests, from Debian's packages, on a Unix socket of its own.

One cluster serves all worker processes of a test run. It is kept by a process of its own, which runs
this file: it starts the server, waits until the test run is over, however that ends, and clears up.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psycopg

Victim = Literal["first", "all", "one"]

ADDRESS = "address"
NOT_HERE = "no PostgreSQL here: initdb of Debian's package postgresql is not installed"
_KEEPERS: list[subprocess.Popen[bytes]] = []  # they outlive this process: nobody waits for them
_NEW = ("--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "unicare")
_OPTIONS = (
    *("-c", "listen_addresses="),
    *("-c", "fsync=off"),
    *("-c", "synchronous_commit=off"),
    *("-c", "full_page_writes=off"),
    *("-c", "autovacuum=off"),
    *("-c", "shared_buffers=16MB"),
    *("-c", "max_connections=200"),
    *("-c", "wal_level=minimal"),
    *("-c", "max_wal_senders=0"),
)


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest version of them; None if there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    return Path(elsewhere).resolve().parent if elsewhere else None


def cluster_of(shared: Path, owner: int) -> str:
    """The URL of this test run's cluster, started if it isn't yet.

    Args:
        shared: a folder that all processes of the test run know.
        owner: the process that the cluster ends with.
    """
    address = shared / ADDRESS
    with (shared / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not address.is_file():
            with (shared / "postgres.errors").open("w") as errors:
                keeper = subprocess.Popen(
                    [sys.executable, __file__, str(shared), str(owner)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                )
            _KEEPERS.append(keeper)
            until = time.monotonic() + 60
            while not address.is_file():
                if keeper.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"PostgreSQL didn't start: {(shared / 'postgres.errors').read_text()}")
                time.sleep(0.05)
    return address.read_text()


class KilledServer:
    """A cluster of its own, whose server is killed and begun again; for those who try what happens then.

    Commits are written before they are answered, as PostgreSQL does by default.

    Args:
        fsync: whether they are on the disk by then. Only a machine that dies can tell the difference.

    Attributes:
        url: of its database.
    """

    def __init__(self, *, fsync: bool) -> None:
        self._fsync = fsync
        self._folder = Path(tempfile.mkdtemp(prefix="unicare-postgres-"))
        self._person = _unprivileged()
        os.chown(self._folder, self._person.pw_uid, self._person.pw_gid)
        made = _start(["initdb", *_NEW], self._folder, self._person).wait(60)
        assert made == 0, f"initdb ended with {made}"
        self.url = f"postgresql+psycopg://unicare@/postgres?host={self._folder}"
        self._server = self._begin()

    def kill(self, victim: Victim) -> None:
        """kill -9 of the server's first process, of all its processes, or of one that serves a connection.

        In the last case the server begins anew by itself. Else it is gone until ``begin``.
        """
        children = _children(self._server.pid)
        if victim == "one":
            serving = [pid for pid in children if "unicare" in _title(pid)]
            if serving:
                _kill(random.choice(serving))
            return
        _kill(self._server.pid)
        for pid in children if victim == "all" else []:
            _kill(pid)
        self._server.wait()

    def begin(self) -> None:
        """Begins it again, if it isn't there, and waits until it answers."""
        until = time.monotonic() + 60
        while True:
            try:
                if self._server.poll() is not None:
                    self._server = self._begin()
                _wait_until_it_answers(self._server, self._folder)
            except psycopg.OperationalError:  # processes of the one before hold its memory for a moment
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def end(self) -> None:
        """Ends it, and removes all of it."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self) -> subprocess.Popen[bytes]:
        lasting = [*_OPTIONS, "-c", "synchronous_commit=on"]
        if self._fsync:
            lasting += ["-c", "fsync=on", "-c", "full_page_writes=on"]
        server = _start(
            ["postgres", *lasting, "-k", str(self._folder)], self._folder, self._person, quiet=True
        )
        _wait_until_it_answers(server, self._folder)
        return server


def _children(parent: int) -> list[int]:
    found = []
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(place.read_text().rpartition(") ")[2].split()[1]) == parent:
                found.append(int(place.parent.name))
    return found


def _title(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    return ""


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _keep(shared: Path, owner: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="unicare-postgres-"))
    server: subprocess.Popen[bytes] | None = None
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        person = _unprivileged()
        os.chown(folder, person.pw_uid, person.pw_gid)
        made = _start(["initdb", *_NEW], folder, person).wait(60)
        if made != 0:
            raise RuntimeError(f"initdb ended with {made}")
        server = _start(["postgres", *_OPTIONS, "-k", str(folder)], folder, person)
        _wait_until_it_answers(server, folder)
        written = shared / "address.new"
        written.write_text(f"postgresql+psycopg://unicare@/postgres?host={folder}")
        written.rename(shared / ADDRESS)
        while _alive(owner) and server.poll() is None:
            time.sleep(0.2)
    finally:
        (shared / ADDRESS).unlink(missing_ok=True)
        if server is not None:
            server.send_signal(signal.SIGQUIT)  # at once; nothing of it is needed again
            server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged() -> pwd.struct_passwd:
    """Whom the server runs as; PostgreSQL refuses root."""
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _start(
    command: list[str], folder: Path, person: pwd.struct_passwd, *, quiet: bool = False
) -> subprocess.Popen[bytes]:
    where = programs()
    assert where is not None, NOT_HERE
    as_root = os.geteuid() == 0
    return subprocess.Popen(
        [str(where / command[0]), "-D", str(folder / "data"), *command[1:]],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL if quiet else None,
        user=person.pw_uid if as_root else None,
        group=person.pw_gid if as_root else None,
        extra_groups=[] if as_root else None,
        preexec_fn=_end_with_parent,  # noqa: PLW1509  this process has no threads
    )


def _end_with_parent() -> None:
    """Linux sends SIGQUIT when the parent dies, even by SIGKILL (PR_SET_PDEATHSIG is 1)."""
    ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _wait_until_it_answers(server: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(host=str(folder), user="unicare", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), int(sys.argv[2]))
