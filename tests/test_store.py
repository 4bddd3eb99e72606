"""The data folder: what is committed is whole, what is not leaves no trace, and the ledger is in the order in which files override."""

import datetime as dt
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from outcomes import store
from outcomes.store import Verdict

DAY = dt.date(2026, 11, 21)


def verdict(name: str = "a", **more: object) -> Verdict:
    base = Verdict(name * 64, f"{name}.csv", 10, "accepted", exported_on=DAY, as_of=DAY)
    return replace(base, **more)  # type: ignore[arg-type]


def committed(data: Path, given: Verdict, rejects: bool = False) -> Verdict:
    folder = store.draft(data, "clean", given.ingest_id)
    (folder / "form.parquet").write_bytes(b"rows of " + given.ingest_id.encode())
    aside = None
    if rejects:
        aside = store.draft(data, "quarantine", given.ingest_id)
        (aside / "reject.csv").write_text("source_line\n2\n")
    return store.commit(data, folder, given, aside)


def test_a_commit_is_one_folder_with_its_verdict(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    kept = committed(tmp_path, verdict(notes=({"code": "N01", "count": 1},)))
    assert store.ledger(tmp_path) == [kept]
    assert store.committed(tmp_path, kept.ingest_id) == kept
    assert store.parquet(tmp_path, [kept]) == {"form": {kept.ingest_id: tmp_path / "clean" / kept.ingest_id / "form.parquet"}}
    assert store.verify(tmp_path, kept) == []
    assert not list(tmp_path.glob("*/.*"))


def test_everything_is_private(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    committed(tmp_path, verdict(), rejects=True)
    store.refuse(tmp_path, verdict("b", status="refused", code="H01"))
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_changed_clean_file_is_noticed(tmp_path: Path, damage: str) -> None:
    store.tidy(tmp_path)
    kept = committed(tmp_path, verdict())
    path = tmp_path / "clean" / kept.ingest_id / "form.parquet"
    whole = path.read_bytes()
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:] if damage == "flip" else whole[:-1])
    assert store.verify(tmp_path, kept) == ["form.parquet"]


def test_the_ledger_is_in_the_order_in_which_files_override(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    given = [
        verdict("c", exported_on=DAY, arrival=2),
        verdict("b", exported_on=DAY, arrival=1),
        verdict("a", exported_on=DAY, arrival=1),
        verdict("d", exported_on=DAY - dt.timedelta(1), arrival=9),
    ]
    for one in given:
        committed(tmp_path, one)
    assert [one.ingest_id[0] for one in store.ledger(tmp_path)] == ["d", "a", "b", "c"]


def test_a_refusal_is_kept_once_and_gives_way_to_an_acceptance(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    first = store.refuse(tmp_path, verdict("a", status="refused", code="H01", arrival=1))
    assert store.refuse(tmp_path, verdict("a", status="refused", code="H01", arrival=2)) == first
    assert store.refuse(tmp_path, verdict("a", status="refused", code="H02", arrival=2)).arrival == 2
    assert [one.code for one in store.ledger(tmp_path)] == ["H02"]
    assert store.committed(tmp_path, "a" * 64) is None
    committed(tmp_path, verdict("a"))
    assert [one.status for one in store.ledger(tmp_path)] == ["accepted"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    kept = committed(tmp_path, verdict("a"))
    (store.draft(tmp_path, "clean", "b" * 64) / "form.parquet").write_bytes(b"half")
    store.draft(tmp_path, "quarantine", "b" * 64)
    assert store.ledger(tmp_path) == [kept]
    store.tidy(tmp_path)
    assert [path.name for path in (tmp_path / "clean").iterdir()] == [kept.ingest_id]
    assert not list((tmp_path / "quarantine").iterdir())


@pytest.mark.parametrize("steps", range(5), ids=["nothing", "begun", "one zone removed", "one zone moved", "done"])
def test_a_replacement_is_completed_wherever_it_was_interrupted(tmp_path: Path, steps: int) -> None:
    data, other = tmp_path / "data", tmp_path / "data" / ".rebuilt"
    for folder in (data, other):
        store.tidy(folder)
    committed(data, verdict("a"))
    store.refuse(data, verdict("b", status="refused", code="H01"))
    committed(other, verdict("b"))
    if steps == 4:
        store.replace(data, other)
    elif steps:
        other.rename(data / store.REPLACEMENT)
    if steps in (2, 3):
        store.discard(data / "clean")
    if steps == 3:
        (data / store.REPLACEMENT / "clean").rename(data / "clean")
    store.tidy(data)
    assert [(one.ingest_id[0], one.status) for one in store.ledger(data)] == (
        [("b", "accepted")] if steps else [("a", "accepted"), ("b", "refused")]
    )
    assert steps == 0 or not (data / store.REPLACEMENT).exists()


def test_a_verdict_survives_writing_and_reading(tmp_path: Path) -> None:
    store.tidy(tmp_path)
    odd = verdict(
        "a", source_file="söme\nname\udcff.csv", exported_on=None, unknown_column_names=("ü", "\u200b"), rules=({"code": "FRM-01"},)
    )
    committed(tmp_path, odd)
    (read,) = store.ledger(tmp_path)
    assert replace(read, parquet={}) == odd
