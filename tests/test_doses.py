"""The values in `core.dose_verdict` and `core.dose_value` stand in the order of ref.dose_value, which tells each value's place."""

import duckdb
import polars as pl
import pytest

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
VALUES = reference.from_folder(SQL / "ref")["dose_value"]


@pytest.mark.parametrize(("value_id", "ordinal"), VALUES.select("value_id", "ordinal").rows())
def test_a_value_that_was_recorded_sets_its_own_bit_and_stands_at_its_own_place(value_id: str, ordinal: int) -> None:
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema core; create schema macro")
        for name, frame in reference.from_folder(SQL / "ref").items():
            con.register("incoming", frame.to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        con.execute((SQL / "macro" / "core_flags.sql").read_text())
        con.execute("create table ref.setting as select date '2025-06-01' as as_of")
        columns = {name: pl.Series([1 if name == value_id else None], dtype=pl.Int32) for name in VALUES["value_id"]}
        dose = pl.DataFrame({"session_id": ["s"], "route": ["iv"], "started_on": ["2025-05-31"], **columns})
        con.register("incoming", dose.with_columns(pl.col("started_on").str.to_date()).to_arrow())
        con.execute("create table core.dose as select * from incoming")
        query = sqlfiles.read(SQL / "core" / "dose_verdict.sql").text
        assert con.execute(f"select recorded from ({query})").fetchall() == [(1 << ordinal,)]
        con.execute("create table core.dose_stratum as select 's' as session_id, 1 as course_stratum_id, 1 as dose_stratum_id")
        query = sqlfiles.read(SQL / "core" / "dose_value.sql").text
        assert con.execute(f"select place from ({query})").fetchall() == [(ordinal,)]
