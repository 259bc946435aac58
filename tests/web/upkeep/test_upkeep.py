"""What runs beside the pages: mails go out, what is void goes away, workers come and go with the site."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.web.sites import asking, made_app, made_challenge, made_settings
from tests.web.waiting import alive, until

from unicare.core.errors import ContainerError
from unicare.web.accounts.door import Origin
from unicare.web.accounts.registration import RegistrationForm, confirm_email, register
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.database import Database, upgrade, utc_now
from unicare.web.database.tables import OutboxMail, Throttle
from unicare.web.mail.mailer import LogMailer, SmtpMailer
from unicare.web.settings import load_settings
from unicare.web.site import Site
from unicare.web.upkeep import Chore, Upkeep, chores_of, look_at_machine, machine
from unicare.web.upkeep.chores import ChallengeWatch, mailer_here


@pytest.fixture
def site(tmp_path: Path) -> Site:
    app = made_app(tmp_path, utc_now)
    upgrade(app.state.site.database.engine)
    return app.state.site  # type: ignore[no-any-return]


def one(site: Site, name: str, mailer: object = None) -> Chore:
    return {chore.name: chore for chore in chores_of(site, mailer)}[name]  # type: ignore[arg-type]


class Kept:
    """Keeps mails instead of sending them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    def send(self, message: EmailMessage) -> None:
        self.mails.append(message)


def test_mails_go_out_with_a_link_that_works(site: Site) -> None:
    mailer = Kept()
    with Upkeep([one(site, "mail", mailer)], None):
        form = RegistrationForm("ann@x.org", "Ann", "", "seven green lanterns", site.rules.agreement_version)
        door_open(site, form)
        until(lambda: mailer.mails)
    (mail,) = mailer.mails
    (token,) = re.findall(r"/confirm\?token=([\w-]+)$", mail.get_content(), re.MULTILINE)
    assert isinstance(confirm_email(site.door, token, "seven green lanterns", Origin("::1")), LoggedIn)


def door_open(site: Site, form: RegistrationForm) -> None:
    """Registers, whatever the challenge's dates say."""
    rules = replace(site.rules, opens=None, closes=None)
    register(replace(site.door, rules=rules), form, Origin("::1"))


def test_without_a_mailer_mails_wait(site: Site) -> None:
    form = RegistrationForm("ann@x.org", "Ann", "", "seven green lanterns", site.rules.agreement_version)
    door_open(site, form)
    one(site, "mail").work()
    with site.database.reading() as session:
        (mail,) = session.scalars(select(OutboxMail))
        assert (mail.sent_at, mail.attempts) == (None, 0)


def test_links_are_shown_on_ones_own_machine_only(tmp_path: Path) -> None:
    local = made_settings(tmp_path)
    public = made_settings(tmp_path, host="0.0.0.0", base_url="https://site.test")
    assert isinstance(mailer_here(local), LogMailer)
    assert mailer_here(public) is None
    assert isinstance(mailer_here(made_settings(tmp_path, smtp_url="smtp://localhost")), SmtpMailer)


def test_what_is_void_is_thrown_away(site: Site) -> None:
    old = utc_now() - timedelta(days=1)
    site.database.transact(
        lambda session: session.add(Throttle(key="x", window_start=old, window_end=old, count=1))
    )
    one(site, "accounts").work()
    one(site, "uploads").work()
    with site.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Throttle)) == 0


def test_a_challenge_that_changes_is_noticed_once(tmp_path: Path) -> None:
    challenge = made_challenge(tmp_path / "challenge")
    watch = ChallengeWatch(challenge)
    assert not watch.look()
    (tmp_path / "challenge" / "texts" / "rules.md").write_text("other rules")
    assert watch.look()
    assert not watch.look()
    (tmp_path / "challenge" / "boards" / "own.yaml").unlink()
    assert watch.look()
    (tmp_path / "challenge" / "reference" / "la" / "new").write_text("not looked at")
    assert not watch.look()


def test_a_chore_that_fails_is_done_again_and_holds_up_no_other() -> None:
    done: dict[str, int] = {"fails": 0, "works": 0}
    stuck = threading.Event()

    def fail() -> None:
        done["fails"] += 1
        raise OSError("the disk is full")

    def work() -> None:
        done["works"] += 1

    chores = [Chore("fails", 0.01, fail), Chore("works", 0.01, work), Chore("stuck", 0.01, stuck.wait)]
    with Upkeep(chores, None):
        until(lambda: done["fails"] > 2 and done["works"] > 2)
        stuck.set()
    before = dict(done)
    time.sleep(0.05)
    assert done == before


def test_an_engine_is_looked_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    challenge = made_challenge(tmp_path / "challenge")
    asked: list[object] = []

    def none(names: object, *, scratch: Path) -> object:
        asked.append(names)
        raise ContainerError("no container engine works here")

    monkeypatch.setattr(machine, "find_engine", none)
    settings = made_settings(tmp_path / "data")
    found = look_at_machine(settings, challenge)
    assert found.takes_containers
    assert (found.engine, found.settings.container_engine) == (None, "none")
    assert "no container engine" in found.no_engine
    assert found.settings.wake_url.get_secret_value() == f"sqlite:///{tmp_path / 'data' / 'wake.sqlite'}"
    with pytest.raises(ContainerError):  # that one was asked for
        look_at_machine(settings.model_copy(update={"container_engine": "docker"}), challenge)
    assert asked == [None, ("docker",)]
    quiet = look_at_machine(settings.model_copy(update={"workers": 0}), challenge)
    assert (quiet.engine, quiet.no_engine, len(asked)) == (None, "", 2)


def test_an_engine_that_works_is_named_to_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine:
        name = "podman"

    monkeypatch.setattr(machine, "find_engine", lambda names, *, scratch: Engine())
    found = look_at_machine(made_settings(tmp_path / "data"), made_challenge(tmp_path / "challenge"))
    assert (found.engine, found.settings.container_engine) == ("podman", "podman")


def test_another_wake_is_left_alone(tmp_path: Path) -> None:
    settings = made_settings(tmp_path / "data", wake_url="redis://elsewhere", workers=0)
    found = look_at_machine(settings, made_challenge(tmp_path / "challenge"))
    assert found.settings.wake_url.get_secret_value() == "redis://elsewhere"


def note(folder: Path) -> None:
    """What a worker does first in these tests: it says that it is there."""
    (folder / str(os.getpid())).touch()


def test_workers_begin_and_end_with_it(tmp_path: Path) -> None:
    challenge = made_challenge(tmp_path / "challenge")
    settings = load_settings(
        tmp_path / "data",
        challenge_dir=challenge.folder,
        workers=2,
        worker_nice=3,
        container_engine="none",
    )
    database = Database.open(settings.database_url.get_secret_value())
    upgrade(database.engine)
    database.close()
    folder = tmp_path / "there"
    folder.mkdir()
    with Upkeep((), settings, partial(note, folder)):
        until(lambda: len(list(folder.iterdir())) == 2)
        workers = [int(path.name) for path in folder.iterdir()]
        assert all(alive(one) for one in workers)
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        less_urgent = [os.getpriority(os.PRIO_PROCESS, one) - mine for one in workers]
        assert less_urgent == [settings.worker_nice] * 2
    assert not any(alive(one) for one in workers)


def test_pages_answer_meanwhile(site: Site, tmp_path: Path) -> None:
    app = made_app(tmp_path, utc_now)
    with Upkeep(chores_of(app.state.site, Kept()), None), asking(app) as browser:
        assert browser.get("/healthz").status_code == 200
