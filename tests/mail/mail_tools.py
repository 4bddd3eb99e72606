"""A mail server on loopback that does as its script says, certificates for it, and a clinic's settings that name it."""

import datetime as dt
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default as readable
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from outcomes.letter import Attachment, Letter
from outcomes.settings import Email, Settings

HERE = "127.0.0.1"
NOON = dt.datetime(2026, 1, 5, 12, tzinfo=dt.UTC)
PNG = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364600000000600023081d02f")
USER, SECRET = "clinic", "correct horse"

LETTER = Letter(
    kind="leadership",
    subject="Ketamin-Klinik Höhenluft: 45 % respond",
    html='<html lang="en"><body><h1>Höhenluft</h1><img src="cid:trend" alt="A trend."><img src="cid:flow" alt="A flow."></body></html>',
    text="Höhenluft\n.a line that begins with a dot\n",
    images={"trend": PNG, "flow": PNG + b"2"},
    attachments=(
        Attachment("Bericht Höhenluft.pdf", "application/pdf", b"%PDF-1.7"),
        Attachment("release.xlsx", "application/x-xlsx", b"PK"),
    ),
    digest="what it says",
)
QUALITY = Letter("quality", "Quality", "<html><body>all well</body></html>", "all well\n", digest="all well")
FAILURE = Letter("failure", "Failed", "<html><body>failed</body></html>", "failed\n", digest="failed")


@dataclass(frozen=True)
class Certificate:
    """Files of a server's certificate with its key, and of the authority that signed it."""

    chain: Path
    authority: Path

    @property
    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain)
        return context


def certificate(folder: Path, host: str = HERE, days: int = 1) -> Certificate:
    """A certificate for a host, signed by an authority of its own; with negative days it is over."""
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("A test's authority", "A test's server")]
    over = now + dt.timedelta(days=days)
    alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    made = []
    for n, is_authority in enumerate((True, False)):
        builder = x509.CertificateBuilder(names[0], names[n], keys[n].public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(min(now, over) - dt.timedelta(days=2)).not_valid_after(now + dt.timedelta(1) if not n else over)
        builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(keys[n].public_key()), critical=False)
        if is_authority:
            signs = dict.fromkeys(("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False)
            signs |= dict.fromkeys(("encipher_only", "decipher_only"), False)
            usage = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **signs)
            builder = builder.add_extension(usage, critical=True)
        else:
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
            issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key())
            builder = builder.add_extension(issuer, critical=False)
        made.append(builder.sign(keys[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    key = keys[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "chain.pem").write_bytes(made[1] + key)
    (folder / "authority.pem").write_bytes(made[0])
    return Certificate(folder / "chain.pem", folder / "authority.pem")


@dataclass(frozen=True)
class Fault:
    """What a server does at one verb of one session: answers a code, drops the line, is slow; `accepts` the message before it drops."""

    verb: str
    does: str
    code: int = 0
    accepts: bool = False


@dataclass
class Mailbox:
    """What the server took: message and recipients of each; what it does wrong, session after session; which verbs it heard."""

    faults: list[Fault] = field(default_factory=list)
    refuses: dict[str, int] = field(default_factory=dict)
    taken: list[tuple[bytes, list[str]]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    slow_s: float = 1.0

    @property
    def messages(self) -> list[EmailMessage]:
        return [parsed(wire) for wire, _ in self.taken]

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return f"{self.refuses[address]} {address} said p007"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = server.fault  # type: ignore[attr-defined]
        ends = fault is not None and fault.verb == "the dot"
        if not ends or fault.accepts:
            assert isinstance(envelope.content, bytes)
            self.taken.append((envelope.content, list(envelope.rcpt_tos)))
        if ends:
            return str(await server.misbehave() or "250 OK")  # type: ignore[attr-defined]
        return "250 OK"

    def authenticate(self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (USER.encode(), SECRET.encode()), handled=False)


class Scripted(SMTP):
    """A server whose session goes wrong as the next fault says."""

    fault: Fault | None = None

    def connection_made(self, transport: Any) -> None:
        box = self.event_handler
        if self.fault is None and "is begun" not in vars(self):
            self.__dict__["is begun"] = True
            self.fault = box.faults.pop(0) if box.faults else None
        super().connection_made(transport)
        if self.fault is not None and self.fault.verb == "the greeting":
            transport.abort()

    async def misbehave(self) -> str | None:
        import asyncio

        assert self.fault is not None
        if self.fault.does == "answers":
            return f"{self.fault.code} the cell says p007"
        if self.fault.does == "drops":
            assert self.transport is not None
            self.transport.abort()
        else:
            await asyncio.sleep(self.event_handler.slow_s)
        return None

    async def _call(self, verb: str, arg: str | None) -> None:
        self.event_handler.heard.append(verb)
        if self.fault is not None and self.fault.verb == verb:
            answer = await self.misbehave()
            if answer is not None:
                await self.push(answer)
                return
            if self.fault.does == "drops":
                return
        await getattr(super(), f"smtp_{verb}")(arg)

    async def smtp_EHLO(self, arg: str) -> None:  # noqa: N802
        await self._call("EHLO", arg)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802
        await self._call("STARTTLS", arg)

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        await self._call("MAIL", arg)

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
        await self._call("RCPT", arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        await self._call("DATA", arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        return Scripted(self.handler, **self.SMTP_kwargs)


@contextmanager
def serving(box: Mailbox, **how: Any) -> Iterator[int]:
    """A server in a thread of its own; gives its port. `tls_context` offers STARTTLS, `ssl_context` speaks TLS from the start."""
    port = free_port()
    controller = _Controller(box, hostname=HERE, port=port, server_hostname="test", ready_timeout=30, **how)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as found:
        found.bind((HERE, 0))
        return int(found.getsockname()[1])


def email(port: int, **more: Any) -> Email:
    told = {"host": HERE, "port": port, "from": "outcomes@clinic.example", "to": ["chief@clinic.example", "board@clinic.example"]}
    people = {"owners": ["data@clinic.example"], "operators": ["it@clinic.example"]}
    quick = {"approve_first": False, "patience_s": 0, "timeout_s": 20}
    return Email.model_validate({**told, **people, **quick, **more})


def settings(folder: Path, email: Email | None, name: str = "Höhenluft") -> Settings:
    made = Settings.model_validate({"clinic": {"name": name, "timezone": "America/Denver"}})
    return made.model_copy(update={"email": email, "paths": made.paths.model_copy(update={"data": folder / "data"})})


def parsed(wire: bytes) -> EmailMessage:
    message = BytesParser(policy=readable).parsebytes(wire)
    assert isinstance(message, EmailMessage)
    return message


class Clock:
    """A clock that only moves by waiting; to be put in the place of `time.sleep` too."""

    def __init__(self) -> None:
        self.at = NOON

    def __call__(self) -> dt.datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += dt.timedelta(seconds=seconds)


def until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()
