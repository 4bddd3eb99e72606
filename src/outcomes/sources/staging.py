"""A file of the inbox in, its bytes under their SHA-256 in `raw/` out, with the counts that tell what kind of file it is."""

import codecs
import errno
import hashlib
import io
import os
import secrets
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from outcomes.points import reached
from outcomes.settings import Limits
from outcomes.sources.verdicts import Refused

CHUNK = 1 << 20
HEAD = 1 << 16
# A copy so large is put on the disk while it is made, not only in the end.
AT_ONCE = 1 << 26
UNFINISHED = ".tmp-"


@dataclass(frozen=True)
class Facts:
    """Counts over all bytes of a file, and its first 64 KiB (`head`).

    `broken_utf8` counts the bytes that belong to no UTF-8 character; it is 0 for valid UTF-8. `non_ascii` and `broken_utf8` are
    complete only where `nuls` is 0.
    """

    newlines: int
    returns: int
    nuls: int
    non_ascii: int
    broken_utf8: int
    head: bytes


@dataclass(frozen=True)
class Staged:
    """One file as it came: `ingest_id` is the SHA-256 of its bytes, `path_in_raw` the private copy that is read from here on."""

    ingest_id: str
    path_in_raw: Path
    bytes: int
    facts: Facts


def stage(path: Path, raw_folder: Path, limits: Limits) -> Staged:
    """The file copied to `raw_folder` under its hash; the same bytes give the same path, however often and under whatever name.

    The copy is complete and on disk before it has its name. Raises Refused for what is not a plain readable file (F04), is
    beyond `limits.file_mb` (F02), or changes while it is read (F03); OSError, without the file's name, when the disk fails.
    """
    raw_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = raw_folder / f"{UNFINISHED}{os.getpid()}-{secrets.token_hex(4)}"
    source = _opened(path)
    try:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode):
            raise Refused("F04")
        if before.st_size > limits.file_mb * 1_000_000:
            raise Refused("F02")
        ingest_id, size, facts = _copied(source, unfinished, before.st_size)
        if size != before.st_size or _identity(_seen(path)) != _identity(before):
            raise Refused("F03")
        final = raw_folder / ingest_id
        reached("raw: copied")
        _keep(unfinished, final)
        reached("raw: kept")
        return Staged(ingest_id, final, size, facts)
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or errno.EIO)) from None
    finally:
        os.close(source)
        unfinished.unlink(missing_ok=True)


def sweep(raw_folder: Path) -> int:
    """How many unfinished copies of a killed run were removed; to be called by the one run that holds the lock."""
    left = [file for file in raw_folder.glob(f"{UNFINISHED}*") if file.is_file()]
    for file in left:
        file.unlink(missing_ok=True)
    return len(left)


def _opened(path: Path) -> int:
    try:
        # O_NONBLOCK: a pipe in the inbox must not hold up the night.
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise Refused("F03") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENXIO, errno.EISDIR):
            raise Refused("F04") from None
        raise OSError(error.errno, os.strerror(error.errno or errno.EIO)) from None


def _seen(path: Path) -> os.stat_result:
    try:
        return path.stat(follow_symlinks=False)
    except FileNotFoundError:
        raise Refused("F03") from None


def _identity(seen: os.stat_result) -> tuple[int, int, int, int, int]:
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _copied(source: int, target: Path, expected: int) -> tuple[str, int, Facts]:
    """SHA-256, size and facts of what `source` gives, written to `target`; stops once there is more than expected."""
    digest = hashlib.sha256()
    count = _Count()
    size = 0
    buffers = [bytearray(CHUNK), bytearray(CHUNK)]
    out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    # Hashing takes as long as all the rest, and the disk may work meanwhile: both leave the interpreter free.
    with os.fdopen(out, "wb", buffering=0) as copy, ThreadPoolExecutor(2) as helpers:
        hashed = saved = None
        while size <= expected and (got := os.readv(source, [buffers[0]])):
            chunk = memoryview(buffers[0])[:got]
            if hashed:
                hashed.result()
            hashed = helpers.submit(digest.update, chunk)
            _write(copy, chunk)
            count.add(buffers[0], chunk)
            size += got
            if size > AT_ONCE and (saved is None or saved.done()):
                if saved:
                    saved.result()
                saved = helpers.submit(os.fsync, copy.fileno())
            buffers.reverse()
        for running in (hashed, saved):
            if running:
                running.result()
        os.fsync(copy.fileno())
    return digest.hexdigest(), size, count.facts()


def _write(copy: io.FileIO, chunk: memoryview) -> None:
    """All of the chunk; a file takes less than it is given where the disk is nearly full."""
    while chunk:
        chunk = chunk[copy.write(chunk) :]


class _Count:
    """Facts in the making, chunk by chunk; a character that spans two chunks counts as one."""

    def __init__(self) -> None:
        self.head = b""
        self.sums = dict.fromkeys((10, 13, 0), 0)
        self.non_ascii = self.broken = 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self.pending = False

    def add(self, buffer: bytearray, chunk: memoryview) -> None:
        """`chunk` is what the buffer holds."""
        view = np.frombuffer(chunk, np.uint8)
        for byte in self.sums:
            # Most files have neither carriage returns nor zeros, and to find none is quick.
            if buffer.find(byte, 0, view.size) >= 0:
                self.sums[byte] += int(np.count_nonzero(view == byte))
        if len(self.head) < HEAD:
            self.head += bytes(chunk[: HEAD - len(self.head)])
        # With zero bytes it is UTF-16 or no text.
        if not self.sums[0] and (self.pending or view.max(initial=0) > 127):
            self.non_ascii += int(np.count_nonzero(view > 127))
            self._decode(bytes(chunk), final=False)

    def _decode(self, chunk: bytes, final: bool) -> None:
        text = self.decoder.decode(chunk, final)
        self.pending = bool(self.decoder.getstate()[0])
        try:
            text.encode()
        except UnicodeEncodeError:
            letters = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
            self.broken += int(np.count_nonzero((letters >= 0xDC80) & (letters <= 0xDCFF)))

    def facts(self) -> Facts:
        self._decode(b"", final=True)
        return Facts(self.sums[10], self.sums[13], self.sums[0], self.non_ascii, self.broken, self.head)


def _keep(unfinished: Path, final: Path) -> None:
    """Gives the copy its name; the name survives a power cut, and an older copy that was damaged on disk is mended."""
    unfinished.replace(final)
    folder = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
