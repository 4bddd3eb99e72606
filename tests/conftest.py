"""What the tests share: where published data stand, and a night in a folder of its own."""

import datetime as dt
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# How long an example takes says nothing about what is true of it, least of all on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

HERE = Path(__file__).parent
ROOT = HERE.parent
DATA_FOLDERS = [
    *([Path(os.environ["OUTCOMES_DATA"])] if "OUTCOMES_DATA" in os.environ else []),
    ROOT.parent / "shared" / "data",
    HERE / "data",
]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs_index: installs an older client from the package index, into an environment of its own")


def published_data(name: str) -> Path | None:
    """The folder of a published data set, or None where this machine has none."""
    return next((folder / name for folder in DATA_FOLDERS if (folder / name).is_dir()), None)


@pytest.fixture
def dataset() -> Callable[[str], Path]:
    """A published data set by name; a test that needs an absent one is skipped, and says which."""

    def find(name: str) -> Path:
        folder = published_data(name)
        if folder is None:
            pytest.skip(f"published data set {name} is absent: name its folder in OUTCOMES_DATA")
        return folder

    return find


@pytest.fixture(scope="session", autouse=True)
def drawn() -> Iterator[Callable[..., None]]:
    """Nights of this process put no report beside their tables, since drawing costs seconds; what would do it, for tests of that."""
    from outcomes import steps

    with pytest.MonkeyPatch.context() as patch:
        draw = steps._dress
        patch.setattr(steps, "_dress", lambda *_: None)
        yield draw


def once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """A folder that the first process that asks fills for all processes of the tests, and what `make` said. Nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    folder, said = shared / name, shared / f"{name}.out"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            shutil.rmtree(folder, ignore_errors=True)
            said.write_text(make(folder))
    return folder, said.read_text()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, drawn: Callable[..., None]) -> tuple[Path, str]:
    """The demo's clinic, made by its command, and what that printed."""
    from typer.testing import CliRunner

    from outcomes import cli

    def make(folder: Path) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("outcomes.steps._dress", drawn)
            said = CliRunner().invoke(cli.app, ["demo", str(folder), "--log", "json"])
        assert said.exit_code == 0, said.output
        return said.stdout

    return once(tmp_path_factory, "demo", make)


@pytest.fixture(scope="session")
def courses_clinic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A planted clinic after a night in which nothing is hidden; `truth_tools.lived_in` says what was planted."""
    import truth_tools

    return once(tmp_path_factory, "courses", truth_tools.live_in)[0]


@pytest.fixture
def night(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Runs a night in this process over a folder with outcomes.toml; exit code and summary line."""
    from outcomes import log, verbs
    from outcomes.settings import load

    def run(folder: Path = tmp_path, as_of: str = "2026-01-01", **more: object) -> tuple[int, str]:
        config = folder / "outcomes.toml"
        return verbs.run(load(config), config, verbs.Wanted(dt.date.fromisoformat(as_of), **more), log.silent)  # type: ignore[arg-type]

    return run


@pytest.fixture
def short_night(night: Callable[..., tuple[int, str]], few_tables: None) -> Callable[..., tuple[int, str]]:
    """A night that builds few tables, for tests of what it does around them."""
    return night


@pytest.fixture
def few_tables(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nights of this test build few tables."""
    import spine

    spine.build_nothing_else(tmp_path_factory.getbasetemp() / "spine", monkeypatch.setattr)
