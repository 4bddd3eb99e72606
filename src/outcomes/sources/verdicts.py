"""A verdict code in, the sentence about it out: what can be wrong with a file before anyone looks at its columns."""

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal

from outcomes import places


@dataclass(frozen=True)
class Verdict:
    """What one code says: `file` refuses the whole file, `row` costs one row, `note` costs nothing and is reported."""

    code: str
    severity: Literal["file", "row", "note"]
    message: str
    means: str


@cache
def file_verdicts() -> dict[str, Verdict]:
    """Every code of `expectations/file.json`, by code."""
    text = (places.folder("expectations") / "file.json").read_text(encoding="utf-8")
    return {entry["code"]: Verdict(**entry) for entry in json.loads(text)}


class Refused(Exception):
    """A file that is not taken in; the text holds the code and its sentence, never a value or a name from the file.

    Raise it `from None`: the error behind it may quote a cell. `message` is only given for codes that stand in another file
    of `expectations/`.
    """

    def __init__(self, code: str, message: str = "") -> None:
        self.code = code
        self.message = message or file_verdicts()[code].message
        super().__init__(f"{code}: {self.message}")


@contextmanager
def refusing(code: str) -> Iterator[None]:
    """What a library can't read in a file refuses it with this code; a failing disk stays an OSError, without the file's name."""
    try:
        yield
    except Refused:
        raise
    except OSError as error:
        # Libraries raise it for damaged content too, without a number or for a place that no file has.
        if error.errno not in (None, errno.EINVAL):
            raise OSError(error.errno, os.strerror(error.errno)) from None
        raise Refused(code) from None
    except BaseException as error:
        # A Rust library's panic is no Exception, and its type can't be imported without the library.
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise Refused(code) from None
        raise
