"""What the audit finds in sets that were printed, and what it drops; brute force over possible worlds says the same."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes.gate import attack, audit
from outcomes.gate.simulation import Print

K = 5
Sets = dict[str, tuple[str, int]]  # name: people as letters, events


def audited(sets: Sets, tonight: dict[str, list[str]], k: int = K, **more: int) -> audit.Audit:
    place = {name: i for i, name in enumerate(sets)}
    members = pl.DataFrame([(place[name], person) for name, (people, _) in sets.items() for person in people], schema=SCHEMA, orient="row")
    events = {place[name]: count for name, (_, count) in sets.items()}
    fresh = {partition: [place[name] for name in names] for partition, names in tonight.items()}
    return audit.audit(audit.grouped(members), events, fresh, k, **more)


SCHEMA = {"set_id": pl.Int64, "person": pl.String}
FIVE, SIX = "abcde", "abcdef"


@pytest.mark.parametrize(
    ("ledger", "tonight", "refused"),
    [
        pytest.param({}, {"x": (FIVE, 2)}, [], id="five people, two events"),
        pytest.param({}, {"x": (FIVE, 0)}, ["tonight"], id="none"),
        pytest.param({}, {"x": (FIVE, 5)}, ["tonight"], id="all"),
        pytest.param({}, {"x": ("abcd", 2)}, ["tonight"], id="four people"),
        pytest.param({"x": (FIVE, 2)}, {"y": (SIX, 2)}, ["tonight"], id="one more"),
        pytest.param({"x": (FIVE, 2)}, {"y": (FIVE + "fghij", 4)}, [], id="five more"),
        pytest.param({"x": (FIVE, 2)}, {"y": (FIVE + "fghij", 2)}, ["tonight"], id="five more, none of them"),
        pytest.param({"x": ("abcdefg", 4), "y": ("fghijkl", 3)}, {"z": ("abcdehijkl", 5)}, ["tonight"], id="two who are left over"),
        pytest.param({"x": (FIVE, 2)}, {"y": ("cdefgh", 1)}, [], id="an overlap of three: one event or none"),
        pytest.param({"x": ("abcde", 4)}, {"y": ("defghi", 1)}, ["tonight"], id="an overlap of two: one event"),
        pytest.param({"x": (FIVE, 0)}, {"y": ("fghijk", 3)}, [], id="what the ledger tells alone, apart"),
        pytest.param({"x": (FIVE, 0)}, {"y": (FIVE + "fghijk", 3)}, [], id="what the ledger tells alone, and no more"),
        pytest.param({"x": (FIVE, 0)}, {}, [], id="nothing tonight"),
    ],
)
def test_the_sets_of_tonight_are_refused(ledger: Sets, tonight: Sets, refused: list[str]) -> None:
    assert audited(ledger | tonight, {"tonight": list(tonight)} if tonight else {}).refused == refused


def test_whole_numbers_prove_what_a_linear_programme_does_not() -> None:
    """a + b + n = b + c + n = a + c + n = 1 is solved by n = 1, or by halves."""
    sets: Sets = {"x": ("abn", 1), "y": ("bcn", 1), "z": ("acn", 1)}
    pairs = [(i, person) for i, (people, _) in enumerate(sets.values()) for person in people]
    groups = audit.grouped(pl.DataFrame(pairs, schema=SCHEMA, orient="row"))
    n = groups.people.filter(person="n")["group"][0]
    told = [audit.ranges(groups, dict.fromkeys(range(3), (1, 1)), is_whole=is_whole).row(n)[2:] for is_whole in (False, True)]
    assert told == [(0, 1), (1, 1)]
    assert audited(sets, {"tonight": list(sets)}).refused == ["tonight"]


def test_only_what_gives_away_is_dropped() -> None:
    sets = {"site": (SIX + "ghijk", 5), "programme": (SIX, 3), "old": (FIVE, 2)}
    assert audited(sets, {"site": ["site"], "programme": ["programme"]}).refused == ["programme"]


def test_what_is_too_large_to_be_audited_is_refused() -> None:
    answer = audited({"x": (FIVE + "fghij", 4), "y": ("fghijklmno", 4)}, {"tonight": ["x", "y"]}, most=2)
    assert (answer.refused, answer.is_audited) == (["tonight"], True)


def test_members_are_those_of_the_version() -> None:
    spells = [("p", "site", "a", 1, None), ("q", "site", "a", 1, 2), ("q", "site", "b", 2, None), ("r", "site", "b", 3, None)]
    sets = [(1, "site", "a", 1), (2, "site", "a", 2), (3, "site", "a", 3), (3, "site", "b", 3)]
    told = audit.members(
        pl.DataFrame(spells, schema=["person", "breakdown", "level", "entered", "left"], orient="row"),
        pl.DataFrame(sets, schema=["set_id", "breakdown", "level", "version"], orient="row"),
    )
    assert told.rows() == [(1, "p"), (1, "q"), (2, "p"), (3, "p"), (3, "q"), (3, "r")]


def test_a_set_with_two_numbers_is_an_error() -> None:
    with pytest.raises(ValueError, match="two numbers"):
        audited({"x": (FIVE, 2), "y": (FIVE, 3)}, {"tonight": ["y"]})


def test_nights_fall_apart_into_components() -> None:
    """Three nights of which each prints all who are there: subtracted, each is a component of its own."""
    rows = audit.np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    apart, told, _ = audit._apart(rows, audit.np.array([3, 5, 9]), audit.np.array([10, 10, 10]), audit.np.array([False] * 3))
    assert apart.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert told.tolist() == [3, 2, 4]
    assert len(audit.components(apart)) == 3


worlds = st.integers(6, 11).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 1), min_size=n, max_size=n),
        st.lists(st.sets(st.integers(0, n - 1), min_size=1), min_size=1, max_size=6, unique_by=frozenset),
    )
)


@settings(max_examples=60)
@given(worlds)
def test_the_audit_is_exact(world: tuple[list[int], list[set[int]]]) -> None:
    """It refuses if, and only if, all possible worlds agree on somebody, or on the events of some who are fewer than k."""
    outcomes, sets = world
    prints = [
        Print(1, "x", str(i), frozenset((str(p), 0) for p in who), n := sum(outcomes[p] for p in who), n) for i, who in enumerate(sets)
    ]
    told: Sets = {one.level: ("".join("abcdefghijk"[int(p)] for p, _ in one.members), one.low) for one in prints}
    assert bool(audited(told, {"tonight": list(told)}).refused) == bool(attack.by_brute_force(prints, K))
