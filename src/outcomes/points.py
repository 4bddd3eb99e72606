"""Named places between two effects on the disk, where a test may end the process as a power cut would."""

import os
import signal
from collections import Counter

_passed: Counter[str] = Counter()


def reached(point: str) -> None:
    """Does nothing, unless a test asks: OUTCOMES_POINTS names a file that collects the points passed, OUTCOMES_KILL_AT a point to die at.

    A point that is passed more than once is told apart as `point#2`, `point#3` ...
    """
    trace, fatal = os.environ.get("OUTCOMES_POINTS"), os.environ.get("OUTCOMES_KILL_AT")
    if trace is None and fatal is None:
        return
    _passed[point] += 1
    name = point if _passed[point] == 1 else f"{point}#{_passed[point]}"
    if trace is not None:
        with open(trace, "a", encoding="utf-8") as handle:  # noqa: PTH123
            handle.write(name + "\n")
    if name == fatal:
        os.kill(os.getpid(), signal.SIGKILL)
