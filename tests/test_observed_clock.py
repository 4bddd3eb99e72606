"""Peak and end of real curves equal the numbers that pandas and another query found; a night takes a curve where a session has no times.

The curves (subjective intensity after psilocybin, Stenbaek 2021) are GPL: they are read from the shared data, and skipped without it.
"""

import csv
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from test_boosters import found  # noqa: F401
from truth_tools import Found

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
Dataset = Callable[[str], Path]


@pytest.mark.parametrize("expected", ["pandas", "duckdb"])
def test_curves_have_the_expected_peak_and_end(expected: str, dataset: Dataset) -> None:
    folder = dataset("sdi_psilocybin")
    with (folder / "SDIpsilo.csv").open(encoding="utf-8") as handle:
        points = [(row["id"], int(row["time"]), Decimal(row["score"])) for row in csv.DictReader(handle) if row["score"]]
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema core")
        con.register("incoming", reference.from_folder(SQL / "ref")["observation_clock"].to_arrow())
        con.execute("create table ref.observation_clock as select * from incoming")
        con.execute(
            "create table core.session_observation "
            "(session_id varchar, patient_id varchar, kind varchar, minute decimal(18, 6), value decimal(18, 6))"
        )
        con.executemany("insert into core.session_observation values ($1, $1, 'dissociation', $2, $3)", points)
        query = sqlfiles.read(SQL / "core" / "observed_clock.sql").text
        clocks = {row[0]: row[1:] for row in con.execute(f"select session_id, peak, peak_min, resolved_min from ({query})").fetchall()}
    with (folder / "expected" / f"session_profile_{expected}.csv").open(encoding="utf-8") as handle:
        true = {
            row["id"]: tuple(Decimal(row[name]) if row[name] else None for name in ("peak", "t_peak", "t_resolved_le1"))
            for row in csv.DictReader(handle)
        }
    assert clocks == true
    assert len(true) == 15


def test_a_dose_without_times_has_those_of_its_curve(found: Found) -> None:  # noqa: F811
    """The demo clinic exports every tenth dose as a curve; its times are known only from there."""
    rows = found.sql(
        "select clock.*, dose.* from core.dose inner join core.observed_clock as clock using (session_id) "
        "inner join core.session using (session_id) where core.session.dissociation_resolved_min is null"
    ).to_dicts()
    assert len(rows) > 20
    for row in rows:
        times = [row[f"dissociation_{name}_min"] for name in ("onset", "peak", "resolved")]
        assert times == [row["onset_min"], row["peak_min"], row["resolved_min"]]
        assert times == sorted(times)
