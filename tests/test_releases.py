"""Every night computes; readers get a release when one is due, whole, also when the run that decided on it was killed."""

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from test_kill import FIRST, SECOND, SETTINGS, put

from outcomes import overview, private, releases, runs
from outcomes.releases import Release
from outcomes.settings import Settings, load

DAY = dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("rule", "every_days", "days"),
    [("cms", None, 7), ("nhs", None, 7), ("off", None, 0), ("cms", 0, 0), ("cms", 1, 1), ("off", 30, 30)],
)
def test_a_week_lies_between_releases_unless_the_settings_say_otherwise_or_nothing_is_hidden(
    rule: str, every_days: int | None, days: int
) -> None:
    clinic = {"name": "Test", "timezone": "UTC"}
    settings = Settings.model_validate({"clinic": clinic, "disclosure": {"rule": rule}, "release": {"every_days": every_days}})
    assert settings.release_days == days


@pytest.mark.parametrize(
    ("last", "days", "on"),
    [
        (None, 7, None),
        (Release("2026-01-01-0001", DAY), 0, None),
        (Release("2026-01-01-0001", DAY), 7, dt.date(2026, 1, 8)),
        (Release("2026-01-01-0001", DAY), 1, dt.date(2026, 1, 2)),
    ],
    ids=["before the first", "every night", "weekly", "daily"],
)
def test_the_next_release(last: Release | None, days: int, on: dt.date | None) -> None:
    assert releases.next_on(last, days) == on


def test_releases_stand_in_order_of_their_runs(tmp_path: Path) -> None:
    with closing(private.connect(tmp_path)) as con:
        with private.transaction(con):
            for run_id in ("2026-01-05-0010", "2026-01-09-0009"):
                releases.add(con, Release(run_id, DAY, {"outcome.parquet": "ab"}, {"held": 1}))
        assert [release.run_id for release in releases.every(con)] == ["2026-01-09-0009", "2026-01-05-0010"]
        assert releases.last(con) == Release("2026-01-05-0010", DAY, {"outcome.parquet": "ab"}, {"held": 1}, is_shown=False)


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    put(tmp_path, FIRST, SETTINGS + "\n[release]\nevery_days = 7\n")
    return tmp_path


def seen(folder: Path) -> tuple[str, str]:
    """The as-of dates of what analysts and readers see."""
    warehouse, published = (runs.current(folder / "data", zone) for zone in ("warehouse", "published"))
    assert warehouse is not None
    assert published is not None
    return warehouse.name[:10], published.name[:10]


def test_between_two_releases_a_night_computes_and_readers_see_the_last_one(
    clinic: Path, short_night: Callable[..., tuple[int, str]]
) -> None:
    code, _ = short_night(clinic, "2026-01-01")
    assert (code, seen(clinic)) == (4, ("2026-01-01", "2026-01-01"))
    put(clinic, SECOND, (clinic / "outcomes.toml").read_text())
    (clinic / "inbox" / "patients_2025-05-01.csv").unlink()
    code, line = short_night(clinic, "2026-01-07")
    assert (code, seen(clinic)) == (0, ("2026-01-07", "2026-01-01"))
    assert line.startswith("computed as of 2026-01-07")
    assert line.endswith("the release stays as it is; the next comes with figures as of 2026-01-08 or later")
    assert overview.status(load(clinic / "outcomes.toml"))[0] == 0
    code, line = short_night(clinic, "2026-01-08")
    assert (code, seen(clinic)) == (0, ("2026-01-08", "2026-01-08"))
    assert line.startswith("published as of 2026-01-08")


def test_a_release_that_was_decided_on_is_shown_by_the_next_run(clinic: Path, short_night: Callable[..., tuple[int, str]]) -> None:
    short_night(clinic, "2026-01-01")
    short_night(clinic, "2026-01-08")
    data = clinic / "data"
    # As a run leaves it that is killed between its transaction and the swap.
    with closing(private.connect(data)) as con, private.transaction(con):
        con.execute("update release set is_shown = 0 where run_id like '2026-01-08%'")
    for zone in runs.ZONES:
        (data / zone / "current").unlink()
        (data / zone / "current").symlink_to("snapshots/2026-01-01-0001")
    short_night(clinic, "2026-01-09")
    assert seen(clinic) == ("2026-01-09", "2026-01-08")


def test_a_reader_who_was_moved_back_by_hand_stays_there(clinic: Path, short_night: Callable[..., tuple[int, str]]) -> None:
    short_night(clinic, "2026-01-01")
    short_night(clinic, "2026-01-08")
    current = clinic / "data" / "published" / "current"
    current.unlink()
    current.symlink_to("snapshots/2026-01-01-0001")
    short_night(clinic, "2026-01-09")
    assert seen(clinic) == ("2026-01-09", "2026-01-01")
