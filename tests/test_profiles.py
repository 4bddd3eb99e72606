"""Profiles: every threshold has a source and a status, says what the sources say, and nothing else."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from outcomes import instruments, places, reference
from outcomes.profile_model import Rule
from outcomes.settings import DEFAULT_WINDOWS, Settings

SHIPPED = sorted(places.folder("profiles").glob("*.toml"))


@pytest.fixture(scope="module")
def library() -> instruments.Library:
    return instruments.load()


def rules() -> list[tuple[str, Rule]]:
    return [(name, rule) for name, profile in instruments.load().profiles.items() for rule in profile.rules]


def of(library: instruments.Library, profile: str, measure: str) -> Rule:
    return next(rule for rule in library.profiles[profile].rules if rule.instrument == measure)


def shown(rule: Rule) -> dict[str, str]:
    """The thresholds of a rule as short text."""
    short: dict[str, str] = {}
    for name in rule.thresholds:
        value = getattr(rule, name)
        if name in ("response", "mcid"):
            short[name] = f"{value.share}" if value.share else f"{value.points} points"
        else:
            short[name] = f"{value.side} {value.value}" if name in ("remission", "caseness") else f"{value}"
    return short


EXPECTED = [
    ("ketamine-rwe", "phq9", "response 0.5, remission below 5, caseness at_least 10, reliable_change 6, mcid 5 points"),
    ("ketamine-rwe", "gad7", "response 0.5, remission below 5, caseness at_least 10, reliable_change 4, mcid 4 points"),
    ("ketamine-rwe", "pcl5", "response 10 points, remission at_most 28, caseness at_least 33, reliable_change 10, mcid 10 points"),
    ("ketamine-rwe", "qids_sr16", "response 0.5, remission at_most 5, caseness at_least 6"),
    ("ketamine-rwe", "pdss_sr", "response 0.4, remission at_most 5, caseness at_least 8, reliable_change 5, mcid 0.1"),
    ("ketamine-rwe", "phq2", "caseness at_least 3"),
    ("ketamine-rwe", "phqa", "caseness at_least 10"),
    ("ketamine-rwe", "madrs", "response 0.5, remission below 10, mcid 6 points"),
    ("ketamine-rwe", "madrs24", ""),
    ("ketamine-rwe", "bdi2", "response 0.5, remission at_most 13, caseness at_least 14, mcid 0.175"),
    ("ketamine-rwe", "hamd17", "response 0.5, remission at_most 7, caseness at_least 8"),
    ("ketamine-rwe", "mini_spin", "caseness at_least 6"),
    ("ketamine-rwe", "lsas_sr", "response 0.28, remission at_most 35, caseness at_least 30"),
    ("ketamine-rwe", "ies_r", ""),
    ("ketamine-rwe", "spin", "remission below 19, caseness at_least 19, reliable_change 10"),
    ("ketamine-rwe", "who5", "remission at_least 50, caseness below 50, mcid 10 points"),
    ("ketamine-rwe", "peg", "response 0.3, mcid 1 points"),
    ("ketamine-rwe", "bpi_sf.severity", "response 0.3"),
    ("ketamine-rwe", "bpi_sf.interference", "response 0.3, mcid 1 points"),
    ("ketamine-rwe", "pain_nrs", "response 0.3"),
    ("ketamine-rwe", "isi", "response 8.4 points, remission below 8, caseness at_least 10, reliable_change 6.99, mcid 6 points"),
    ("ketamine-rwe", "wsas", "remission below 10, caseness at_least 10, mcid 8 points"),
    ("ketamine-rwe", "burnout1_pwls", "caseness at_least 3"),
    ("ketamine-rwe", "olbi.exhaustion", ""),
    ("ketamine-rwe", "mbi_hss.ee", ""),
    ("ketamine-rwe", "pss10", ""),
    ("ketamine-rwe", "audit_c", ""),
    ("ketamine-rwe", "dast10", ""),
    ("ketamine-rwe", "cbi.personal", ""),
    ("ketamine-rwe", "proqol5.cs", ""),
    ("cms159", "phq9", "remission below 5, caseness above 9"),
    ("cbe1884", "phq9", "response 0.5, minimum_baseline 10"),
    ("dep-rem-6", "phq9", "remission below 5, caseness above 9"),
    (
        "va-pcl5",
        "pcl5",
        "response 10 points, remission at_most 28, caseness at_least 33, reliable_change 10, criterion provisional_ptsd",
    ),
    ("va-pcl5-15", "pcl5", "reliable_change 15"),
    ("va-pcl5-18", "pcl5", "reliable_change 18"),
    ("pain-50", "peg", "response 0.5"),
    ("pain-50", "bpi_sf.severity", "response 0.5"),
    ("pain-50", "bpi_sf.interference", "response 0.5"),
    ("pain-50", "pain_nrs", "response 0.5"),
    ("nhs-tt", "phq9", "caseness at_least 10, reliable_change 6"),
    ("nhs-tt", "gad7", "caseness at_least 8, reliable_change 4"),
    ("nhs-tt", "spin", "caseness at_least 19, reliable_change 10"),
    ("nhs-tt", "pdss_sr", "caseness at_least 8, reliable_change 5"),
    ("nhs-tt", "pcl5", "caseness at_least 32, reliable_change 10"),
]


@pytest.mark.parametrize(("profile", "measure", "thresholds"), EXPECTED, ids=[f"{case[0]} {case[1]}" for case in EXPECTED])
def test_thresholds(library: instruments.Library, profile: str, measure: str, thresholds: str) -> None:
    assert ", ".join(f"{name} {value}" for name, value in shown(of(library, profile, measure)).items()) == thresholds


UNVERIFIED = [
    ("pain-50", "peg", "response"),
    ("ketamine-rwe", "bdi2", "response"),
    ("ketamine-rwe", "bdi2", "remission"),
    ("ketamine-rwe", "bdi2", "caseness"),
    ("ketamine-rwe", "hamd17", "remission"),
    ("ketamine-rwe", "pcl5", "reliable_change"),
    ("ketamine-rwe", "qids_sr16", "response"),
    ("ketamine-rwe", "qids_sr16", "caseness"),
    ("ketamine-rwe", "pdss_sr", "reliable_change"),
    ("ketamine-rwe", "spin", "remission"),
    ("ketamine-rwe", "spin", "reliable_change"),
    ("ketamine-rwe", "peg", "response"),
    ("ketamine-rwe", "burnout1_pwls", "caseness"),
    ("ketamine-rwe", "wsas", "mcid"),
    ("nhs-tt", "spin", "caseness"),
    ("nhs-tt", "spin", "reliable_change"),
    ("nhs-tt", "pdss_sr", "caseness"),
    ("nhs-tt", "pdss_sr", "reliable_change"),
    ("nhs-tt", "pcl5", "caseness"),
    ("nhs-tt", "pcl5", "reliable_change"),
]


def test_what_no_source_was_seen_for_is_unverified(library: instruments.Library) -> None:
    thresholds = instruments.ref_tables(library, list(library.profiles))["threshold"].filter(status="unverified")
    assert thresholds.select("profile_id", "instrument_id", "threshold").rows() == sorted(UNVERIFIED)


@pytest.mark.parametrize(("profile", "rule"), rules(), ids=[f"{name} {rule.instrument}" for name, rule in rules()])
def test_rule_is_sourced_and_reviewed(profile: str, rule: Rule) -> None:
    for name in rule.thresholds or ("rule",):
        assert rule.source.of(name)
        assert rule.trust.of(name)
    assert rule.reviewed_on == dt.date(2026, 11, 22)
    assert str(rule.source)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_profile_is_named_after_its_id(library: instruments.Library, path: Path) -> None:
    assert library.files["profile", path.stem] == path


MAPPED = {
    "depression_tr": ["phq9"],
    "gad": ["gad7"],
    "panic": ["pdss_sr"],
    "social_anxiety": ["spin"],
    "ptsd": ["pcl5"],
    "burnout": ["cbi.personal", "cbi.work"],
    "compassion_fatigue": ["proqol5.cs", "proqol5.bo", "proqol5.sts"],
    "chronic_pain": ["peg"],
}


def test_primary_instruments_of_each_indication(library: instruments.Library) -> None:
    expected = [each for each in library.profiles["ketamine-rwe"].expected if each.role == "primary"]
    found = {each.indication: [other.instrument for other in expected if other.indication == each.indication] for each in expected}
    assert found == MAPPED


def test_companions_are_expected_of_nobody_by_name(library: instruments.Library) -> None:
    """No patient lacks fifteen questionnaires: what is expected by name of an indication stays short."""
    by_name: dict[str, int] = {}
    for each in library.profiles["ketamine-rwe"].expected:
        by_name[each.indication] = by_name.get(each.indication, 0) + (each.role != "optional")
    assert max(by_name.values()) <= 6
    optional = {each.instrument for each in library.profiles["ketamine-rwe"].expected if each.role == "optional"}
    assert {"isi", "wsas", "who5", "pss10", "audit_c", "dast10", "olbi.exhaustion", "mbi_hss.ee", "bpi_sf.severity"} <= optional


WINDOWS = [
    ("cms159", ["cms159.m12"], 305, 425, "last", "baseline"),
    ("cbe1884", ["cbe1884.m6"], 153, 213, "last", "baseline"),
    ("dep-rem-6", ["dep-rem-6.m6"], 123, 243, "last", "baseline"),
]


@pytest.mark.parametrize(("profile", "names", "first", "last", "pick", "anchor"), WINDOWS, ids=[case[0] for case in WINDOWS])
def test_windows_of_an_authority(
    library: instruments.Library, profile: str, names: list[str], first: int, last: int, pick: str, anchor: str
) -> None:
    tables = reference.tables(settings(profile), library, dt.date(2026, 1, 1))
    assert tables["profile_window"].filter(profile_id=profile)["window_id"].to_list() == names
    row = tables["window"].filter(window_id=names[0]).row(0, named=True)
    assert (row["from_days"], row["to_days"], row["pick"], row["anchor"], row["is_own"]) == (first, last, pick, anchor, True)


def settings(*profiles: str) -> Settings:
    return Settings.model_validate(
        {"clinic": {"name": "Profiles", "timezone": "UTC"}, "report": {"profile": profiles[0], "also": profiles[1:]}}
    )


def test_a_profile_without_windows_asks_for_those_of_the_settings(library: instruments.Library) -> None:
    tables = reference.tables(settings("ketamine-rwe", "cms159"), library, dt.date(2026, 1, 1))
    asked = tables["profile_window"].filter(profile_id="ketamine-rwe")["window_id"].to_list()
    assert asked == [window.id for window in DEFAULT_WINDOWS]
    assert tables["window"].filter(~pl.col("is_own"))["window_id"].to_list() == asked


def test_a_profile_may_name_windows_of_the_settings_and_its_own(tmp_path: Path) -> None:
    head = 'id = "mine"\nversion = "1"\ntitle = "Mine"\nwindows = ["d30", "late"]'
    late = '[[window]]\nid = "late"\nfrom_days = 400\nto_days = 500\npick = "last"'
    tables = reference.tables(settings("mine"), profile(tmp_path, head=head, more=late), dt.date(2026, 1, 1))
    assert tables["profile_window"]["window_id"].to_list() == ["d30", "mine.late"]


def test_a_window_that_nobody_has_is_named(tmp_path: Path) -> None:
    head = 'id = "mine"\nversion = "1"\ntitle = "Mine"\nwindows = ["d31"]'
    with pytest.raises(instruments.InstrumentError, match="profile mine asks for window d31, which neither it nor the settings have"):
        reference.tables(settings("mine"), profile(tmp_path, head=head), dt.date(2026, 1, 1))


SHARES = {"pdss_sr": "0.4", "lsas_sr": "0.28", "peg": "0.3", "phq9": "0.5", "gad7": "0.5"}


@pytest.mark.parametrize(("measure", "share"), SHARES.items(), ids=SHARES)
def test_each_instrument_has_its_own_percentage(library: instruments.Library, measure: str, share: str) -> None:
    if measure not in library.measures:
        pytest.skip(f"no instrument {measure} yet")
    found = {rule.response.share for name, rule in rules() if rule.instrument == measure and rule.response and name == "ketamine-rwe"}
    assert found == {Decimal(share)}


def test_no_rule_is_shared_by_default(library: instruments.Library, tmp_path: Path) -> None:
    """A profile knows nothing about a measure that it has no rule for, and no key of a profile gives several measures one rule."""
    rules = instruments.ref_tables(profile(tmp_path, PHQ9 + "response = 0.5"), ["mine"])["rule"]
    assert rules["instrument_id"].to_list() == ["phq9"]
    assert len(library.measures) > 1
    with pytest.raises(instruments.InstrumentError, match=r"mine\.toml: response is not a key"):
        profile(tmp_path, head='id = "mine"\nversion = "1"\ntitle = "Mine"\nresponse = 0.5')
    with pytest.raises(instruments.InstrumentError, match=re.escape("rule[1].instrument: Input should be a valid string")):
        profile(tmp_path, 'instrument = ["phq9", "gad7"]')


def test_five_points_of_the_pcl5_are_no_rule(library: instruments.Library) -> None:
    points = {
        float(change)
        for _, rule in rules()
        if rule.instrument == "pcl5"
        for change in (rule.reliable_change, rule.response and rule.response.points, rule.mcid and rule.mcid.points)
        if change
    }
    assert points == {10, 15, 18}


def test_rule_row_has_exact_decimals(library: instruments.Library) -> None:
    row = instruments.ref_tables(library, ["ketamine-rwe"])["rule"].filter(instrument_id="pdss_sr").row(0, named=True)
    assert (row["response_share"], row["response_points"]) == (Decimal("0.4"), None)
    assert (row["remission_side"], row["remission_cut"], row["caseness_side"], row["caseness_cut"]) == ("at_most", 5, "at_least", 8)
    assert row["status"] == "unverified", "the weakest of the rule's thresholds"


def test_only_the_asked_profiles_are_in_the_tables(library: instruments.Library) -> None:
    assert instruments.ref_tables(library, ["nhs-tt", "nhs-tt"])["profile"]["profile_id"].to_list() == ["nhs-tt"]


def test_unknown_profile_is_answered_with_the_nearest(library: instruments.Library) -> None:
    with pytest.raises(instruments.InstrumentError, match="there is no profile ketamine-rw; did you mean ketamine-rwe"):
        instruments.ref_tables(library, ["ketamine-rw"])


def profile(
    folder: Path, rule: str = 'instrument = "phq9"', more: str = "", head: str = 'id = "mine"\nversion = "1"\ntitle = "Mine"'
) -> instruments.Library:
    cited = 'source = "s"\nstatus = "test"\nreviewed_on = 2026-11-22'
    (folder / "mine.toml").write_text(f"{head}\n[[rule]]\n{rule}\n{cited}\n{more}", encoding="utf-8")
    return instruments.load(profiles=[folder])


def test_user_folder_replaces_a_profile(tmp_path: Path) -> None:
    library = profile(tmp_path, head='id = "nhs-tt"\nversion = "2"\ntitle = "Mine"')
    assert library.profiles["nhs-tt"].version == "2"
    assert library.profiles["nhs-tt"].status == "test"


PHQ9 = 'instrument = "phq9"\n'
BROKEN = [
    ("unknown key", PHQ9 + "respons = 0.5", "", "mine.toml: rule[1].respons is not a key; did you mean response?"),
    ("unknown side", PHQ9 + "remission = { under = 5 }", "", "mine.toml: rule[1].remission.under is not a key"),
    ("no side", PHQ9 + "remission = {}", "", "mine.toml: rule[1].remission: needs exactly one of below, at_most, at_least, above"),
    ("two sides", PHQ9 + "remission = { below = 5, at_most = 4 }", "", "rule[1].remission: needs exactly one of"),
    ("share over 1", PHQ9 + "response = 50", "", "mine.toml: rule[1].response.share: Input should be less than or equal to 1"),
    ("share as text", PHQ9 + 'response = "50%"', "", "mine.toml: rule[1].response.share: should be a number"),
    ("share and points", PHQ9 + "response = { share = 0.5, points = 5 }", "", "mine.toml: rule[1].response: is a share such as 0.5"),
    ("cut outside the range", PHQ9 + "caseness = { at_least = 28 }", "", "rule[1].caseness: 28 lies outside the scores 0 to 27"),
    ("cut on the wrong side", PHQ9 + "remission = { at_least = 5 }", "", "rule[1].remission: at_least is the wrong side, lower is better"),
    ("cut of a scale that rises", 'instrument = "who5"\ncaseness = { at_least = 5 }', "", "at_least is the wrong side, higher is better"),
    (
        "change wider than the scale",
        PHQ9 + "reliable_change = 28",
        "",
        "rule[1].reliable_change: 28 points is more than the scale is wide (27)",
    ),
    ("change of nothing", PHQ9 + "mcid = 0", "", "mine.toml: rule[1].mcid.points: Input should be greater than 0"),
    ("important share over 1", PHQ9 + "mcid = { share = 17.5 }", "", "rule[1].mcid.share: Input should be less than or equal to 1"),
    ("important points too many", PHQ9 + "mcid = 28", "", "rule[1].mcid: 28 points is more than the scale is wide (27)"),
    ("minimum outside", PHQ9 + "minimum_baseline = -1", "", "rule[1].minimum_baseline: -1 lies outside"),
    ("unknown measure", 'instrument = "phq_9"', "", "mine.toml: rule[1].instrument: no instrument has a scale phq_9; did you mean phq9?"),
    ("questionnaire without total", 'instrument = "cbi"', "", "rule[1].instrument: no instrument has a scale cbi"),
    (
        "two rules",
        PHQ9,
        '[[rule]]\ninstrument = "phq9"\nsource = "s"\nstatus = "test"\nreviewed_on = 2026-11-22',
        "mine.toml: two rules for phq9",
    ),
    ("no source", PHQ9, '[[rule]]\ninstrument = "gad7"\nstatus = "test"\nreviewed_on = 2026-11-22', "mine.toml: rule[2].source is missing"),
    ("no review", PHQ9, '[[rule]]\ninstrument = "gad7"\nsource = "s"\nstatus = "test"', "mine.toml: rule[2].reviewed_on is missing"),
    (
        "threshold without source",
        PHQ9,
        '[[rule]]\ninstrument = "gad7"\nmcid = 4\nsource = { response = "s" }\nstatus = "test"\nreviewed_on = 2026-11-22',
        "mine.toml: rule[2]: source says nothing about mcid",
    ),
    (
        "expected of nothing",
        PHQ9,
        '[[expected]]\nindication = "gad"\nprimary = ["gad8"]',
        "expected[1].primary: no instrument has a scale gad8",
    ),
    (
        "expected twice",
        PHQ9,
        '[[expected]]\nindication = "gad"\nprimary = ["gad7"]\nsecondary = ["gad7"]',
        "expected[1]: gad7 stands twice",
    ),
    ("nothing expected", PHQ9, '[[expected]]\nindication = "gad"', "expected[1]: names no measure"),
    ("unknown criterion", PHQ9 + 'criterion = "major"', "", "mine.toml: rule[1].criterion: phq9 has no criterion major"),
    (
        "window counted from the baseline in hours",
        PHQ9,
        '[[window]]\nid = "w"\nfrom_days = 0.5\nto_days = 2\ntarget_days = 1\nanchor = "baseline"',
        'mine.toml: window[1]: anchor = "baseline" counts whole days',
    ),
    (
        "two ends of a window",
        PHQ9,
        '[[window]]\nid = "w"\nfrom_days = 1\nto_days = 2\npick = "last"\nuntil = "end_of_course"',
        "mine.toml: window[1]: until and to_days both say when the window ends",
    ),
    (
        "a window twice",
        PHQ9,
        '[[window]]\nid = "w"\nfrom_days = 1\npick = "last"\n' * 2,
        "mine.toml: window: w stands twice",
    ),
    (
        "pair without a rule",
        PHQ9 + "caseness = { at_least = 10 }\nreliable_change = 6",
        '[pair]\ninstrument = "phq9"\nfallback = "gad7"\nsource = "s"\nstatus = "test"\n'
        'window = { id = "end", from_days = 1, pick = "last", until = "end_of_course" }',
        "mine.toml: pair: gad7 needs a rule with caseness and reliable_change",
    ),
    (
        "one indication twice",
        PHQ9,
        '[[expected]]\nindication = "gad"\nprimary = ["gad7"]\n' * 2,
        "mine.toml: expected: two entries for gad",
    ),
]


@pytest.mark.parametrize(("rule", "more", "sentence"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_broken_profile_is_answered_with_a_sentence(tmp_path: Path, rule: str, more: str, sentence: str) -> None:
    with pytest.raises(instruments.InstrumentError, match=re.escape(sentence)):
        profile(tmp_path, rule, more)


# What a replay of a published data set writes

REPLAY_INSTRUMENT = """\
id = "replay_who_5"
title = "WHO-5"
about = "replay"
direction = "higher_is_better"
totals_only = true
range = [0, 18]
lookback_days = 7
licence = "not shipped: totals only"
sources = ["published data set"]
"""
REPLAY_PROFILE = """\
id = "replay"
version = "1"
title = "Constants of the published data set"

[[rule]]
instrument = "replay_who_5"
reliable_change = 10
source = "constants of the replay"
status = "test"
reviewed_on = 2026-11-22

[[rule]]
instrument = "phq9"
response = 0.5
remission = { at_most = 4 }
caseness = { at_least = 10 }
source = "constants of the replay"
status = "test"
reviewed_on = 2026-11-22
"""


def test_files_of_a_replay_are_accepted(tmp_path: Path) -> None:
    for name, content in (("instruments", REPLAY_INSTRUMENT), ("profiles", REPLAY_PROFILE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "replay.toml").write_text(content, encoding="utf-8")
    library = instruments.load([tmp_path / "instruments"], [tmp_path / "profiles"])
    tables = instruments.ref_tables(library, ["replay"])
    assert tables["scale"].filter(instrument_id="replay_who_5").select("sign", "status").rows() == [(-1, "unverified")]
    assert tables["rule"].select("instrument_id", "status").rows() == [("phq9", "test"), ("replay_who_5", "test")]
