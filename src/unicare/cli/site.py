"""``unicare site``: what those do who look after a site."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import case_bar, show, waiting
from unicare.cli.serve import ChallengeFolder, DataFolder, Ending, log_to_terminal, site_needs
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    from unicare.web.accounts.door import Door
    from unicare.web.database import Database
    from unicare.web.settings import SiteSettings

__all__ = ["group"]

group = typer.Typer(help="Look after a site: organisers, workers, backups.", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Look after a site: organisers, workers, backups."""


@group.command("organiser")
@told_plainly
def organiser(
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The person's address.")],
    data: DataFolder,
    name: Annotated[
        str | None, typer.Option(help="The person's name; asked for if not given.", show_default=False)
    ] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Make somebody an organiser, with a new account or the one that the address has.

    An account that is there keeps its name and password. Where no site is yet, one is made.
    """
    site_needs()
    from unicare.web.accounts.organisers import create_organiser, has_account
    from unicare.web.accounts.registration import RegistrationForm
    from unicare.web.database import Database, upgrade
    from unicare.web.settings import load_settings

    settings = load_settings(data)
    database = Database.open(settings.database_url.get_secret_value())
    try:
        new_site = upgrade(database.engine) is None
        if new_site:
            typer.echo(f"unicare: there was no site in {data}; a new one was made", err=True)
        with database.reading() as session:
            known = has_account(session, email)
        if known:
            form = RegistrationForm(email, name or "as before", "", secrets.token_urlsafe())
        else:
            form = RegistrationForm(email, name or _ask_name(email), "", _ask_password(password_stdin))
        number = create_organiser(_door(settings, database), form)
    finally:
        database.close()
    told = "is an organiser now, with the password as before" if known else "can log in as organiser"
    facts = {"email": email, "user": number, "new": not known, "new_site": new_site}
    where = f": {settings.known_address}" if settings.known_address else ""
    show(facts, f"{email} {told}{where}", as_json)


@group.command("worker")
@told_plainly
def worker(
    challenge: ChallengeFolder,
    data: DataFolder,
    workers: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Processes; 1 if not given.", show_default=False),
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Run further workers for a site that is served elsewhere. Ctrl-C ends them, a second one at once.

    On the machine that serves it, give the same --data.

    On another one, give it a --data of its own, a copy of the challenge, and the site's UNICARE_DATABASE_URL
    and UNICARE_STORAGE_URL.
    """
    site_needs()
    from unicare.web.challenge import load_challenge
    from unicare.web.data_folder import keep_for, refuse_overlap
    from unicare.web.life.storage_mark import check_mark
    from unicare.web.settings import load_settings
    from unicare.web.storage import open_storage
    from unicare.web.upkeep import Upkeep, look_at_machine

    content = load_challenge(challenge)
    refuse_overlap(data, challenge)
    settings = load_settings(data, challenge_dir=challenge, workers=workers)
    if "worker_nice" not in settings.model_fields_set:  # no pages are served here
        settings = settings.model_copy(update={"worker_nice": 0})
    _refuse_other_tables(settings)
    keep_for(data, content.name)
    check_mark(open_storage(settings.storage_url.get_secret_value()))
    with waiting("looking for what runs containers"):
        machine = look_at_machine(settings, content)
    begin = log_to_terminal(verbose)
    begin()
    upkeep = Upkeep((), machine.settings, begin)
    with Ending(upkeep.stop).listening(), upkeep:
        count = machine.settings.workers
        containers = f", containers by {machine.engine}" if machine.engine else ""
        if machine.no_engine:
            containers = f", no containers: {machine.no_engine}"
        show(
            {"title": content.title, "workers": count, "container_engine": machine.engine},
            f"{content.title}: {count} worker{'s' if count > 1 else ''}{containers} (Ctrl-C ends)",
            as_json,
        )
        sys.stdout.flush()
        upkeep.wait()


@group.command("backup")
@told_plainly
def backup(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to be written; there must be none.")],
    data: DataFolder,
    without_images: Annotated[
        bool, typer.Option("--without-images", help="Leave out the container images of teams.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Write a site into one file (tar), while it runs: database, submissions, results, secret key.

    Keep the file as you keep passwords. Nobody but its owner can read it.

    Not in it: the challenge's folder, DATA/site.env, uploads under way.
    """
    site_needs()
    from unicare.web.backup import write_backup
    from unicare.web.settings import load_settings

    _refuse_no_folder(data)
    if not out.absolute().parent.is_dir():
        raise SettingsError(f"{out.parent}: there is no such folder", mend="make it, or choose another OUT")
    settings = load_settings(data)
    with case_bar("copying") as progress:
        made = write_backup(settings, out, images=not without_images, progress=progress)
    facts = {"file": str(made.path), "bytes": made.file_bytes, **made.about.as_dict()}
    rows = sum(made.rows.values())
    size = made.file_bytes / 1e6
    show(facts, f"{out}: {rows} rows and {made.about.files} files, {size:.1f} MB", as_json)
    if made.about.missing:
        lost = made.about.missing
        typer.echo(
            f"unicare: {len(lost)} files that rows name were not in the storage: {lost[0]} …", err=True
        )


@group.command("restore")
@told_plainly
def restore(
    path: Annotated[Path, typer.Argument(metavar="IN", help="A file of unicare site backup.")],
    data: DataFolder,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Restore a site from a backup, into an empty --data or an empty database: all of it, or nothing.

    Database and storage are those that the settings name, whatever kind the backup came from.

    The file is checked before anything is written. A site of an older unicare becomes one of this version.
    """
    site_needs()
    from unicare.web.backup import restore_backup

    with case_bar("reading") as progress:
        restored = restore_backup(path, data, progress)
    about = restored.about
    facts = {"data": str(restored.settings.data_dir), "rows": restored.rows, **about.as_dict()}
    facts["key_in_use"] = restored.key_in_use
    made = f"made {about.made_at} by unicare {about.unicare}"
    show(facts, f"{data}: {restored.rows} rows and {about.files} files of a backup {made}", as_json)
    if not restored.key_in_use:
        told = (
            "UNICARE_SECRET_KEY isn't the backup's key (DATA/secret.key); links in mails sent before are void"
        )
        typer.echo(f"unicare: {told}", err=True)


def _door(settings: SiteSettings, database: Database) -> Door:
    from unicare.web.accounts.door import Door
    from unicare.web.accounts.passwords import Passwords
    from unicare.web.accounts.rules import AccountRules
    from unicare.web.accounts.secret_tokens import LinkTokens

    return Door(database, Passwords.of(settings), LinkTokens(settings.secret_key), AccountRules())


def _refuse_other_tables(settings: SiteSettings) -> None:
    """A worker doesn't change the database under a site of another version.

    Raises:
        SettingsError: it has no tables, or those of another version.
    """
    from sqlalchemy.exc import OperationalError

    from unicare.web.database import Database, head_revision, revision_of

    database = Database.open(settings.database_url.get_secret_value())
    try:
        with database.reading() as session:
            found = revision_of(session.connection())
    except OperationalError as error:
        raise SettingsError(
            "the database can't be used",
            found=str(error.orig).strip().partition("\n")[0],
            mend="check UNICARE_DATABASE_URL and whether the database is running",
        ) from None
    finally:
        database.close()
    if found != head_revision():
        raise SettingsError(
            "the database isn't one that this version of unicare serves",
            found="no tables" if found is None else f"tables of revision {found}",
            expected=f"revision {head_revision()}",
            mend="start unicare serve of this version first, and check --data and UNICARE_DATABASE_URL",
        )


def _refuse_no_folder(data: Path) -> None:
    if not data.is_dir():
        raise SettingsError(f"{data}: there is no such folder", mend="give the --data of unicare serve")


def _ask_name(email: str) -> str:
    if not sys.stdin.isatty():
        return email.partition("@")[0]
    return str(typer.prompt("Name", default=email.partition("@")[0]))


def _ask_password(from_stdin: bool) -> str:
    """From standard input if that is wanted, else asked for twice and not shown.

    Raises:
        SettingsError: there is nobody to ask.
    """
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise SettingsError("there is no terminal to ask for the password at", mend="give --password-stdin")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
