"""What a page says after a form did what it was asked for; addresses name it by its key."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NOTICES"]

NOTICES: Mapping[str, str] = {
    "logged-in": "You are logged in.",
    "logged-out": "You are logged out.",
    "logged-out-everywhere": "You are logged out, here and everywhere else.",
    "confirmed": "Your address is confirmed, and you are logged in.",
    "password-set": "Your new password is set. Log in with it.",
    "password-changed": "Your password is changed. Other browsers are logged out.",
    "agreed": "You accepted the agreement.",
    "token-revoked": "The API token is revoked.",
    "team-founded": "Your team is founded. Invite the others.",
    "team-renamed": "Your team has its new name.",
    "team-left": "You left the team.",
    "team-joined": "You are in the team now.",
    "captain-changed": "The team has a new captain.",
    "member-removed": "The person isn’t in the team any more.",
    "invited": "The invitation is on its way.",
    "invitation-withdrawn": "The invitation is taken back.",
    "invitation-declined": "You declined the invitation.",
    "submission-taken-back": "The submission is taken back.",
    "submission-cancelled": "The submission is cancelled.",
    "submission-queued": "The submission waits for its evaluation.",
    "person-approved": "The registration is approved. The person gets a mail.",
    "person-rejected": "The registration is rejected. The person gets a mail.",
    "person-disabled": "The account is disabled.",
    "person-enabled": "The account works again.",
    "organiser-made": "The person is an organiser now.",
    "organiser-unmade": "The person isn’t an organiser any more.",
    "team-disqualified": "The team is off the boards.",
    "team-reinstated": "The team is back on the boards.",
    "queued-again": "It is queued once more.",
    "all-queued-again": "All that have a score are queued once more.",
    "announced": "Your news is on the first page.",
    "announced-later": "Your news appears when its time has come.",
    "announcement-withdrawn": "The news is withdrawn.",
    "board-frozen": "The board is frozen as it stands now.",
    "board-unfrozen": "Runs change the board again, until its date.",
}
"""Key to sentence."""
