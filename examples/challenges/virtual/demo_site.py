"""A site to look at: the virtual challenge, an organiser, three teams, and what they have handed in.

    python examples/challenges/virtual/demo_site.py runs/demo-site

makes the challenge, fills a site through the services that its pages use, lets a worker check and evaluate,
prints the log-ins, and starts ``unicare serve``. Run again, it starts what is there. The passwords are kept
beside the data: this is for one's own machine.
"""

from __future__ import annotations

import argparse
import logging
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from pathlib import Path

from demo_hand_ins import make_image, make_predictions
from demo_teams import TEAMS, DemoTeam, HandIn
from sqlalchemy import select

from unicare.core.errors import ContainerError, UnicareError
from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.invitations import accept_invitation, invitations_for, invite
from unicare.web.accounts.organisers import create_organiser, decide
from unicare.web.accounts.people import find_person
from unicare.web.accounts.registration import RegistrationForm, confirm_email, register
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.accounts.teams import found_team
from unicare.web.challenge import Challenge, find_reference, load_challenge
from unicare.web.database import Database, upgrade, utc_now
from unicare.web.database.tables import Submission
from unicare.web.hand_in.announce import NewSubmission, announce
from unicare.web.life import State, WorkingSite, take_upload, working_site
from unicare.web.log import configure_logging
from unicare.web.mail import send_due
from unicare.web.settings import SiteSettings, load_settings
from unicare.web.site import open_door
from unicare.web.upkeep import Upkeep
from unicare.web.upkeep.machine import Machine, look_at_machine

HERE = Path(__file__).resolve().parent
LOG_INS = "log-ins.txt"
ADDRESS = Origin("127.0.0.1", "demo")
WAITING = (State.UPLOADING, State.UPLOADED, State.CHECKING, State.CHECKED, State.QUEUED, State.RUNNING)
WORDS = "amber birch cedar delta ember fjord grove heron ivory jetty kayak larch maple north opal pine river"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a site of the virtual challenge, and serve it.")
    parser.add_argument("out", type=Path, help="folder for the challenge and for the site's data")
    parser.add_argument(
        "--port", type=int, default=8000, help="that the site listens to, on this machine only"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes that work at the same time")
    parser.add_argument("--no-serve", action="store_true", help="make it, and don't start it")
    chosen = parser.parse_args()
    challenge, data = chosen.out / "challenge", chosen.out / "data"
    try:
        if not data.exists():
            make_challenge(challenge, chosen.workers)
            make_site(challenge, data, chosen.port, chosen.workers, told)
    except (UnicareError, OSError) as error:
        sys.exit(f"{chosen.out}: {error}")
    if chosen.no_serve:
        return
    print(f"\n{(data / LOG_INS).read_text()}", flush=True)
    words = ["serve", "--challenge", challenge, "--data", data, "--port", chosen.port]
    words += ["--workers", chosen.workers]
    os.execv(sys.executable, [sys.executable, "-m", "unicare", *map(str, words)])


def told(sentence: str) -> None:
    """Says what was done."""
    print(sentence, flush=True)


def make_challenge(folder: Path, workers: int) -> None:
    """The virtual patients, by the script that lies beside this one."""
    sys.path.insert(0, str(HERE))
    from make import make

    make(folder, workers=workers, progress=lambda place: told(f"made {place}"))


def make_site(
    challenge_folder: Path,
    data: Path,
    port: int,
    workers: int,
    progress: Callable[[str], None],
    teams: tuple[DemoTeam, ...] = TEAMS,
) -> None:
    """Fills a site; its folder appears when all is in it.

    Args:
        challenge_folder: that the teams take part in.
        data: the site's folder; there must be none.
        port: that the site will listen to; links have it.
        workers: processes that check and evaluate.
        progress: told what was done.
        teams: who takes part.
    """
    beside = data.with_name(f".{data.name}.{os.getpid()}")
    try:
        settings = load_settings(
            beside,
            challenge_dir=challenge_folder,
            port=port,
            workers=workers,
            sweep_seconds=0.5,
        )
        challenge = load_challenge(challenge_folder)
        with opened(settings) as database:
            site = DemoSite(look_at_machine(settings, challenge), challenge, database, progress)
            site.fill(teams, beside / "hand-ins")
        shutil.rmtree(beside / "hand-ins")
        write_log_ins(beside / LOG_INS, data / LOG_INS, site.passwords)
        beside.rename(data)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


@contextmanager
def opened(settings: SiteSettings) -> Iterator[Database]:
    """The site's database, with its tables."""
    database = Database.open(settings.database_url.get_secret_value())
    try:
        upgrade(database.engine)
        yield database
    finally:
        database.close()


def write_log_ins(path: Path, later: Path, passwords: Mapping[str, str]) -> None:
    """For the owner of the file alone, which will be called something else later."""
    width = max(map(len, passwords))
    lines = [f"Log-ins (kept in {later}):", ""]
    lines += [f"  {email:{width}}  {password}" for email, password in passwords.items()]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")


class DemoSite:
    """The site while it is being filled: by what its pages call, and by a worker."""

    def __init__(
        self,
        machine: Machine,
        challenge: Challenge,
        database: Database,
        progress: Callable[[str], None],
    ) -> None:
        self.passwords: dict[str, str] = {}
        self._machine = machine
        self._settings = settings = machine.settings
        self._challenge = challenge
        self._database = database
        self._progress = progress
        self._door: Door = open_door(settings, challenge, database, utc_now)
        self._working: WorkingSite = working_site(settings, challenge, database)
        self._mails: list[EmailMessage] = []

    def fill(self, teams: tuple[DemoTeam, ...], scratch: Path) -> None:
        """People, teams, and what they hand in."""
        organiser = self._organiser()
        captains = {team.name: self._team(team, organiser) for team in teams}
        self._progress(f"made an organiser and {len(teams)} teams")
        quiet = partial(configure_logging, level=logging.ERROR)
        quiet()
        with Upkeep((), self._settings, quiet):
            self._hand_in_all(teams, captains, scratch, hurried=False)
            self._wait()
        # whatever is to fail for taking too long is evaluated by a worker that has little patience
        hurried = self._settings.model_copy(update={"evaluation_minutes": 1 / 60})
        with Upkeep((), hurried, quiet):
            self._hand_in_all(teams, captains, scratch, hurried=True)
            self._wait()
        self._count()

    def send(self, message: EmailMessage) -> None:
        """Takes a mail of the site's; nobody has these addresses."""
        self._mails.append(message)

    def _organiser(self) -> int:
        form = self._form("organiser@demo.test", "Orla Organiser")
        return create_organiser(self._door, form)

    def _team(self, team: DemoTeam, organiser: int) -> int:
        """Its people register, are approved, and find each other; who is captain."""
        captain, *others = [self._person(name, organiser) for name in team.people]
        rules, links = self._door.rules, self._door.links
        self._do(found_team, rules, captain, team.name)
        for other, name in zip(others, team.people[1:], strict=True):
            self._do(invite, rules, links, captain, _email(name))
            with self._database.reading() as session:
                (invitation,) = invitations_for(session, other, utc_now())
            self._do(accept_invitation, rules, other, invitation.id)
        self._read_mails()
        return captain

    def _person(self, name: str, organiser: int) -> int:
        form = self._form(_email(name), name)
        register(self._door, form, ADDRESS)
        (token,) = re.findall(r"/confirm\?token=([\w-]+)", self._read_mails())
        came_in = confirm_email(self._door, token, form.password, ADDRESS)
        assert isinstance(came_in, LoggedIn), came_in
        if self._door.rules.approval:
            self._do(decide, self._door.rules, organiser, came_in.user_id, True)
        return came_in.user_id

    def _do(self, work: Callable[..., object], *given: object) -> None:
        """A service in a transaction of its own."""
        self._database.transact(lambda session: work(session, *given, now=utc_now()))

    def _form(self, email: str, name: str) -> RegistrationForm:
        password = "-".join(secrets.choice(WORDS.split()) for _ in range(4))
        password = f"{password}-{secrets.randbelow(9000) + 1000}"
        self.passwords[email] = password
        return RegistrationForm(email, name, "Demo", password, self._door.rules.agreement_version)

    def _read_mails(self) -> str:
        """What the site's mails said since the last time."""
        self._mails.clear()
        links = self._door.links
        send_due(self._database, self, sender=self._settings.mail_from, token_of=links.token_of)
        return "\n".join(str(mail.get_content()) for mail in self._mails)

    def _hand_in_all(
        self, teams: tuple[DemoTeam, ...], captains: Mapping[str, int], scratch: Path, hurried: bool
    ) -> None:
        for team in teams:
            for one in team.hand_ins:
                if (one.seconds is not None) != hurried:
                    continue
                for task in self._challenge.tasks_of(self._challenge.phase(one.phase)):
                    if not one.tasks or task.name in one.tasks:
                        self._hand_in(captains[team.name], task.name, one, scratch / task.name)
            if not hurried:
                self._progress(f"{team.name} handed in")

    def _hand_in(self, captain: int, task: str, one: HandIn, scratch: Path) -> None:
        """As the upload page does it: announced, in one piece, then taken."""
        try:
            archive = self._make(task, one, scratch)
        except ContainerError as error:
            self._progress(f"no container was handed in: {error}")
            return
        site = self._working
        with self._database.reading() as session:
            person = find_person(session, self._door.rules, captain)
            assert person is not None
        wanted = NewSubmission(
            task=task,
            phase=one.phase,
            name=f"{task}{archive.suffix}",
            total_bytes=archive.stat().st_size,
            note=one.note,
        )
        number = announce(site, person, wanted)
        with self._database.reading() as session:
            upload_id = session.get_one(Submission, number).upload_id
        assert upload_id is not None
        with archive.open("rb") as file:
            site.uploads.append(upload_id, 0, file)
        take_upload(site, number)

    def _make(self, task: str, one: HandIn, scratch: Path) -> Path:
        """What is handed in.

        Raises:
            ContainerError: no container can be made here, or none could be run.
        """
        if one.how == "container":
            if self._machine.engine is None:
                raise ContainerError(self._machine.no_engine)
            return make_image(self._machine.engine, scratch)
        reference = find_reference(self._challenge, task, one.phase)
        assert reference is not None, task
        return make_predictions(one, reference.folder, scratch)

    def _wait(self) -> None:
        """Until workers have done all there is to do."""
        while True:
            with self._database.reading() as session:
                waiting = session.scalars(select(Submission.id).where(Submission.state.in_(WAITING))).all()
            if not waiting:
                return
            time.sleep(0.2)

    def _count(self) -> None:
        with self._database.reading() as session:
            states = list(session.scalars(select(Submission.state).order_by(Submission.id)))
        told = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
        self._progress(f"{len(states)} submissions: {told}")


def _email(name: str) -> str:
    return f"{name.split(maxsplit=1)[0].lower()}@demo.test"


if __name__ == "__main__":
    main()
