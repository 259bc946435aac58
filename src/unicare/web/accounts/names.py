"""What people and teams may be called, and which names are the same."""

from __future__ import annotations

import re
import unicodedata

from unicare.web.accounts.refusals import AccountError, Reason

__all__ = ["check_email", "check_line", "check_text", "email_key", "key_of"]

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_WEB = re.compile(r"://|www\.", re.IGNORECASE)
_LONGEST_EMAIL = 254
_LONGEST_LOCAL = 64


def key_of(text: str) -> str:
    """The same for all ways of writing one name: case, width, composed or not."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def check_email(written: str, field: str = "email") -> str:
    """An address as mails can be sent to.

    Raises:
        AccountError: it can't be one.
    """
    local, _, host = written.strip().rpartition("@")
    try:
        ascii_host = host.lower().encode("idna").decode("ascii")
    except UnicodeError:
        ascii_host = ""
    address = f"{local}@{ascii_host}"
    fits = len(address) <= _LONGEST_EMAIL and len(local) <= _LONGEST_LOCAL
    if fits and _LOCAL.fullmatch(local) and _HOST.fullmatch(ascii_host):
        return address
    raise AccountError(
        "this is no e-mail address", Reason.INVALID, field=field, expected="one such as name@university.org"
    )


def email_key(written: str) -> str:
    """By which an account is found, however its address is written; of no use for what can't be one."""
    try:
        return key_of(check_email(written))
    except AccountError:
        return ""


def check_line(written: str, field: str, longest: int, *, empty: bool = False) -> str:
    """One line of plain text: no control characters, nothing that turns the direction of writing.

    No web addresses either, as names stand in mails to strangers.

    Raises:
        AccountError: it is something else.
    """
    text = unicodedata.normalize("NFC", re.sub(" +", " ", written)).strip()
    fits = len(text) <= longest and text.isprintable() and not _WEB.search(text)
    if fits and (text or empty):
        return text
    raise AccountError(
        f"the {field.replace('_', ' ')} can't be used",
        Reason.INVALID,
        field=field,
        expected=f"one line of {'at most' if empty else '1 to'} {longest} printable characters, no address",
    )


def check_text(written: str, field: str, longest: int) -> str:
    """Some lines of plain text.

    Raises:
        AccountError: too long, or with control characters.
    """
    lines = [line.rstrip() for line in written.replace("\t", " ").splitlines()]
    text = unicodedata.normalize("NFC", "\n".join(lines)).strip()
    if len(text) <= longest and all(line.isprintable() for line in lines):
        return text
    raise AccountError(
        f"the {field.replace('_', ' ')} can't be used",
        Reason.INVALID,
        field=field,
        expected=f"at most {longest} printable characters",
    )
