"""Tonight's families of sets, all that were ever told, and who is in them, in; breakdowns out that cut nearly the same people as others.

The night's side of `outcomes.gate.crossing`: one population (a measure and a window) after the other, over groups of courses that no
printed set tells apart. Reads the catalogue that `outcomes.batches` fills: families, told, spell_tonight, combined and stratum.
"""

import json
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from outcomes.gate import crossing
from outcomes.gate.crossing import Family

if TYPE_CHECKING:
    import duckdb
    import numpy as np

CROSSES: Final = "crosses"
_LEVELS: Final = """
select stratum, entry.key as breakdown, coalesce(entry.value ->> '$', 'unknown') as level
from (select stratum, levels from people.combined union select stratum, levels from people.stratum) as strata,
    json_each(levels::json) as entry
order by all
"""
_FAMILIES: Final = """
select instrument_id, window_id, breakdown, family, null::bigint as version from people.families group by all
union all
select instrument_id, window_id, breakdown, family, version from people.told
semi join people.families using (instrument_id, window_id) group by all
order by all
"""
# A patient with two courses in a group counts once.
_GROUPS: Final = """
from (
    select instrument_id, window_id, stratum, entered, gone, count(distinct patient_id) as n
    from people.spell_tonight where instrument_id = '{}' group by all
)
order by window_id, hash(stratum), stratum, entered, gone
"""
# The breakdowns in the order in which core.course_breakdown names them: what comes first is printed rather.
_ORDER: Final = "select json_keys(levels::json) from people.combined limit 1"


class _Places(NamedTuple):
    """Which level of a breakdown each stratum has: by its number, and the number of each level."""

    of_stratum: "np.ndarray"
    numbers: dict[str, int]


def refused(con: "duckdb.DuckDBPyConnection", k: int) -> pl.DataFrame:
    """instrument_id, window_id, breakdown of those that must not be printed anew tonight; `because` is `crosses`."""
    found: list[tuple[str, str, str]] = []
    families = con.sql(_FAMILIES).pl()
    first = con.execute(_ORDER).fetchall()
    order = {name: place for place, name in enumerate(first[0][0] if first else ())}
    strata, places = _strata(con.sql(_LEVELS).pl())
    for (instrument_id,), measure in families.group_by("instrument_id", maintain_order=True):
        name = str(instrument_id).replace("'", "''")
        every = con.sql(_GROUPS.format(name)).pl().join(strata, on="stratum", how="left", maintain_order="left")
        groups = every.partition_by("window_id", as_dict=True, include_key=False)
        for (window_id,), of in measure.group_by("window_id", maintain_order=True):
            here = groups.get((window_id,))
            if here is None:  # nobody is counted yet
                continue
            gone = here["gone"].fill_null(NEVER).to_numpy()
            who = _Who(here["place"].to_numpy(), here["entered"].to_numpy(), gone)
            told = [_family(who, places, *row) for row in of.select("breakdown", "family", "version").iter_rows()]
            told = [family for family in told if len(family.sets)]
            found += [(str(instrument_id), str(window_id), name) for name in crossing.refused(told, here["n"].to_numpy(), k, order)]
    schema = dict.fromkeys(("instrument_id", "window_id", "breakdown"), pl.String)
    return pl.DataFrame(found, schema=schema, orient="row").with_columns(because=pl.lit(CROSSES))


NEVER: Final = 2**62


class _Who(NamedTuple):
    """The groups of a population: place of their stratum, and the versions from which they were counted, and no longer."""

    place: "np.ndarray"
    entered: "np.ndarray"
    gone: "np.ndarray"


def _strata(levels: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, _Places]]:
    """stratum, place; and by breakdown the level of each place."""
    strata = levels.select("stratum").unique().sort("stratum").with_row_index("place")
    here = levels.join(strata, on="stratum").sort("place")
    answer = {}
    for (breakdown,), of in here.group_by("breakdown"):
        names = of.select("level").unique().sort("level").with_row_index("number")
        numbered = of.join(names, on="level").select("place", "number").sort("place")
        column = strata.select("place").join(numbered, on="place", how="left", maintain_order="left")["number"].fill_null(names.height)
        answer[str(breakdown)] = _Places(column.to_numpy(), dict(names.select("level", "number").iter_rows()))
    return strata, answer


def _family(who: _Who, places: dict[str, _Places], breakdown: str, family: str, version: int | None) -> Family:
    """Who was in which set of a print: at its version, or tonight."""
    import numpy as np

    sets = json.loads(family)
    of_stratum, numbers = places[breakdown]
    set_of = np.full(len(numbers) + 1, -1)
    for number, levels in enumerate(sets):
        set_of[[numbers[level] for level in levels if level in numbers]] = number
    inside = set_of[of_stratum[who.place]]
    is_there = who.gone == NEVER if version is None else (who.entered <= version) & (who.gone > version)
    rows = (inside == np.arange(len(sets))[:, None]) & is_there
    return Family(breakdown, version is None, rows[rows.any(axis=1)])
