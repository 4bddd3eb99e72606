"""What the verbs do: settings in, an exit code and the text for the operator out."""

import datetime as dt
import errno
import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from outcomes import night, places, runs, store
from outcomes.log import Say
from outcomes.runs import Exit
from outcomes.settings import Paths, Settings, load

DEMO_AS_OF = dt.date(2026, 2, 1)
# Its patients are asked too seldom after induction for two forms in a row.
DEMO_SETTINGS = {
    "Our Clinic": "Synthetic clinic",
    'from = "end_of_induction" ': 'from = "first_response" ',
    'loss = "two_forms" ': 'loss = "caseness" ',
}
PREFECT_DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_API_HOST": "127.0.0.1",
}


@dataclass(frozen=True)
class Wanted:
    """What `run` was asked for; without a date, today's at the clinic."""

    as_of: dt.date | None = None
    accept: tuple[str, ...] = ()
    dry: bool = False
    engine: str = "plain"


def run(settings: Settings, config: Path, wanted: Wanted, say: Say) -> tuple[int, str]:
    """One night by the engine asked for. Exit codes: 0, 1, 3, 4, 75."""
    try:
        if wanted.dry:
            return _rehearse(settings, wanted, say)
        if wanted.engine == "prefect":
            return _by_prefect(config, wanted)
        with runs.lock(settings.paths.data):
            return _ended(_night(settings, wanted, say))
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; it takes in everything that waits"


def _night(settings: Settings, wanted: Wanted, say: Say) -> night.Record:
    from outcomes.steps import STEPS

    return _carried_out(settings, wanted, say, STEPS)


def _carried_out(settings: Settings, wanted: Wanted, say: Say, steps: Sequence[night.Step]) -> night.Record:
    try:
        tonight = night.begin(settings, wanted.as_of, say, wanted.accept)
    except OSError as error:
        return {"code": Exit.CRASH, "line": f"the data folder could not be prepared: {os.strerror(error.errno or errno.EIO)}"}
    return night.carry_out(tonight, steps)


def _ended(record: night.Record) -> tuple[int, str]:
    return int(record["code"]), str(record["line"])


def _rehearse(settings: Settings, wanted: Wanted, say: Say) -> tuple[int, str]:
    """A night in a folder of its own, which sees what was taken in before and is thrown away, by the next run if this one is killed."""
    from outcomes import withdrawal

    data = settings.paths.data / store.REHEARSAL
    with runs.lock(settings.paths.data), _thrown_away(data):
        withdrawal.carry(settings.paths.data, data)
        for kept in ("clean", "quarantine"):
            (data / kept).mkdir(parents=True)
            known = settings.paths.data / kept
            for folder in known.iterdir() if known.exists() else ():
                if not folder.name.startswith("."):
                    (data / kept / folder.name).symlink_to(folder.resolve(), target_is_directory=True)
        shadow = settings.model_copy(update={"paths": settings.paths.model_copy(update={"data": data}), "email": None})
        code, line = _ended(_night(shadow, wanted, say))
    return code, f"dry run, nothing was kept: {line.rsplit(';', 1)[0]}"


@contextmanager
def _thrown_away(folder: Path) -> Iterator[None]:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def _by_prefect(config: Path, wanted: Wanted) -> tuple[int, str]:
    as_of = wanted.as_of.isoformat() if wanted.as_of else None
    try:
        return _ended(_flows().nightly(config=str(config.resolve()), as_of=as_of, accept=list(wanted.accept)))
    except night.StepFailed as failure:
        return Exit.CRASH, str(failure)


def _flows(name: str = "nightly") -> ModuleType:
    """A module of `flows/`, which stands outside the package so that Prefect lives in one place.

    Its folder joins the path: Prefect runs a scheduled night in a process of its own, which imports the flow by name.
    """
    for variable, value in PREFECT_DEFAULTS.items():
        os.environ.setdefault(variable, value)
    folder = str(places.folder("flows"))
    if folder not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)


def serve(settings: Settings, config: Path) -> None:
    """Keeps the schedule until stopped; a night that was missed is caught up by the next, which takes in all that waits."""
    with _flows("serving").running(settings.schedule.port):
        flows = _flows()
        from prefect.schedules import Cron

        flows.nightly.serve(
            name="nightly",
            schedule=Cron(settings.schedule.cron, timezone=settings.clinic.timezone),
            parameters={"config": str(config)},
            pause_on_shutdown=False,
            limit=1,
        )


def init(folder: Path) -> str:
    """Writes a commented settings file and the folders; what is there stays as it is."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "outcomes.toml"
    if not config.exists():
        shutil.copyfile(Path(__file__).with_name("template.toml"), config)
    settings = load(config)
    settings.paths.inbox.mkdir(parents=True, exist_ok=True)
    settings.paths.data.mkdir(parents=True, exist_ok=True, mode=0o710)
    return f"{config} is ready: edit it, put exports into {settings.paths.inbox}, then call `outcomes run --config {config}`"


def demo(folder: Path, patients: int, say: Say) -> tuple[int, str]:
    """A synthetic clinic in `folder`, made anew, through a whole night; the headline table and where the files are."""
    from outcomes import clinic, headline, instruments

    if folder.exists() and any(folder.iterdir()) and not (folder / "truth.json").exists():
        return Exit.USAGE, f"{folder} holds something else; name an empty folder"
    shutil.rmtree(folder, ignore_errors=True)
    init(folder)
    config = folder / "outcomes.toml"
    settings_text = config.read_text(encoding="utf-8")
    for shipped, own in DEMO_SETTINGS.items():
        settings_text = settings_text.replace(shipped, own)
    config.write_text(settings_text, encoding="utf-8")
    clinic.make(folder, patients)
    settings = load(config)
    with runs.lock(settings.paths.data):
        code, line = _ended(_night(settings, Wanted(DEMO_AS_OF), say))
    if code == Exit.WARNINGS:
        code, line = Exit.OK, f"{line}\ntwo of the files are broken on purpose, and were refused"
    published = settings.paths.data / "published" / "current"
    if not published.exists():
        return code, line
    library = instruments.load(settings.paths.instruments, settings.paths.profiles)
    table = headline.terminal(published / "outcomes.duckdb", settings, library)
    return code, "\n".join([table, "", *_whereabouts(folder, settings.paths), "", line])


def tables(settings: Settings, kind: str | None, as_markdown: bool) -> tuple[int, str]:
    """The tables of the kinds of programme that the clinic runs, or of one of them, from the last release."""
    from outcomes import programme_tables

    known = [table.name for table in programme_tables.load().table]
    if kind is not None and kind not in known:
        return Exit.USAGE, f"there is no table of that name; there are {', '.join(known)}"
    release = settings.paths.data / "published" / "current" / "outcomes.duckdb"
    if not release.exists():
        return Exit.USAGE, "nothing is published yet: call `outcomes run`"
    form = programme_tables.markdown if as_markdown else programme_tables.terminal
    return Exit.OK, form(release, settings, kind) or "the clinic runs no programme of this kind"


def _whereabouts(folder: Path, paths: Paths) -> list[str]:
    data = paths.data.relative_to(folder.resolve())
    return [
        f"exports of the clinic     {folder}/inbox        what was planted: {folder}/truth.json",
        f"the report                {folder}/{data}/published/current/report.html   (also report.pdf and site/ beside it)",
        f"published tables          {folder}/{data}/published/current/outcomes.duckdb   (also parquet/ and csv/ beside it)",
        f"tables by programme       outcomes tables --config {folder}/outcomes.toml",
        f"row level, de-identified  {folder}/{data}/warehouse/current/warehouse.duckdb",
        f"set aside, with reasons   {folder}/{data}/quarantine",
    ]


def compare(settings: Settings, instrument: str | None) -> tuple[int, str]:
    """The published sensitivity table for a terminal. Exit codes: 0, 1 where nothing is published, 2 for a measure that has no rates."""
    from outcomes import compare as beside

    release = settings.paths.data / "published" / "current" / "outcomes.duckdb"
    if not release.exists():
        return Exit.CRASH, "nothing is published yet: put exports into the inbox and call `outcomes run`"
    if instrument and not beside.cells(release, instrument):
        known = sorted({cell["instrument_id"] for cell in beside.cells(release)})
        return Exit.USAGE, f"no rate of {instrument} is published; there are rates of {', '.join(known) or 'no measure'}"
    return Exit.OK, beside.terminal(release, instrument)


@dataclass(frozen=True)
class Mail:
    """What `send` was asked for; `preview` is a folder for .eml files, `to` one address of the settings."""

    preview: Path | None = None
    to: str | None = None
    approve: bool = False
    retry: bool = False


def send(settings: Settings, wanted: Mail, say: Say) -> tuple[int, str]:
    """Sends what the outbox holds. Exit codes: 0, 2, 5 where some of it waits on, 75."""
    from outcomes.mail import sending

    if settings.email is None:
        return Exit.USAGE, "the settings have no [email], so there is no mail: see docs/mail.md"
    if wanted.to is not None and wanted.to not in settings.email.everybody:
        return Exit.USAGE, "mail goes to addresses of the settings only: add this one to [email] to, owners or operators"
    if wanted.preview is not None:
        written = sending.preview(settings, wanted.preview)
        return Exit.OK, "\n".join(str(path) for path in written) or "nothing waits, and nothing is published yet"
    try:
        with runs.lock(settings.paths.data):
            return sending.on_request(settings, wanted.to, wanted.approve, wanted.retry, say)
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; it sends what waits"


def report(settings: Settings, only_path: bool) -> tuple[int, str]:
    """Renders the last release once more, beside its tables, and says where. Exit codes: 0, 2 where nothing is published."""
    from outcomes import report as dresses

    current = settings.paths.data / "published" / "current"
    if not (current / "outcomes.duckdb").exists():
        return Exit.USAGE, "nothing is published yet: call `outcomes run`"
    try:
        with runs.lock(settings.paths.data):
            written = dresses.write(current.resolve(), settings)
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock; it writes the report itself"
    if not written:
        return Exit.USAGE, "this release was made before there were reports: call `outcomes run`"
    if only_path:
        return Exit.OK, str(current / "report.html")
    return Exit.OK, "\n".join(
        f"{what:<24}{current / name}"
        for what, name in (
            ("report, one page", "report.html"),
            ("report, to print", "report.pdf"),
            ("report, many pages", "site/index.html"),
        )
    )


def rebuild(settings: Settings, as_of: dt.date | None, say: Say) -> tuple[int, str]:
    """Takes every raw file in again, in its old order and with its old date, then does a night."""
    from outcomes import steps

    try:
        with runs.lock(settings.paths.data):
            return _ended(_carried_out(settings, Wanted(as_of), say, steps.REBUILD))
    except runs.Busy:
        return Exit.BUSY, "another run holds the lock"
