"""``unicare submit``: predictions or a container, to a challenge's site."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unicare.cli.asking import FINAL_GOOD, SiteAddress, SiteToken, connect, print_submission, said_of
from unicare.cli.failures import SOME_FAILED, told_plainly, when_stopped
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import show, table, waiting
from unicare.core.errors import SettingsError, SubmissionError

if TYPE_CHECKING:
    from unicare.web.client import Packed, SiteConnection

__all__ = ["submit"]

_SOME_SENT = "what has arrived is kept, the same command goes on from there"
_ALL_SENT = "all of it was sent; unicare status says whether the site has it: look before trying again"


@told_plainly
def submit(
    path: Annotated[Path, typer.Argument(help="A zip or a folder of predictions, or an image archive.")],
    task: Annotated[str, typer.Option(help="For which task of the challenge.")],
    phase: Annotated[str, typer.Option(help="In which of its phases.")],
    note: Annotated[str, typer.Option(help="A few words for your team.")] = "",
    images: Annotated[
        Path | None,
        typer.Option(help="Images that were handed out: names, grids and labels are checked here first."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until it has a score, or failed.")] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Keep site and token for later, in ~/.config/unicare/site.json.")
    ] = False,
    site: SiteAddress = None,
    token: SiteToken = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Hand in to a challenge's site. The same command goes on with an upload that was broken off."""
    with connect(site, token) as opened:
        from unicare.web.client import follow, packed_for_upload, remember_site, sha256_of

        quota = _quota(opened, task, phase)
        if save:
            remember_site(opened.site, opened.token)
        with packed_for_upload(path, quota["kind"]) as packed:
            if packed.left_out and not as_json:
                some = ", ".join(packed.left_out[:5]) + (" …" if len(packed.left_out) > 5 else "")
                typer.echo(f"left out, as they are no label maps: {some}", err=True)
            if images is not None:
                _check_here(opened, packed.path, images, quota)
            size = packed.path.stat().st_size
            if size > quota["largest_bytes"]:
                raise SubmissionError(
                    f"{path}: too long", found=f"{size} bytes", expected=f"at most {quota['largest_bytes']}"
                )
            with _byte_bar("reading") as told:
                digest = sha256_of(packed.path, told)
            facts = _upload(opened, packed, digest, task, phase, note)
        if wait:
            facts = follow_aloud(opened, facts["id"], follow)
        end(facts, f"; {opened.site}/submissions/{facts['id']}", as_json)


def end(facts: Mapping[str, Any], more: str, as_json: bool) -> None:
    """Prints how a submission stands; exits with 1 if it came to an end without a score."""
    if not as_json:
        print_submission(facts)
    show(facts, said_of(facts) + more, as_json)
    if facts["final"] and facts["state"] != FINAL_GOOD:
        raise typer.Exit(SOME_FAILED)


def follow_aloud(
    site: SiteConnection,
    number: int,
    follow: Callable[[SiteConnection, int, Callable[[dict[str, Any]], None]], dict[str, Any]],
) -> dict[str, Any]:
    """Waits until nothing happens any more, and says on standard error whenever something changes."""
    said: list[str] = []
    states: list[str] = []

    def tell(facts: dict[str, Any]) -> None:
        words = said_of(facts)
        states.append(facts["state"])
        if said[-1:] != [words] and not facts["final"]:
            said.append(words)
            typer.echo(words, err=True)

    def left() -> str:
        uploading = states[-1:] == ["uploading"]
        going = "isn't all uploaded yet" if uploading else "is handed in and goes on by itself"
        return f"submission {number} {going}; unicare status {number} --wait waits for it"

    with when_stopped(left), waiting(f"waiting for submission {number}"):
        return follow(site, number, tell)


def _upload(
    site: SiteConnection, packed: Packed, digest: str, task: str, phase: str, note: str
) -> dict[str, Any]:
    """Hands a packed file in; who stops it once all of it is sent would hand in another by trying again."""
    from unicare.web.client import hand_in

    left = [_SOME_SENT]
    with when_stopped(lambda: left[-1]), _byte_bar("uploading") as bar:

        def told(done: int, total: int) -> None:
            if done == total:
                left.append(_ALL_SENT)
            bar(done, total)

        return hand_in(site, packed, digest, task=task, phase=phase, note=note, told=told)


def _quota(site: SiteConnection, task: str, phase: str) -> dict[str, Any]:
    """What the team has left; errors before gigabytes are read rather than after."""
    every: list[dict[str, Any]] = site.get("quotas")
    found = next((one for one in every if (one["task"], one["phase"]) == (task, phase)), None)
    if found is None:
        there = ", ".join(f"{one['task']} in {one['phase']}" for one in every)
        raise SettingsError(f"no task {task} in a phase {phase}", expected=f"one of {there}")
    if found["state"] != "open":
        raise SubmissionError(f"phase {phase} takes no submissions", found=f"it is {found['state']}")
    return found


def _check_here(site: SiteConnection, path: Path, images: Path, quota: Mapping[str, Any]) -> None:
    """The site's own check of what would be sent, against images that were handed out.

    Raises:
        SettingsError: the images can't be used, or it isn't predictions that are handed in.
        typer.Exit: something is wrong.
    """
    from unicare.data.layouts.flat import IMAGES_FOLDER
    from unicare.web.archive.intake import Reference, take_in

    if quota["kind"] != "predictions":
        raise SettingsError("only predictions are checked against images", mend="leave --images out")
    facts = next(one for one in site.get("tasks") if one["name"] == quota["task"])
    names = {one["value"]: one["structure"] for one in facts["labels"]} if facts["kind"] == "custom" else None
    folder = images / IMAGES_FOLDER if (images / IMAGES_FOLDER).is_dir() else images
    with tempfile.TemporaryDirectory(prefix="unicare-") as scratch, waiting("checking"):
        reference = Reference(folder, task=facts["kind"], names=names)
        result = take_in(path, Path(scratch) / "unpacked", reference)
    if result.organisers:
        raise SettingsError(f"{images}: can't be used", found="; ".join(result.organisers)[:500])
    if not result.ok:
        rows = [(one.case or one.name or "–", one.kind, one.text) for one in result.findings if not one.note]
        table(
            "what is wrong; nothing was uploaded",
            ("case or file", "kind", "what, and what to do"),
            rows,
            True,
        )
        raise typer.Exit(SOME_FAILED)


@contextmanager
def _byte_bar(doing: str) -> Iterator[Callable[[int, int], None]]:
    """A bar with bytes, speed and the time left, on standard error if that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task(doing, total=None)

        def advance(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        yield advance
