"""A message in, taken by the configured mail server or not; each way to fail has a name of ours, and no server's words are kept.

The server's certificate is verified, always. Without encryption only a server on this machine is spoken to.
"""

import ipaddress
import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from pydantic import SecretStr

from outcomes.points import reached
from outcomes.settings import Email

PASSWORD: Final = "OUTCOMES_SMTP_PASSWORD"  # noqa: S105 - the name of a variable
# The answer to the whole text may take long; whoever hangs up before it gets the mail twice.
LONGER_AT_THE_END: Final = 10


class NotSent(Exception):
    """The server did not take the message; where `is_ambiguous`, it may have. The text is one of ours."""

    def __init__(self, what: str, is_ambiguous: bool = False) -> None:
        super().__init__(what)
        self.what, self.is_ambiguous = what, is_ambiguous


def hand_over(wire: bytes, recipients: Sequence[str], email: Email) -> dict[str, int]:
    """Gives the message to the server. Recipient -> the server's code for each that it refused; it took it for the others.

    Raises NotSent where it took it for nobody.
    """
    with session(email) as server:
        _expect(server, "MAIL", f"FROM:<{email.sender}>" + (f" SIZE={len(wire)}" if server.has_extn("size") else ""), {250})
        refused: dict[str, int] = {}
        for recipient in recipients:
            with _during("RCPT"):
                code, _ = server.rcpt(recipient)
            if code == 421:
                raise NotSent("the server answered 421 at RCPT")
            if code not in {250, 251}:
                refused[recipient] = code
        if len(refused) == len(recipients):
            raise NotSent(f"the server refused every recipient ({', '.join(str(code) for code in sorted(set(refused.values())))})")
        _expect(server, "DATA", "", {354})
        with _during("the text"):
            server.send(re.sub(rb"(?m)^\.", b"..", wire).removesuffix(b"\r\n") + b"\r\n.\r\n")
        reached("mail: handed over")
        _await_acceptance(server, email)
    return refused


def check(email: Email) -> None:
    """Connects, verifies, logs in, and leaves; sends nothing. Raises NotSent."""
    with session(email) as server:
        _expect(server, "NOOP", "", {250})


@contextmanager
def session(email: Email) -> Iterator[smtplib.SMTP]:
    """A server that may be spoken to. Raises NotSent."""
    secret = password(email)
    # The sender's domain: the name of this machine is nobody's business, and asking for it may ask the network.
    known_as = email.sender.rpartition("@")[2]
    with _during("the certificates of ca_file"):
        context = ssl.create_default_context(cafile=email.ca_file)
    with _during("the connection"):
        server: smtplib.SMTP
        if email.security == "tls":
            server = smtplib.SMTP_SSL(email.host, email.port, known_as, timeout=email.timeout_s, context=context)
        else:
            server = smtplib.SMTP(email.host, email.port, known_as, timeout=email.timeout_s)
    try:
        if email.security == "none" and not _is_loopback(server):
            raise NotSent("mail without encryption goes to a server on this machine only")
        with _during("EHLO"):
            server.ehlo_or_helo_if_needed()
        if email.security == "starttls":
            with _during("STARTTLS"):
                server.starttls(context=context)
                server.ehlo_or_helo_if_needed()
        if email.user and secret:
            with _during("the login"):
                server.login(email.user, secret.get_secret_value())
        yield server
        with suppress(Exception):
            server.quit()
    finally:
        server.close()


def password(email: Email) -> SecretStr | None:
    """The password of `user`: from the environment, else from the file, which must be this user's alone. Raises NotSent."""
    if not email.user:
        return None
    if PASSWORD in os.environ:
        return SecretStr(os.environ[PASSWORD])
    if email.password_file is None:
        raise NotSent(f"there is no password for [email] user: set {PASSWORD} or password_file")
    try:
        with email.password_file.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & 0o077:
                raise NotSent("the password file is open to others: chmod 600")
            return SecretStr(file.read().strip())
    except (OSError, UnicodeDecodeError) as error:
        raise NotSent(f"the password file can't be read ({type(error).__name__})") from None


def _is_loopback(server: smtplib.SMTP) -> bool:
    assert server.sock is not None
    return ipaddress.ip_address(server.sock.getpeername()[0]).is_loopback


def _expect(server: smtplib.SMTP, verb: str, rest: str, codes: set[int]) -> None:
    with _during(verb):
        code, _ = server.docmd(verb, rest)
    if code not in codes:
        raise NotSent(f"the server answered {code} at {verb}")


def _await_acceptance(server: smtplib.SMTP, email: Email) -> None:
    """The answer to the dot that ends the text. Until it is read, nobody knows whether the server has the message."""
    try:
        with _during("the end of the text"):
            assert server.sock is not None
            server.sock.settimeout(LONGER_AT_THE_END * email.timeout_s)
            code, _ = server.getreply()
    except NotSent as unknown:
        raise NotSent(f"{unknown.what}; it may have arrived", is_ambiguous=True) from None
    if code == -1:
        raise NotSent("no answer could be read at the end of the text; it may have arrived", is_ambiguous=True)
    if code != 250:
        raise NotSent(f"the server answered {code} at the end of the text")


@contextmanager
def _during(stage: str) -> Iterator[None]:
    """Whatever fails is told by its kind and the stage; a server's answer may quote anything, and is dropped."""
    try:
        yield
    except NotSent:
        raise
    except ssl.SSLCertVerificationError:
        raise NotSent("the server's certificate was refused: it is not for this host, not valid, or not signed by a trusted one") from None
    except smtplib.SMTPNotSupportedError:
        raise NotSent(f"the server does not offer {stage}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the server answered {error.smtp_code} at {stage}") from None
    except (smtplib.SMTPServerDisconnected, ConnectionResetError, BrokenPipeError):
        raise NotSent(f"the connection was dropped at {stage}") from None
    except TimeoutError:
        raise NotSent(f"no answer in time at {stage}") from None
    except Exception as error:
        raise NotSent(f"{type(error).__name__} at {stage}") from None
