"""Nights that can be killed: a server that holds the slow imports and forks a process per night, and a client that asks for one.

A night that is forked starts at once, and dies alone. Nothing of Polars may be used before the fork, only imported.
What is disturbed are the effects on the disk, and these are the same with few tables: nights build those of spine.py. With `whole` they
build every table.
"""

import datetime as dt
import fcntl
import gc
import hashlib
import importlib
import json
import os
import pkgutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import spine

AS_OF = dt.date(2026, 1, 1)
CRASHED = 70
HEAVY = ("great_expectations", "pandas", "pyarrow.pandas_compat", "polars", "duckdb")
OURS = (
    "disclosure",
    "erasure",
    "forgetting",
    "instruments",
    "intake",
    "publish",
    "reference",
    "scan",
    "settle",
    "steps",
    "verbs",
    "warehouse",
)

Night = Callable[..., int]


@contextmanager
def nights(*, whole: bool = False) -> Iterator[Night]:
    """A function that runs one night to its end and gives its exit code, negative if it was killed, CRASHED if it raised."""
    with tempfile.TemporaryDirectory(prefix="nights-") as folder:
        address = f"{folder}/socket"
        with subprocess.Popen([sys.executable, __file__, address, "whole" if whole else "spine"]) as server:
            try:
                yield lambda data, verb="run", gate="", **points: _asked(
                    address, server, {"folder": str(data), "verb": verb, "gate": str(gate), "points": points}
                )
            finally:
                server.terminate()


def _asked(address: str, server: "subprocess.Popen[bytes]", wanted: dict[str, Any]) -> int:
    while not Path(address).exists():
        assert server.poll() is None, "the server of nights did not start"
        time.sleep(0.1)
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(200)
        line.connect(address)
        line.sendall(json.dumps(wanted).encode() + b"\n")
        return int(line.makefile().readline())


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128
    parent = os.getppid()

    def service_actions(self) -> None:
        super().service_actions()
        if os.getppid() != self.parent:
            os._exit(0)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        wanted = json.loads(self.rfile.readline())
        night = os.fork()
        if night == 0:
            code = CRASHED
            try:
                code = _night(wanted)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        self.wfile.write(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(night, 0)[1]))


def _night(wanted: dict[str, Any]) -> int:
    from outcomes import log, verbs
    from outcomes.settings import load

    os.environ.update(wanted["points"])
    time.sleep = lambda _seconds: None  # a try again need not wait
    config = Path(wanted["folder"]) / "outcomes.toml"
    settings = load(config)
    if wanted["gate"]:
        with open(wanted["gate"]) as gate:  # noqa: PTH123
            fcntl.flock(gate, fcntl.LOCK_SH)
    if wanted["verb"] == "forget":
        from outcomes import forgetting

        people = forgetting.Wanted(tuple((config.parent / "withdrawn.txt").read_text().splitlines()), as_of=AS_OF)
        return int(forgetting.forget(settings, people, log.silent)[0])
    if wanted["verb"] == "rebuild":
        return int(verbs.rebuild(settings, AS_OF, log.silent)[0])
    return int(verbs.run(settings, config, verbs.Wanted(AS_OF, dry=wanted["verb"] == "rehearse"), log.silent)[0])


def state(folder: Path) -> dict[str, str]:
    """Fingerprint of what readers and the next night see: published tables, clean and rejected rows, verdicts, raw bytes."""
    data = folder / "data"
    found = {f"published/{name}": digest for name, digest in (release(folder) or {}).items()}
    for zone in ("raw", "clean", "quarantine"):
        for path in sorted((data / zone).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(data))] = _digest(path)
    return found


def release(folder: Path) -> dict[str, str] | None:
    """Name -> digest of the published Parquet and CSV files as a reader gets them, or None before the first release.

    Fails where a file is missing, cut or not the one that the release's own checksums tell of.
    """
    current = folder / "data" / "published" / "current"
    if not current.is_symlink():
        return None
    shown = current.resolve(strict=True)
    lines = [line.split("  ") for line in (shown / "checksums.txt").read_text().splitlines()]
    told = {name: digest for digest, name in lines}
    assert told == {name: _digest(shown / name) for name in told}, "a torn release"
    return {name: digest for name, digest in told.items() if name != "outcomes.duckdb"}


def leftovers(folder: Path) -> list[str]:
    """What no finished night leaves: hidden and temporary names, spilled data, half a snapshot, a second warehouse."""
    data = folder / "data"
    odd = [
        path
        for path in data.rglob("*")
        if path.name.startswith(".") or ".tmp" in path.name or path.suffix == ".wal" or path.name == "spill"
    ]
    odd += [path for path in data.glob("published/snapshots/*") if not (path / "checksums.txt").is_file()]
    odd += [path for path in data.glob("warehouse/snapshots/*") if path != (data / "warehouse" / "current").resolve()]
    return [str(path.relative_to(data)) for path in odd]


def history(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "data" / "runs.jsonl").read_text().splitlines()]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def known() -> None:
    """Reads once what every night reads: the SQL files, the questionnaires and profiles."""
    from outcomes import instruments, judging, places, sqlfiles

    judging.stacked(sqlfiles.read_folder(places.folder("sql")))
    instruments.load()
    sqlfiles.parser.cache_clear()  # no thread of a database may be lost in the fork


if __name__ == "__main__":
    for name in (*HEAVY, *(f"outcomes.{module}" for module in OURS)):
        importlib.import_module(name)
    for module in pkgutil.iter_modules(importlib.import_module("outcomes.sources").__path__, "outcomes.sources."):
        importlib.import_module(module.name)
    if sys.argv[2] == "spine":
        spine.build_nothing_else(Path(sys.argv[1]).with_name("sql"))
    known()
    gc.freeze()
    with _Server(sys.argv[1], _Handler) as serving:
        serving.serve_forever(0.5)
