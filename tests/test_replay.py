"""Published trials, replayed through a whole night: every cell of the published tables equals an independent computation."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

HERE = Path(__file__).parent
TRIALS = ["antidepressant_hamd17", "btheb", "claus_2020", "hechler_2014", "jacobson_1989", "microdose_selfblind"]
Night = Callable[..., tuple[int, str]]
Dataset = Callable[[str], Path]


def replay() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay", HERE / "tools" / "replay.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.RULES = HERE / "data" / "_rules" / "params.csv"
    return module


@pytest.mark.parametrize("name", TRIALS)
def test_every_cell_agrees(name: str, dataset: Dataset, night: Night, tmp_path: Path) -> None:
    trial, tool = dataset(name), replay()
    tool.export(trial, tmp_path)
    code, line = night()
    assert code == 0, line
    assert tool.compare(trial, tmp_path) == 0


def test_a_wrong_score_is_noticed(dataset: Dataset, night: Night, tmp_path: Path) -> None:
    """The comparison itself can fail: one changed score makes cells differ."""
    trial, tool = dataset("antidepressant_hamd17"), replay()
    tool.export(trial, tmp_path)
    export = tmp_path / "inbox" / "questionnaires.csv"
    lines = export.read_text().splitlines()
    patient, instrument, total, at = lines[1].split(",")
    lines[1] = ",".join([patient, instrument, str(float(total) - 20), at])
    export.write_text("\n".join(lines) + "\n")
    assert night()[0] == 0
    assert tool.compare(trial, tmp_path) == 1
