"""Mail through a server that speaks SMTP."""

from typing import Final

import aiosmtplib

from tradehall.adapters.mail.address import SmtpServer
from tradehall.adapters.mail.message import message_of
from tradehall.ports.mail import Mail, MailFault

TIMEOUT_S: Final = 10.0
PERMANENT: Final = 500


class SmtpMailer:
    """A connection for each mail: there are few of them, and idle servers hang up."""

    def __init__(self, server: SmtpServer, sender: str, *, timeout_s: float = TIMEOUT_S) -> None:
        self._server = server
        self._sender = sender
        self._timeout_s = timeout_s

    async def send(self, mail: Mail) -> None:
        """See the port."""
        server = self._server
        try:
            await aiosmtplib.send(
                message_of(mail, self._sender),
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.scheme == "smtps",
                # A password goes over the wire encrypted, or not at all.
                start_tls={"smtps": False, "smtp+plain": False}.get(server.scheme, True if server.user else None),
                timeout=self._timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise _fault(min(codes), "the address was refused") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _fault(error.code, "the server refused") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailFault(
                f"{server.host} could not be reached: {type(error).__name__}", may_help_again=True
            ) from None
        except ValueError as error:
            raise MailFault(f"the mail cannot be written: {error}", may_help_again=False) from None


def _fault(code: int, sentence: str) -> MailFault:
    # The server's own words may repeat the address: the code says enough.
    return MailFault(f"{sentence} with code {code}", may_help_again=code < PERMANENT)
