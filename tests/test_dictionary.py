"""The dictionary is the one that the SQL says, and every metric is named, specified and defined."""

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from outcomes import dictionary, disclosure, meanings, places, publish, reference, warehouse
from outcomes.settings import Clinic, Settings

ROOT = Path(__file__).parents[1]
METRICS = sorted(path.stem for path in (places.folder("sql") / "metric").glob("*.sql"))
FILES = sorted((path for schema in ("metric", "tally", "report") for path in (places.folder("sql") / schema).glob("*.sql")), key=str)


def test_the_page_is_current() -> None:
    assert (ROOT / dictionary.PAGE).read_text(encoding="utf-8") == dictionary.page(), "run `python -m outcomes.dictionary`"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """published.dictionary of a clinic without patients."""
    folder = tmp_path_factory.mktemp("dictionary")
    settings = Settings(clinic=Clinic(name="Empty", timezone="UTC"))
    ref = {name: pl.DataFrame(schema=schema) for name, schema in reference.REF.items()}
    ref |= reference.from_settings(settings, dt.date(2026, 1, 1))
    nothing = warehouse.CleanFiles(pl.DataFrame(schema=reference.INPUT_FILE))
    warehouse.build(folder / "built.duckdb", nothing, ref, settings.limits, disclose=disclosure.disclose)
    return publish.write_database(folder / "built.duckdb", folder / "outcomes.duckdb")[meanings.TABLE]


def test_every_table_column_and_macro_of_a_release_says_what_it_means_and_where_it_comes_from(release: pl.DataFrame) -> None:
    assert release.filter(pl.col("meaning").str.strip_chars() == "").rows() == []
    assert release.null_count().select("kind", "table_name", "ordinal", "meaning", "source").row(0) == (0,) * 5
    tables = set(release.filter(pl.col("kind") == "table")["table_name"])
    assert tables == {path.stem for path in (places.folder("sql") / "report").glob("*.sql")} | {meanings.TABLE}
    files = set(release["source"].str.split(", from").list.first())
    assert [name for name in sorted(files) if not (ROOT / name).exists()] == []


def test_every_number_of_a_release_has_a_unit(release: pl.DataFrame) -> None:
    assert list(meanings.without_unit(release)) == [], "name them in sql/ref/unit.csv"


def test_every_macro_is_in_the_release_and_shows_how_it_is_called(release: pl.DataFrame) -> None:
    shipped = {path.stem for path in (places.folder("sql") / "published").glob("*.sql")}
    macros = release.filter(pl.col("kind") == "macro")
    assert set(macros["table_name"]) == shipped
    assert macros["meaning"].str.contains("Example: from published.", literal=True).all()


@pytest.mark.parametrize(
    ("table", "column", "unit"),
    [
        pytest.param("survival", "events", "courses", id="of the table before that of all tables"),
        pytest.param("safety", "events", "events", id="of all tables"),
        pytest.param("safety", "events_per_dose_low", "events per dose", id="by the beginning"),
        pytest.param("outcome_summary", "rate_low", "share, 0 to 1", id="by the name"),
        pytest.param("thing", "weight_kg", "kg", id="by the end"),
        pytest.param("thing", "dose_mg_per_kg", "mg/kg", id="by the longest end"),
        pytest.param("thing", "colour", None, id="unknown"),
    ],
)
def test_a_unit_goes_by_the_nearest_name(table: str, column: str, unit: str | None) -> None:
    assert meanings.Units().of(table, column, "double") == unit
    assert meanings.Units().of(table, column, "varchar") is None


def test_every_metric_has_a_title_and_a_sentence() -> None:
    named = reference.from_folder(places.folder("sql") / "ref")["metric"]
    assert sorted(named["metric_id"]) == METRICS
    assert set(named["good_is"]) <= {"up", "down"}
    assert named.null_count().sum_horizontal().item() == 0


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}.{path.stem}")
def test_every_figure_has_a_specification(path: Path) -> None:
    assert (ROOT / "tests" / "sql" / path.parent.name / f"{path.stem}.md").exists()
