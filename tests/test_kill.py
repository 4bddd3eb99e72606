"""kill -9, or a full disk, at every place between two effects on the disk: the next night ends as if nothing had happened.

Four plots are disturbed: the first night ever, a night that has a release to replace and files to take in again, a night that brings
a copy of the last warehouse up to date, and a rebuild.
Each named point is a case; its repeats (`#2`, `#3` ...), what another plot has shown, and disks that fill up while nothing is yet
done are slow tests.
"""

import fcntl
import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kill_tools import Night, history, leftovers, nights, release, state

from outcomes import private, releases, runs

POINTS = Path(__file__).parent / "data" / "points.txt"
SETTINGS = """
[clinic]
name = "Kill"
timezone = "America/New_York"

[disclosure]
rule = "off"

[limits]
keep_warehouses = 1
keep_releases = 2
"""
ADDING = SETTINGS + "add_up_to = 1\n"
MENDED = """
[[source]]
name = "people"
table = "patient"
pattern = "patients*"
columns = { site_id = "house" }
"""
SESSIONS = """session_id,patient_id,site_id,started_at,kind,route,programme_id
s1,p1,a,2025-03-01T10:00:00,medicine,iv,series
s2,p1,a,2025-03-08T10:00:00,medicine,iv,series
s3,p2,b,2025-03-02T10:00:00,medicine,iv,series
s4,,b,2025-03-02T10:00:00,medicine,iv,series
"""
FORMS = """patient_id,instrument_id,answered_at,total
p1,phq9,2025-02-27,18
p1,phq9,2025-04-02,6
p2,phq9,2025-02-27,15
p2,phq9,2025-04-01,14
"""
CORRECTED = FORMS.replace("2025-04-02,6", "2025-04-02,12")
UNKNOWN = "patient_id,house\np1,north\n"
FIRST = {"sessions_2025-05-01.csv": SESSIONS, "questionnaires_2025-05-01.csv": FORMS, "patients_2025-05-01.csv": UNKNOWN}
SECOND = {"questionnaires_2025-05-02.csv": CORRECTED}
WARNINGS, OK, FAILED, BUSY, KILLED = 4, 0, 1, 75, -9


def put(folder: Path, files: dict[str, str], settings: str = SETTINGS) -> None:
    (folder / "inbox").mkdir(parents=True, exist_ok=True)
    (folder / "outcomes.toml").write_text(settings)
    for name, text in files.items():
        (folder / "inbox" / name).write_text(text)


@dataclass
class Plot:
    """What is disturbed: a folder before, the verb, and how it ends where nobody disturbs: exit code, state, points passed."""

    before: Path
    verb: str
    code: int = OK
    old: dict[str, str] | None = None
    end: dict[str, str] = field(default_factory=dict)
    new: dict[str, str] | None = None
    points: list[str] = field(default_factory=list)

    def tries_again_at(self, point: str) -> bool:
        """Whether the point lies in a step that is tried again when the disk fails, or may be, or where a whole build takes its place."""
        if point.startswith("warehouse: ") and (point == "warehouse: copied" or "warehouse: renewed" in self.points):
            return True
        steps = [step for step in self.points[self.points.index(point) :] if step.startswith("after ")]
        return steps[0] in {"after stage", "after take_in", "after publish"} and (self.verb, steps[0]) != ("rebuild", "after take_in")

    def copy(self, to: Path) -> Path:
        return Path(shutil.copytree(self.before, to, symlinks=True))


@pytest.fixture(scope="module")
def night(request: pytest.FixtureRequest) -> Iterator[Night]:
    """Nights over the tables that the steps look into; over all of them where every case is run."""
    every_case = any(item.get_closest_marker("slow") for item in request.session.items) and "OUTCOMES_SMALL" not in os.environ
    with nights(whole=every_case) as run:
        yield run


@pytest.fixture(scope="module")
def plots(night: Night, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Plot]:
    """The four plots, each carried out once in a copy."""
    first, second, adding, again = (tmp_path_factory.mktemp(name) / "before" for name in ("first", "second", "adding", "rebuild"))
    put(first, FIRST)
    shutil.copytree(first, second)
    assert night(second) == WARNINGS
    shutil.copytree(second, again, symlinks=True)
    # The file that was refused is read with the mended settings, and a corrected export has come.
    put(second, SECOND, SETTINGS + MENDED)
    put(again, {}, SETTINGS + MENDED)
    put(adding, FIRST, ADDING)
    assert night(adding) == WARNINGS
    put(adding, SECOND, ADDING)
    drawn = {
        "first": Plot(first, "run", WARNINGS),
        "second": Plot(second, "run"),
        "adding": Plot(adding, "run", WARNINGS),
        "rebuild": Plot(again, "rebuild"),
    }
    for plot in drawn.values():
        folder = plot.copy(plot.before.with_name("undisturbed"))
        assert night(folder, plot.verb, OUTCOMES_POINTS=str(folder / "points")) == plot.code
        plot.points = (folder / "points").read_text().splitlines()
        plot.old, plot.end, plot.new = release(plot.before), state(folder), release(folder)
        assert leftovers(folder) == []
    return drawn


class Case(NamedTuple):
    """What happens ("KILL" or "FAIL") at which point of which plot, and by which verb the next night comes."""

    event: str
    plot: str
    point: str
    then: str = "run"

    def __str__(self) -> str:
        return f"{self.plot}: {self.event.lower()} at {self.point}, then {self.then}"


def _listed() -> list[tuple[str, str]]:
    lines = POINTS.read_text().splitlines() if POINTS.exists() else []
    return [(plot, point) for plot, _, point in (line.partition(": ") for line in lines)]


def _cases() -> Iterator[Case]:
    for plot, point in _listed():
        yield Case("KILL", plot, point)
        yield Case("FAIL", plot, point)
        if plot == "rebuild":
            yield Case("KILL", plot, point, then="rebuild")


def _is_default(case: Case) -> bool:
    """A kill at each named point, on the second night where that passes it, and all through an addition to the last warehouse; a full
    disk after each step and each change that is seen."""
    if case.event == "FAIL":
        return bool(re.search("^second: (after [^#]*|swap published: done)$|: file committed$", f"{case.plot}: {case.point}"))
    if case.plot == "adding" and case.point.startswith("warehouse: "):
        return True
    shown = case.plot != "second" and ("second", case.point) in _listed()
    return "#" not in case.point and case.then == "run" and not shown


def _marked() -> list[Any]:
    slow = [case for case in _cases() if not _is_default(case)]
    left_out = set(slow) - set(slow[:: 10 if "OUTCOMES_SMALL" in os.environ else 1])
    marks = {True: [], False: [pytest.mark.slow]}
    return [pytest.param(case, id=str(case), marks=marks[_is_default(case)]) for case in _cases() if case not in left_out]


class End(NamedTuple):
    """What was found after the disturbed night, and after the next; `shown` are the releases that readers saw, one after the other, with
    the one that the disturbed night had decided on: the next night shows it first."""

    code: int
    seen: dict[str, str] | None
    next_code: int
    state: dict[str, str]
    leftovers: list[str]
    last: dict[str, Any]
    shown: list[str]
    kept: list[str]


def _disturbed(night: Night, plot: Plot, case: Case, folder: Path) -> End:
    plot.copy(folder)
    published = folder / "data" / "published"
    shown = [_shown(published)]
    code = night(folder, plot.verb, **{f"OUTCOMES_{case.event}_AT": case.point})
    seen = release(folder)
    shown += [_shown(published), _decided(folder / "data")]
    next_code = night(folder, case.then)
    shown += [_shown(published)]
    kept = sorted(path.name for path in (published / "snapshots").iterdir())
    end = End(code, seen, next_code, state(folder), leftovers(folder), history(folder)[-1], shown, kept)
    shutil.rmtree(folder)
    return end


def _shown(published: Path) -> str:
    return (published / "current").resolve().name if (published / "current").exists() else ""


def _decided(data: Path) -> str:
    """The last release that a run has decided to show, whether or not it came to show it."""
    if not (data / private.FOLDER / private.NAME).exists():
        return ""
    with closing(private.connect(data)) as con:
        decided = releases.last(con)
    return decided.run_id if decided else ""


@pytest.fixture(scope="module")
def ends(
    night: Night, plots: dict[str, Plot], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[dict[Case, "Future[End]"]]:
    """The cases that were asked for, as many at a time as there are cores."""
    called = [item.callspec.params for item in request.session.items if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    cases = [case for params in called if isinstance(case := params.get("case"), Case)]
    folder = tmp_path_factory.mktemp("disturbed")
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {case: pool.submit(_disturbed, night, plots[case.plot], case, folder / str(n)) for n, case in enumerate(cases)}
        pool.shutdown(cancel_futures=True)


def test_the_listed_points_are_those_that_are_passed(plots: dict[str, Plot]) -> None:
    passed = [(name, point) for name, plot in plots.items() for point in plot.points]
    if "OUTCOMES_WRITE_POINTS" in os.environ:
        POINTS.write_text("".join(f"{plot}: {point}\n" for plot, point in passed))
    assert _listed() == passed, f"write {POINTS.name} anew: OUTCOMES_WRITE_POINTS=1 pytest {__file__} -k listed"


@pytest.mark.parametrize("case", _marked())
def test_the_next_night_ends_as_an_undisturbed_one(case: Case, ends: dict[Case, "Future[End]"], plots: dict[str, Plot]) -> None:
    plot, end = plots[case.plot], ends[case].result()
    assert end.code == (KILLED if case.event == "KILL" else plot.code if plot.tries_again_at(case.point) else FAILED)
    assert end.seen in (plot.old, plot.new), "a reader saw neither the old release nor the new one"
    assert end.next_code == plot.code
    assert end.state == plot.end
    assert end.leftovers == []
    assert end.last["status"] == "published"
    assert end.kept == sorted({*end.shown} - {""})[-2:], "a release that nobody saw was kept, or one that somebody saw was not"


@pytest.mark.parametrize(
    ("event", "point", "code"), [("KILL", "swap published: link made", KILLED), ("FAIL", "swap published: done", OK)], ids=["kill", "fail"]
)
def test_a_reader_sees_the_old_release_or_the_new_one_at_every_moment(
    event: str, point: str, code: int, night: Night, plots: dict[str, Plot], tmp_path: Path
) -> None:
    plot = plots["second"]
    assert plot.old != plot.new
    folder = plot.copy(tmp_path / "clinic")
    seen: list[dict[str, str] | None] = []
    over = threading.Event()

    def read() -> None:
        published, shown = folder / "data" / "published", ""
        for turn in itertools.count():
            if _shown(published) != shown or turn % 1000 == 0:
                shown = _shown(published)
                seen.append(release(folder))
            if over.is_set():
                return
            # The link can only change while a complete release stands beside the shown one: then every moment counts.
            if shown == max(path.name for path in (published / "snapshots").glob("[!.]*")):
                time.sleep(0.002)

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            assert night(folder, **{f"OUTCOMES_{event}_AT": point}) == code
            assert night(folder) == OK
        finally:
            over.set()
        reader.result()
    assert all(one in (plot.old, plot.new) for one in seen)
    assert release(folder) == plot.new


@pytest.mark.parametrize("starts", [10, pytest.param(50, marks=pytest.mark.slow)])
def test_of_simultaneous_starts_one_does_the_work(starts: int, night: Night, plots: dict[str, Plot], tmp_path: Path) -> None:
    folder = plots["first"].copy(tmp_path / "clinic")
    gate = tmp_path / "gate"
    with gate.open("w") as held, ThreadPoolExecutor(starts) as pool:
        fcntl.flock(held, fcntl.LOCK_EX)
        codes = [pool.submit(night, folder, gate=gate) for _ in range(starts)]
        _wait_until_all_stand_at(gate, starts)
        fcntl.flock(held, fcntl.LOCK_UN)
    assert sorted(code.result() for code in codes) == [plots["first"].code, *[BUSY] * (starts - 1)]
    assert state(folder) == plots["first"].end
    assert len(history(folder)) == 1


def _wait_until_all_stand_at(gate: Path, starts: int) -> None:
    inode = f":{gate.stat().st_ino} "
    while sum(inode in line for line in Path("/proc/locks").read_text().splitlines() if "->" in line) < starts:
        time.sleep(0.05)


@pytest.mark.parametrize("turn", [1, -1], ids=["one way", "the other way"])
def test_the_later_of_two_files_without_a_date_wins_after_kill_9_on_the_same_day(turn: int, night: Night, tmp_path: Path) -> None:
    texts = [FORMS, CORRECTED][::turn]
    folders = [tmp_path / name for name in ("killed", "undisturbed")]
    for folder, killed_at in zip(folders, ["file committed#2", ""], strict=True):
        put(folder, {"sessions_2025-05-01.csv": SESSIONS, "questionnaires.csv": texts[0]})
        assert night(folder, OUTCOMES_KILL_AT=killed_at) == (KILLED if killed_at else OK)
        put(folder, {"questionnaires.csv": texts[1]})
        assert night(folder) == OK
    assert state(folders[0]) == state(folders[1])


def test_files_that_arrived_together_stay_together_after_kill_9(night: Night, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("killed", "undisturbed")]
    together = {"sessions_2025-05-01.csv": SESSIONS, "questionnaires_a.csv": FORMS, "questionnaires_b.csv": CORRECTED}
    for folder, killed_at in zip(folders, ["file committed", ""], strict=True):
        put(folder, together)
        assert night(folder, OUTCOMES_KILL_AT=killed_at) == (KILLED if killed_at else OK)
    assert night(folders[0]) == OK
    assert state(folders[0]) == state(folders[1])


@pytest.mark.parametrize("point", ["file committed", "published"])
def test_a_rehearsal_leaves_nothing_after_kill_9(point: str, night: Night, plots: dict[str, Plot], tmp_path: Path) -> None:
    folder = plots["second"].copy(tmp_path / "clinic")
    assert night(folder, "rehearse", OUTCOMES_KILL_AT=point) == KILLED
    assert release(folder) == plots["second"].old
    assert night(folder) == OK
    assert state(folder) == plots["second"].end
    assert leftovers(folder) == []


@pytest.mark.parametrize("cut", [0, 1, 20])
def test_a_record_cut_by_a_power_failure_is_passed_over_and_closed(cut: int, tmp_path: Path) -> None:
    for ordinal in (1, 2):
        runs.record(tmp_path, {"run_id": f"r{ordinal}", "ordinal": ordinal, "status": "published"})
    whole = (tmp_path / runs.HISTORY).read_bytes()
    (tmp_path / runs.HISTORY).write_bytes(whole[: len(whole) - cut])
    runs.record(tmp_path, {"run_id": "r3", "ordinal": 3, "status": "published"})
    assert [run["run_id"] for run in runs.history(tmp_path)] == (["r1", "r3"] if cut == 20 else ["r1", "r2", "r3"])
