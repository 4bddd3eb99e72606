"""A made-up identifier in every place of an export that can hold text, in every format: after the nights it stands only where it may.

Anything may stand in `raw/`. What was accepted (a pseudonym, a site's name) may stand in `clean/` and in the warehouse, which are
private; a file's name there too, in its verdict and in `seen.json`; the name of an unknown column in the file's verdict. Nothing may
stand anywhere else: in what a run prints, logs or records, in a list of rejected rows, in a release, in a temporary folder, in an error.
"""

import datetime as dt
import json
import logging
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb
import polars as pl
import pytest
from bad_input.classes import good_files
from canary_tools import REFUSED, Kind, Planted, broken, exports, words, words_in
from typer.testing import CliRunner

from outcomes import cli, night, runs, settle, steps, store
from outcomes.settings import load

SETTINGS = """
[clinic]
name = "Canary"
timezone = "America/Denver"

[disclosure]
rule = "off"
"""


@dataclass
class Nights:
    """A clinic after its nights: what was planted, what its commands printed, and what its libraries logged."""

    folder: Path
    planted: Planted = field(default_factory=Planted)
    printed: dict[str, bytes] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)
    logged: list[str] = field(default_factory=list)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def call(self, *arguments: str) -> None:
        """One command, in this process; its output is caught at the interpreter and below it."""
        with _descriptors(self.folder.parent / "printed") as caught:
            said = CliRunner().invoke(cli.app, [*arguments, "--config", str(self.folder / "outcomes.toml")])
        name = " ".join(arguments) if " ".join(arguments) not in self.printed else f"{' '.join(arguments)}, again"
        trace = "".join(traceback.format_exception(said.exception)) if said.exception else ""
        self.printed[name] = said.output.encode() + caught.read_bytes() + trace.encode()
        self.codes[name] = said.exit_code

    @cached_property
    def found(self) -> dict[str, set[str]]:
        """The words in each file that the nights left, by its place in the clinic's folder."""
        paths = (path for path in sorted(self.folder.rglob("*")) if path.is_file() and not path.is_symlink())
        kept = (path for path in paths if path.parent != self.folder / "inbox")
        return {str(path.relative_to(self.folder)): words_in(path) for path in kept}

    def words(self, *places: str) -> set[str]:
        return {word for name, found in self.found.items() if name.startswith(places) for word in found}

    def told(self, found: set[str]) -> list[str]:
        """Where the words were planted, for a message that helps."""
        return sorted(f"{word}: {' '.join(self.planted.places.get(word, ('?', '?')))}" for word in found)


@contextmanager
def _descriptors(path: Path) -> Iterator[Path]:
    """Standard output and error of the process, also what a library writes past the interpreter, go to a file."""
    before = [os.dup(1), os.dup(2)]
    with path.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield path
        finally:
            for number, kept in zip((1, 2), before, strict=True):
                os.dup2(kept, number)
                os.close(kept)


class _Keep(logging.Handler):
    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self.into = into

    def emit(self, record: logging.LogRecord) -> None:
        self.into.append(self.format(record))


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """A night that crashes between reading and judging, one that logs JSON, one that logs text; then an operator's questions."""
    made = Nights(tmp_path_factory.mktemp("canary") / "clinic")
    for name in ("inbox", "tmp", "home"):
        (made.folder / name).mkdir(parents=True)
    (made.folder / "outcomes.toml").write_text(SETTINGS)
    for name, data in {**good_files(), **exports(made.planted), **broken(made.planted)}.items():
        (made.folder / "inbox" / name).write_bytes(data)
    keep = _Keep(made.logged)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(made.folder / "tmp"))
        for name, folder in (("TMPDIR", "tmp"), ("HOME", "home")):
            patch.setenv(name, str(made.folder / folder))
        logging.getLogger().addHandler(keep)
        with pytest.MonkeyPatch.context() as crash:
            crash.setattr(settle, "settle", _raise(ValueError(made.planted.word("cell", "crash while rows are judged"))))
            made.call("run", "--as-of", "2026-01-01", "--log", "json")
        made.call("run", "--as-of", "2026-01-01", "--log", "json")
        made.call("run", "--as-of", "2026-01-02", "--log", "text")
        for arguments in (("status",), ("status", "--log", "json"), ("doctor",)):
            made.call(*arguments)
        logging.getLogger().removeHandler(keep)
    return made


def _raise(error: BaseException) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def test_the_nights_went_as_planned(nights: Nights) -> None:
    run = "run --as-of 2026-01-0{} --log {}".format
    assert [nights.codes[name] for name in (run(1, "json"), f"{run(1, 'json')}, again", run(2, "text"))] == [1, 4, 4]
    assert b"take_in failed with ValueError" in nights.printed[run(1, "json")]
    verdicts = store.ledger(nights.data)
    refused = {verdict.source_file for verdict in verdicts if verdict.status == "refused" and not verdict.code.startswith("H01")}
    assert refused == REFUSED
    assert len(nights.planted.places) > 1_000


def test_the_search_finds_what_may_be_there(nights: Nights) -> None:
    """Else a clean result would mean nothing."""
    planted = nights.planted
    outside = {word for word, (_, place) in planted.places.items() if "crash" in place}
    missing = (planted.of("cell", "accepted", "header") - outside) - nights.words("data/raw/")
    assert not missing, nights.told(missing)
    for place in ("data/clean/", "data/warehouse/"):
        assert not (lost := planted.of("accepted") - nights.words(place)), nights.told(lost)
    assert nights.words("data/seen.json") == planted.of("name") - {w for w, (_, place) in planted.places.items() if place == "unknown file"}


MAY: dict[str, tuple[Kind, ...]] = {
    "data/raw/": ("cell", "accepted", "header"),
    "data/clean/": ("accepted", "name", "header"),
    "data/warehouse/": ("accepted", "name"),
    "data/quarantine/": ("name", "header"),
    "data/seen.json": ("name",),
    "data/published/": (),
    "data/runs.jsonl": (),
    "tmp/": (),
    "home/": (),
    "": (),
}


@pytest.mark.parametrize("place", MAY, ids=[place or "anywhere else" for place in MAY])
def test_a_word_stands_only_where_it_may(place: str, nights: Nights) -> None:
    others = tuple(other for other in MAY if other)
    found = nights.words(place) if place else {w for name, words in nights.found.items() if not name.startswith(others) for w in words}
    assert not (leaked := found - nights.planted.of(*MAY[place])), nights.told(leaked)


def test_a_verdict_holds_names_and_nothing_of_the_rows(nights: Nights) -> None:
    verdicts = sorted(nights.data.rglob("verdict.json"))
    assert verdicts
    for path in verdicts:
        verdict = json.loads(path.read_text())
        names = words(verdict.pop("source_file").encode()), words(repr(verdict.pop("unknown_column_names")).encode())
        assert names[0] <= nights.planted.of("name")
        assert names[1] <= nights.planted.of("header")
        assert not words(json.dumps(verdict).encode())


def test_a_list_of_rejected_rows_holds_no_name_either(nights: Nights) -> None:
    lists = [name for name in nights.found if "/reject." in name]
    assert {name.rsplit(".")[-1] for name in lists} == {"csv", "parquet"}
    assert not {word for name in lists for word in nights.found[name]}


def test_nothing_is_printed(nights: Nights) -> None:
    for name, printed in nights.printed.items():
        assert printed, name
        assert not words(printed), (name, nights.told(words(printed)))


def test_nothing_is_logged_by_a_library(nights: Nights) -> None:
    assert not (leaked := words("\n".join(nights.logged).encode())), nights.told(leaked)


def _duckdb_error(word: str) -> None:
    duckdb.execute("select cast(? as integer)", [word]).fetchall()


def _polars_error(word: str) -> None:
    pl.Series([word]).cast(pl.Int64)


def _polars_panic(word: str) -> None:
    raise pl.exceptions.PanicException(f"called `Option::unwrap()` on {word}")


def _chained(word: str) -> None:
    try:
        int(word)
    except ValueError as error:
        raise RuntimeError(word) from error


def _grouped(word: str) -> None:
    raise ExceptionGroup(word, [ValueError(word), KeyError(word)])


def _file_error(word: str) -> None:
    Path(f"/{word}/{word}.csv").read_bytes()


CRASHES = [_duckdb_error, _polars_error, _polars_panic, _chained, _grouped, _file_error]


@pytest.mark.parametrize("style", ["json", "text"])
@pytest.mark.parametrize("crash", CRASHES, ids=[crash.__name__.strip("_").replace("_", " ") for crash in CRASHES])
def test_a_crash_tells_its_kind_and_no_text(
    crash: Callable[[str], None], style: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = Planted()
    word = planted.word("cell", "text of an error")
    made = Nights(tmp_path / "clinic", planted)
    (made.folder / "inbox").mkdir(parents=True)
    (made.folder / "outcomes.toml").write_text(SETTINGS)

    with pytest.raises(BaseException, match=word):
        crash(word)
    monkeypatch.setattr(steps, "STEPS", (night.Step("build", lambda _: crash(word)),))
    made.call("run", "--as-of", "2026-01-01", "--log", style)
    made.call("status")

    assert next(iter(made.codes.values())) == 1
    assert b"build failed with" in next(iter(made.printed.values()))
    assert len(runs.history(made.data)) == 1
    assert not {word for printed in made.printed.values() for word in words(printed)}
    assert not made.words("data/")


def test_the_traceback_of_a_failed_step_holds_no_text(tmp_path: Path) -> None:
    word = Planted().word("cell", "text of an error")
    (tmp_path / "outcomes.toml").write_text(SETTINGS)
    tonight = night.begin(load(tmp_path / "outcomes.toml"), dt.date(2026, 1, 1))

    with pytest.raises(night.StepFailed) as failed:
        night.attempt(night.Step("build", lambda _: _polars_error(word)), tonight)

    assert word not in "".join(traceback.format_exception(failed.value))
