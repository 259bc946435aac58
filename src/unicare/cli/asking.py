"""What the commands that ask a challenge's site have in common."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from unicare.cli.screen import table
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    from unicare.web.client import SiteConnection

__all__ = ["FINAL_GOOD", "SiteAddress", "SiteToken", "connect", "print_submission", "said_of"]

SiteAddress = Annotated[
    str | None,
    typer.Option(
        "--site", help="Address of the challenge's site; UNICARE_SITE, or what was saved, if not given."
    ),
]
SiteToken = Annotated[
    str | None,
    typer.Option("--token", help="API token of your account's page; better given as UNICARE_TOKEN."),
]

FINAL_GOOD = "scored"

_SHOWN = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd")
_WORDS = {
    "uploading": "is being uploaded",
    "uploaded": "waits for its check",
    "checking": "is being checked",
    "refused": "is refused: something is wrong with it; it costs no evaluation",
    "checked": "waits: the team has no evaluation left",
    "queued": "is queued",
    "running": "is being evaluated",
    "scored": "is scored",
    "failed": "failed; it costs no evaluation",
    "cancelled": "was taken back",
}


def connect(site: str | None, token: str | None, *, needs_token: bool = True) -> SiteConnection:
    """The site that flags, the environment or an earlier ``--save`` name, in this order.

    Raises:
        SettingsError: none of them does, or what is needed isn't installed.
    """
    try:
        from unicare.web.client import SiteConnection, recall_site
    except ModuleNotFoundError as error:
        raise SettingsError(
            "asking a site needs more than is installed",
            found=f"no {error.name}",
            mend="run pip install 'unicare[web]'",
        ) from None
    site = site or os.environ.get("UNICARE_SITE") or None
    token = token or os.environ.get("UNICARE_TOKEN") or None
    if site is None or (token is None and needs_token):
        saved = recall_site()
        if saved is not None and (site is None or site.rstrip("/") == saved.site.rstrip("/")):
            site, token = saved.site, token or saved.token
    if site is None:
        raise SettingsError("no site is named", mend="give its address by --site or UNICARE_SITE")
    if token is None and needs_token:
        raise SettingsError(
            "no token is given",
            mend="make one on your account's page, and give it by UNICARE_TOKEN or --token",
        )
    return SiteConnection(site, token or "")


def said_of(facts: Mapping[str, Any]) -> str:
    """How a submission stands, as one sentence."""
    words = _WORDS.get(facts["state"], facts["state"])
    place = f", place {facts['place']}" if facts.get("place") else ""
    more = ""
    if facts["state"] == FINAL_GOOD:
        if facts.get("headline") is not None:
            more = f": mean Dice {facts['headline']:.3f}"
        elif not facts.get("scores_shown", True):
            since = facts.get("scores_from")
            more = f"; scores are shown from {since[:16].replace('T', ' ')} UTC on" if since else ""
    elif facts["state"] == "failed" and facts.get("evaluations"):
        more = f": {facts['evaluations'][0]['error']}"
    return f"submission {facts['id']} {words}{place}{more}"


def print_submission(facts: Mapping[str, Any]) -> None:
    """What the check found, and the scores."""
    check = facts["check"]
    for message in check["messages"]:
        typer.echo(message)
    if check["findings"]:
        rows = [
            (one["case"] or one["name"] or "–", "note" if one["note"] else one["kind"], one["text"])
            for one in check["findings"]
        ]
        table("what the check found", ("case or file", "kind", "what, and what to do"), rows)
    if check["log"] and facts["state"] in ("refused", "failed"):
        typer.echo(f"what it printed on the public cases:\n{check['log']}")
    scored = next((one for one in facts["evaluations"] if one["scores"]), None)
    if scored is not None:
        _print_scores(scored["scores"])


def _print_scores(parts: Sequence[Mapping[str, Any]]) -> None:
    shown = parts[:1] if len(parts) == 2 else parts
    found = {one["metric"]: one for one in shown[0]["means"]}
    heads = [found[name] for name in _SHOWN if name in found]
    structures = dict.fromkeys(one["structure"] for one in shown[0]["means"] if one["label"] is not None)
    rows = []
    for structure in structures:
        for part in shown:
            means = {one["metric"]: one for one in part["means"] if one["structure"] == structure}
            cases = max((one["n"] for one in means.values()), default=0)
            figures = [_figure(means.get(head["metric"])) for head in heads]
            rows.append((structure, part["distribution"] or "all", cases, *figures))
    titles = [f"{head['title']}{' ' + head['unit'] if head['unit'] else ''}" for head in heads]
    table("mean ± standard deviation over cases", ("structure", "set", "n", *titles), rows)


def _figure(mean: Mapping[str, Any] | None) -> str:
    if mean is None or mean["mean"] is None:
        return "–"
    digits = 1 if mean["unit"] else 3
    spread = "" if mean["sd"] is None else f" ± {mean['sd']:.{digits}f}"
    return f"{mean['mean']:.{digits}f}{spread}"
