"""What is sent to each route to try who may ask it: something that the right person succeeds with."""

from __future__ import annotations

from typing import Any

from tests.web.security.cast import PASSWORD, PREDICTIONS, Cast

__all__ = ["address_of", "sent_to"]

_NAMES = {
    "name": "validation",
    "path": "nothing.png",
    "phase": "validation",
    "task": "whs",
    "what": "prediction",
}
_WHY = {"reason": "A good reason."}


def address_of(cast: Cast, route: str) -> tuple[str, str]:
    """The method and the address of a route, with the objects of the cast's first team in it."""
    method, path = route.split(" ")
    filled = {**_NAMES, **cast.objects}
    if path.endswith("/boards/{name}") or "/boards/{name}/" in path:
        filled["name"] = "own"
    if "/upload" in path or route in _UNFINISHED:
        filled["submission_id"] = cast.objects["uploading_id"]
    if path.startswith("/api/v1/organise/people") or path.startswith("/organise/people"):
        filled["user_id"] = str(cast.roles["pending"].id)
    if path.startswith("/texts/"):
        filled["name"] = "rules"
    if path.startswith("/assets/"):
        filled["name"] = next(iter(cast.hearts.site.pages.assets))
    if "{case}" in path:
        filled["case"] = next(iter(cast.objects.get("cases", "one").split()))
    for name, value in filled.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    if method == "GET" and path == "/invitation":
        path += f"?token={cast.links['invitation']}"
    assert "{" not in path, f"tests/web/security/requests_sent.py doesn't say what stands in {route}"
    return method, path


_UNFINISHED = {
    "DELETE /api/v1/submissions/{submission_id}",
    "POST /api/v1/organise/submissions/{submission_id}/cancel",
    "POST /submissions/{submission_id}/cancel",
    "POST /organise/submissions/{submission_id}/cancel",
}


def sent_to(cast: Cast, route: str) -> dict[str, Any]:
    """Body and headers for a route, as keywords of ``Cast.ask``."""
    if route in _forms(cast):
        return {"data": _forms(cast)[route]}
    if route in _bodies(cast):
        return {"json": _bodies(cast)[route]}
    if route == "PATCH /api/v1/submissions/{submission_id}/upload":
        return {"content": PREDICTIONS[100:], "headers": {"Upload-Offset": "100"}}
    return {}


def _bodies(cast: Cast) -> dict[str, Any]:
    version = cast.hearts.site.rules.agreement_version
    invitation = {"token": cast.links["invitation"]}
    new = {
        "email": "new@cast.test",
        "name": "New",
        "affiliation": "",
        "password": "seven green lanterns",
        "agreement_version": version,
    }
    return {
        "POST /api/v1/registrations": new,
        "POST /api/v1/confirmations": {"token": "x" * 43, "password": PASSWORD},
        "POST /api/v1/session": {"email": "member@cast.test", "password": PASSWORD},
        "POST /api/v1/password-resets": {"email": "member@cast.test"},
        "PUT /api/v1/password-resets": {"token": "x" * 43, "password": "seven green lanterns"},
        "PUT /api/v1/me/password": {"old": PASSWORD, "password": "seven green lanterns"},
        "POST /api/v1/me/agreement": {"version": version},
        "POST /api/v1/me/tokens": {"name": "cluster"},
        "POST /api/v1/invitations/open": invitation,
        "POST /api/v1/invitations/accept": invitation,
        "POST /api/v1/invitations/decline": invitation,
        "POST /api/v1/team": {"name": "Yellows"},
        "PATCH /api/v1/team": {"name": "Yellows"},
        "PUT /api/v1/team/captain": {"user_id": int(cast.objects["user_id"])},
        "POST /api/v1/team/invitations": {"email": "somebody@cast.test"},
        "POST /api/v1/submissions": {
            "task": "whs",
            "phase": "validation",
            "name": "ours.zip",
            "total_bytes": len(PREDICTIONS),
        },
        "POST /api/v1/organise/people/{user_id}/decision": {"approve": True, **_WHY},
        "POST /api/v1/organise/people/{user_id}/disable": _WHY,
        "POST /api/v1/organise/people/{user_id}/enable": _WHY,
        "POST /api/v1/organise/people/{user_id}/role": {"organiser": True, **_WHY},
        "POST /api/v1/organise/teams/{team_id}/disqualify": _WHY,
        "POST /api/v1/organise/teams/{team_id}/reinstate": _WHY,
        "POST /api/v1/organise/submissions/{submission_id}/rerun": _WHY,
        "POST /api/v1/organise/submissions/{submission_id}/cancel": _WHY,
        "POST /api/v1/organise/reruns": {"phase": "validation", "task": "whs", **_WHY},
        "POST /api/v1/organise/announcements": {"title": "More", "text": "More news."},
        "POST /api/v1/organise/announcements/preview": {"text": "*More* news."},
        "POST /api/v1/organise/announcements/{announcement_id}/withdraw": _WHY,
        "POST /api/v1/organise/boards/{name}/freeze": _WHY,
        "POST /api/v1/organise/boards/{name}/unfreeze": _WHY,
    }


def _forms(cast: Cast) -> dict[str, dict[str, str]]:
    version = cast.hearts.site.rules.agreement_version or ""
    link = {"token": cast.links["invitation"]}
    return {
        "POST /register": {
            "email": "new@cast.test",
            "name": "New",
            "password": "seven green lanterns",
            "agreement": "yes",
            "agreement_version": version,
        },
        "POST /confirm": {"token": "x" * 43, "password": PASSWORD},
        "POST /log-in": {"email": "member@cast.test", "password": PASSWORD},
        "POST /log-out": {},
        "POST /forgotten": {"email": "member@cast.test"},
        "POST /reset": {"token": "x" * 43, "password": "seven green lanterns"},
        "POST /account/agreement": {"agreement_version": version},
        "POST /account/password": {"old": PASSWORD, "password": "seven green lanterns"},
        "POST /account/tokens": {"name": "cluster"},
        "POST /account/tokens/{token_id}/revoke": {},
        "POST /account/log-out-everywhere": {},
        "POST /invitation/accept": link,
        "POST /invitation/decline": link,
        "POST /team": {"name": "Yellows"},
        "POST /team/name": {"name": "Yellows"},
        "POST /team/captain": {"user_id": cast.objects["user_id"]},
        "POST /team/members/{user_id}/remove": {},
        "POST /team/leave": {},
        "POST /team/invitations": {"email": "somebody@cast.test"},
        "POST /team/invitations/{invitation_id}/withdraw": {},
        "POST /submissions/{submission_id}/cancel": {},
        "POST /submissions/{submission_id}/evaluation": {},
        "POST /organise/people/{user_id}/decision": {"approve": "yes", **_WHY},
        "POST /organise/people/{user_id}/disable": _WHY,
        "POST /organise/people/{user_id}/enable": _WHY,
        "POST /organise/people/{user_id}/role": {"organiser": "yes", **_WHY},
        "POST /organise/teams/{team_id}/disqualify": _WHY,
        "POST /organise/teams/{team_id}/reinstate": _WHY,
        "POST /organise/submissions/{submission_id}/rerun": _WHY,
        "POST /organise/submissions/{submission_id}/cancel": _WHY,
        "POST /organise/reruns": {"phase": "validation", "task": "whs", **_WHY},
        "POST /organise/announcements": {"title": "More", "text": "More news."},
        "POST /organise/announcements/{announcement_id}/withdraw": _WHY,
        "POST /organise/boards/{name}/freeze": _WHY,
        "POST /organise/boards/{name}/unfreeze": _WHY,
    }
