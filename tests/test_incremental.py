"""A night that adds to a copy of the last warehouse: it ends with what a build of everything makes, or it builds everything."""

import itertools
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import spine
from test_warehouse import AS_OF, REF, SETTINGS, Exports

from outcomes import disclosure, increment, instruments, night, places, publish, reference, settings, sqlfiles, steps, warehouse
from outcomes.contract import ADVERSE_EVENT, ANSWER, FORM, PATIENT, SESSION
from outcomes.settings import Limits

FIRST = date(2025, 1, 6)
EVERYTHING = Limits(threads=1, add_up_to=1)
LIBRARY = instruments.load()
Night = Callable[["Clinic"], None]


class Clinic(Exports):
    """Exports by table and day; `night` is the ordinal of the night that takes them in."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.night = 0
        self.digests: dict[tuple[str, str], str] = {}

    def take(self, name: str, table: Any, rows: list[dict[str, Any]], day: date | None = None) -> str:
        ingest_id = f"{self.night:03d}-{name}-{len(self.ledger)}"
        exported_on = day or AS_OF - timedelta(days=100 - self.night)
        self.add(ingest_id, table, rows, exported_on=exported_on, arrival=0 if day else self.night)
        return ingest_id

    def patients(self, *ids: int, day: date | None = None, **more: Any) -> None:
        rows = [{"patient_id": f"p{i}", "site_id": f"site-{i % 3}", "indication": "depression", "sex": "female", **more} for i in ids]
        self.take("p", PATIENT, rows, day)

    def sessions(self, *rows: tuple[str, int, int], day: date | None = None, **more: Any) -> None:
        """Medicine sessions: identifier, patient, day of treatment."""
        self.take("s", SESSION, [self._session(*row) | more for row in rows], day)

    def _session(self, session: str, patient: int, when: int) -> dict[str, Any]:
        on = FIRST + timedelta(days=when)
        at = datetime(on.year, on.month, on.day, 16)  # noqa: DTZ001
        return {"session_id": session, "patient_id": f"p{patient}", "started_on": on, "started_at": at, "kind": "medicine", "route": "iv"}

    def forms(self, *rows: tuple[str, int, int, int], day: date | None = None, instrument: str = "phq9") -> None:
        """Forms with nine answers: identifier, patient, day, total."""
        forms = []
        for place, (form, patient, when, total) in enumerate(rows):
            on = FIRST + timedelta(days=when)
            at = datetime(on.year, on.month, on.day, 15)  # noqa: DTZ001
            kept = {"form_row": place, "form_id": form, "patient_id": f"p{patient}", "instrument_id": instrument, "answers": 9}
            forms.append(kept | {"answered_on": on, "answered_at": at, "content": hash((form, patient, when, total)) % 2**63})
        answers = [
            {"form_row": place, "instrument_id": instrument, "item": item, "answer": row[3] // 9 + (item <= row[3] % 9)}
            for place, row in enumerate(rows)
            for item in range(1, 10)
        ]
        self.write(self.take("q", FORM, forms, day), ANSWER, answers)

    def events(self, *rows: tuple[str, int, str], day: date | None = None) -> None:
        """Adverse events: identifier, patient, session."""
        self.take("e", ADVERSE_EVENT, [{"event_id": e, "patient_id": f"p{p}", "session_id": s, "term": "nausea"} for e, p, s in rows], day)


def the_first_night(clinic: Clinic) -> None:
    """Thirty patients in treatment, two of whom withdrew; a form of p4 moved to p5, one of p5 to p20, one of p6 to who withdrew."""
    clinic.patients(*range(30))
    clinic.patients(28, 29, withdrawn_on=FIRST)
    clinic.sessions(*((f"s{p}-{k}", p, 7 * k + p % 5) for p in range(30) for k in range(4)))
    clinic.forms(*((f"f{p}-{k}", p, 14 * k - 2, (p * 5 + k * 3) % 28) for p in range(30) for k in range(5)))
    clinic.forms(("f4-2", 5, 27, 9), ("f6-1", 29, 12, 3), ("f5-3", 20, 41, 5))
    clinic.events(*((f"e{p}", p, f"s{p}-0") for p in range(0, 30, 4)))


def new_forms(clinic: Clinic) -> None:
    clinic.forms(("g1", 1, 80, 4), ("g2", 2, 30, 20))


def a_corrected_form(clinic: Clinic) -> None:
    clinic.forms(("f3-2", 3, 26, 1), ("f3-0", 3, -2, 27))


def a_form_that_moves(clinic: Clinic) -> None:
    clinic.forms(("f7-1", 8, 12, 9))


def a_form_that_moves_back(clinic: Clinic) -> None:
    clinic.forms(("f4-2", 4, 26, 9), ("f7-1", 7, 12, 9))


def a_late_export_of_one_who_lost_a_form(clinic: Clinic) -> None:
    clinic.sessions(("late", 4, 40))


def a_late_export_of_one_whose_form_went_to_a_withdrawn_patient(clinic: Clinic) -> None:
    clinic.forms(("g6", 6, 60, 3))


def a_course_that_splits(clinic: Clinic) -> None:
    clinic.sessions(("s9-3", 9, 200), ("s10-9", 10, 130))


def a_session_that_moves(clinic: Clinic) -> None:
    """And with it the course of another patient's adverse event."""
    clinic.sessions(("s8-0", 11, 3))


def a_cancelled_session(clinic: Clinic) -> None:
    clinic.sessions(("s12-0", 12, 2), ("s13-3", 13, 24), status="cancelled")


def new_patients(clinic: Clinic) -> None:
    clinic.patients(40, 41)
    clinic.sessions(("s40", 40, 10), ("s41", 41, 11))
    clinic.forms(("h1", 40, 8, 22), ("h2", 40, 40, 6), ("h3", 42, 3, 3))


def a_corrected_patient(clinic: Clinic) -> None:
    clinic.patients(14, 15, indication="ptsd", failed_antidepressants=3)


def the_same_rows_again(clinic: Clinic) -> None:
    clinic.patients(1, 2, 3)
    clinic.forms(("f3-2", 3, 26, (3 * 5 + 6) % 28))


def forms_of_a_withdrawn_patient(clinic: Clinic) -> None:
    clinic.forms(("w1", 28, 50, 3))
    clinic.patients(28, withdrawn_on=FIRST)


def events_and_another_questionnaire(clinic: Clinic) -> None:
    clinic.events(("e0", 0, "s0-1"), ("e99", 17, "s16-0"), ("e98", 18, "nowhere"))
    clinic.forms(("k1", 18, 20, 11), instrument="gad7")


def a_refused_file(clinic: Clinic) -> None:
    row = dict.fromkeys(reference.INPUT_FILE) | {
        "ingest_id": f"{clinic.night:03d}-r",
        "source_file": "r.csv",
        "status": "refused",
    }
    clinic.ledger.append(row | {"code": "FILE-01", "rows_in": 0, "arrival": 0})


def a_file_without_rows(clinic: Clinic) -> None:
    clinic.take("s", SESSION, [])


def nothing(clinic: Clinic) -> None:
    """No file at all."""


NIGHTS: list[Night] = [
    new_forms, a_corrected_form, a_form_that_moves, a_form_that_moves_back, a_late_export_of_one_who_lost_a_form,
    a_late_export_of_one_whose_form_went_to_a_withdrawn_patient, a_course_that_splits, a_session_that_moves, a_cancelled_session,
    new_patients, a_corrected_patient, the_same_rows_again, forms_of_a_withdrawn_patient, events_and_another_questionnaire,
    a_refused_file, a_file_without_rows, nothing,
]  # fmt: skip


def ref(as_of: date = AS_OF, **changes: Any) -> dict[str, pl.DataFrame]:
    changed = SETTINGS.model_copy(update=changes)
    return reference.tables(changed, LIBRARY, as_of)


def build(clinic: Clinic, path: Path, previous: Path | None, limits: Limits = EVERYTHING, **more: Any) -> str:
    """The warehouse, and why everything was built."""
    digests = [{"ingest_id": i, "table_name": t, "sha256": clinic.digests.get((t, i), "")} for t, of in clinic.parquet.items() for i in of]
    meta = {"clean_file": pl.DataFrame(digests, schema=reference.CLEAN_FILE).sort("ingest_id", "table_name")}
    definitions = more.pop("ref", REF)
    return increment.build(path, clinic.files(), definitions, limits, previous=previous, meta=meta, disclose=disclosure.disclose, **more)[1]


def contents(path: Path) -> dict[str, Any]:
    """Every table and view with its columns, comments and rows."""
    with duckdb.connect(str(path), read_only=True) as con:
        columns = con.execute(
            "select schema_name || '.' || table_name, list([column_name, data_type, comment] order by column_index) "
            "from duckdb_columns() where database_name = current_database() and not internal group by all order by all"
        ).fetchall()
        told = con.execute(
            "select schema_name || '.' || table_name, comment from duckdb_tables() union all "
            "select schema_name || '.' || view_name, comment from duckdb_views() where not internal order by all"
        ).fetchall()
        rows = {name: sorted(con.execute(f"select * from {name}").fetchall(), key=repr) for name, _ in columns}
    return {"columns": columns, "comments": told, **rows}


def published(path: Path, folder: Path) -> dict[str, bytes]:
    snapshot = publish.publish(path, folder, "2026-01-01-0001", threads=1)
    return {file.name: file.read_bytes() for kind in ("parquet", "csv") for file in sorted((snapshot / kind).iterdir())}


def the_same(one: Path, other: Path, folder: Path) -> None:
    found, wanted = contents(one), contents(other)
    assert list(found) == list(wanted)
    assert [name for name in found if found[name] != wanted[name]] == []
    assert published(one, folder / "one") == published(other, folder / "other")


IN_TURN = [NIGHTS[place : place + 4] for place in range(0, len(NIGHTS), 4)]
AT_RANDOM = [random.Random(seed).sample(NIGHTS, 5) for seed in range(2)]  # noqa: S311
SEQUENCES = [*IN_TURN, *(pytest.param(nights, marks=pytest.mark.slow) for nights in AT_RANDOM)]


@pytest.fixture(scope="module", autouse=True)
def few_tables(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[None]:
    """All tables of core are built, since these are what is added to, and few of those that are counted from them anew every night; where
    slow tests are run, all."""
    with pytest.MonkeyPatch.context() as patch:
        if not any(item.get_closest_marker("slow") for item in request.session.items):
            spine.build_nothing_else(tmp_path_factory.mktemp("few") / "sql", patch.setattr, every=("core",))
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("first")
    clinic = Clinic(folder / "clean")
    the_first_night(clinic)
    assert build(clinic, folder / "0" / "warehouse.duckdb", None) == "there is no warehouse before it"
    return folder / "0" / "warehouse.duckdb"


def after_the_first_night(folder: Path) -> Clinic:
    clinic = Clinic(folder / "clean")
    the_first_night(clinic)
    clinic.night = 1
    return clinic


@pytest.mark.parametrize("nights", SEQUENCES, ids=lambda nights: "+".join(does.__name__ for does in nights))
def test_adding_ends_as_building_everything(first: Path, nights: Sequence[Night], tmp_path: Path) -> None:
    clinic, last = after_the_first_night(tmp_path), first
    for number, does in enumerate(nights, start=1):
        clinic.night = number
        does(clinic)
        path = tmp_path / str(number) / "warehouse.duckdb"
        tonight = ref(AS_OF + timedelta(days=40 * number))
        assert build(clinic, path, last, ref=tonight) == "", does.__name__
        last = path
    whole = tmp_path / "whole" / "warehouse.duckdb"
    assert build(clinic, whole, None, ref=tonight) != ""
    the_same(last, whole, tmp_path)


def test_threads_change_nothing(first: Path, tmp_path: Path) -> None:
    clinic = after_the_first_night(tmp_path)
    new_patients(clinic)
    paths = [tmp_path / str(threads) / "warehouse.duckdb" for threads in (1, 2)]
    assert [build(clinic, path, first, Limits(threads=n, add_up_to=1)) for n, path in enumerate(paths, 1)] == ["", ""]
    the_same(*paths, tmp_path)


def with_other_windows(clinic: Clinic) -> dict[str, Any]:
    return {"ref": ref(windows=SETTINGS.windows[:3])}


def with_other_gap(clinic: Clinic) -> dict[str, Any]:
    return {"ref": ref(course=SETTINGS.course.model_copy(update={"gap_days": 20}))}


def with_other_rule(clinic: Clinic) -> dict[str, Any]:
    return {"ref": ref(disclosure=SETTINGS.disclosure.model_copy(update={"rule": "nhs"}))}


def with_other_measure(clinic: Clinic) -> dict[str, Any]:
    return {"ref": REF | {"scale": REF["scale"].with_columns(missing_allowed=pl.lit(1, dtype=pl.Int32))}}


def with_an_older_file(clinic: Clinic) -> dict[str, Any]:
    clinic.sessions(("older", 3, 9), day=date(2024, 12, 1))
    return {}


def without_a_file(clinic: Clinic) -> dict[str, Any]:
    gone = clinic.ledger.pop()["ingest_id"]
    del clinic.parquet["adverse_event"][gone]
    return {}


def with_other_rows_of_a_file(clinic: Clinic) -> dict[str, Any]:
    clinic.ledger[0]["rows_in"] += 1
    return {}


def with_other_bytes_of_a_file(clinic: Clinic) -> dict[str, Any]:
    clinic.digests["patient", clinic.ledger[0]["ingest_id"]] = "other"
    return {}


def with_a_withdrawal(clinic: Clinic) -> dict[str, Any]:
    clinic.patients(3, withdrawn_on=FIRST)
    return {}


def with_many_patients(clinic: Clinic) -> dict[str, Any]:
    clinic.sessions(*((f"n{p}", p, 90) for p in range(4)))
    return {"limits": Limits(threads=1, add_up_to=0.1)}


def by_will(clinic: Clinic) -> dict[str, Any]:
    return {"limits": Limits(threads=1, add_up_to=0)}


@pytest.fixture
def only_reasons(monkeypatch: pytest.MonkeyPatch) -> None:
    """A build of everything only says that it was asked for, and that nothing stood in its way."""

    def build(path: Path, *args: object, **more: object) -> list[warehouse.Built]:
        assert not path.exists()
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"built of everything")
        return []

    monkeypatch.setattr(warehouse, "build", build)


REASONS = [
    (with_other_windows, "definitions, settings or the program have changed"),
    (with_other_gap, "definitions, settings or the program have changed"),
    (with_other_rule, "definitions, settings or the program have changed"),
    (with_other_measure, "definitions, settings or the program have changed"),
    (with_an_older_file, "a file came in between older ones, changed or is gone"),
    (without_a_file, "a file came in between older ones, changed or is gone"),
    (with_other_rows_of_a_file, "a file came in between older ones, changed or is gone"),
    (with_other_bytes_of_a_file, "rows that were taken in have changed"),
    (with_a_withdrawal, "a patient has withdrawn"),
    (with_many_patients, "the new files are about too many patients"),
    (by_will, "the settings want it"),
]


@pytest.mark.parametrize(("change", "because"), REASONS, ids=lambda value: getattr(value, "__name__", ""))
def test_everything_is_built(
    first: Path, change: Callable[[Clinic], dict[str, Any]], because: str, tmp_path: Path, only_reasons: None
) -> None:
    clinic = after_the_first_night(tmp_path)
    more = change(clinic)
    path = tmp_path / "1" / "warehouse.duckdb"
    assert build(clinic, path, first, **more) == because
    assert sorted(file.name for file in path.parent.iterdir()) == ["warehouse.duckdb", "warehouse.seal"]
    assert path.read_bytes() == b"built of everything"


def damaged(previous: Path) -> None:
    with previous.open("r+b") as handle:
        handle.seek(previous.stat().st_size // 2)
        handle.write(b"\xff" * 64)


def edited(previous: Path) -> None:
    with duckdb.connect(str(previous)) as con:
        con.execute("delete from core.score")


def unsealed(previous: Path) -> None:
    (previous.parent / increment.SEAL).unlink()


def open_for_writing(previous: Path) -> None:
    previous.with_name(f"{previous.name}.wal").write_bytes(b"not yet in the file")


def no_database(previous: Path) -> None:
    previous.write_bytes(b"something else")
    (previous.parent / increment.SEAL).write_text(increment._checksum(previous))


def of_an_older_program(previous: Path) -> None:
    with duckdb.connect(str(previous)) as con:
        con.execute("drop table meta.definition")
    (previous.parent / increment.SEAL).write_text(increment._checksum(previous))


@pytest.mark.parametrize(
    ("spoil", "because"),
    [
        (damaged, "the last warehouse is not as it was built"),
        (edited, "the last warehouse is not as it was built"),
        (unsealed, "the last warehouse is not as it was built"),
        (open_for_writing, "the last warehouse was written to"),
        (no_database, "adding to the last warehouse failed with IOException"),
        (of_an_older_program, "the last warehouse does not say what it was made by"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_warehouse_that_is_not_sound_is_not_added_to(
    first: Path, spoil: Callable[[Path], None], because: str, tmp_path: Path, only_reasons: None
) -> None:
    last, path = (tmp_path / name / "warehouse.duckdb" for name in ("0", "1"))
    shutil.copytree(first.parent, last.parent)
    spoil(last)
    assert build(after_the_first_night(tmp_path), path, last) == because
    assert path.read_bytes() == b"built of everything"


def test_the_last_warehouse_is_left_as_it_is(first: Path, tmp_path: Path) -> None:
    clinic = after_the_first_night(tmp_path)
    new_patients(clinic)
    before = first.read_bytes(), first.stat().st_mtime_ns, sorted(path.name for path in first.parent.iterdir())
    with duckdb.connect(str(first), read_only=True) as reader:
        assert build(clinic, tmp_path / "1" / "warehouse.duckdb", first) == ""
        assert reader.execute("select count(*) from core.patient").fetchall() == [(28,)]
    assert (first.read_bytes(), first.stat().st_mtime_ns, sorted(path.name for path in first.parent.iterdir())) == before


def test_nothing_is_built_over(first: Path, tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"the last good one")
    with pytest.raises(warehouse.BuildError, match="never over"):
        build(after_the_first_night(tmp_path), path, first)
    assert path.read_bytes() == b"the last good one"


def test_no_byte_of_who_withdrew_stays(first: Path, tmp_path: Path) -> None:
    clinic = after_the_first_night(tmp_path)
    clinic.patients(3, withdrawn_on=FIRST)
    path = tmp_path / "1" / "warehouse.duckdb"
    build(clinic, path, first)
    assert b"s3-0" in first.read_bytes()
    assert b"s3-0" not in path.read_bytes()


def test_a_night_adds_and_a_rebuild_does_not(tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    def say(event: str, **fields: Any) -> None:
        told.extend([fields] if event == "built" else [])

    def a_night(todo: Sequence[night.Step]) -> None:
        record = night.carry_out(night.begin(configured, AS_OF, say), todo, night.attempt)
        assert record["status"] == "published", record["line"]

    def export(name: str, patients: range) -> None:
        rows = [f"{name}{n},p{n},phq9,2025-03-0{1 + n % 9},{n % 28}" for n in patients]
        (tmp_path / "inbox" / f"questionnaires_{name}.csv").write_text(
            "\n".join(["form_id,patient_id,instrument_id,answered_at,total", *rows])
        )

    (tmp_path / "inbox").mkdir()
    (tmp_path / "outcomes.toml").write_text('[clinic]\nname = "Test"\ntimezone = "UTC"\n[disclosure]\nrule = "off"\n')
    configured = settings.load(tmp_path / "outcomes.toml")
    export("2025-06-01", range(100))
    a_night(steps.STEPS)
    export("2025-06-02", range(3))
    a_night(steps.STEPS)
    added = contents(tmp_path / "data" / "warehouse" / "current" / "warehouse.duckdb")
    a_night(steps.REBUILD)
    assert told == [
        {"whole": True, "because": "there is no warehouse before it"},
        {"whole": False, "because": None},
        {"whole": True, "because": "there is no warehouse before it"},
    ]
    assert contents(tmp_path / "data" / "warehouse" / "current" / "warehouse.duckdb") == added


FILES = sqlfiles.read_folder(places.folder("sql"))
SHARDED = {file.table: file for file in FILES if file.shard}


@pytest.mark.parametrize("table", sorted(SHARDED))
def test_a_table_of_single_patients_reads_nothing_else(table: str) -> None:
    file = SHARDED[table]
    assert {other for other in file.reads if other.partition(".")[0] not in ("ref", "clean")} <= set(SHARDED)
    assert "as_of" not in {token.text for token in sqlfiles.tokens(file.text) if token.kind == "word"}


@pytest.mark.parametrize("table", sorted(SHARDED))
def test_the_patient_of_a_row_is_known(first: Path, table: str) -> None:
    shard = SHARDED[table].shard
    assert shard is not None
    with duckdb.connect(str(first), read_only=True) as con:
        assert shard.column in warehouse.columns_of(con, table)
    if shard.of is not None and shard.of.startswith("core."):
        of = SHARDED[shard.of].shard
        assert of is not None
        assert of.column == "patient_id"


@pytest.mark.parametrize("text", ["of core.course", "course_id", "course_id of metric.x", "a of core.b, c"])
def test_a_shard_is_a_column_and_its_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "thing.sql").write_text(f"-- shard: {text}\n-- Thing.\nselect 1 as x  -- X.\n")
    with pytest.raises(sqlfiles.SqlFileError, match=r"core\.thing: shard"):
        sqlfiles.read(tmp_path / "core" / "thing.sql")


@pytest.mark.parametrize(("one", "other"), list(itertools.pairwise([("a", "b", 1), ("a", "c", 1), ("d", "c", 1)])))
def test_the_fingerprint_tells_definitions_apart(one: tuple[str, str, int], other: tuple[str, str, int], tmp_path: Path) -> None:
    def mark(folder: Path, name: str, text: str, number: int) -> str:
        (folder / "core").mkdir(parents=True)
        (folder / "core" / f"{name}.sql").write_text(f"-- Thing.\nselect {number} as {text}  -- X.\n")
        return warehouse.fingerprint(sqlfiles.read_folder(folder, ["core"]), {"setting": REF["setting"]})

    assert mark(tmp_path / "one", *one) != mark(tmp_path / "other", *other)
    assert mark(tmp_path / "again", *one) == mark(tmp_path / "and again", *one)
