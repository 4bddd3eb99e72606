"""Instrument files: what is shipped is right, and what is wrong is answered with file, key and sentence."""

import datetime as dt
import re
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outcomes import instruments, places
from outcomes.instrument_model import check_digit

SHIPPED = sorted(places.folder("instruments").glob("*.toml"))
NAMES = [path.stem for path in SHIPPED]
GUIDE = Path(__file__).parents[1] / "docs" / "instruments.md"


@pytest.fixture(scope="module")
def library() -> instruments.Library:
    return instruments.load()


def raw(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


# The oracle: scores from the file alone, with fractions, sharing nothing with the package.


def oracle(file: dict[str, Any], answers: list[Any], coding: str | None = None) -> dict[str, Fraction | None]:
    """Score of every scale of a raw file, to six places; None where a form has too many blanks."""
    low, high = file["answers"]
    turned = next((each for each in file.get("coding", []) if each["id"] == coding), file).get("reversed", [])
    points = {
        number: Fraction(low + high - answer if number in turned else answer)
        for number, answer in enumerate(answers, 1)
        if answer not in ("", None)
    }
    everything = list(range(1, file["items"] + 1))
    scales = file.get("scale") or [{"id": "total"}]
    return {scale["id"]: one_score(scale, points, everything, file.get("missing", {})) for scale in scales}


def one_score(scale: dict[str, Any], points: dict[int, Fraction], everything: list[int], default: dict[str, Any]) -> Fraction | None:
    if scale.get("how") == "highest":
        return highest_level(scale, points, scale.get("items", everything))
    groups = scale.get("domains") or [[item] for item in scale.get("items", everything)]
    best = [max((points[item] for item in group if item in points), default=None) for group in groups]
    known = [value for value in best if value is not None]
    if len(best) - len(known) > scale.get("missing", default).get("allowed", 0):
        return None
    mean = sum(known, Fraction(0)) / len(known)
    score = (mean if scale.get("how") == "mean" else mean * len(best)) * Fraction(scale.get("factor", 1)) / scale.get("divisor", 1)
    return Fraction(round(score * 10**6), 10**6)


def highest_level(scale: dict[str, Any], points: dict[int, Fraction], items: list[int]) -> Fraction | None:
    """The highest level with every blank a no, unless it is another with every blank that could be a yes a yes."""
    level = dict(zip(items, scale["levels"], strict=True))
    not_asked = {item for gate, after in scale.get("asked_after", {}).items() if points.get(int(gate)) == 0 for item in after}
    least = max([level[item] for item in items if points.get(item) == 1], default=0)
    most = max([level[item] for item in items if points.get(item, int(item not in not_asked)) == 1], default=0)
    return Fraction(least) if least == most else None


def shipped_examples(kind: str = "title") -> list[Any]:
    """The examples that have a key: `answers` or `totals`, or all."""
    return [
        pytest.param(raw(path), each, id=f"{path.stem}: {each['title']}")
        for path in SHIPPED
        for each in raw(path).get("example", [])
        if kind in each
    ]


@pytest.mark.parametrize(("file", "example"), shipped_examples("answers"))
def test_shipped_example_agrees_with_the_oracle(file: dict[str, Any], example: dict[str, Any]) -> None:
    got = oracle(file, example["answers"], example.get("coding"))
    assert {name: score for name, score in got.items() if score is not None} == example.get("scores", {})
    assert {name for name, score in got.items() if score is None} == set(example.get("reasons", {}))


def default_bands(file: dict[str, Any], scale: str) -> list[dict[str, Any]]:
    own = next((each.get("bands", []) for each in file.get("scale", []) if each["id"] == scale), [])
    sets = [each["bands"] for each in file.get("band_set", []) if each.get("scale", "total") == scale and each.get("is_default")]
    bands: list[dict[str, Any]] = own or (file.get("bands", []) if scale == "total" else []) or sets[0]
    return bands


@pytest.mark.parametrize(("file", "example"), shipped_examples())
def test_shipped_example_names_the_band_of_its_score(file: dict[str, Any], example: dict[str, Any]) -> None:
    for scale, band in example.get("bands", {}).items():
        cut = default_bands(file, scale)
        assert [each["id"] for each in cut if each["low"] <= example["scores"][scale]][-1] == band


@pytest.mark.parametrize(("file", "example"), shipped_examples())
def test_shipped_example_meets_its_criteria(file: dict[str, Any], example: dict[str, Any]) -> None:
    for name, met in example.get("criteria", {}).items():
        criterion = next(each for each in file["criterion"] if each["id"] == name)
        lines = [each for each in criterion.get("scores", []) if each.get("sex") in (None, example.get("sex"))]
        parts = [example["scores"][each["scale"]] >= each["at_least"] for each in lines]
        for cluster in criterion.get("clusters", []):
            own = {each["item"]: each["at_least"] for each in cluster.get("own_lines", [])}
            counted = [item for item in cluster["items"] if example["answers"][item - 1] >= own.get(item, cluster["at_least"])]
            parts.append(len(counted) >= cluster["needed"])
        assert all(parts) is met
        assert parts


def kinds(one: instruments.Instrument) -> set[str]:
    """Of an instrument's examples: all lowest, all highest, mixed, with a blank; or totals lowest, highest, a fraction, refused."""
    found = set()
    low, high = one.answers or (0, 0)
    ends = {measure.scale_id: (measure.low, measure.high) for measure in one.measures}
    for each in one.examples:
        known = [answer for answer in each.answers if answer is not None]
        if each.answers:
            blank = len(known) < len(each.answers)
            found |= {"blank"} if blank else {"lowest"} if {*known} == {low} else {"highest"} if {*known} == {high} else {"mixed"}
        for place, name in enumerate(("lowest", "highest")):
            if each.scores and all(score == ends[scale][place] for scale, score in each.scores.items()):
                found.add(name)
        if any(total % 1 for total in each.totals.values()):
            found.add("fraction")
        if each.refused:
            found.add("refused")
    return found


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_of_each_kind(library: instruments.Library, name: str) -> None:
    one = library.instruments[name]
    wanted = {"lowest", "highest", "fraction", "refused"} if one.totals_only else {"lowest", "highest", "mixed", "blank"}
    assert len(one.examples) >= 4
    assert wanted <= kinds(one)


@pytest.mark.parametrize("name", NAMES)
def test_instrument_says_what_it_may_and_when_it_was_looked_at(library: instruments.Library, name: str) -> None:
    one = library.instruments[name]
    assert one.licence.allows is not None
    assert one.status_of("licence") is not None
    assert one.lookback_days is not None or one.about_lookback, "a look-back, or the reason for none"
    assert one.lookback_days is None or one.status_of("lookback") is not None
    assert one.reviewed_on is not None
    assert one.status_of("scoring") is not None
    assert not any(measure.bands for measure in one.measures) or one.status_of("bands") is not None
    assert one.totals_only or one.status_of("missing") is not None
    assert one.status_of("codes") is not None, "its codes, or that none was found"


@pytest.mark.parametrize("name", NAMES)
def test_a_licence_for_totals_holds_no_items(library: instruments.Library, name: str) -> None:
    one = library.instruments[name]
    assert one.allows == "items" or (one.totals_only and not one.loinc.items and not one.labels)


FACTS = [  # measure, sign, range, look-back in days, items, status
    ("phq9", 1, (0, 27), 14, 9, "verified"),
    ("gad7", 1, (0, 21), 14, 7, "verified"),
    ("pcl5", 1, (0, 80), 30, 20, "verified"),
    ("pcl5.b", 1, (0, 20), 30, 5, "verified"),
    ("pcl5.c", 1, (0, 8), 30, 2, "verified"),
    ("pcl5.d", 1, (0, 28), 30, 7, "verified"),
    ("pcl5.e", 1, (0, 24), 30, 6, "verified"),
    ("phq2", 1, (0, 6), 14, 2, "verified"),
    ("phqa", 1, (0, 27), 14, 9, "secondary"),
    ("qids_sr16", 1, (0, 27), 7, 16, "verified"),
    ("madrs", 1, (0, 60), 7, 0, "secondary"),
    ("madrs24", 1, (0, 60), 1, 0, "verified"),
    ("bdi2", 1, (0, 63), 14, 0, "secondary"),
    ("hamd17", 1, (0, 52), 7, 0, "verified"),
    ("pdss_sr", 1, (0, 28), 7, 0, "verified"),
    ("spin", 1, (0, 68), 7, 0, "secondary"),
    ("mini_spin", 1, (0, 12), 7, 0, "verified"),
    ("lsas_sr", 1, (0, 144), 7, 0, "verified"),
    ("lsas_sr.fear", 1, (0, 72), 7, 0, "verified"),
    ("lsas_sr.avoidance", 1, (0, 72), 7, 0, "verified"),
    ("ies_r", 1, (0, 88), 7, 0, "verified"),
    ("cbi.personal", 1, (0, 100), None, 6, "verified once"),
    ("cbi.work", 1, (0, 100), None, 7, "verified once"),
    ("cbi.client", 1, (0, 100), None, 6, "verified once"),
    ("olbi", 1, (16, 64), None, 16, "verified"),
    ("olbi.exhaustion", 1, (8, 32), None, 8, "verified"),
    ("olbi.disengagement", 1, (8, 32), None, 8, "verified"),
    ("mbi_hss.ee", 1, (0, 54), None, 0, "verified"),
    ("mbi_hss.dp", 1, (0, 30), None, 0, "verified"),
    ("mbi_hss.pa", -1, (0, 48), None, 0, "verified"),
    ("burnout1_pwls", 1, (1, 5), None, 1, "verified"),
    ("proqol5.cs", -1, (10, 50), 30, 10, "verified once"),
    ("proqol5.bo", 1, (10, 50), 30, 10, "verified once"),
    ("proqol5.sts", 1, (10, 50), 30, 10, "verified once"),
    ("pss10", 1, (0, 40), 30, 0, "verified"),
    ("peg", 1, (0, 10), 7, 3, "unverified"),
    ("bpi_sf.severity", 1, (0, 10), 1, 4, "verified"),
    ("bpi_sf.interference", 1, (0, 10), 1, 7, "verified"),
    ("pain_nrs", 1, (0, 10), None, 1, "unverified"),
    ("isi", 1, (0, 28), 14, 0, "verified"),
    ("wsas", 1, (0, 40), None, 0, "verified"),
    ("wsas_retired", 1, (0, 32), None, 0, "verified"),
    ("who5", -1, (0, 100), 14, 5, "verified"),
    ("b_ipf", 1, (0, 100), 30, 7, "unverified"),
    ("cssrs_screener", 1, (0, 3), 30, 7, "verified"),
    ("cssrs_screener.ideation", 1, (0, 5), 30, 5, "verified"),
    ("audit_c", 1, (0, 12), 365, 3, "verified"),
    ("dast10", 1, (0, 10), 365, 10, "verified"),
    ("cadss", 1, (0, 92), None, 23, "verified"),
    ("cadss.six", 1, (0, 24), None, 6, "verified"),
    ("cadss6", 1, (0, 24), None, 6, "verified"),
    ("meq30.mystical", -1, (0, 100), None, 15, "verified"),
    ("meq30.positive_mood", -1, (0, 100), None, 6, "verified"),
    ("meq30.time_space", -1, (0, 100), None, 6, "verified"),
    ("meq30.ineffability", -1, (0, 100), None, 3, "verified"),
]


@pytest.mark.parametrize(("measure", "sign", "ends", "lookback", "items", "status"), FACTS, ids=[fact[0] for fact in FACTS])
def test_shipped_measure(
    library: instruments.Library, measure: str, sign: int, ends: tuple[int, int], lookback: int | None, items: int, status: str
) -> None:
    one = library.measures[measure]
    owner = library.instruments[one.questionnaire_id]
    assert (one.sign, (one.low, one.high), owner.lookback_days, len(one.items), owner.status) == (sign, ends, lookback, items, status)


def test_shipped_measures_are_all_listed_here(library: instruments.Library) -> None:
    assert sorted(library.measures) == sorted(fact[0] for fact in FACTS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_file_is_sourced_and_named_after_its_id(library: instruments.Library, path: Path) -> None:
    one = library.instruments[path.stem]
    assert one.licence
    assert one.status_of("scoring") is not None
    assert one.status_of("licence") is not None or one.totals_only
    assert all(source.facts for source in one.sources), "a source says what it is the source of"
    assert not any(measure.bands for measure in one.measures) or one.status_of("bands") is not None


# LOINC


@pytest.mark.parametrize(
    ("code", "fits"),
    [
        ("44249-1", True),
        ("44261-6", True),
        ("70274-6", True),
        ("101698-9", True),
        ("89708-7", False),
        ("93038-1", False),
        ("70273-5", False),
        ("44261-7", False),
    ],
)
def test_check_digit_of_loinc(code: str, fits: bool) -> None:
    number, digit = code.split("-")
    assert (check_digit(number) == int(digit)) is fits


def test_no_code_stands_for_two_totals_or_panels(library: instruments.Library) -> None:
    codes = [code for one in library.instruments.values() for code in (one.loinc.panel, one.loinc.total) if code]
    assert len(codes) == len(set(codes))


@given(st.text("0123456789", min_size=1, max_size=6), st.integers(0, 5), st.integers(1, 9))
def test_check_digit_sees_every_single_slip(number: str, place: int, step: int) -> None:
    place %= len(number)
    slipped = number[:place] + str((int(number[place]) + step) % 10) + number[place + 1 :]
    assert check_digit(slipped) != check_digit(number)


# Broken files

GOOD: dict[str, str] = {
    "id": '"calm"',
    "title": '"Calm"',
    "about": '"Made up"',
    "direction": '"lower_is_better"',
    "items": "4",
    "answers": "[0, 3]",
    "licence": '"free"',
    "sources": '["nobody"]',
}
TOTALS = {key: value for key, value in GOOD.items() if key not in ("items", "answers")} | {"totals_only": "true", "range": "[0, 12]"}


def text(keys: dict[str, str], more: str = "") -> str:
    return "\n".join(f"{key} = {value}" for key, value in keys.items()) + "\n" + more


def bands(*ends: tuple[int, int]) -> str:
    return "[" + ", ".join(f'{{ id = "b{n}", title = "b{n}", low = {low}, high = {high} }}' for n, (low, high) in enumerate(ends)) + "]"


def load_text(folder: Path, content: str, name: str = "calm.toml") -> instruments.Library:
    (folder / name).write_text(content, encoding="utf-8")
    return instruments.load([folder])


def example(answers: str, rest: str) -> str:
    return f'[[example]]\ntitle = "e"\nanswers = {answers}\n{rest}\n'


def reported(total: str, rest: str) -> str:
    return f'[[example]]\ntitle = "e"\ntotals = {{ total = {total} }}\n{rest}\n'


def entry(name: str, given: dict[str, str], changed: dict[str, str]) -> str:
    return text(given | changed).join([f"[[{name}]]\n", "\n"])


def band_set(**changed: str) -> str:
    return entry("band_set", {"id": '"other"', "title": '"Other"', "bands": bands((0, 12))}, changed)


def reliability(**changed: str) -> str:
    given = {"kind": '"alpha"', "r": "0.9", "population": '"p"', "source": '"s"', "status": '"unverified"'}
    return entry("reliability", given, changed)


def norm(**changed: str) -> str:
    return entry("norm", {"population": '"p"', "mean": "3", "sd": "1.5", "source": '"s"', "status": '"unverified"'}, changed)


def flag(item: int, at_least: int = 1) -> str:
    return f'[[flag]]\nid = "suicidality"\ntitle = "S"\nitem = {item}\nat_least = {at_least}\nsource = "x"\nstatus = "test"\n'


def criterion(cluster: str) -> str:
    return f'[[criterion]]\nid = "c"\ntitle = "C"\nclusters = [{cluster}]\n'


BROKEN = [
    ("unknown key", text(GOOD | {"lookback": "7"}), "calm.toml: lookback is not a key; did you mean lookback_days?"),
    ("unknown key, none near", text(GOOD | {"zzz": "7"}), "calm.toml: zzz is not a key"),
    ("wording has no key", text(GOOD | {"wording": '["?"]'}), "calm.toml: wording is not a key"),
    (
        "unknown key of a scale",
        text(GOOD, '[[scale]]\nid = "total"\nitem = [1]'),
        "calm.toml: scale[1].item is not a key; did you mean items?",
    ),
    ("missing key", text({k: v for k, v in GOOD.items() if k != "licence"}), "calm.toml: licence is missing"),
    ("no source", text(GOOD | {"sources": "[]"}), "calm.toml: sources: Tuple should have at least 1 item"),
    (
        "unknown status",
        text(GOOD | {"sources": '[{ cite = "x", status = "sure" }]'}),
        "calm.toml: sources[1].status: Input should be 'verified'",
    ),
    ("direction", text(GOOD | {"direction": '"down"'}), "calm.toml: direction: Input should be 'lower_is_better'"),
    ("id", text(GOOD | {"id": '"Calm 4"'}), "calm.toml: id: String should match"),
    ("number as text", text(GOOD | {"items": '"4"'}), "calm.toml: items: Input should be a valid integer"),
    ("yes for a number", text(TOTALS | {"range": "[0, true]"}), "calm.toml: range[2]: should be a number"),
    ("not TOML", "id = ", "calm.toml is not valid TOML"),
    ("neither items nor totals", text({k: v for k, v in GOOD.items() if k != "items"}), "calm.toml: items is missing"),
    ("range beside items", text(GOOD | {"range": "[0, 12]"}), "calm.toml: range is for totals_only"),
    ("items beside totals", text(TOTALS | {"items": "4"}), "calm.toml: items does not go with totals_only = true"),
    ("totals without range", text({k: v for k, v in TOTALS.items() if k != "range"}), "calm.toml: range is missing"),
    ("range upside down", text(TOTALS | {"range": "[12, 0]"}), "calm.toml: range: the lowest score is not below the highest"),
    ("scale of totals without range", text(TOTALS, '[[scale]]\nid = "a"'), "calm.toml: scale a: range is missing"),
    (
        "scale of totals with items",
        text(TOTALS, '[[scale]]\nid = "a"\nrange = [0, 1]\nitems = [1]'),
        "scale a: items does not go with totals_only",
    ),
    ("total twice", text(TOTALS, '[[scale]]\nid = "total"\nrange = [0, 1]'), "calm.toml: range: the scale total is written twice"),
    ("flag on no item", text(GOOD, flag(5)), "calm.toml: flag suicidality: item 5 is not in the scale total"),
    ("flag that every answer reaches", text(GOOD, flag(4, 0)), "flag suicidality: at_least 0 does not divide the answers 0 to 3"),
    ("flag that no answer reaches", text(GOOD, flag(4, 4)), "flag suicidality: at_least 4 does not divide the answers 0 to 3"),
    ("flag twice", text(GOOD, flag(3) + flag(4)), "calm.toml: flag suicidality stands twice"),
    ("flag of totals", text(TOTALS, flag(4)), "calm.toml: flag does not go with totals_only"),
    ("answers upside down", text(GOOD | {"answers": "[3, 0]"}), "calm.toml: answers: the lowest is not below the highest"),
    ("reversed item that is not", text(GOOD | {"reversed": "[5]"}), "calm.toml: reversed: there is no item 5"),
    ("reversed item twice", text(GOOD | {"reversed": "[2, 2]"}), "calm.toml: reversed: item 2 stands twice"),
    ("label outside the answers", text(GOOD, '[labels]\n"often" = 4'), 'calm.toml: labels: "often" stands for 4, which is not an answer'),
    ("label twice", text(GOOD, '[labels]\n"a lot" = 3\n"A-LOT" = 2'), 'calm.toml: labels: "alot" stands twice'),
    ("scale twice", text(GOOD, '[[scale]]\nid = "a"\n[[scale]]\nid = "a"'), "calm.toml: scale a stands twice"),
    ("item of a scale that is not", text(GOOD, '[[scale]]\nid = "a"\nitems = [4, 5]'), "calm.toml: scale a: items: there is no item 5"),
    ("maxima without domains", text(GOOD, '[[scale]]\nid = "a"\nhow = "maxima"'), 'calm.toml: scale a: how = "maxima" needs domains'),
    ("domains of a sum", text(GOOD, '[[scale]]\nid = "a"\ndomains = [[1]]'), 'calm.toml: scale a: domains are for how = "maxima"'),
    (
        "item in two domains",
        text(GOOD, '[[scale]]\nid = "a"\nhow = "maxima"\ndomains = [[1, 2], [2]]'),
        "scale a: domains: item 2 stands twice",
    ),
    (
        "blanks of maxima",
        text(GOOD, '[[scale]]\nid = "a"\nhow = "maxima"\ndomains = [[1]]\nmissing = { allowed = 1 }'),
        "allowed must be 0",
    ),
    ("nothing but blanks", text(GOOD | {"missing": '{ allowed = 4, fill = "mean" }'}), "scale total: missing: 4 blanks allowed of 4 items"),
    ("partial sums", text(GOOD | {"missing": "{ allowed = 1 }"}), "a partial form scores too low"),
    ("bands start late", text(GOOD | {"bands": bands((1, 12))}), "calm.toml: scale total: bands: b0 starts at 1, the scores at 0"),
    ("bands end early", text(GOOD | {"bands": bands((0, 11))}), "bands: b0 ends at 11, the scores at 12"),
    ("bands with a gap", text(GOOD | {"bands": bands((0, 5), (7, 12))}), "bands: nothing covers the scores between b0 and b1"),
    ("bands overlap", text(GOOD | {"bands": bands((0, 6), (6, 12))}), "bands: b0 and b1 overlap"),
    ("bands of no total", text(GOOD | {"bands": bands((0, 12))}, '[[scale]]\nid = "a"'), "bands at the top belong to the scale total"),
    ("check digit", text(GOOD, '[loinc]\ntotal = "44261-7"'), "calm.toml: loinc.total: 44261-7 fails the LOINC check digit"),
    ("not a code", text(GOOD, '[loinc]\npanel = "LL358-3"'), "calm.toml: loinc.panel: LL358-3 is not a LOINC code"),
    ("codes for some items", text(GOOD, '[loinc]\nitems = ["44250-9"]'), "calm.toml: loinc.items: 1 codes for 4 items"),
    ("alias of nothing", text(GOOD | {"aliases": '["--"]'}), 'calm.toml: aliases: "--" has no letter or digit'),
    ("alias of another", text(GOOD | {"aliases": '["PHQ 9"]'}), '"phq9" is also a name of calm'),
    (
        "cluster without item",
        text(GOOD, criterion('{ id = "k", items = [9], at_least = 2, needed = 1 }')),
        "cluster k: items: there is no item 9",
    ),
    ("cluster beyond answers", text(GOOD, criterion('{ id = "k", items = [1], at_least = 4, needed = 1 }')), "at_least 4 is not an answer"),
    (
        "own line of no item",
        text(GOOD, criterion('{ id = "k", items = [1], at_least = 2, needed = 1, own_lines = [{ item = 2, at_least = 1 }] }')),
        "cluster k: own_lines: item 2 is none of its items",
    ),
    (
        "own line beyond answers",
        text(GOOD, criterion('{ id = "k", items = [1], at_least = 2, needed = 1, own_lines = [{ item = 1, at_least = 9 }] }')),
        "cluster k: own_lines: at_least 9 is not an answer",
    ),
    (
        "own line twice",
        text(
            GOOD,
            criterion(
                '{ id = "k", items = [1], at_least = 2, needed = 1, own_lines = [{ item = 1, at_least = 1 }, { item = 1, at_least = 3 }] }'
            ),
        ),
        "cluster k: own_lines: item 1 stands twice",
    ),
    ("cluster needs too many", text(GOOD, criterion('{ id = "k", items = [1], at_least = 2, needed = 2 }')), "2 needed of 1 items"),
    ("label of nothing", text(GOOD, '[labels]\n"..." = 1'), 'calm.toml: labels: "..." has no letter or digit'),
    ("maxima with items", text(GOOD, '[[scale]]\nid = "a"\nhow = "maxima"\nitems = [1]\ndomains = [[1]]'), "takes its items from domains"),
    ("band twice", text(GOOD | {"bands": bands((0, 5), (6, 12)).replace("b1", "b0")}), "calm.toml: scale total: bands: b0 stands twice"),
    ("band upside down", text(GOOD | {"bands": bands((0, 5), (6, 3), (6, 12))}), "bands: b1 ends below its start"),
    (
        "bands of the total twice",
        text(GOOD | {"bands": bands((0, 12))}, f'[[scale]]\nid = "total"\nbands = {bands((0, 12))}'),
        "bands of the total stand twice",
    ),
    (
        "cluster twice",
        text(GOOD, criterion(", ".join(['{ id = "k", items = [1], at_least = 2, needed = 1 }'] * 2))),
        "cluster k stands twice",
    ),
    (
        "criterion twice",
        text(GOOD, criterion('{ id = "k", items = [1], at_least = 2, needed = 1 }') * 2),
        "calm.toml: criterion c stands twice",
    ),
    ("range of a scale with items", text(GOOD, '[[scale]]\nid = "a"\nrange = [0, 1]'), "calm.toml: scale a: range is for totals_only"),
    (
        "example of no criterion",
        text(GOOD, example("[1, 1, 1, 1]", "scores = { total = 4 }\ncriteria = { c = true }")),
        "there is no criterion c",
    ),
    ("example too short", text(GOOD, example("[1]", "scores = { total = 1 }")), 'calm.toml: example "e": 1 answers for 4 items'),
    ("example out of range", text(GOOD, example("[1, 1, 1, 9]", "scores = { total = 12 }")), 'example "e": 9 is not an answer'),
    ("example without a score", text(GOOD, example("[1, 1, 1, 1]", "")), 'example "e": scale total needs a score or a reason'),
    ("example beyond the scale", text(GOOD, example("[1, 1, 1, 1]", "scores = { total = 13 }")), "score of total lies outside 0 to 12"),
    ("example of no scale", text(GOOD, example("[1, 1, 1, 1]", "scores = { total = 4, x = 1 }")), 'example "e": there is no scale x'),
    ("licence of a text", text(GOOD | {"licence": '{ allows = "items" }'}), "calm.toml: licence.terms is missing"),
    (
        "licence of totals",
        text(GOOD | {"licence": '{ terms = "t", allows = "totals only" }'}),
        "calm.toml: licence.allows: items and answers",
    ),
    ("review of no date", text(GOOD | {"reviewed_on": '"soon"'}), "calm.toml: reviewed_on: Input should be a valid date"),
    ("band set of no scale", text(GOOD, band_set(scale='"a"')), "calm.toml: band_set other: there is no scale a"),
    ("no default set", text(GOOD, band_set()), "calm.toml: scale total: one of its sets of bands is the default"),
    ("two default sets", text(GOOD | {"bands": bands((0, 12))}, band_set(is_default="true")), "one of its sets of bands is the default"),
    ("band set twice", text(GOOD | {"bands": bands((0, 12))}, band_set() * 2), "calm.toml: scale total: band_set other stands twice"),
    (
        "band set with a gap",
        text(GOOD | {"bands": bands((0, 12))}, band_set(bands=bands((0, 5), (8, 12)))),
        "scale total: band_set other: nothing covers the scores between b0 and b1",
    ),
    ("reliability of one", text(GOOD, reliability(r="1")), "calm.toml: reliability[1].r: Input should be less than 1"),
    ("reliability of no scale", text(GOOD, reliability(scale='"a"')), "calm.toml: reliability[1].scale: there is no scale a"),
    ("two reliabilities used", text(GOOD, reliability(used="true") * 2), "calm.toml: reliability: two are used for total"),
    ("norm outside", text(GOOD, norm(mean="13")), "calm.toml: norm[1].mean: 13 lies outside the scores 0 to 12"),
    ("norm of no scale", text(GOOD, norm(scale='"a"')), "calm.toml: norm[1].scale: there is no scale a"),
    ("two norms used", text(GOOD, norm(used="true") * 2), "calm.toml: norm: two functional ones are used for total"),
    ("example of nothing", text(GOOD, '[[example]]\ntitle = "e"'), 'calm.toml: example "e": needs answers or totals, and not both'),
    ("refused answers", text(GOOD, example("[1, 1, 1, 1]", 'scores = { total = 4 }\nrefused = ["total"]')), "refused goes with totals"),
    ("total accepted outside", text(TOTALS, reported("13", "")), 'example "e": total of total lies outside 0 to 12'),
    ("total refused inside", text(TOTALS, reported("12", 'refused = ["total"]')), 'example "e": total of total lies inside 0 to 12'),
    ("total that scores otherwise", text(TOTALS, reported("12", "scores = { total = 11 }")), "score of total is its total"),
    (
        "example of no band",
        text(GOOD, example("[1, 1, 1, 1]", 'scores = { total = 4 }\nbands = { total = "b" }')),
        "scale total has no band b",
    ),
]


@pytest.mark.parametrize(("content", "sentence"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_file_is_answered_with_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    with pytest.raises(instruments.InstrumentError, match=re.escape(sentence)):
        load_text(tmp_path, content)


@pytest.mark.parametrize("keys", [GOOD, TOTALS], ids=["items", "totals only"])
def test_the_unbroken_file_loads(tmp_path: Path, keys: dict[str, str]) -> None:
    measure = load_text(tmp_path, text(keys)).measures["calm"]
    assert (measure.low, measure.high, measure.title) == (0, 12, "Calm")


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text(GOOD | {"zzz": "1", "yyy": "2"}), encoding="utf-8")
    (tmp_path / "b.toml").write_text("id = ", encoding="utf-8")
    with pytest.raises(instruments.InstrumentError) as caught:
        instruments.load([tmp_path])
    assert [line.split(" ")[0] for line in str(caught.value).splitlines()] == ["a.toml:", "a.toml:", "b.toml"]


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(instruments.InstrumentError, match="there is no folder"):
        instruments.load([tmp_path / "nowhere"])


def test_text_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "calm.toml").write_bytes(text(GOOD | {"title": '"Café"'}).encode("latin-1"))
    with pytest.raises(instruments.InstrumentError, match=r"calm\.toml is not UTF-8"):
        instruments.load([tmp_path])


def test_one_id_twice_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(text(GOOD), encoding="utf-8")
    with pytest.raises(instruments.InstrumentError, match=r"calm\.toml: id: calm is also the id of a\.toml in the same folder"):
        load_text(tmp_path, text(GOOD))


def test_user_folder_replaces_what_has_the_same_id(tmp_path: Path) -> None:
    library = load_text(tmp_path, text(GOOD | {"id": '"gad7"', "items": "7"}), "mine.toml")
    assert library.instruments["gad7"].title == "Calm"
    assert library.files["instrument", "gad7"] == tmp_path / "mine.toml"
    assert "phq9" in library.instruments


def test_later_folder_wins(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "calm.toml").write_text(text(GOOD | {"title": f'"{name}"'}), encoding="utf-8")
    assert instruments.load([tmp_path / "one", tmp_path / "two"]).instruments["calm"].title == "two"


# Tables


def test_alias_is_found_whatever_its_punctuation(library: instruments.Library) -> None:
    found = dict(instruments.aliases(library).iter_rows())
    asked = ["PHQ-9", "phq_9", "Phq 9", "GAD-7", "PCL5", "WHO-5", "QIDS-SR16", "cbi", "BDI-II", "HRSD17", "MADRS-24hr", "Mini-SPIN"]
    names = ["phq9", "phq9", "phq9", "gad7", "pcl5", "who5", "qids_sr16", "cbi", "bdi2", "hamd17", "madrs24", "mini_spin"]
    assert [found[instruments.normalise(name)] for name in asked] == names


@pytest.mark.parametrize(("label", "answer"), [("Not at all", 0), ("Several days", 1), ("More than half", 2), ("Almost every day", 3)])
def test_answer_words_of_the_open_phq9_data(library: instruments.Library, label: str, answer: int) -> None:
    rows = instruments.labels(library).filter(questionnaire_id="phq9", label=instruments.normalise(label))
    assert rows["answer"].to_list() == [answer]


def test_item_facts_has_a_row_per_item(library: instruments.Library) -> None:
    facts = instruments.item_facts(library)
    counted = dict(facts.group_by("questionnaire_id").len().iter_rows())
    assert counted == {form: one.items for form, (one, _) in library.forms.items() if one.items}
    assert (counted["gad7"], counted["phq9"], counted["pcl5"], counted["olbi_positive"]) == (7, 9, 20, 16)
    assert facts.filter(questionnaire_id="pcl5").select("answer_min", "answer_max").unique().rows() == [(0, 4)]


def test_total_facts_has_a_row_per_scale(library: instruments.Library) -> None:
    facts = instruments.total_facts(library)
    assert facts.filter(questionnaire_id="cbi")["scale_id"].to_list() == ["client", "personal", "work"]
    assert facts.filter(questionnaire_id="phq9").rows() == [("phq9", "total", Decimal(0), Decimal(27))]


def test_tables_of_an_empty_choice_keep_their_types(library: instruments.Library) -> None:
    tables = instruments.ref_tables(library, [])
    full = instruments.ref_tables(library, ["ketamine-rwe"])
    assert {name: table.schema for name, table in tables.items()} == {name: table.schema for name, table in full.items()}
    assert tables["rule"].height == 0 < tables["scale"].height


def test_panic_has_bands_with_and_without_agoraphobia(library: instruments.Library) -> None:
    tables = instruments.ref_tables(library, [])
    lows = {
        (name, default): rows["low"].to_list()
        for (name, default), rows in tables["band"].filter(instrument_id="pdss_sr").sort("ordinal").group_by("band_set", "is_default_set")
    }
    assert lows == {("without_agoraphobia", True): [0, 2, 6, 10, 14], ("with_agoraphobia", False): [0, 3, 8, 11, 16]}
    subtypes = tables["band_set"].filter(instrument_id="pdss_sr", band_set="with_agoraphobia")["indication_subtype"].to_list()
    assert subtypes == ["agoraphobia", "with agoraphobia"]


def test_scale_rows_of_pcl5(library: instruments.Library) -> None:
    scale = instruments.ref_tables(library, [])["scale"].filter(questionnaire_id="pcl5")
    assert scale.select("instrument_id", "items", "range_max").rows() == [
        ("pcl5", 20, 80),
        ("pcl5.b", 5, 20),
        ("pcl5.c", 2, 8),
        ("pcl5.d", 7, 28),
        ("pcl5.e", 6, 24),
    ]


def test_the_item_about_suicidal_thoughts_of_the_phq9(library: instruments.Library) -> None:
    rows = instruments.ref_tables(library, [])["item_flag"].filter(pl.col("instrument_id") == "phq9")
    assert rows.select("flag_id", "item", "at_least").rows() == [("suicidality", 9, 1)]


def test_criterion_rows_of_pcl5(library: instruments.Library) -> None:
    rows = (
        instruments.ref_tables(library, [])["criterion"]
        .filter(questionnaire_id="pcl5")
        .group_by("cluster", "at_least", "needed")
        .len()
        .sort("cluster")
        .rows()
    )
    assert rows == [("b", 2, 1, 5), ("c", 2, 1, 2), ("d", 2, 2, 7), ("e", 2, 2, 6)]


# The guide's questionnaire, which is also the one with every feature


def guide_blocks() -> list[str]:
    """What to write into outcomes.toml, then a file each; the fragments about known facts belong to the first of them."""
    shown = GUIDE.read_text(encoding="utf-8")
    settings, first, *others = re.findall(r"```toml\n(.*?)```", shown, flags=re.DOTALL)
    return [settings, "".join([first, *re.findall(r"```toml facts\n(.*?)```", shown, flags=re.DOTALL)]), *others]


@pytest.fixture
def guided(tmp_path: Path) -> instruments.Library:
    for place, block in enumerate(guide_blocks()[1:]):
        (tmp_path / f"{place}.toml").write_text(block, encoding="utf-8")
    return instruments.load([tmp_path])


def test_guide_adds_what_it_shows(guided: instruments.Library) -> None:
    assert {"calm4", "calm4.body", "calm_total"} <= set(guided.measures)
    assert guided.profiles["house"].rules[0].instrument == "calm4.body"


def test_guide_examples_agree_with_the_oracle(guided: instruments.Library) -> None:
    file = tomllib.loads(guide_blocks()[1])
    for each in file["example"]:
        got = oracle(file, each["answers"])
        assert {name: score for name, score in got.items() if score is not None} == each["scores"]
        assert {name for name, score in got.items() if score is None} == set(each.get("reasons", {}))


def test_guide_shows_levels_codings_and_lines_by_sex(guided: instruments.Library) -> None:
    one = guided.instruments["calm_screen"]
    file = tomllib.loads(next(block for block in guide_blocks() if 'id = "calm_screen"' in block))
    assert [oracle(file, each["answers"])["total"] for each in file["example"]] == [1, None]
    assert sorted(one.forms) == ["calm_screen", "calm_screen_turned"]
    lines = instruments.ref_tables(guided, [])["criterion_score"].filter(questionnaire_id="calm_screen")
    assert lines.select("sex", "at_least").rows() == [("female", 2), ("male", 3)]


def test_guide_facts_are_in_the_tables(guided: instruments.Library) -> None:
    tables = instruments.ref_tables(guided, [])
    used = tables["reliability"].filter(pl.col("instrument_id") == "calm4.body").select("kind", "r", "is_used")
    assert used.rows() == [("retest", Decimal("0.82"), True)]
    assert tables["norm"].filter(instrument_id="calm4").select("kind", "mean", "sd").rows() == [
        ("functional", Decimal("3.1"), Decimal("3.5"))
    ]
    sets = tables["band_set"].filter(instrument_id="calm4").select("band_set", "is_default_set", "indication_subtype")
    assert sets.rows() == [("athletes", False, "athlete"), ("standard", True, None)]
    cuts = tables["band"].filter(instrument_id="calm4", band_id="tense").select("band_set", "is_default_set", "low")
    assert cuts.rows() == [("athletes", False, 4), ("standard", True, 6)]


def test_review_is_due_after_its_own_months_or_those_of_the_house(guided: instruments.Library) -> None:
    due = dict(instruments.ref_tables(guided, [])["instrument"].select("questionnaire_id", "review_due_on").iter_rows())
    assert (due["calm4"], due["phq9"], due["calm_total"]) == (dt.date(2027, 11, 22), dt.date(2028, 11, 22), None)


def test_licence_as_a_bare_text_allows_what_the_file_holds(guided: instruments.Library, tmp_path: Path) -> None:
    with_items = load_text(tmp_path, text(GOOD)).instruments["calm"]
    totals = load_text(tmp_path, text(TOTALS)).instruments["calm"]
    assert [(one.licence.terms, one.allows) for one in (with_items, totals)] == [("free", "items"), ("free", "totals only")]


def test_guide_points_are_offset_plus_slope_times_answer(guided: instruments.Library) -> None:
    rows = instruments.ref_tables(guided, [])["scale_item"].filter(instrument_id="calm4").select("item", "slope", "offset").rows()
    assert rows == [(1, 1, 0), (2, -1, 3), (3, 1, 0), (4, 1, 0)]


SCALES = st.sampled_from(
    [
        '[[scale]]\nid = "total"',
        '[[scale]]\nid = "total"\nhow = "mean"\nfactor = 25',
        '[[scale]]\nid = "total"\nfactor = 4\nitems = [1, 3]',
        '[[scale]]\nid = "total"\nhow = "maxima"\ndomains = [[1, 2], [3], [4]]',
    ]
)


@settings(deadline=None)
@given(scale=SCALES, answers=st.lists(st.integers(1, 5), min_size=4, max_size=4), turned=st.sets(st.integers(1, 4)))
def test_no_form_scores_outside_the_range(
    tmp_path_factory: pytest.TempPathFactory, scale: str, answers: list[int], turned: set[int]
) -> None:
    content = text(GOOD | {"answers": "[1, 5]", "reversed": str(sorted(turned))}, scale)
    measure = load_text(tmp_path_factory.mktemp("scale"), content).measures["calm"]
    score = oracle(tomllib.loads(content), list(answers))["total"]
    assert score is not None
    assert measure.low <= score <= measure.high
