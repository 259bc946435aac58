"""What the mails of accounts and teams say."""

from __future__ import annotations

import re

from unicare.web.accounts.rules import AccountRules
from unicare.web.mail import TOKEN, Letter

__all__ = [
    "already_registered",
    "approved",
    "confirm_address",
    "invited",
    "new_password",
    "password_changed",
    "rejected",
]

_DOT_WITHIN = re.compile(r"\.(?=\w)")


def _unlinked(name: str) -> str:
    """A name of which no mail program makes a link: whoever chose it may want strangers to follow one."""
    return _DOT_WITHIN.sub(".\u200b", name)


def _letter(rules: AccountRules, subject: str, *paragraphs: str) -> Letter:
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    return Letter(
        f"{rules.site_name}: {subject}"[:300], f"{text}\n\n-- \n{rules.site_name}\n{rules.base_url}\n"
    )


def confirm_address(rules: AccountRules, name: str) -> Letter:
    """To a new person."""
    return _letter(
        rules,
        "confirm your address",
        f"Somebody, hopefully you, registered this address in the name of {_unlinked(name)}.",
        f"To confirm it, open\n{rules.base_url}/confirm?token={TOKEN}\nand enter the password that you chose."
        f" The link is good for {_span(rules.confirm_lifetime.total_seconds())}.",
        "If it wasn't you, do nothing; the address isn't used then.",
    )


def already_registered(rules: AccountRules, name: str) -> Letter:
    """To a person who has an account, and whose address was registered again."""
    return _letter(
        rules,
        "you have an account",
        f"Hello {_unlinked(name)},",
        "somebody, perhaps you, registered with your address, which has an account already. "
        "Nothing was changed.",
        f"If you forgot the password, set a new one:\n{rules.base_url}/forgotten",
    )


def new_password(rules: AccountRules, name: str) -> Letter:
    """To a person who forgot the password."""
    return _letter(
        rules,
        "set a new password",
        f"Hello {_unlinked(name)},",
        f"to set a new password, open\n{rules.base_url}/reset?token={TOKEN}\nThe link is good for "
        f"{_span(rules.reset_lifetime.total_seconds())}, once. You will be logged out everywhere, "
        "and your API tokens will be void.",
        "If you didn't ask for it, do nothing; your password stays as it is.",
    )


def password_changed(rules: AccountRules, name: str) -> Letter:
    """To a person whose password is another now."""
    return _letter(
        rules,
        "your password was changed",
        f"Hello {_unlinked(name)},",
        f"your password was changed just now. If it wasn't you, set a new one:\n{rules.base_url}/forgotten\n"
        "and tell the organisers.",
    )


def invited(rules: AccountRules, team: str, by: str) -> Letter:
    """To somebody whom a team would like to have."""
    return _letter(
        rules,
        f"an invitation to the team {_unlinked(team)}",
        f"{_unlinked(by)} invites you to the team {_unlinked(team)}.",
        f"To join, open\n{rules.base_url}/invitation?token={TOKEN}\nThe link is good for "
        f"{_span(rules.invitation_lifetime.total_seconds())}. Who has no account yet registers first.",
        "If you don't know them, do nothing.",
    )


def approved(rules: AccountRules, name: str) -> Letter:
    """To a person who may take part."""
    return _letter(
        rules,
        "you may take part",
        f"Hello {_unlinked(name)},",
        f"the organisers approved your registration. Found a team, or join one:\n{rules.base_url}/team",
    )


def rejected(rules: AccountRules, name: str, reason: str) -> Letter:
    """To a person who may not."""
    return _letter(
        rules,
        "your registration",
        f"Hello {_unlinked(name)},",
        "the organisers did not approve your registration.",
        f"Their reason: {reason}" if reason else "",
    )


def _span(seconds: float) -> str:
    hours = round(seconds / 3600)
    if hours >= 48:
        return f"{round(hours / 24)} days"
    return f"{hours} hours" if hours != 1 else "one hour"
