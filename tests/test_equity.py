"""No group of patients is silently dropped: every code that may be exported is in exactly one group, and an unlisted one is so called."""

import json
from collections import Counter

import duckdb
import pytest

from outcomes import places, reference, sqlfiles

SQL = places.folder("sql")
ETHNICITIES = reference.from_folder(SQL / "ref")["ethnicity_group"]


def exported(column: str) -> list[str]:
    """The codes that the rules of the entrance let through."""
    suite = json.loads((places.folder("expectations") / "patient.json").read_text())
    sets = [e["kwargs"]["value_set"] for e in suite["expectations"] if e["kwargs"].get("column") == column and "value_set" in e["kwargs"]]
    return [str(code) for code in sets[0]]


def levels(breakdown: str, column: str, codes: list[str | None]) -> list[str]:
    """The level that one course of each code belongs to, by the SQL that groups courses."""
    with duckdb.connect() as con:
        con.execute("create schema ref; create schema core; create schema macro")
        for name in ("ethnicity_group", "prior_failures"):
            con.register("incoming", reference.from_folder(SQL / "ref")[name].to_arrow())
            con.execute(f"create table ref.{name} as select * from incoming")
        con.execute((SQL / "macro" / "core_yes_no.sql").read_text())
        texts = "site_id programme_id indication indication_subtype route format treatment_resistance sex age_band ethnicity occupation"
        columns = ", ".join(f"{name} varchar" for name in ("course_id", *texts.split()))
        con.execute(f"create table core.course ({columns}, failed_antidepressants integer)")
        columns = "course_id varchar, dose_band varchar, integration_band varchar, modality_set varchar, modalities varchar[]"
        con.execute(f"create table core.course_care ({columns})")
        con.executemany(f"insert into core.course (course_id, {column}) values (?, ?)", [[str(i), code] for i, code in enumerate(codes)])
        query = sqlfiles.read(SQL / "core" / "course_breakdown.sql").text
        found = con.execute(f"select coalesce(levels.{breakdown}, 'unknown') from ({query}) order by course_id::integer").fetchall()
        return [level for (level,) in found]


@pytest.mark.parametrize("column", ["sex", "occupation"])
def test_each_code_is_a_group_of_its_own(column: str) -> None:
    codes = exported(column)
    assert levels(column, column, [*codes, None]) == [*codes, "unknown"]


def test_each_ethnicity_is_in_exactly_one_group() -> None:
    codes = ETHNICITIES["ethnicity"].to_list()
    assert [code for code, times in Counter(codes).items() if times > 1] == []
    assert levels("ethnicity", "ethnicity", codes) == ETHNICITIES["ethnicity_group"].to_list()


def test_a_code_of_the_clinic_s_own_is_called_unlisted_and_never_printed() -> None:
    assert levels("ethnicity", "ethnicity", ["of our own", "White", None]) == ["unlisted", "white", "unknown"]
