"""A site goes into one file while it runs, and comes back whole, into either database, or not at all."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import shutil
import stat
import subprocess
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session
from tests.web.accounts.conftest import HOME, PASSWORD, Site
from tests.web.backup.conftest import rows_of, work
from tests.web.life.players import assert_sound, new_team, submission_of, upload
from tests.web.waiting import PATIENCE_S

from unicare.core.errors import OutputError, SettingsError
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.backup import BackupError, restore_backup, write_backup
from unicare.web.backup import restore as restoring
from unicare.web.database import Database, head_revision
from unicare.web.database.tables import AuditEntry, Submission, User
from unicare.web.life.site import WorkingSite
from unicare.web.settings import SiteSettings, load_settings
from unicare.web.storage import FolderStorage, open_storage

one_database = pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
on_sqlite = pytest.mark.parametrize("elsewhere", ["sqlite"], indirect=True)
STORED = ("uploaded", "checking", "checked", "queued", "running", "scored")


@pytest.fixture
def backup(settings: SiteSettings, tmp_path: Path) -> Path:
    """A backup of the site in which much has happened."""
    out = tmp_path / "backup.tar"
    write_backup(settings, out)
    return out


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """A folder that isn't there yet, and the URL of an empty database for it."""
    if request.param == "postgresql":
        url = str(request.getfixturevalue("new_postgresql")("template0"))
        monkeypatch.setenv("UNICARE_DATABASE_URL", url)
        return tmp_path / "new", url
    return tmp_path / "new", f"sqlite:///{tmp_path / 'new' / 'site.sqlite'}"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def packed(members: dict[str, bytes], out: Path, sums: str | None = None) -> Path:
    """An archive with right sums, whatever is in it."""
    lines = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in members.items())
    with tarfile.open(out, "w") as tar:
        for name, content in {**members, "SHA256SUMS": (sums or lines).encode()}.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return out


def members_of(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as tar:
        found = {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]
    del found["SHA256SUMS"]
    return found


def test_a_restored_site_is_the_same(
    backup: Path, settings: SiteSettings, elsewhere: tuple[Path, str]
) -> None:
    folder, url = elsewhere
    restored = restore_backup(backup, folder)
    before, after = rows_of(settings.database_url.get_secret_value()), rows_of(url)
    assert before.keys() == after.keys()
    for table, rows in before.items():
        assert after[table] == rows, table
    assert restored.rows == sum(map(len, before.values()))
    filled = {"users", "teams", "memberships", "invitations", "login_sessions", "api_tokens", "outbox"}
    filled |= {"submissions", "evaluations", "quota_slots", "audit_log", "uploads", "registrations"}
    assert all(before[table] for table in filled)

    files = files_of(settings.data_dir / "storage")
    assert len(files) >= 4
    assert files_of(folder / "storage") == files
    assert (folder / "secret.key").read_text().strip() == settings.secret_key.get_secret_value()
    assert stat.S_IMODE((folder / "secret.key").stat().st_mode) == 0o600
    assert restored.key_in_use
    assert {path.name for path in folder.iterdir()} - {"site.sqlite-wal", "site.sqlite-shm"} <= {
        *("site.sqlite", "secret.key", "storage"),
    }


@one_database
def test_a_restored_site_goes_on(
    backup: Path, settings: SiteSettings, elsewhere: tuple[Path, str], zipped: Callable[..., bytes]
) -> None:
    """People log in with their passwords, new rows get new numbers, the audit log can't be changed."""
    from unicare.web.life.site import open_site

    folder, _ = elsewhere
    restore_backup(backup, folder)
    again = load_settings(folder, challenge_dir=settings.challenge_dir, container_engine="none")
    site = open_site(again)
    try:
        people = Site(site.database)
        assert isinstance(log_in(people.door, "ann@people.test", PASSWORD, HOME), LoggedIn)
        team = new_team(site.database, "later")
        new = upload(site, team, zipped(shift=2))
        work(site)
        assert submission_of(site.database, new).state == "scored"
        assert_sound(site.database)
        with pytest.raises(Exception, match="append-only"):
            site.database.transact(lambda session: session.execute(delete(AuditEntry)))
    finally:
        site.database.close()


@one_database
def test_programs_that_everybody_has_can_check_it(backup: Path, tmp_path: Path) -> None:
    out = tmp_path / "unpacked"
    out.mkdir()
    subprocess.run(["tar", "xf", str(backup), "-C", str(out)], check=True)
    told = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=out, check=True, capture_output=True, text=True
    )
    assert "FAILED" not in told.stdout
    assert json.loads((out / "backup.json").read_text())["revision"] == head_revision()
    assert (out / "database" / "users.jsonl").read_text().count("\n") == 3


@one_database
def test_nobody_else_can_read_it_and_nothing_is_replaced(backup: Path, settings: SiteSettings) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    before = backup.read_bytes()
    with pytest.raises(BackupError, match="there already"):
        write_backup(settings, backup)
    assert backup.read_bytes() == before
    assert not [path for path in backup.parent.iterdir() if path.name.startswith(".backup")]
    assert not list(settings.data_dir.glob("backing-up-*"))


@on_sqlite
def test_a_backup_is_of_one_moment_while_others_write(
    full: WorkingSite, settings: SiteSettings, elsewhere: tuple[Path, str], tmp_path: Path
) -> None:
    """Submissions come, their uploads become predictions: none is restored without what it names."""
    stop, moved = threading.Event(), threading.Event()
    with full.database.reading() as session:
        ann = session.scalars(select(User).where(User.email_key == "ann@people.test")).one()
        team = session.scalars(select(Submission.team_id)).first()
    piece = tmp_path / "piece"
    piece.write_bytes(b"predictions")

    def hand_in(session: Session, key: str) -> int:
        moment = full.clock(session)
        row = Submission(
            **{"team_id": team, "user_id": ann.id, "task": "whs", "phase": "validation"},
            **{"kind": "predictions", "state": "uploaded", "created_at": moment, "storage_key": key},
        )
        session.add(row)
        session.add(
            AuditEntry(at=moment, action="x.y", actor_id=None, subject="s", address="", details={"key": key})
        )
        session.flush()
        return row.id

    def move(session: Session, number: int, key: str) -> None:
        session.get_one(Submission, number).storage_key = key

    def write() -> None:
        for count in itertools.count():
            if stop.is_set():
                return
            first, then = f"incoming/{count}", f"done/{count}"
            full.storage.put(first, piece)
            number = full.database.transact(lambda session, key=first: hand_in(session, key))
            full.storage.put(then, piece)
            full.database.transact(lambda session, number=number, key=then: move(session, number, key))
            full.storage.delete(first)
            moved.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert moved.wait(PATIENCE_S)
        out = tmp_path / "busy.tar"
        made = write_backup(settings, out)
    finally:
        stop.set()
        writer.join()
    folder, url = elsewhere
    restore_backup(out, folder)
    storage, database = open_storage(str(folder / "storage")), Database.open(url)
    with database.reading() as session:
        keys = list(session.scalars(select(Submission.storage_key).where(Submission.state.in_(STORED))))
        told = session.scalar(select(func.count()).where(AuditEntry.action == "x.y"))
        written = [key for key in keys if key.startswith(("incoming", "done"))]
    database.close()
    assert made.about.missing == ()
    assert all(storage.exists(key) or storage.keys(key) for key in keys)
    assert written
    assert told == len(written)


def test_what_rows_name_in_vain_is_said(full: WorkingSite, settings: SiteSettings, tmp_path: Path) -> None:
    with full.database.reading() as session:
        key = session.scalars(select(Submission.storage_key).where(Submission.state == "scored")).one()
    full.storage.delete(key)
    assert write_backup(settings, tmp_path / "backup.tar").about.missing == (key,)


def test_container_images_can_be_left_out(full: WorkingSite, settings: SiteSettings, tmp_path: Path) -> None:
    with full.database.reading() as session:
        team_id, user_id = session.execute(select(Submission.team_id, Submission.user_id)).first() or (0, 0)

    def add(session: Session) -> None:
        session.add(
            Submission(
                **{"team_id": team_id, "user_id": user_id, "task": "whs", "phase": "test"},
                **{"kind": "container", "state": "uploaded", "created_at": full.clock(session)},
                storage_key="submissions/4/upload",
            )
        )

    full.database.transact(add)
    image = tmp_path / "image"
    image.write_bytes(b"an image")
    full.storage.put("submissions/4/upload", image)
    with_it = write_backup(settings, tmp_path / "with.tar").about
    without = write_backup(settings, tmp_path / "without.tar", images=False).about
    assert "objects/submissions/4/upload" in members_of(tmp_path / "with.tar")
    assert "objects/submissions/4/upload" not in members_of(tmp_path / "without.tar")
    assert with_it.files == without.files + 1
    assert without.without_images
    assert without.missing == ()


def test_a_site_that_is_not_there_is_no_backup(tmp_path: Path, empty_database_url: str) -> None:
    settings = load_settings(tmp_path / "data", database_url=empty_database_url)
    with pytest.raises(BackupError, match="no site to back up"):
        write_backup(settings, tmp_path / "backup.tar")
    assert not [path for path in tmp_path.iterdir() if "backup" in path.name]


def assert_nothing_is_there(folder: Path, url: str) -> None:
    assert not folder.exists() or not FolderStorage(folder / "storage").keys()
    assert not (folder / "secret.key").exists()
    assert not list(folder.glob("restoring-*"))
    if not url.startswith("sqlite") or (folder / "site.sqlite").exists():
        assert rows_of(url) == {}


@one_database
@on_sqlite
def test_damage_anywhere_is_found_before_anything_is_restored(
    backup: Path, elsewhere: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = elsewhere
    whole = backup.read_bytes()
    with tarfile.open(backup) as tar:
        places = [entry.offset_data + entry.size // 2 for entry in tar if entry.size]
        headers = [entry.offset + 30 for entry in tar]
    damaged = tmp_path / "damaged.tar"
    for place in [*places, *headers]:
        damaged.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(BackupError, match=r"damaged|not a backup"):
            restore_backup(damaged, folder)
        assert not folder.exists()
    for length in (0, 100, 512, len(whole) // 2, places[-1], len(whole) - 10_240 - 512):
        damaged.write_bytes(whole[:length])
        with pytest.raises(BackupError, match=r"damaged|not a backup"):
            restore_backup(damaged, folder)
        assert not folder.exists()


@one_database
@on_sqlite
@pytest.mark.parametrize(
    "name",
    [
        "objects/../../secret",
        "objects//etc/passwd",
        "/etc/passwd",
        "../x",
        "objects/a/../b",
        "objects/",
        "objects/a\\..\\b",
        "objects/a\nb",
        "database/../x.jsonl",
        "database/x.sql",
        "else",
    ],
)
def test_names_that_lead_elsewhere_are_refused(
    backup: Path, elsewhere: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    folder, _ = elsewhere
    with pytest.raises(BackupError, match=r"not a backup|damaged"):
        restore_backup(packed({**members_of(backup), name: b"x"}, tmp_path / "evil.tar"), folder)
    assert not folder.exists()


@one_database
@on_sqlite
@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_plain_files_are_let_in(
    backup: Path, elsewhere: tuple[Path, str], tmp_path: Path, kind: bytes
) -> None:
    folder, _ = elsewhere
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as tar:
        entry = tarfile.TarInfo("objects/link")
        entry.type, entry.linkname = kind, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(BackupError, match="not a backup"):
        restore_backup(evil, folder)
    assert not folder.exists()


@one_database
@on_sqlite
def test_rows_that_do_not_fit_leave_nothing(
    backup: Path, elsewhere: tuple[Path, str], tmp_path: Path
) -> None:
    members = members_of(backup)
    folder, url = elsewhere
    users = members["database/users.jsonl"]
    for number, spoiled in enumerate(
        [
            {"database/users.jsonl": users.replace(b'"email"', b'"emial"')},
            {"database/users.jsonl": users + b"[1]\n"},
            {"database/users.jsonl": users + b"nonsense\n"},
            {"database/users.jsonl": users.splitlines(keepends=True)[0]},  # others name them
            {"database/users.jsonl": users + users.splitlines(keepends=True)[1]},
            {"backup.json": members["backup.json"].replace(head_revision().encode(), b"9999")},
            {"backup.json": b"{}"},
            {"backup.json": members["backup.json"].replace(b'"format": 1', b'"format": 2')},
            {"secret.key": b"short"},
        ]
    ):
        evil = packed({**members, **spoiled}, tmp_path / f"{number}.tar")
        with pytest.raises((BackupError, SettingsError)):
            restore_backup(evil, folder)
        assert_nothing_is_there(folder, url)


def test_a_full_disk_leaves_nothing(
    backup: Path, elsewhere: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullAfterTwo(FolderStorage):
        puts = 0

        def put(self, key: str, source: Path) -> None:
            self.puts += 1
            if self.puts > 2:
                raise OutputError("the storage can't be written to")
            super().put(key, source)

    folder, url = elsewhere
    monkeypatch.setattr(restoring, "open_storage", lambda place: FullAfterTwo(Path(place)))
    with pytest.raises(OutputError):
        restore_backup(backup, folder)
    assert_nothing_is_there(folder, url)
    monkeypatch.undo()
    if not url.startswith("sqlite"):
        monkeypatch.setenv("UNICARE_DATABASE_URL", url)
    restore_backup(backup, folder)  # nothing of it is in the way


def test_a_site_that_is_in_use_is_left_alone(
    backup: Path, full: WorkingSite, settings: SiteSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = settings.database_url.get_secret_value()
    monkeypatch.setenv("UNICARE_DATABASE_URL", url)
    before, files = rows_of(url), files_of(settings.data_dir / "storage")
    with pytest.raises(BackupError, match="isn't empty"):
        restore_backup(backup, settings.data_dir)
    assert rows_of(url) == before
    assert files_of(settings.data_dir / "storage") == files


@one_database
@on_sqlite
def test_a_site_that_nobody_used_yet_is_filled(
    backup: Path, elsewhere: tuple[Path, str], settings: SiteSettings, sqlite_template: Path
) -> None:
    folder, url = elsewhere
    load_settings(folder)  # has made a key of its own
    shutil.copy(sqlite_template, folder / "site.sqlite")
    (folder / "site.env").write_text("UNICARE_PORT=8001\n")
    restore_backup(backup, folder)
    assert rows_of(url) == rows_of(settings.database_url.get_secret_value())
    assert load_settings(folder).secret_key == settings.secret_key


@one_database
@on_sqlite
def test_what_a_restore_that_was_killed_has_left_is_no_hindrance(
    backup: Path, elsewhere: tuple[Path, str], settings: SiteSettings, tmp_path: Path
) -> None:
    folder, _ = elsewhere
    storage = FolderStorage(folder / "storage")
    files = files_of(settings.data_dir / "storage")
    half = tmp_path / "half"
    half.write_bytes(b"half")
    storage.put(next(iter(files)), half)
    restore_backup(backup, folder)
    assert files_of(folder / "storage") == files


@one_database
@on_sqlite
def test_a_bucket_is_backed_up_and_restored_into(
    settings: SiteSettings, elsewhere: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = files_of(settings.data_dir / "storage")
    bucket = open_storage("memory://bucket/site")
    for number, (key, content) in enumerate(files.items()):
        (tmp_path / str(number)).write_bytes(content)
        bucket.put(key, tmp_path / str(number))
    there = settings.model_copy(update={"storage_url": SecretStr("memory://bucket/site")})
    made = write_backup(there, tmp_path / "backup.tar")
    assert (made.about.files, made.about.missing) == (len(files), ())
    monkeypatch.setenv("UNICARE_STORAGE_URL", "memory://bucket/other")
    restore_backup(tmp_path / "backup.tar", elsewhere[0])
    other = open_storage("memory://bucket/other")
    assert other.keys() == sorted(files)
    for key, content in files.items():
        with other.open(key) as file:
            assert file.read() == content


@one_database
@on_sqlite
def test_files_of_something_else_are_not_mixed_with(backup: Path, elsewhere: tuple[Path, str]) -> None:
    folder, _ = elsewhere
    (folder / "storage" / "submissions").mkdir(parents=True)
    (folder / "storage" / "submissions" / "x").write_text("x")
    with pytest.raises(BackupError, match="storage isn't empty"):
        restore_backup(backup, folder)
    assert not (folder / "site.sqlite").exists()
    assert (folder / "storage" / "submissions" / "x").read_text() == "x"


@one_database
@on_sqlite
def test_a_key_of_the_environment_is_noticed(
    backup: Path, elsewhere: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNICARE_SECRET_KEY", "pZ7vQ2mX9bL4rK8wN1jH6dF3gS5aT0eC")
    assert not restore_backup(backup, elsewhere[0]).key_in_use
