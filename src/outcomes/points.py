"""Named places between two effects on the disk, where a test may end the process as a power cut would, or fill the disk."""

import errno
import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Does nothing, unless a test asks by the environment.

    OUTCOMES_POINTS names a file that collects the points passed, OUTCOMES_KILL_AT a point to die at, OUTCOMES_FAIL_AT one where the
    disk is full. A point that is passed more than once is told apart as `point#2`, `point#3` ...
    """
    trace, fatal, full = (os.environ.get(f"OUTCOMES_{name}") for name in ("POINTS", "KILL_AT", "FAIL_AT"))
    if trace is None and fatal is None and full is None:
        return
    _passed[point] += 1
    name = point if _passed[point] == 1 else f"{point}#{_passed[point]}"
    if trace is not None:
        with open(trace, "a", encoding="utf-8") as handle:  # noqa: PTH123
            handle.write(name + "\n")
    if name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
    if name == full:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
