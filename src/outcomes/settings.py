"""`outcomes.toml` in, frozen settings out; a mistake is answered with the key, and the nearest key that exists."""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from outcomes import numerals

WEEK = 7


class SettingsError(Exception):
    """The settings file can't be used; the text says which key and what to do."""


def _zone(name: str) -> str:
    if name not in available_timezones():
        nearest = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"; the nearest is {nearest[0]}" if nearest else ""
        raise ValueError(f"is not a time zone{hint}")
    return name


def _address(text: str) -> str:
    if len(text) > 254 or not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
        raise ValueError("is not a mail address; write name@host, without a display name")
    return text


LOOPBACK = ("127.0.0.1", "localhost", "::1")
Address = Annotated[str, AfterValidator(_address)]


def _locale(name: str) -> str:
    if name not in numerals.names():
        raise ValueError(f"is not a locale; there are {', '.join(numerals.names())}")
    return name


Locale = Annotated[str, AfterValidator(_locale)]
Zone = Annotated[str, AfterValidator(_zone)]
Days = Annotated[int, Field(ge=-3660, le=3660)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$", max_length=64)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Clinic(Part):
    name: str
    timezone: Zone


class Paths(Part):
    """Folders, relative to the settings file."""

    inbox: Path = Path("inbox")
    data: Path = Path("data")
    instruments: tuple[Path, ...] = ()
    profiles: tuple[Path, ...] = ()


class Course(Part):
    """When a course begins and ends. It is over `ended_days` after its last attended session; without that, after `gap_days`."""

    gap_days: int = Field(90, ge=1)
    induction_days: int = Field(42, ge=1)
    induction_gap_days: int = Field(14, ge=1)
    ended_days: int | None = Field(None, ge=1)


class Baseline(Part):
    from_days: int = Field(-30, le=0)
    pick: Literal["last", "mean", "worst", "first"] = "last"


class Durability(Part):
    """From when a response is to last, and what its loss is.

    `from` is the end of induction, for courses that respond in its window, or the first form that responds. `loss` is two forms in a row
    that do not respond, or one form back at caseness.
    """

    start: Literal["end_of_induction", "first_response"] = Field("end_of_induction", alias="from")
    loss: Literal["two_forms", "caseness"] = "two_forms"


class Window(Part):
    """When a score counts: days after day 0, the last induction session, or the baseline form, as `anchor` says.

    Whole bounds are calendar days; a bound with a fraction makes the window count elapsed hours. Without `to_days` the window has no
    end, and is over with day 0; with `until`, it lasts until the course is over.
    """

    id: Id
    from_days: Annotated[float, Field(ge=0, le=3660)]
    to_days: Annotated[float, Field(ge=0, le=3660)] | None = None
    target_days: Annotated[float, Field(ge=0, le=3660)] | None = None
    pick: Literal["nearest", "last", "first"] = "nearest"
    anchor: Literal["day_0", "end_of_induction", "baseline"] = "day_0"
    until: Literal["end_of_course"] | None = None

    @model_validator(mode="after")
    def _holds_its_target(self) -> "Window":
        if self.to_days is not None and self.to_days < self.from_days:
            raise ValueError("to_days is before from_days")
        if self.pick == "nearest" and self.target_days is None:
            raise ValueError('pick = "nearest" needs target_days')
        if self.until and self.to_days is not None:
            raise ValueError("until and to_days both say when the window ends")
        if self.anchor == "baseline" and self.by_hours:
            raise ValueError('anchor = "baseline" counts whole days')
        return self

    @property
    def by_hours(self) -> bool:
        """Whether a bound has a fraction."""
        return any(bound is not None and bound % 1 != 0 for bound in (self.from_days, self.to_days))


DEFAULT_WINDOWS = (
    Window(id="h24", target_days=1, from_days=0.5, to_days=2),
    Window(id="d7", target_days=7, from_days=5, to_days=10),
    Window(id="d14", target_days=14, from_days=11, to_days=17),
    Window(id="end_of_induction", target_days=1, from_days=1, to_days=14, anchor="end_of_induction"),
    Window(id="d30", target_days=30, from_days=15, to_days=45),
    Window(id="d90", target_days=90, from_days=60, to_days=120),
    Window(id="d180", target_days=180, from_days=150, to_days=210),
    Window(id="d365", target_days=365, from_days=305, to_days=425),
    Window(id="last", from_days=1, pick="last"),
)


class Report(Part):
    profile: str = "ketamine-rwe"
    also: tuple[str, ...] = ()
    headline_window: Id = "d30"
    locale: Locale = "en-US"

    @property
    def profiles(self) -> tuple[str, ...]:
        """The report's profile first, then those beside it, each once."""
        return tuple(dict.fromkeys((self.profile, *self.also)))


class Disclosure(Part):
    rule: Literal["cms", "nhs", "opensafely", "off"] = "cms"


class Release(Part):
    """How often figures are released. Every night computes; `every_days` lie between two releases at least.

    Without it a week; none where nothing is hidden, since nothing is given away there.
    """

    every_days: int | None = Field(None, ge=0)


class Email(Part):
    """Where mail is handed over, and who gets which letter; a password is never among the settings.

    `to` gets the report, `owners` the quality report, `operators` the word that a night failed. `ca_file` holds the certificates to
    trust in place of the machine's. A letter is tried for `patience_s` within a night and given up after `give_up_hours`.
    `heartbeat_file` is touched by every night that published and whose mail went.
    """

    host: str = "localhost"
    port: int = Field(25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "starttls"
    sender: Address = Field(alias="from")
    to: tuple[Address, ...] = ()
    owners: tuple[Address, ...] = ()
    operators: tuple[Address, ...] = ()
    user: str | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    leadership_on: Literal["weekly", "every release"] = "weekly"
    leadership_day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "monday"
    quiet_when_unchanged: bool = False
    approve_first: bool = True
    html_kb: int = Field(100, ge=1)
    attach: tuple[Literal["report.pdf", "outcomes.xlsx"], ...] = ("report.pdf", "outcomes.xlsx")
    attachments_mb: int = Field(10, ge=0)
    timeout_s: float = Field(30, gt=0, le=600)
    patience_s: float = Field(120, ge=0, le=3600)
    give_up_hours: float = Field(72, gt=0)
    heartbeat_file: Path | None = None

    @property
    def everybody(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.to, *self.owners, *self.operators)))

    @model_validator(mode="after")
    def _reaches_somebody_unread(self) -> "Email":
        if not self.everybody:
            raise ValueError("names no recipient: give to, owners or operators")
        if self.security == "none" and self.host not in LOOPBACK:
            raise ValueError('security = "none" is for a server on this machine only; take "starttls" or "tls"')
        return self


class Schedule(Part):
    cron: str = "15 2 * * *"
    port: int = Field(4200, ge=1024, le=65535)


class Limits(Part):
    """What the night may use, and what a file may be; a file beyond a limit is refused whole.

    `add_up_to` is the share of all rows that may belong to patients whom new files say something about, for a night to bring the last
    warehouse up to date; with more of them it builds everything. 0 builds everything every night.
    """

    memory_mb: int = Field(700, ge=200)
    threads: int = Field(2, ge=1)
    file_mb: int = Field(20_000, ge=1)
    expansion_ratio: int = Field(200, ge=1)
    columns: int = Field(2_000, ge=1)
    field_chars: int = Field(10_000, ge=1)
    sheet_rows: int = Field(3_000, ge=1, le=1_000_000)
    keep_releases: int = Field(14, ge=1)
    keep_warehouses: int = Field(3, ge=1)
    add_up_to: float = Field(0.2, ge=0, le=1)


class Source(Part):
    """A file that is not in the native shape by name: which table it holds, and its column for each of ours."""

    name: Id
    pattern: str
    format: str = "native"
    table: Literal["patient", "session", "form", "adverse_event", "session_observation"] | None = None
    shape: Literal["long", "wide", "total"] | None = None
    columns: dict[str, str] = {}
    timezone: Zone | None = None
    day_first: bool | None = None
    decimal_comma: bool = False


class Settings(Part):
    """All of `outcomes.toml`. Paths are absolute once `load` has read them."""

    clinic: Clinic
    paths: Paths = Paths()
    course: Course = Course()
    baseline: Baseline = Baseline()
    durability: Durability = Durability()
    windows: tuple[Window, ...] = Field(DEFAULT_WINDOWS, alias="window")
    report: Report = Report()
    disclosure: Disclosure = Disclosure()
    release: Release = Release()
    email: Email | None = None
    schedule: Schedule = Schedule()
    limits: Limits = Limits()
    sources: tuple[Source, ...] = Field((), alias="source")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.clinic.timezone)

    @property
    def release_days(self) -> int:
        """Days from one release to the next, at least."""
        if self.release.every_days is not None:
            return self.release.every_days
        return 0 if self.disclosure.rule == "off" else WEEK

    @model_validator(mode="after")
    def _names_each_once(self) -> "Settings":
        for what, ids in (("window", [w.id for w in self.windows]), ("source", [s.name for s in self.sources])):
            twice = sorted({i for i in ids if ids.count(i) > 1})
            if twice:
                raise ValueError(f"[[{what}]] {twice[0]} stands twice")
        return self


def load(path: Path) -> Settings:
    """The settings of a file, its relative paths resolved against the file's folder.

    Raises SettingsError for a missing file, broken TOML, an unknown key or a value that can't be used.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no {path}; `outcomes init` writes one") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path.name} is not valid TOML: {error}") from None
    try:
        settings = Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(path.name, raw, problem) for problem in error.errors())) from None
    return _resolved(settings, path.resolve().parent)


def headline_window(settings: Settings) -> str:
    """The window of the headline: the one the report names, or the last one where there is none of that name."""
    ids = [window.id for window in settings.windows]
    return settings.report.headline_window if settings.report.headline_window in ids else ids[-1]


def _resolved(settings: Settings, folder: Path) -> Settings:
    paths = settings.paths
    absolute = Paths(
        inbox=folder / paths.inbox,
        data=folder / paths.data,
        instruments=tuple(folder / p for p in paths.instruments),
        profiles=tuple(folder / p for p in paths.profiles),
    )
    return settings.model_copy(update={"paths": absolute, "email": settings.email and _email_beside(settings.email, folder)})


def _email_beside(email: Email, folder: Path) -> Email:
    files = {name: getattr(email, name) for name in ("password_file", "ca_file", "heartbeat_file")}
    return email.model_copy(update={name: folder / path for name, path in files.items() if path})


def _sentence(file: str, raw: dict[str, Any], problem: Any) -> str:
    where = ".".join(str(step) for step in problem["loc"]) or "the file"
    if problem["type"] != "extra_forbidden":
        return f"{file}: {where}: {problem['msg']}"
    nearest = difflib.get_close_matches(str(problem["loc"][-1]), _keys_at(problem["loc"][:-1]), n=1, cutoff=0.4)
    hint = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"{file}: {where} is not a key{hint}"


def _keys_at(steps: tuple[int | str, ...]) -> list[str]:
    model: Any = Settings
    for step in steps:
        if isinstance(step, int):
            continue
        field = next((f for n, f in model.model_fields.items() if step in (n, f.alias)), None)
        model = next((m for m in _models(field.annotation) if m), None) if field else None
        if model is None:
            return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> list[Any]:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return [annotation]
    return [model for inner in getattr(annotation, "__args__", ()) for model in _models(inner)]
