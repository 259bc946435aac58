"""Mails go out once the transaction is done, once, and again only where they didn't."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from unicare.web.database.tables import OutboxMail
from unicare.web.mail import TOKEN, Letter, MailError, SentMails, enqueue, send_due
from unicare.web.mail.send import PATIENCE

NOON = datetime(2025, 7, 1, 12, tzinfo=UTC)


class Post:
    """A mailer that remembers, or refuses as it is told."""

    def __init__(self, *refusals):
        self.refusals = list(refusals)
        self.messages = []

    def send(self, message):
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal is not None:
            raise refusal
        self.messages.append(message)


BUSY = MailError("the mail server can't be used", permanent=False, found="TimeoutError")
NOBODY = MailError("the recipient is refused", permanent=True, found=[550])


def put(database, body="Hello", recipient="ada@people.test", nonce=None):
    letter = Letter("Virtual: hello", body)
    database.transact(lambda session: enqueue(session, recipient, letter, now=NOON, token_nonce=nonce))


def send(database, post, now=NOON, **more):
    return send_due(
        database,
        post,
        sender="The site <site@site.test>",
        token_of=lambda nonce: f"token-of-{nonce}",
        clock=lambda: now,
        **more,
    )


def stored(database):
    with database.reading() as session:
        return session.scalar(select(OutboxMail))


def test_a_mail_goes_out_once(database):
    put(database, f"Open https://site.test/{TOKEN} ünïcödé", nonce="7")
    post = Post()
    assert send(database, post) == SentMails(sent=1)
    assert send(database, post) == SentMails()
    (message,) = post.messages
    assert (message["To"], message["Subject"]) == ("ada@people.test", "Virtual: hello")
    assert message["Auto-Submitted"] == "auto-generated"
    assert str(message.get_content()) == "Open https://site.test/token-of-7 ünïcödé\n"
    assert "token-of-7" not in stored(database).body


def test_what_is_undone_sends_nothing(database):
    def work(session):
        enqueue(session, "ada@people.test", Letter("s", "b"), now=NOON)
        raise LookupError

    with pytest.raises(LookupError):
        database.transact(work)
    assert send(database, Post()) == SentMails()


@pytest.mark.parametrize(("body", "nonce"), [("no place", "7"), (f"a place {TOKEN}", None)])
def test_a_letter_and_its_token_belong_together(database, body, nonce):
    with pytest.raises(ValueError, match="nonce"):
        put(database, body, nonce=nonce)


def test_what_was_not_taken_is_tried_again_ever_less_often(database):
    put(database)
    post = Post(BUSY, BUSY, BUSY)
    now, tries = NOON, []
    while not post.messages:
        if send(database, post, now) != SentMails():
            tries.append((now - NOON).total_seconds() / 60)
        now += timedelta(minutes=1)
    assert tries == [0, 1, 3, 7]
    assert stored(database).last_error == ""


def test_after_three_days_it_is_given_up(database):
    put(database)
    post = Post(*[BUSY] * 100)
    ends = [send(database, post, NOON + timedelta(hours=hour)) for hour in range(80)]
    over = next(hour for hour, end in enumerate(ends) if end == SentMails(given_up=1))
    assert PATIENCE / timedelta(hours=1) < over <= PATIENCE / timedelta(hours=1) + 4
    assert set(map(str, ends[:over])) == {str(SentMails(put_off=1)), str(SentMails())}
    assert ends[over + 1 :] == [SentMails()] * (79 - over)
    assert "TimeoutError" in stored(database).last_error


def test_a_recipient_whom_the_server_does_not_know_is_given_up_at_once(database):
    put(database, recipient="nobody@people.test")
    put(database)
    post = Post(NOBODY)
    assert send(database, post) == SentMails(sent=1, given_up=1)
    assert [message["To"] for message in post.messages] == ["ada@people.test"]


def test_an_address_that_no_header_can_hold_stops_nobody_else(database):
    put(database, recipient="ada@people.test\nBcc: all@people.test")
    put(database)
    post = Post()
    assert send(database, post) == SentMails(sent=1, given_up=1)
    assert len(post.messages) == 1


def test_a_mail_of_a_worker_that_died_is_sent_by_the_next_with_the_same_name(database):
    put(database)

    class Dies(Post):
        def send(self, message):
            super().send(message)
            raise KeyboardInterrupt

    first, second = Dies(), Post()
    with pytest.raises(KeyboardInterrupt):
        send(database, first)
    assert send(database, second) == SentMails()
    assert send(database, second, NOON + timedelta(minutes=5)) == SentMails(sent=1)
    assert first.messages[0]["Message-ID"] == second.messages[0]["Message-ID"]


def test_a_slow_worker_that_fails_does_not_put_off_what_another_sent(database):
    put(database)
    other = Post()

    class Slow(Post):
        def send(self, message):
            assert send(database, other, NOON + timedelta(minutes=6)) == SentMails(sent=1)
            raise BUSY

    send(database, Slow())
    assert stored(database).sent_at is not None
    assert send(database, other, NOON + timedelta(days=1)) == SentMails()


def test_many_workers_send_each_mail_once(database):
    for number in range(20):
        put(database, recipient=f"{number}@people.test")
    post = Post()
    threads = [threading.Thread(target=send, args=(database, post)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message["To"] for message in post.messages) == sorted(f"{n}@people.test" for n in range(20))


def test_a_turn_sends_no_more_than_it_is_told(database):
    for _ in range(3):
        put(database)
    assert send(database, Post(), most=2) == SentMails(sent=2)
