"""Passwords and names: what is taken, what is the same."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unicare.web.accounts.names import check_email, check_line, email_key, key_of
from unicare.web.accounts.passwords import Passwords, check_password
from unicare.web.accounts.refusals import AccountError
from unicare.web.accounts.throttle import network_of
from unicare.web.settings import load_settings

WEAK = Passwords(memory_mb=0.05, rounds=1)


def test_only_the_password_is_right():
    hashed = WEAK.hash("seven green lanterns")
    assert hashed.startswith("$argon2id$")
    assert WEAK.verify(hashed, "seven green lanterns")
    assert not WEAK.verify(hashed, "seven green lantern")
    assert hashed != WEAK.hash("seven green lanterns")


@pytest.mark.parametrize("password", ["", "a password that nobody has", "x" * 10_000, "\udcff"])
def test_nobody_has_no_password(password):
    assert not WEAK.verify(None, password)


def test_keyboards_compose_characters_in_different_ways():
    assert WEAK.verify(WEAK.hash("zw\u00f6lf Boxk\u00e4mpfer"), "zwo\u0308lf Boxka\u0308mpfer")


def test_a_damaged_hash_lets_nobody_in():
    assert not WEAK.verify("$argon2id$broken", "seven green lanterns")


def test_work_is_as_the_settings_say(tmp_path):
    settings = load_settings(tmp_path, password_memory_mb=8, password_rounds=1)
    hashed = Passwords.of(settings).hash("seven green lanterns")
    assert "m=8192,t=1" in hashed
    assert WEAK.is_outdated(hashed)


@pytest.mark.parametrize(
    "password",
    ["seven green lanterns", "x9!kPq2$vLm4", "ünïcödé ist lang genug", "密码很长很长很长的一句话吧"],
)
def test_good_passwords_are_taken(password):
    check_password(password, "ada@people.test", "Ada Lovelace")


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars",
        "x" * 257,
        "aaaaaaaaaaaa",
        "abababababab",
        "123456789012",
        "abcdefghijkl",
        "qwertyuiopas",
        "ada@people.test",
        "Ada Lovelace1",
        "ADA LOVELACE ada lovelace",
    ],
)
def test_passwords_that_are_guessed_first_are_refused(password):
    with pytest.raises(AccountError) as told:
        check_password(password, "ada@people.test", "Ada Lovelace")
    assert password not in str(told.value)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" ada@people.test ", "ada@people.test"),
        ("Ada.L+care@People.TEST", "Ada.L+care@people.test"),
        ("ada@münchen.test", "ada@xn--mnchen-3ya.test"),
        ("ada@localhost", "ada@localhost"),
    ],
)
def test_addresses(written, kept):
    assert check_email(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "@", "ada", "ada@", "@people.test", "a b@people.test", "ada@people..test", ".ada@people.test",
        "ada@-people.test", "ada@people.test\n", "ada\n@people.test", "ada@people.test,bob@people.test",
        "<ada@people.test>", '"ada"@people.test', "a@b@c.test", "ä@people.test", "x" * 65 + "@people.test",
        "ada@" + "x" * 300, "ada@[127.0.0.1]",
    ],
)  # fmt: skip
def test_what_is_no_address(written):
    if written.endswith("\n"):
        assert check_email(written) == written.strip()
        return
    with pytest.raises(AccountError, match="no e-mail address"):
        check_email(written)
    assert email_key(written) == ""


@given(st.text(max_size=80))
def test_whatever_is_written_is_one_line_or_refused(written):
    try:
        kept = check_line(written, "name", 60)
    except AccountError:
        return
    assert kept.isprintable()
    assert 1 <= len(kept) <= 60
    assert check_line(kept, "name", 60) == kept
    assert key_of(kept) == key_of(key_of(kept))


@given(st.text(max_size=300))
def test_whatever_is_written_is_an_address_for_one_header_or_refused(written):
    try:
        kept = check_email(written)
    except AccountError:
        return
    assert kept.isascii()
    assert kept.isprintable()
    assert not set(kept) & set(' ,;<>"()[]\\')


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_addresses_of_one_household_count_together(one, other, same):
    assert (network_of(one) == network_of(other)) is same


def test_many_who_log_in_together_do_not_fill_the_memory():
    passwords = Passwords(memory_mb=16, rounds=1, at_once=1)
    hashed = passwords.hash("seven green lanterns")

    def highest_kb() -> int:
        status = Path("/proc/self/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1])

    before = highest_kb()
    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(lambda _: passwords.verify(hashed, "seven green lanterns"), range(24)))
    assert highest_kb() - before < 3 * 16 * 1024
