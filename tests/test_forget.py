"""One who has withdrawn is in no file that is kept, whatever the export looked like, and whatever comes, or is killed, later."""

import csv
import datetime as dt
import gzip
import hashlib
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
import spine
from hypothesis import given
from hypothesis import strategies as st
from kill_tools import nights
from test_night import small_clinic
from typer.testing import CliRunner

from outcomes import cli, erasure, points, private, runs, scan, sieve, store, withdrawal
from outcomes.clinic import xlsx
from outcomes.runs import Exit
from outcomes.sources.raw import Runs, begins
from outcomes.withdrawal import Register

GONE = "PT-4711"
OTHERS = ["PT-47110", "PT-4712", "XPT-4711"]  # one goes on where the other ends, one ends as it does
SETTINGS = """
[clinic]
name = "Test"
timezone = "America/Denver"

[disclosure]
rule = "off"
"""
BEFORE, AFTER = dt.date(2025, 3, 1), dt.date(2025, 4, 2)
TABLES_OF_FILES = {"quality", "arrival", "quarantine"}


def packed_csv(rows: Sequence[dict[str, Any]], encoding: str = "utf-8", **style: Any) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), **style)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def packed_parquet(rows: Sequence[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pl.DataFrame(list(rows)).write_parquet(out)
    return out.getvalue()


def exports(people: Sequence[str]) -> dict[str, bytes]:
    """The inbox: every table, every shape of a questionnaire and every format; some rows stand twice, some are wrong."""
    people_by_number = [(sum(p.encode()), p) for p in people]  # who they are, not who stands beside, decides what they answer
    patients = [{"patient_id": p, "site_id": "north", "sex": "female"} for p in people]
    sessions = [
        {"session_id": f"{p}/{n}", "patient_id": p, "started_at": f"2025-03-{n:02}", "kind": "medicine", "route": "iv"}
        for p in people
        for n in (3, 10)
    ]
    observations = [
        {"session_id": f"{p}/3", "patient_id": p, "minute": m, "kind": "dissociation", "value": "2"} for p in people for m in "12"
    ]
    events = [{"event_id": f"e-{p}", "patient_id": p, "session_id": f"{p}/3", "term": "nausea"} for p in people]
    long = [
        {"form_id": f"{p}-{day}", "patient_id": p, "instrument_id": "phq9", "answered_at": str(day), "item": i, "answer": (i + n) % 4}
        for day in (BEFORE, AFTER)
        for n, p in people_by_number
        for i in range(1, 10)
    ]
    totals = [
        {"patient_id": p, "instrument_id": "gad7", "answered_at": str(d), "total": 5 + n % 9}
        for n, p in people_by_number
        for d in (BEFORE, AFTER)
    ]
    wide = [
        {"patient_id": p, "answered_at": str(day), **{f"pcl5_{i}": (i + n) % 5 for i in range(1, 21)}}
        for n, p in people_by_number
        for day in (BEFORE, AFTER)
    ]
    wrong = [{**totals[n], "answered_at": "soon"} for n in range(0, len(totals), 2)]
    return {
        "patients_2025-06-01.csv": packed_csv(patients, quoting=csv.QUOTE_ALL),
        "sessions_2025-06-01.parquet": packed_parquet(sessions),
        "session_observations_2025-06-01.csv": packed_csv(observations, delimiter=";"),
        "adverse_events_2025-06-01.csv": packed_csv(events, "utf-16"),
        "questionnaires_long_2025-06-01.csv": packed_csv(long),
        "questionnaires_totals_2025-06-01.jsonl": "\n".join(json.dumps(row) for row in [*totals, *totals, *wrong]).encode(),
        "questionnaires_wide_2025-06-01.xlsx": xlsx.workbook(pl.DataFrame(wide)),
    }


OWN = {f"questionnaires_{GONE}_2025-06-03.csv": f"patient_id,instrument_id,answered_at,total\n{GONE},phq9,2025-03-20,9\n".encode()}
BROKEN = {
    "notes about PT-4711.txt": b"PT-4711 asked for a letter\n",  # refused, since nobody knows the name
    "sessions_2025-06-02.parquet": packed_parquet([{"session_id": "s", "patient_id": GONE}])[:-9],  # refused, since it is cut
}
EVERYBODY = [*OTHERS, GONE, *(f"q{n:03}" for n in range(12))]
REMAINING = [one for one in EVERYBODY if one != GONE]


def clinic(folder: Path, files: dict[str, bytes], settings: str = SETTINGS) -> Path:
    (folder / "inbox").mkdir(parents=True)
    (folder / "outcomes.toml").write_text(settings)
    for name, data in files.items():
        (folder / "inbox" / name).write_bytes(data)
    return folder


def call(folder: Path, *words: str, said: str | None = None) -> tuple[int, str]:
    answer = CliRunner().invoke(cli.app, [*words, "--config", str(folder / "outcomes.toml"), "--log", "json"], input=said)
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    assert GONE not in answer.output.replace("XPT-4711", "").replace("PT-47110", "")
    return answer.exit_code, answer.output


def run(folder: Path, day: str = "2025-07-01") -> tuple[int, str]:
    return call(folder, "run", "--as-of", day)


def forget(folder: Path, *people: str, day: str = "2025-07-01") -> tuple[int, str]:
    return call(folder, "forget", "-", "--as-of", day, said="".join(f"{one}\n" for one in people or [GONE]))


def holding(folder: Path, who: str = GONE) -> set[str]:
    """The files of the data folder that hold somebody, or that can't be unpacked, so that nobody knows."""
    found = scan.scan(folder / "data", [who], folder / "data" / "raw")
    return {str(path.relative_to(folder / "data")) for path in (*found.holding, *found.unread)}


def published(folder: Path) -> dict[str, bytes]:
    current = folder / "data" / "published" / "current" / "csv"
    return {path.stem: path.read_bytes() for path in current.iterdir() if path.stem not in TABLES_OF_FILES}


def verdicts(folder: Path) -> dict[str, store.Verdict]:
    return {verdict.source_file: verdict for verdict in store.ledger(folder / "data")}


@pytest.fixture(scope="module", autouse=True)
def _short_nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        spine.build_nothing_else(tmp_path_factory.getbasetemp() / "spine", patch.setattr)
        yield


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clinic before anybody withdrew. Nobody may change it."""
    folder = clinic(tmp_path_factory.mktemp("known") / "clinic", {**exports(EVERYBODY), **OWN, **BROKEN})
    code, text = run(folder)
    assert code == Exit.WARNINGS, text
    return folder


@pytest.fixture(scope="module")
def forgotten(known: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same, when one of them is forgotten, and what was said. Nobody may change it."""
    folder = copied(known, tmp_path_factory.mktemp("forgotten"))
    code, text = forget(folder)
    assert code == Exit.OK, text
    return folder, text


def copied(folder: Path, to: Path) -> Path:
    return Path(shutil.copytree(folder, to / "clinic", symlinks=True))


def test_every_place_holds_a_person_before_and_none_after(known: Path, forgotten: tuple[Path, str]) -> None:
    before = holding(known)
    raw = {f"raw/{verdict.ingest_id}" for verdict in verdicts(known).values()}
    clean = {f"clean/{v.ingest_id}/{table}" for v in verdicts(known).values() for table in v.parquet if table != "answer.parquet"}
    refused = {f"quarantine/{v.ingest_id}/verdict.json" for name, v in verdicts(known).items() if name in BROKEN and GONE in name}
    own = {f"clean/{v.ingest_id}/verdict.json" for name, v in verdicts(known).items() if name in OWN}
    assert len(raw) == 10
    assert len(refused) == 1
    assert before == raw | clean | refused | own | {"seen.json", "warehouse/snapshots/2025-07-01-0001/warehouse.duckdb"}
    assert holding(forgotten[0]) == set()


def test_everybody_else_is_where_they_were(known: Path, forgotten: tuple[Path, str]) -> None:
    for who in OTHERS:
        kept = {name for name in holding(known, who) if name.startswith(("clean/", "warehouse/"))}
        assert {name.replace("-0001/", "-0002/") for name in kept} == {n for n in holding(forgotten[0], who) if not n.startswith("raw/")}


def test_answers_go_with_their_forms(known: Path, forgotten: tuple[Path, str]) -> None:
    for folder, items in ((known, 2 * (9 + 20)), (forgotten[0], 0)):
        taken = store.parquet(folder / "data", verdicts(folder).values())
        found = {which: pl.read_parquet(path).height for which, path in taken["answer"].items()}
        forms = {which: pl.read_parquet(path) for which, path in taken["form"].items()}
        assert sum(found.values()) == 2 * (9 + 20) * len(REMAINING) + items
        for which, path in taken["answer"].items():
            assert set(pl.read_parquet(path)["form_row"]) <= set(forms[which]["form_row"])


def test_what_is_said_names_files_by_their_fingerprint_and_counts(forgotten: tuple[Path, str]) -> None:
    folder, text = forgotten
    assert "1 people, 1 of them with rows that were taken in" in text
    assert "10 raw files removed" in text
    assert ": 0 hold somebody who is to be forgotten" in text
    inbox = {store.sha256(path)[:12] for path in (folder / "inbox").iterdir()}
    assert inbox == {line.strip() for line in text.splitlines() if line.startswith(" " * 12)}


def test_every_row_is_accounted_for_still(known: Path, forgotten: tuple[Path, str]) -> None:
    now = {verdict.ingest_id: verdict.rows for verdict in verdicts(forgotten[0]).values() if verdict.status == "accepted"}
    for verdict in verdicts(known).values():
        if verdict.status == "accepted":
            rows = now[verdict.ingest_id]
            assert rows["in"] == verdict.rows["in"] == sum(rows[fate] for fate in ("accepted", "duplicate", "rejected", "withdrawn"))
            assert rows["withdrawn"] > 0
    warehouse = forgotten[0] / "data" / "warehouse" / "current" / "warehouse.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert con.sql("select sum(withdrawn) from core.accounting").fetchall() == [(sum(rows["withdrawn"] for rows in now.values()),)]
        odd = "select count(*) from core.accounting where rows_in <> accepted + duplicate + superseded + rejected"
        assert con.sql(odd).fetchall() == [(0,)]


def test_the_figures_are_those_of_a_clinic_that_never_knew_them(forgotten: tuple[Path, str], tmp_path: Path) -> None:
    never = clinic(tmp_path / "never", exports(REMAINING))
    assert run(never)[0] == Exit.OK
    assert run(never)[0] == Exit.OK  # the same number of runs: tables say of which run they are
    assert published(forgotten[0]) == published(never)


SESSIONS = "session_id,patient_id,started_at,kind"
NEVER_SEEN = "x1,q001,2025-05-01,therapy"
KEPT = {
    "nothing else": ("sessions_1.csv", f"{SESSIONS}\n{NEVER_SEEN}\n", True),
    "a column that is not read": ("sessions_2.csv", f"{SESSIONS},with\n{NEVER_SEEN},{GONE}\n", False),
    "the name of a column": ("sessions_8.csv", f"{SESSIONS},{GONE}\n{NEVER_SEEN},1\n", False),
    "a line that can't be read": ("sessions_3.csv", f"{SESSIONS}\n{NEVER_SEEN}\nx2,{GONE}\n", False),
    "the name": (f"sessions_{GONE}_4.csv", f"{SESSIONS}\nx4,q001,2025-05-01,therapy\n", False),
    "a wrong row": ("sessions_5.csv", f"{SESSIONS}\n{NEVER_SEEN}\nx5,{GONE},soon,therapy\n", False),
    "odd characters": ("sessions_6.csv", f"{SESSIONS}\n{NEVER_SEEN}\nx5,\u200b{GONE} ,2025-05-01,therapy\n", False),
    "a wrong header": ("sessions_7.csv", f"session_id,{GONE},started_at,kind\n{NEVER_SEEN}\n", False),
}


@pytest.fixture(scope="module")
def later(forgotten: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night after, with stale exports of them alone and among others in every format, the old files once more, and those of KEPT."""
    folder = copied(forgotten[0], tmp_path_factory.mktemp("later"))
    (folder / "data" / runs.SEEN).unlink()
    for day, people in (("2025-06-19", [GONE]), ("2025-06-20", [*REMAINING, GONE])):
        for name, data in exports(people).items():
            (folder / "inbox" / name.replace("2025-06-01", day)).write_bytes(data)
    for name, text, _ in KEPT.values():
        (folder / "inbox" / name).write_text(text, encoding="utf-8")
    assert run(folder, "2025-07-02")[0] == Exit.WARNINGS
    return folder


def test_nothing_brings_them_back(later: Path) -> None:
    assert holding(later) == set()


@pytest.mark.parametrize("name", sorted(exports([GONE])))
def test_a_stale_export_counts_their_rows_and_keeps_those_of_others(name: str, later: Path) -> None:
    alone, among = (verdicts(later)[name.replace("2025-06-01", day)] for day in ("2025-06-19", "2025-06-20"))
    assert alone.status == among.status == "accepted"
    assert alone.rows["withdrawn"] == alone.rows["in"] == among.rows["withdrawn"] > 0
    assert among.rows["accepted"] > 0
    assert among.rows["in"] == sum(count for fate, count in among.rows.items() if fate != "in")
    assert [note["count"] for note in alone.notes if note["code"] == sieve.CODE] == [alone.rows["in"]]


@pytest.mark.parametrize(("name", "text", "is_kept"), KEPT.values(), ids=KEPT)
def test_a_raw_file_is_kept_only_if_all_of_it_was_read_and_nobody_is_in_it(name: str, text: str, is_kept: bool, later: Path) -> None:
    ingest_id = hashlib.sha256(text.encode()).hexdigest()
    assert ingest_id in {verdict.ingest_id for verdict in verdicts(later).values()}
    assert (later / "data" / "raw" / ingest_id).exists() == is_kept


def test_a_rebuild_takes_over_what_has_no_raw_file_and_brings_nobody_back(forgotten: tuple[Path, str], tmp_path: Path) -> None:
    folder = copied(forgotten[0], tmp_path)
    before = published(folder)
    assert call(folder, "rebuild", "--as-of", "2025-07-01")[0] == Exit.OK
    assert published(folder) == before
    assert len(verdicts(folder)) == len(verdicts(forgotten[0]))
    assert holding(folder) == set()


def test_a_rehearsal_knows_who_has_withdrawn(forgotten: tuple[Path, str], tmp_path: Path) -> None:
    folder = copied(forgotten[0], tmp_path)
    (folder / "inbox" / "sessions_2025-06-20.parquet").write_bytes(exports([GONE])["sessions_2025-06-01.parquet"])
    _, text = call(folder, "run", "--dry-run", "--as-of", "2025-07-02")
    assert "2 of people who have withdrawn" in text
    assert holding(folder) == set()


def test_only_searching_changes_nothing_and_says_what_it_found(known: Path, forgotten: tuple[Path, str]) -> None:
    before = sorted(path for path in (known / "data").rglob("*"))
    code, text = call(known, "forget", "-", "--check", said=GONE)
    assert code == Exit.CRASH
    assert f"{len(holding(known)) - 1} hold somebody" in text
    assert "1 files could not be unpacked" in text
    assert sorted(path for path in (known / "data").rglob("*")) == before
    assert call(forgotten[0], "forget", "-", "--check", said=GONE)[0] == Exit.OK


def test_status_counts_those_who_were_forgotten(known: Path, forgotten: tuple[Path, str]) -> None:
    assert "forgotten" not in call(known, "status")[1]
    assert json.loads(call(forgotten[0], "status")[1])["withdrawals"] == {"recorded": 1, "unfinished": 0}


def test_nobody_and_a_list_that_is_not_there_are_wrong_uses(known: Path) -> None:
    assert call(known, "forget", "-", said=" \n\n")[0] == Exit.USAGE
    assert call(known, "forget")[0] == Exit.USAGE
    code, text = call(known, "forget", GONE)
    assert code == Exit.USAGE
    assert "FileNotFoundError" in text


def test_while_a_run_holds_the_lock_nobody_is_forgotten(known: Path) -> None:
    with runs.lock(known / "data"):
        assert forget(known)[0] == Exit.BUSY
    assert holding(known) != set()


def test_an_export_tells_who_has_withdrawn_and_what_is_left_is_named(known: Path, tmp_path: Path) -> None:
    folder = copied(known, tmp_path)
    (folder / "inbox" / "patients_2025-06-20.csv").write_text(f"patient_id,withdrawn_on\n{GONE},2025-06-19\n")
    assert run(folder)[0] == Exit.WARNINGS
    assert holding(folder) != set()
    note = folder / "data" / f"about {GONE}.txt"
    note.write_text(f"{GONE} asked for a letter")
    code, text = call(folder, "forget", "--withdrawn", "--as-of", "2025-07-01")
    assert code == Exit.CRASH, "somebody's own file in the data folder holds them still"
    assert "1 people" in text
    assert "            about withdrawn.txt\n" in text
    note.unlink()
    assert holding(folder) == set()


POINTS = {
    "forget: raw files searched": "by default",
    "forget: recorded": "by default",
    "replacement ready": "by default",
    "replacement begun": "slow",
    "new quarantine in place": "slow",
    "forget: rows erased": "slow",
    "forget: raw file removed#3": "by default",
    "forget: warehouse removed": "by default",
    "forget: ledgers rewritten": "slow",
    "forget: erased": "slow",
    "after forget": "by default",
    "after build": "slow",
    "swap warehouse: done": "slow",
}
ERASED = ("forget: erased", "after forget", "after build", "swap warehouse: done")


@pytest.fixture(scope="module")
def night() -> Iterator[Callable[..., int]]:
    with nights() as one:
        yield one


@pytest.mark.parametrize("point", [pytest.param(point, marks=[pytest.mark.slow] * (when == "slow")) for point, when in POINTS.items()])
def test_killed_at_any_point_the_next_run_or_the_verb_ends_it(
    point: str, night: Callable[..., int], known: Path, forgotten: tuple[Path, str], tmp_path: Path
) -> None:
    folder = copied(known, tmp_path)
    (folder / "withdrawn.txt").write_text(GONE)
    assert night(folder, "forget", OUTCOMES_KILL_AT=point) == -9
    unfinished = withdrawal.counts(folder / "data")["unfinished"]
    is_recorded = point != "forget: raw files searched"
    assert unfinished == (is_recorded and point not in ERASED)
    assert night(folder, "run" if is_recorded else "forget") in (Exit.OK, Exit.WARNINGS)
    assert holding(folder) == set()
    assert withdrawal.counts(folder / "data") == {"recorded": 1, "unfinished": 0}
    now, then = verdicts(folder), verdicts(forgotten[0])
    assert {name: (one.rows, one.raw_removed) for name, one in now.items()} == {
        name: (one.rows, one.raw_removed) for name, one in then.items()
    }


SECOND = "q003"
LEDGER = {
    "_spell.parquet": pl.DataFrame({"patient_id": [GONE, OTHERS[0], GONE, SECOND, None], "version": [1, 1, 2, 2, 2]}),
    "moved_course.parquet": pl.DataFrame({"patient_id": [OTHERS[1], GONE, None], "course_id": ["a", "b", f"{GONE}-1"], "score": [1, 2, 3]}),
    "counts.parquet": pl.DataFrame({"level": ["north"], "people": [12]}),
}


@pytest.fixture
def remembering(known: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A clinic whose gate remembers people, before two of them are erased, and where it does."""
    folder = copied(known, tmp_path) / "data"
    with closing(private.connect(folder)) as con:
        with private.transaction(con):
            run_id = con.execute("select run_id from release").fetchone()[0]
            for name, frame in LEDGER.items():
                frame.write_parquet(folder / "private" / "ledger" / run_id / name)
                con.execute("insert or replace into release_file values (?, ?, 'as it was')", [run_id, name])
        withdrawal.record(con, [GONE, SECOND], [])
    return folder, folder / "private" / "ledger" / run_id


@pytest.mark.parametrize("disk_full_at", ["", "forget: ledgers ready", "forget: ledger in place"])
def test_the_ledger_of_the_gate_loses_rows_and_names_with_its_checksums(
    disk_full_at: str, remembering: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, ledger = remembering
    if disk_full_at:
        monkeypatch.setenv("OUTCOMES_FAIL_AT", disk_full_at)
        monkeypatch.setattr(points, "_passed", Counter())
        with pytest.raises(OSError, match="space"):
            erasure.finish(data)
        monkeypatch.delenv("OUTCOMES_FAIL_AT")
    erasure.finish(data)
    now = {name: pl.read_parquet(ledger / name) for name in LEDGER}
    first, _, again, second, nobody = now["_spell.parquet"]["patient_id"]
    assert first == again != second
    assert first.startswith("withdrawn-")
    assert second.startswith("withdrawn-")
    assert nobody is None
    assert now["moved_course.parquet"].rows() == [(OTHERS[1], "a", 1), (None, f"{first}-1", 3)]
    assert now["counts.parquet"].equals(LEDGER["counts.parquet"])
    assert {path.name for path in ledger.glob("*")} >= LEDGER.keys()
    assert not list(ledger.glob("*.without"))
    with closing(private.connect(data)) as con:
        told = dict(con.execute("select name, sha256 from release_file").fetchall())
    changed = {"_spell.parquet", "moved_course.parquet"}
    assert {name: told[name] for name in LEDGER} == {
        name: store.sha256(ledger / name) if name in changed else "as it was" for name in LEDGER
    }


def test_a_figure_changes_when_the_gate_lets_it(tmp_path: Path) -> None:
    """Who is forgotten leaves the figures as soon as enough others have come: until then they stand as they were printed."""
    small_clinic(tmp_path, 60, SETTINGS.replace('"off"', '"cms"') + "\n[release]\nevery_days = 0\n")
    assert run(tmp_path, "2025-07-01")[0] == Exit.OK
    shown = [_of_everybody(tmp_path)]
    assert forget(tmp_path, "p003", day="2025-07-02")[0] == Exit.OK
    shown.append(_of_everybody(tmp_path))
    small_clinic(tmp_path, 72, (tmp_path / "outcomes.toml").read_text())  # twelve more, and still the one who is forgotten
    assert run(tmp_path, "2025-07-03")[0] == Exit.OK
    shown.append(_of_everybody(tmp_path))
    assert shown == [(60, dt.date(2025, 7, 1)), (60, dt.date(2025, 7, 1)), (71, dt.date(2025, 7, 3))]
    assert holding(tmp_path, "p003") == set()


def _of_everybody(folder: Path) -> tuple[int, dt.date]:
    with duckdb.connect(str(folder / "data" / "published" / "current" / "outcomes.duckdb"), read_only=True) as con:
        of = "metric_id = 'response' and instrument_id = 'phq9' and window_id = 'd30' and breakdown = 'all'"
        (row,) = con.sql(f"select denominator, as_of from published.outcome_summary where {of}").fetchall()
        return row


# --- the register


def test_the_register_knows_a_person_and_holds_no_name(tmp_path: Path) -> None:
    with closing(private.connect(tmp_path)) as con:
        withdrawal.record(con, [GONE], [])
        withdrawal.record(con, [GONE, "p1"], ["ab"])
        known = withdrawal.read(con)
        assert withdrawal.is_unfinished(con)
        assert withdrawal.raw_files(con) == {"ab"}
        withdrawal.done(con)
        assert not withdrawal.is_unfinished(con)
        withdrawal.record(con, [GONE], [])
        assert withdrawal.is_unfinished(con), "who is named again is looked for again"
    assert known.holds(GONE)
    assert not known.holds(GONE.lower())
    assert not known.holds(OTHERS[0])
    assert len(known.digests) == 2
    data = (tmp_path / private.FOLDER / private.NAME).read_bytes()
    assert GONE.encode() not in data


def test_two_clinics_have_different_digests_of_one_pseudonym(tmp_path: Path) -> None:
    found = []
    for name in "ab":
        with closing(private.connect(tmp_path / name)) as con:
            withdrawal.record(con, [GONE], [])
            found.append(withdrawal.read(con).digests)
    assert found[0] != found[1]


def of(*people: str) -> Register:
    return Register(b"s" * 32, frozenset(withdrawal._digest(b"s" * 32, one) for one in people))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("sessions.csv", "sessions.csv"),
        ("PT-4711", "withdrawn"),
        ("PT-4711.csv", "withdrawn.csv"),
        ("a_PT-4711_PT-4711.csv", "a_withdrawn_withdrawn.csv"),
        ("phq9PT-4711.csv", "phq9withdrawn.csv"),
        ("PT-47110.csv", "PT-47110.csv"),
        ("XPT-4711.csv", "XPT-4711.csv"),
        ("b 12.csv", "b withdrawn.csv"),
        ("b 112.csv", "b 112.csv"),
        ("", ""),
    ],
)
def test_a_name_is_put_right(text: str, left: str) -> None:
    assert of(GONE, "12").without(text) == left
    assert withdrawal.NOBODY.without(text) == text


# --- rows


@given(st.lists(st.tuples(st.sampled_from(["a", "b", " b", "c", None]), st.sampled_from("xy"), st.integers(0, 3)), min_size=1, max_size=30))
def test_runs_are_sifted_as_rows_are(rows: list[tuple[str | None, str, int]]) -> None:
    frame = pl.DataFrame(rows, schema={"patient_id": pl.String, "form_id": pl.String, "answer": pl.Int64}, orient="row")
    frame = frame.with_columns(source_line=pl.int_range(2, pl.len() + 2, dtype=pl.Int64))
    expected = [row for row in frame.rows() if (row[0] or "").strip() != "b"]
    heads = frame.select("patient_id", "form_id", "source_line")
    new = begins(heads)
    batch = Runs(heads.filter(new), np.flatnonzero(new), frame.select("answer", "source_line"))
    for given_batch in (frame, batch):
        one = sieve.Sieve(of("b"))
        left = one.sift(given_batch)
        assert one.rows == frame.height - len(expected)
        if not expected:
            assert left is None
        elif isinstance(left, Runs):
            lengths = np.diff(np.append(left.starts, left.tail.height))
            assert left.starts[0] == 0
            assert bool(begins(left.heads).all())
            again = [head[:2] for head, n in zip(left.heads.rows(), lengths, strict=True) for _ in range(n)]
            assert [(*head, *tail) for head, tail in zip(again, left.tail.rows(), strict=True)] == expected
            assert left.heads["source_line"].to_list() == left.tail["source_line"].gather(pl.Series(left.starts)).to_list()
        else:
            assert isinstance(left, pl.DataFrame)
            assert left.rows() == expected


# --- the search


def _zip(text: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.xml", (b" " + text) * 20)
    return out.getvalue()


def _parquet(text: bytes) -> bytes:
    return packed_parquet([{"x": [text.decode()]}])


HOLDERS: dict[str, Callable[[bytes], bytes]] = {
    "text": lambda text: b"a," + text + b",b\n",
    "the end": lambda text: b"a," + text,
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "utf-16, big end first": lambda text: ("a," + text.decode() + ",b").encode("utf-16-be"),
    "gzip": lambda text: gzip.compress(b"a " + text),
    "zip": _zip,
    "zip in gzip": lambda text: gzip.compress(_zip(text)),
    "a list in parquet": _parquet,
    "json, escaped": lambda text: json.dumps({"x": text.decode()}).encode(),
    "between zeros": lambda text: b"a\0" + text + b"\0b",
}


@pytest.mark.parametrize("kind", HOLDERS)
@pytest.mark.parametrize(
    ("who", "is_found"), [(GONE, True), ("PÄ-4711", True), ("PT-4712", False), ("PT-47110", False), ("XPT-4711", False)]
)
def test_a_search_finds_a_person_however_the_file_is_packed(kind: str, who: str, is_found: bool, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(HOLDERS[kind](who.encode()))
    assert bool(scan.scan(tmp_path, [who]).holding)
    assert bool(scan.scan(tmp_path, [GONE, "PÄ-4711"]).holding) == is_found


def test_a_search_goes_on_where_a_piece_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "PIECE", 64)
    for at in range(150):
        (tmp_path / "file").write_bytes(b" " * at + GONE.encode() + b" " * 70)
        assert scan.scan(tmp_path, [GONE]).holding, at
        for other in OTHERS[::2]:
            (tmp_path / "file").write_bytes(b" " * at + other.encode() + b" " * 70)
            assert not scan.scan(tmp_path, [GONE]).holding, (at, other)


def test_a_row_that_was_deleted_from_a_database_is_found(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute(f"create table t as select '{GONE}' as x")
    assert scan.scan(tmp_path, [GONE]).holding
    with duckdb.connect(str(path)) as con:
        con.execute("delete from t")
    assert GONE.encode() in path.read_bytes()
    assert scan.scan(tmp_path, [GONE]).holding
    # What could be a part of somebody else's pseudonym is nobody's.
    with duckdb.connect(str(path)) as con:
        con.execute(f"insert into t values ('{OTHERS[0]}')")
    assert not scan.scan(tmp_path, [GONE]).holding


def test_a_file_that_is_not_what_it_seems_is_said(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"PAR1 and no more")
    assert scan.scan(tmp_path, [GONE]) == scan.Found(1, (), (tmp_path / "x",))


@pytest.mark.parametrize(
    ("who", "text", "value", "in_export"), [("12", False, True, True), ("p1", False, True, True), ("p012", True, True, True)]
)
def test_a_number_is_a_pseudonym_where_a_value_is_nothing_else(who: str, text: bool, value: bool, in_export: bool, tmp_path: Path) -> None:
    for folder in ("out", "raw", "clean"):
        (tmp_path / folder).mkdir()
    (tmp_path / "out" / "page.html").write_text(f"<td>{who}</td>")
    (tmp_path / "raw" / "file").write_text(f"{who},3\n")
    (tmp_path / "clean" / "form.parquet").write_bytes(packed_parquet([{"patient_id": who}]))
    found = {path.parent.name for path in scan.scan(tmp_path, [who], tmp_path / "raw").holding}
    assert found == {name for name, is_found in (("out", text), ("clean", value), ("raw", in_export)) if is_found}
