"""Staging: the same bytes give the same path, and what is not a whole, plain, unchanging file is refused."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from outcomes.settings import Limits
from outcomes.sources import staging
from outcomes.sources.staging import CHUNK, Facts, stage, sweep
from outcomes.sources.verdicts import Refused

TABLE = b"id,score\np1,3\n"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


NAMES = ["forms.csv", "a[12].csv", "*.csv", "-rf", "two\nlines.csv", "..csv", "pé1 3.csv", "p" * 200 + ".csv"]


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_the_name_does_not_matter(name: str, inbox: Path, raw: Path) -> None:
    (inbox / name).write_bytes(TABLE)

    staged = stage(inbox / name, raw, Limits())

    assert staged.ingest_id == hashlib.sha256(TABLE).hexdigest()
    assert staged.path_in_raw == raw / staged.ingest_id
    assert staged.path_in_raw.read_bytes() == TABLE
    assert staged.bytes == len(TABLE)


def test_the_same_bytes_twice_are_one_private_file(inbox: Path, raw: Path) -> None:
    for name in ("one.csv", "two.csv", "one.csv"):
        (inbox / name).write_bytes(TABLE)
        staged = stage(inbox / name, raw, Limits())

    assert [file.name for file in raw.iterdir()] == [staged.ingest_id]
    assert stat.S_IMODE(staged.path_in_raw.stat().st_mode) == 0o600
    assert stat.S_IMODE(raw.stat().st_mode) == 0o700


def test_a_damaged_copy_is_mended(inbox: Path, raw: Path) -> None:
    (inbox / "one.csv").write_bytes(TABLE)
    staged = stage(inbox / "one.csv", raw, Limits())
    staged.path_in_raw.write_bytes(TABLE.replace(b"3", b"4"))

    stage(inbox / "one.csv", raw, Limits())

    assert staged.path_in_raw.read_bytes() == TABLE


def link(path: Path) -> None:
    path.with_suffix(".target").write_bytes(TABLE)
    path.symlink_to(path.with_suffix(".target"))


def dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def nothing(path: Path) -> None:
    assert not path.exists()


REFUSED: list[tuple[str, Callable[[Path], None], str]] = [
    ("a link", link, "F04"),
    ("a link to nowhere", dangling, "F04"),
    ("a folder", Path.mkdir, "F04"),
    ("a pipe", os.mkfifo, "F04"),
    ("a file that vanished", nothing, "F03"),
    ("a file beyond the limit", lambda path: path.write_bytes(bytes(1_000_001)) and None, "F02"),
]


@pytest.mark.parametrize(("make", "code"), [pytest.param(make, code, id=name) for name, make, code in REFUSED])
def test_what_is_not_a_plain_file_is_refused(make: Callable[[Path], None], code: str, inbox: Path, raw: Path) -> None:
    make(inbox / "p1-secret.csv")

    with pytest.raises(Refused) as refusal:
        stage(inbox / "p1-secret.csv", raw, Limits(file_mb=1))

    assert refusal.value.code == code
    assert "secret" not in str(refusal.value)
    assert list(raw.iterdir()) == []


def grows(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"p2,4\n")


def shrinks(path: Path) -> None:
    os.truncate(path, CHUNK)


def changes_in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"ID")
    os.utime(path, (0, 0))


def is_replaced(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    new.replace(path)


@pytest.mark.parametrize("happens", [grows, shrinks, changes_in_place, is_replaced, Path.unlink], ids=lambda happens: happens.__name__)
def test_a_file_that_changes_while_it_is_read_is_refused(
    happens: Callable[[Path], None], inbox: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = inbox / "forms.csv"
    file.write_bytes(TABLE * (CHUNK // 4))
    count = staging._Count.add
    seen: list[int] = []

    def counted(self: staging._Count, buffer: bytearray, chunk: memoryview) -> None:
        count(self, buffer, chunk)
        seen.append(len(chunk))
        if len(seen) == 1:
            happens(file)

    monkeypatch.setattr(staging._Count, "add", counted)

    with pytest.raises(Refused) as refusal:
        stage(file, raw, Limits())

    assert refusal.value.code == "F03"
    assert list(raw.iterdir()) == []


def test_a_file_that_ends_before_its_size_is_refused(inbox: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "forms.csv").write_bytes(TABLE)
    monkeypatch.setattr(staging.os, "readv", lambda *_: 0)

    with pytest.raises(Refused) as refusal:
        stage(inbox / "forms.csv", raw, Limits())

    assert refusal.value.code == "F03"


def test_a_failing_disk_says_nothing_of_the_file(inbox: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (inbox / "p1-secret.csv").write_bytes(TABLE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", "/inbox/p1-secret.csv")

    monkeypatch.setattr(staging.os, "fsync", full)

    with pytest.raises(OSError, match="No space left") as error:
        stage(inbox / "p1-secret.csv", raw, Limits())

    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__
    assert list(raw.iterdir()) == []


def test_what_a_killed_run_left_is_swept(inbox: Path, raw: Path) -> None:
    (inbox / "one.csv").write_bytes(TABLE)
    staged = stage(inbox / "one.csv", raw, Limits())
    (raw / ".tmp-99-aa").write_bytes(b"id,sc")

    assert sweep(raw) == 1
    assert list(raw.iterdir()) == [staged.path_in_raw]


FACTS = [
    ("nothing", b"", Facts(0, 0, 0, 0, 0, b"")),
    ("line ends", b"a\r\nb\rc\n", Facts(2, 2, 0, 0, 0, b"a\r\nb\rc\n")),
    ("UTF-8", "é€😀".encode(), Facts(0, 0, 0, 9, 0, "é€😀".encode())),
    ("latin-1", "né né".encode("latin-1"), Facts(0, 0, 0, 2, 2, "né né".encode("latin-1"))),
    ("a letter cut at the end", "€".encode()[:2], Facts(0, 0, 0, 2, 2, "€".encode()[:2])),
]


@pytest.mark.parametrize(("data", "facts"), [pytest.param(data, facts, id=name) for name, data, facts in FACTS])
def test_facts(data: bytes, facts: Facts, inbox: Path, raw: Path) -> None:
    (inbox / "file").write_bytes(data)

    assert stage(inbox / "file", raw, Limits()).facts == facts


def test_a_letter_across_two_chunks_is_whole(inbox: Path, raw: Path) -> None:
    (inbox / "file").write_bytes(b"x" * (CHUNK - 1) + "€".encode() + b"y" * CHUNK)

    facts = stage(inbox / "file", raw, Limits()).facts

    assert (facts.non_ascii, facts.broken_utf8) == (3, 0)


def test_a_large_copy_is_put_on_the_disk_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "CHUNK", 16)
    monkeypatch.setattr(staging, "AT_ONCE", 32)
    data = bytes(range(256)) * 4
    (tmp_path / "file.csv").write_bytes(data)

    staged = stage(tmp_path / "file.csv", tmp_path / "raw", Limits())

    assert staged.path_in_raw.read_bytes() == data
    assert staged.ingest_id == hashlib.sha256(data).hexdigest()


def test_a_disk_that_fails_while_a_large_copy_is_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system tells of a failure once; the last call of all would hear nothing of it."""
    monkeypatch.setattr(staging, "CHUNK", 16)
    monkeypatch.setattr(staging, "AT_ONCE", 32)
    (tmp_path / "file.csv").write_bytes(bytes(1024))

    fsync, calls = os.fsync, []

    def fails_once(handle: int) -> None:
        calls.append(handle)
        if len(calls) == 1:
            raise OSError(errno.EIO, "SECRET")
        fsync(handle)

    monkeypatch.setattr(staging.os, "fsync", fails_once)
    with pytest.raises(OSError, match="Input/output error") as failure:
        stage(tmp_path / "file.csv", tmp_path / "raw", Limits())
    assert "SECRET" not in str(failure.value)
    assert list((tmp_path / "raw").iterdir()) == []
