"""Two breakdowns that cut nearly the same people: exactly those are refused in which a union of sets comes too near to a set."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes.gate import crossing
from outcomes.gate.crossing import Family

K = 4
GROUPS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 5)), min_size=1, max_size=9)


def family(name: str, of: list[int], hides: int = -1, is_tonight: bool = True) -> Family:
    places = [place for place in sorted({*of}) if place != hides]
    return Family(name, is_tonight, np.array([[one == place for one in of] for place in places], dtype=bool).reshape(-1, len(of)))


def is_near(one: Family, other: Family, sizes: list[int]) -> bool:
    """Every set against every union, counted one by one."""
    unions = [some for n in range(len(other.sets) + 1) for some in combinations(other.sets, n)]
    least = [
        min(int(np.dot(wanted ^ np.logical_or.reduce([np.zeros_like(wanted), *union]), sizes)) for union in unions) for wanted in one.sets
    ]
    return any(0 < people < K for people in least)


@given(GROUPS, st.integers(-1, 3), st.booleans())
def test_what_is_refused_is_what_comes_too_near(groups: list[tuple[int, int, int]], hides: int, first_was_printed: bool) -> None:
    sizes = [n for *_, n in groups]
    sites, programmes = ([group[i] for group in groups] for i in (0, 1))
    one, other = family("site", sites, is_tonight=not first_was_printed), family("programme", programmes, hides)
    if not len(other.sets):
        return
    near = is_near(one, other, sizes) or is_near(other, one, sizes)
    order = {"site": 0, "programme": 1}
    assert crossing.refused([one, other], np.array(sizes), K, order) == (["programme"] if near else [])


@pytest.mark.parametrize("asked", [1, 3, 4_000])
def test_a_few_people_decide_only_where_they_are_enough(asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "FIRST_ASKED", asked)
    sizes = np.array([30, 30, 3, 30])
    near, apart, same = [0, 0, 1, 1], [0, 1, 0, 1], [1, 1, 1, 0]
    families = [family("site", [0, 0, 0, 1]), family("near", near), family("apart", apart), family("same", same)]
    order = {"site": 0, "near": 1, "apart": 2, "same": 3}
    assert crossing.refused(families, sizes, K, order) == ["near"]


def test_prints_of_one_breakdown_are_not_compared() -> None:
    before, now = family("site", [0, 0, 1], is_tonight=False), family("site", [0, 1, 1])
    assert crossing.refused([before, now], np.array([20, 2, 20]), K, {}) == []
