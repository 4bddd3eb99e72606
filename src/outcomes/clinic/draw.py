"""A stream of uniform numbers in, whole numbers and choices out.

Only `Generator.random` is used, and only arithmetic that is exact in IEEE doubles: the same seed gives the same clinic on every machine.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]


def stream(seed: int, part: int) -> np.random.Generator:
    """The stream of one part of the clinic; a change in one part leaves the others as they were."""
    return np.random.Generator(np.random.PCG64([seed, part]))


def luck(seed: int, courses: int) -> Floats:
    """Of each course a uniform number; who has the lowest fares best."""
    return stream(seed, 7).random(courses)


def chance(rng: np.random.Generator, share: float | Floats, n: int) -> Bools:
    """True with probability `share`."""
    return np.asarray(rng.random(n) < share)


def whole(rng: np.random.Generator, low: int | Ints, high: int | Ints, n: int) -> Ints:
    """Whole numbers from low to high, both included, all as likely."""
    return _within(rng.random(n), low, high)


def bell(rng: np.random.Generator, low: int | Ints, high: int | Ints, n: int) -> Ints:
    """Whole numbers from low to high, those in the middle more likely."""
    return _within((rng.random(n) + rng.random(n) + rng.random(n)) / 3, low, high)


def choose(rng: np.random.Generator, shares: Mapping[str, float], n: int) -> Names:
    """Names, each as often as its share of all shares says."""
    edges = np.cumsum(np.array(list(shares.values()), dtype=np.float64))
    place = np.searchsorted(edges / edges[-1], rng.random(n), side="right")
    return np.asarray(list(shares))[np.minimum(place, len(edges) - 1)]


def _within(u: Floats, low: int | Ints, high: int | Ints) -> Ints:
    return np.asarray(low + np.floor(u * (np.asarray(high) - low + 1)).astype(np.int64), dtype=np.int64)
