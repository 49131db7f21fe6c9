"""Mail: through a real server on loopback, and into a folder."""

import asyncio
import email
import shutil
import ssl
import stat
import subprocess
from contextlib import contextmanager
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.serving import free_port
from tradehall.adapters.mail import FileOutbox, MailAddressRefused, SmtpMailer, make_mailer, smtp_server
from tradehall.adapters.mail import outbox as outbox_module
from tradehall.ports.mail import Mail, MailFault

SENDER = "Tradehall <desk@broker.test>"
MAIL = Mail("mira@example.test", "Ihr neues Paßwort", "Grüße,\n\nhttps://desk.example/ui/reset?token=abc\n")


class Letterbox:
    """What a mail server got; refuses as it is told."""

    def __init__(self, answer="250 OK"):
        self.answer = answer
        self.envelopes = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if not self.answer.startswith("250"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 OK"


@contextmanager
def mail_server(letterbox, port=None, **options):
    server = Controller(letterbox, hostname="127.0.0.1", port=port or free_port(), **options)
    server.start()
    try:
        yield server.port
    finally:
        server.stop()


def text_of(message):
    return message.get_content().replace("\r\n", "\n")


def mailer(port, scheme="smtp", login=""):
    return SmtpMailer(smtp_server(f"{scheme}://{login}127.0.0.1:{port}"), SENDER, timeout_s=5)


def send(port, mail=MAIL, scheme="smtp", login=""):
    asyncio.run(sent(mailer(port, scheme, login), mail))


async def sent(mailer, mail=MAIL):
    """Send a mail, and stay until the loop has let go of the line: an encrypted one takes leave of the other side."""
    try:
        await mailer.send(mail)
    finally:
        selector: Any = asyncio.get_running_loop()
        async with asyncio.timeout(5):
            # Its own alarm stays.
            while len(selector._selector.get_map()) > 1:  # noqa: ASYNC110 - what is waited for tells nobody.
                await asyncio.sleep(0.001)


def fault_of(port, **more):
    with pytest.raises(MailFault) as fault:
        send(port, **more)
    return fault.value


@pytest.mark.parametrize("scheme", ["smtp", "smtp+plain"])
def test_a_real_server_gets_the_mail_as_it_was_meant(scheme):
    letterbox = Letterbox()
    with mail_server(letterbox) as port:
        send(port, scheme=scheme)
    (envelope,) = letterbox.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@broker.test", ["mira@example.test"])
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert (message["subject"], message["from"], message["to"]) == (MAIL.subject, SENDER, MAIL.to)
    assert text_of(message) == MAIL.text


@pytest.mark.parametrize(("answer", "may_help_again"), [
    ("450 come back later", True),
    ("550 nobody of that name", False),
])  # fmt: skip
def test_a_server_that_refuses_says_whether_to_come_back(answer, may_help_again):
    with mail_server(Letterbox(answer)) as port:
        fault = fault_of(port)
    assert fault.may_help_again == may_help_again
    assert answer[:3] in str(fault)
    assert "mira" not in str(fault)


def test_a_server_that_is_not_there_may_be_there_later():
    with mail_server(Letterbox()) as port:
        pass
    assert fault_of(port).may_help_again


def test_a_password_is_never_sent_to_a_server_that_cannot_encrypt():
    seen = []

    def authenticate(server, session, envelope, mechanism, data):
        seen.append(data)
        return AuthResult(success=True)

    options = dict(authenticator=authenticate, auth_require_tls=False)
    with mail_server(Letterbox(), **options) as port:
        fault_of(port, login="desk:secret@")
        assert seen == []
        send(port, scheme="smtp+plain", login="desk:secret@")
        assert [data.password for data in seen] == [b"secret"], "unless it was told so in so many words"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that nobody but this test trusts, and its key."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("NO OPENSSL, SO MAIL OVER TLS IS NOT TESTED: install it")
    folder = tmp_path_factory.mktemp("tls")
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    return folder / "certificate.pem", folder / "key.pem"


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_over_an_encrypted_line_a_user_signs_in_and_a_stranger_s_certificate_is_not_trusted(
    certificate, monkeypatch, scheme
):
    seen = []

    def authenticate(server, session, envelope, mechanism, data):
        seen.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)

    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    way = dict(tls_context=tls, require_starttls=True) if scheme == "smtp" else dict(ssl_context=tls)
    # Over TLS from the first byte the server does not know that the line is encrypted.
    letterbox, options = Letterbox(), dict(way, auth_require_tls=scheme == "smtp")

    async def steps(port):
        right, wrong = (mailer(port, scheme, login=f"desk:{password}@") for password in ("secret", "wrong"))
        with pytest.raises(MailFault) as stranger:
            await sent(right)
        assert stranger.value.may_help_again and seen == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        await sent(right)
        with pytest.raises(MailFault) as refused:
            await sent(wrong)
        assert not refused.value.may_help_again

    with mail_server(letterbox, authenticator=authenticate, **options) as port:
        asyncio.run(steps(port))
    assert seen[0] == (b"desk", b"secret") and len(letterbox.envelopes) == 1


def test_a_header_cannot_be_smuggled_in():
    with mail_server(Letterbox()) as port:
        fault = fault_of(port, mail=Mail("a@b.test\nBcc: x@y.test", "subject", "text"))
    assert not fault.may_help_again


# Into a folder.


def read(folder):
    return [
        email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in sorted(folder.iterdir())
    ]


def test_the_outbox_keeps_a_file_for_each_mail_for_its_owner_alone(tmp_path):
    folder = tmp_path / "outbox"
    mailer = make_mailer("outbox", folder, SENDER)
    for number in range(3):
        asyncio.run(mailer.send(Mail("mira@example.test", f"number {number}", MAIL.text)))
    assert [message["subject"] for message in read(folder)] == ["number 0", "number 1", "number 2"]
    assert [text_of(message) for message in read(folder)] == [MAIL.text] * 3
    assert {file.suffix for file in folder.iterdir()} == {".eml"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_outbox_keeps_no_more_than_it_has_room_for(tmp_path):
    mailer = FileOutbox(tmp_path, SENDER)
    for number in range(outbox_module.FILES_MAX):
        (tmp_path / f"{number:019d}-old.eml").touch()
    asyncio.run(mailer.send(MAIL))
    files = sorted(tmp_path.iterdir())
    assert len(files) == outbox_module.FILES_MAX
    assert files[0].name.startswith(f"{1:019d}")
    assert read(tmp_path)[-1]["subject"] == MAIL.subject


def test_a_folder_that_cannot_be_written_is_a_fault(tmp_path):
    (tmp_path / "outbox").write_text("a file")
    with pytest.raises(MailFault, match="cannot be written") as fault:
        asyncio.run(FileOutbox(tmp_path / "outbox", SENDER).send(MAIL))
    assert fault.value.may_help_again
    with pytest.raises(MailFault) as smuggled:
        asyncio.run(FileOutbox(tmp_path, SENDER).send(Mail("a@b.test\nBcc: x@y.test", "s", "t")))
    assert not smuggled.value.may_help_again


# Addresses.


@pytest.mark.parametrize(("address", "host", "port", "user", "password"), [
    ("smtp://mail.example",                   "mail.example", 587, None,   None),
    ("smtps://mail.example/",                 "mail.example", 465, None,   None),
    ("smtp+plain://127.0.0.1",                "127.0.0.1",    25,  None,   None),
    ("smtp://desk:p%40ss@mail.example:2525",  "mail.example", 2525, "desk", "p@ss"),
    ("smtp://desk%40b.test:x@[::1]:25",       "::1",          25,  "desk@b.test", "x"),
])  # fmt: skip
def test_an_address_is_read(address, host, port, user, password):
    server = smtp_server(address)
    assert (server.host, server.port, server.user, server.password) == (host, port, user, password)
    assert "p@ss" not in repr(server)


@pytest.mark.parametrize("address", [
    "mail.example", "http://mail.example", "smtp://", "smtp://h:0x", "smtp://u:secret@h/folder", "smtp://u:secret@h?x=1", "",
])  # fmt: skip
def test_what_is_no_address_is_refused_without_its_password(address):
    with pytest.raises(MailAddressRefused, match="expected outbox, or smtp://") as refused:
        smtp_server(address)
    assert "secret" not in str(refused.value)
