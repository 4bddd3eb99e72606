"""A file of the inbox in, its bytes under their SHA-256 in `raw/` out, with the counts that tell what kind of file it is."""

from dataclasses import dataclass
from pathlib import Path

from outcomes.settings import Limits


@dataclass(frozen=True)
class Facts:
    """Counts over all bytes of a file."""

    newlines: int
    returns: int
    quotes: int
    commas: int
    semicolons: int
    tabs: int
    pipes: int
    nuls: int
    non_ascii: int
    broken_utf8: int
    head: bytes
    tail: bytes


@dataclass(frozen=True)
class Staged:
    """One file as it came: `ingest_id` is the SHA-256 of its bytes, `path_in_raw` the private copy that is read from here on."""

    ingest_id: str
    path_in_raw: Path
    bytes: int
    facts: Facts


def stage(path: Path, raw_folder: Path, limits: Limits) -> Staged:
    """The file copied to `raw_folder` under its hash; the same bytes give the same path, however often and under whatever name.

    Raises Refused for what is not a plain file (F04), is beyond `limits.file_mb` (F02), or changes while it is read (F03).
    """
    raise NotImplementedError
