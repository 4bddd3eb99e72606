"""Every class of bad input in one inbox, beside good files, through whole nights: each file has its verdict, and nothing else suffers."""

import csv
import datetime as dt
import hashlib
import os
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bad_input.classes import LOOKS, Class, good_files, marked, page, sentences
from bad_input.classes_of_files import FILES
from bad_input.classes_of_values import VALUES

from outcomes import runs, store, verbs
from outcomes.contract import TABLES
from outcomes.settings import load
from outcomes.sources import staging

ROOT = Path(__file__).parents[2]
DOC = ROOT / "docs" / "bad-input.md"
CLASSES = marked([*FILES, *VALUES])
AS_OF = dt.date(2026, 1, 1)
OF_FILES = {"quality", "arrival", "quarantine"}
SETTINGS = """
[clinic]
name = "Bad"
timezone = "America/Denver"

[disclosure]
rule = "off"

[limits]
file_mb = 60

[[source]]
name = "dayfirst"
pattern = "dayfirst*"
table = "session"
day_first = true

[[source]]
name = "comma"
pattern = "comma*"
table = "session"
decimal_comma = true
"""


class Clinic:
    """A folder with an inbox, and what its nights said."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.config = folder, folder / "outcomes.toml"
        self.inbox, self.data = folder / "inbox", folder / "data"
        self.inbox.mkdir()
        self.config.write_text(SETTINGS)
        self.said: list[str] = []
        self.ended: list[tuple[int, str]] = []
        self.releases: list[dict[str, bytes]] = []
        self.open: dict[Path, duckdb.DuckDBPyConnection] = {}

    def put(self, name: str, data: bytes) -> Path:
        path = Path(os.fsdecode(os.fsencode(self.inbox) + b"/" + name.encode("utf-8", "surrogateescape")))
        path.write_bytes(data)
        return path

    def end_of_night(self) -> tuple[int, str]:
        """Code and line of a night; what it published, but for the tables that count files and rows, is kept in `releases`."""

        def say(event: str, **fields: Any) -> None:
            self.said.append(f"{event} {fields}")

        self.ended.append(verbs.run(load(self.config), self.config, verbs.Wanted(AS_OF), say))
        current = self.data / "published" / "current"
        files = (p for p in sorted(current.rglob("*")) if p.suffix in {".csv", ".parquet"} and p.stem not in OF_FILES)
        self.releases.append({p.name: p.read_bytes() for p in files})
        return self.ended[-1]

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Rows of the warehouse that the last night built."""
        current = (self.data / "warehouse" / "current" / "warehouse.duckdb").resolve()
        if current not in self.open:
            self.open[current] = duckdb.connect(str(current), read_only=True)
        return self.open[current].execute(sql, list(values)).fetchall()


def _link(path: Path) -> None:
    path.symlink_to("sessions 2025-06-01.csv")


def _way_out(path: Path) -> None:
    path.symlink_to("/etc/hostname")


def _to_nothing(path: Path) -> None:
    path.symlink_to("nowhere")


def _large(path: Path) -> None:
    path.touch()
    os.truncate(path, 61_000_000)


def _growing(path: Path) -> None:
    path.write_text("session_id,patient_id,started_at,kind\nz1,z,2025-05-01,therapy\nz2,z,2025-05")


W = "Files that wait in the inbox"
WAITING: dict[str, tuple[Callable[[Path], None], Class]] = {
    "sessions link.csv": (_link, Class(W, "a link to a file of the inbox", left="F04")),
    "sessions away.csv": (_way_out, Class(W, "a link that leads away", left="F04")),
    "sessions nowhere.csv": (_to_nothing, Class(W, "a link to nothing", left="F04")),
    "sessions folder.csv": (Path.mkdir, Class(W, "a folder", left="F04")),
    "sessions pipe.csv": (os.mkfifo, Class(W, "a pipe", left="F04")),
    "sessions large.csv": (_large, Class(W, "a file beyond limits.file_mb", left="F02")),
    "sessions growing.csv": (_growing, Class(W, "a file that grows while it is read", left="F03")),
}
SHOWN = [*(one for _, one in WAITING.values()), *CLASSES]


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Clinic:
    """A clinic after a night with good files, and a second one with every class of bad input beside them."""
    clinic = Clinic(tmp_path_factory.mktemp("clinic"))
    for name, data in good_files().items():
        clinic.put(name, data)
    clinic.end_of_night()
    for one in CLASSES:
        clinic.put(one.file, one.data)
    for name, (make, _) in WAITING.items():
        make(clinic.inbox / name)
    with pytest.MonkeyPatch.context() as patch:
        copied = staging._copied

        def while_it_grows(source: int, target: Path, expected: int) -> Any:
            found = copied(source, target, expected)
            if target.read_bytes().startswith(b"session_id,patient_id,started_at,kind\nz1,"):
                with (clinic.inbox / "sessions growing.csv").open("a") as file:
                    file.write("-02,therapy\n")
            return found

        patch.setattr(staging, "_copied", while_it_grows)
        clinic.end_of_night()
    return clinic


@pytest.fixture(scope="module")
def ledger(clinic: Clinic) -> dict[str, store.Verdict]:
    return {verdict.ingest_id: verdict for verdict in store.ledger(clinic.data)}


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def shown(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def rejected(clinic: Clinic, ingest_id: str) -> list[dict[str, str]]:
    listed = clinic.data / "quarantine" / ingest_id / "reject.csv"
    return list(csv.DictReader(listed.open(newline=""))) if listed.exists() else []


def kept(clinic: Clinic, one: Class) -> list[str]:
    """What the warehouse holds of a file, by the columns that the class looks at."""
    source = f"core.{one.table}"
    if one.table == "form":
        source = "core.form as form left join core.score as score on score.form_number = form.form_number and score.instrument_id = 'phq9'"
    prefix = "form." if one.table == "form" else ""
    look = ", ".join(f"{prefix}{name}" if prefix and "." not in name else name for name in (one.look or LOOKS[one.table]).split(", "))
    sql = f"""
        select {look} from {source}
        where {prefix}file_number = (select file_number from core.accounting where ingest_id = ?) order by all
    """
    return [" | ".join(map(shown, found)) for found in clinic.ask(sql, sha(one.data))]


by_class = pytest.mark.parametrize("one", CLASSES, ids=[one.what for one in CLASSES])


@by_class
def test_a_class_has_its_verdict(one: Class, clinic: Clinic, ledger: dict[str, store.Verdict]) -> None:
    verdict = ledger[sha(one.data)]
    lines: dict[int, tuple[str, ...]] = {}
    for reject in rejected(clinic, verdict.ingest_id):
        line = int(reject["source_line"])
        lines[line] = (*lines.get(line, ()), reject["code"])
    notes: Counter[str] = Counter()
    for note in verdict.notes:
        notes[note["code"]] += note["count"]

    assert (verdict.status, verdict.code) == ("refused" if one.refused else "accepted", one.refused)
    assert tuple(verdict.rows[name] for name in ("in", "accepted", "duplicate", "rejected")) == one.rows
    assert lines == one.codes
    assert dict(notes) == one.notes
    assert kept(clinic, one) == sorted(map(one.filled, one.kept))


@by_class
def test_the_bytes_of_a_file_are_kept(one: Class, clinic: Clinic) -> None:
    assert (clinic.data / "raw" / sha(one.data)).read_bytes() == one.data


@by_class
def test_every_row_is_accounted_for(one: Class, clinic: Clinic, ledger: dict[str, store.Verdict]) -> None:
    rows = ledger[sha(one.data)].rows
    assert rows["in"] == rows["accepted"] + rows["duplicate"] + rows["rejected"]
    if not one.refused:
        sql = "select rows_in - accepted - duplicate - superseded - rejected from core.accounting where ingest_id = ?"
        assert clinic.ask(sql, sha(one.data)) == [(0,)]


VERBS = "Add|Check|Copy|Correct|Export|Give|Leave|Look|Name|Open|Put|Quote|Rename|Save|Say|Send|Set|Shorten|Use|Write"


@by_class
def test_what_costs_anything_says_what_to_do_and_names_our_column(one: Class, clinic: Clinic, ledger: dict[str, store.Verdict]) -> None:
    verdict = ledger[sha(one.data)]
    said = [verdict.message] if one.refused else []
    for reject in rejected(clinic, verdict.ingest_id):
        said.append(reject["message"])
        if not reject["code"].startswith("F3"):
            assert reject["column"].split(", ")[0] in TABLES[one.table].schema.names() + TABLES["answer"].schema.names()
    for message in said:
        assert re.search(rf"\b({VERBS})\b", message), message
        assert message.endswith(".")
        assert "{" not in message.replace("{...}", "")
    assert one.says in verdict.message or not one.refused


def test_good_files_are_published_as_if_they_were_alone(clinic: Clinic) -> None:
    assert [code for code, _ in clinic.ended] == [0, 4]
    assert clinic.releases[0] == clinic.releases[1]
    assert clinic.ask("select count(*), sum(score) from core.score where patient_id like 'g%'") == [(48, 542)]
    assert clinic.ask("select count(*) from core.session where patient_id like 'g%'") == [(24,)]
    assert clinic.ask("select count(*) from core.adverse_event") == [(1,)]


def test_no_file_is_forgotten(clinic: Clinic, ledger: dict[str, store.Verdict]) -> None:
    expected = {sha(one.data) for one in CLASSES} | {sha(data) for data in good_files().values()}
    assert set(ledger) == expected
    assert {path.name for path in (clinic.data / "raw").iterdir()} == expected
    (counts,) = (run["counts"] for run in runs.history(clinic.data)[1:2])
    assert counts["files"] == len(CLASSES)
    assert counts["refused"] == sum(bool(one.refused) for one in CLASSES)
    assert counts["in"] == counts["accepted"] + counts["duplicate"] + counts["rejected"] == sum(one.rows[0] for one in CLASSES)


def test_a_file_that_was_not_read_whole_waits_and_the_run_says_so(clinic: Clinic) -> None:
    waiting = Counter(one.left for _, one in WAITING.values())
    said = Counter(re.findall(r"waiting \{'code': '(F\d\d)'", "\n".join(clinic.said)))
    assert said == waiting
    assert f"{len(WAITING)} left in the inbox (F02, F03, F04)" in clinic.ended[1][1]


def test_what_contradicts_over_tables_is_counted(clinic: Clinic) -> None:
    found = dict(clinic.ask("select code, violated from core.finding where code in ('FND-01', 'FND-04')"))
    assert found == {"FND-01": 1, "FND-04": 1}


def test_the_next_night_finds_the_same_and_reads_what_has_stopped_growing(clinic: Clinic) -> None:
    before = {path: path.read_bytes() for path in (clinic.data / "quarantine").rglob("verdict.json")}
    code, line = clinic.end_of_night()
    assert code == 4
    assert clinic.releases[-1] == clinic.releases[0]
    assert {path: path.read_bytes() for path in (clinic.data / "quarantine").rglob("verdict.json")} == before
    refused = sum(bool(one.refused) for one in CLASSES)
    assert f"{refused + 1} new files ({refused} refused)" in line
    assert clinic.ask("select session_id, started_on::text from core.session where patient_id = 'z' order by all") == [
        ("z1", "2025-05-01"),
        ("z2", "2025-05-02"),
    ]


def test_there_are_enough_classes() -> None:
    assert len(SHOWN) >= 60
    assert len({(one.group, one.what) for one in SHOWN}) == len(SHOWN)


def test_every_code_has_a_sentence() -> None:
    assert {code for one in SHOWN for code in one.all_codes} <= set(sentences())


def test_the_page_of_all_classes_is_current() -> None:
    assert DOC.read_text(encoding="utf-8") == page(SHOWN), f"stale: PYTHONPATH=tests python {Path(__file__).relative_to(ROOT)}"


if __name__ == "__main__":
    DOC.write_text(page(SHOWN), encoding="utf-8")
