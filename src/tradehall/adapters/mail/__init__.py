"""Mail: through a server, or into a folder; `make_mailer` picks by address."""

from pathlib import Path

from tradehall.adapters.mail.address import MailAddressRefused, SmtpServer, smtp_server
from tradehall.adapters.mail.outbox import FileOutbox
from tradehall.adapters.mail.smtp import SmtpMailer
from tradehall.ports.mail import Mailer

__all__ = ["FileOutbox", "MailAddressRefused", "SmtpMailer", "SmtpServer", "make_mailer", "smtp_server"]


def make_mailer(address: str, outbox: Path, sender: str) -> Mailer:
    """The mailer for `outbox`, or for smtp://user:password@host:port. MailAddressRefused for anything else."""
    if address == "outbox":
        return FileOutbox(outbox, sender)
    return SmtpMailer(smtp_server(address), sender)
