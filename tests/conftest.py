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


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory, drawn: Callable[..., None]) -> tuple[Path, str]:
    """The demo's clinic, made once by its command for all processes of the tests, and what that printed. Nobody may change it."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    folder, said = shared / "demo", shared / "demo.out"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            said.write_text(_make_demo(folder, drawn))
    return folder, said.read_text()


def _make_demo(folder: Path, draw: Callable[..., None]) -> str:
    from typer.testing import CliRunner

    from outcomes import cli

    shutil.rmtree(folder, ignore_errors=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("outcomes.steps._dress", draw)
        said = CliRunner().invoke(cli.app, ["demo", str(folder), "--log", "json"])
    assert said.exit_code == 0, said.output
    return said.stdout


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
