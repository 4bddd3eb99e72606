"""Checks of an installation, each with its mend: what would make the night fail, before it does."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from outcomes import places, runs
from outcomes.settings import LOOPBACK, Settings, SettingsError, load

NEEDS = ("polars", "duckdb", "great-expectations", "prefect", "pyarrow", "pandas")
FITS_PREFECT = {"fastapi": ((0, 139), (0, 151)), "sqlalchemy": ((2, 0), (2, 1))}
FREE_GB = 5


@dataclass(frozen=True)
class Finding:
    """One check: what was looked at, whether it is well, and the mend where it is not."""

    what: str
    well: bool
    mend: str = ""


def examine(config: Path, asks_mail_server: bool = False) -> tuple[int, str]:
    """Exit code (0 all well, 1 something to mend) and a line per check. Opens a connection only to the mail server, and only if asked."""
    findings = list(_installation())
    try:
        settings = load(config)
        findings.append(Finding(f"settings {config.name}", True))
    except SettingsError as error:
        findings.append(Finding(f"settings {config.name}", False, str(error)))
    else:
        for check in (*CHECKS, *([_mail_server] if asks_mail_server else [])):
            findings += check(settings)
    return int(not all(f.well for f in findings)), "\n".join(_line(f) for f in findings)


def _line(finding: Finding) -> str:
    return f"  ok    {finding.what}" if finding.well else f"  MEND  {finding.what}: {finding.mend}"


def _installation() -> Iterator[Finding]:
    yield Finding(f"Python {sys.version.split()[0]}", sys.version_info >= (3, 11), "install Python 3.11 or newer")
    for name in NEEDS:
        version = _version(name)
        yield Finding(f"{name} {version or ''}".strip(), version is not None, "install from requirements.lock")
    for name, (low, below) in FITS_PREFECT.items():
        version = _version(name) or "0"
        fits = low <= tuple(int(part) for part in version.split(".")[:2]) < below
        mend = f"pip install '{name}>={_dotted(low)},<{_dotted(below)}': with another one Prefect 3.8 fails, or schedules nothing"
        yield Finding(f"{name} {version} fits Prefect 3.8", fits, mend)
    for name in ("sql", "expectations", "instruments", "profiles", "flows"):
        yield Finding(f"definitions {name}/", any(places.folder(name).iterdir()), "install the package again: its data files are missing")


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(str(part) for part in version)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _folders(settings: Settings) -> Iterator[Finding]:
    paths = settings.paths
    yield Finding("inbox", paths.inbox.is_dir(), f"make the folder {paths.inbox}, or `outcomes init`")
    near = next(p for p in (paths.data, *paths.data.parents) if p.exists())
    yield Finding("data folder can be written", os.access(near, os.W_OK), f"give this user the right to write {near}")
    free = shutil.disk_usage(near).free / 1e9
    yield Finding(f"disk: {free:.0f} GB free", free >= FREE_GB, "free some space: a night keeps raw, clean and two warehouses")
    if paths.data.exists():
        private = paths.data.stat().st_mode & 0o007 == 0
        yield Finding("data folder is closed to others", private, f"chmod o-rwx {paths.data}")


def _definitions(settings: Settings) -> Iterator[Finding]:
    from outcomes import instruments

    try:
        library = instruments.load(settings.paths.instruments, settings.paths.profiles)
    except instruments.InstrumentError as error:
        yield Finding("instruments and profiles", False, str(error))
        return
    yield Finding(f"{len(library.instruments)} instruments, {len(library.profiles)} profiles", True)
    for profile in settings.report.profiles:
        yield Finding(
            f"profile {profile}",
            profile in library.profiles,
            f"write {profile}.toml or choose one of {', '.join(sorted(library.profiles))}",
        )


def _server(settings: Settings) -> Iterator[Finding]:
    host = os.environ.get("PREFECT_SERVER_API_HOST", "127.0.0.1")
    guarded = bool(os.environ.get("PREFECT_SERVER_API_AUTH_STRING"))
    yield Finding(f"Prefect server on {host}", host in LOOPBACK or guarded, "bind it to 127.0.0.1, or set PREFECT_SERVER_API_AUTH_STRING")


def _mail(settings: Settings) -> Iterator[Finding]:
    email = settings.email
    if email is None:
        return
    from outcomes.mail import sending, smtp

    yield Finding(f"mail goes to {email.host}:{email.port}, {email.security}", True)
    yield Finding("a failed night is told to somebody", bool(email.operators), "name [email] operators")
    if email.user:
        try:
            smtp.password(email)
            yield Finding("mail password", True)
        except smtp.NotSent as trouble:
            yield Finding("mail password", False, trouble.what)
    if email.ca_file:
        yield Finding("mail certificates", os.access(email.ca_file, os.R_OK), f"put the certificates to trust into {email.ca_file}")
    states = [row["state"] for row in sending.waiting(settings.paths.data)]
    yield Finding(
        "no letter was given up", "given_up" not in states, "mend what `outcomes status` says of it, then `outcomes send --retry`"
    )
    yield Finding("no letter awaits an approval", "awaiting_approval" not in states, "look at `outcomes send --preview`, then --approve")


def _mail_server(settings: Settings) -> Iterator[Finding]:
    if settings.email is None:
        yield Finding("mail server", False, "the settings have no [email]")
        return
    from outcomes.mail import smtp

    try:
        smtp.check(settings.email)
        yield Finding(
            "mail server answers, with a certificate that holds" if settings.email.security != "none" else "mail server answers", True
        )
    except smtp.NotSent as trouble:
        yield Finding("mail server", False, trouble.what)


def _release(settings: Settings) -> Iterator[Finding]:
    shown = runs.current(settings.paths.data, "published")
    history = runs.history(settings.paths.data)
    yield Finding("a release is published", shown is not None, "put exports into the inbox and call `outcomes run`")
    if history:
        last = history[-1]
        yield Finding(f"last run {last['run_id']} {last['status']}", runs.ended_well(last), str(last.get("line", "see `outcomes status`")))


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_folders, _definitions, _server, _mail, _release)
