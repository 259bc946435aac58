"""Mails by SMTP, to a small server of the test's own, and into the log."""

import io
import socketserver
import threading
from email.message import EmailMessage

import pytest
from pydantic import SecretStr

from unicare.web.mail import LogMailer, MailError, SmtpMailer, mailer_of
from unicare.web.settings import load_settings


class Handler(socketserver.StreamRequestHandler):
    """Enough SMTP for one mail."""

    def handle(self):
        self.say(self.server.greeting)
        while line := self.rfile.readline().decode().strip():
            verb = line.split()[0].upper()
            self.server.lines.append(line)
            if verb == "EHLO":
                self.wfile.write(b"250-site\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n")
            elif verb == "AUTH":
                self.say("235 welcome")
            elif verb == "RCPT":
                self.say(self.server.recipient)
            elif verb == "DATA":
                self.say("354 go on")
                while (data := self.rfile.readline()) != b".\r\n":
                    self.server.data += data
                self.say("250 taken")
            elif verb == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, line):
        self.wfile.write(line.encode() + b"\r\n")


@pytest.fixture
def server():
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        running.greeting, running.recipient = "220 site", "250 ok"
        running.lines, running.data = [], b""
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield running
        running.shutdown()


@pytest.fixture
def message():
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "site@site.test", "ada@people.test", "Hello"
    made.set_content("Open https://site.test/confirm/abc\n")
    return made


def url(server, who=""):
    return SecretStr(f"smtp://{who}127.0.0.1:{server.server_address[1]}")


def test_a_mail_is_handed_over(server, message):
    SmtpMailer(url(server, "site:pass%40word@")).send(message)
    assert b"Subject: Hello" in server.data
    assert "rcpt to:<ada@people.test>" in [line.lower() for line in server.lines]
    assert any(line.startswith("AUTH PLAIN") for line in server.lines)


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user", True), ("451 try again later", False)]
)
def test_a_refused_recipient_is_told_apart_from_a_busy_one(server, message, answer, permanent):
    server.recipient = answer
    with pytest.raises(MailError, match=answer[:3]) as told:
        SmtpMailer(url(server)).send(message)
    assert told.value.permanent is permanent
    assert "ada@people.test" not in str(told.value)


def test_a_server_that_refuses_everybody_is_tried_again(server, message):
    server.greeting = "554 no service"
    with pytest.raises(MailError) as told:
        SmtpMailer(url(server)).send(message)
    assert not told.value.permanent


def test_a_server_that_is_not_there_is_tried_again_and_the_password_not_told(message):
    with pytest.raises(MailError, match="can't be used") as told:
        SmtpMailer(SecretStr("smtp://site:hush@127.0.0.1:1")).send(message)
    assert not told.value.permanent
    assert "hush" not in str(told.value)


def test_a_password_goes_over_no_open_line_to_others(server, message, monkeypatch):
    monkeypatch.setattr("unicare.web.mail.mailer.is_local", lambda host: False)
    with pytest.raises(MailError, match="no TLS"):
        SmtpMailer(url(server, "site:hush@")).send(message)
    assert not any(line.startswith("AUTH") for line in server.lines)


def test_the_log_has_the_link(message):
    stream = io.StringIO()
    LogMailer(stream).send(message)
    assert "    To: ada@people.test\n" in stream.getvalue()
    assert "    Open https://site.test/confirm/abc\n" in stream.getvalue()


def test_settings_choose_the_mailer(tmp_path):
    assert isinstance(mailer_of(load_settings(tmp_path)), LogMailer)
    assert isinstance(mailer_of(load_settings(tmp_path, smtp_url="smtp://mail.test")), SmtpMailer)
