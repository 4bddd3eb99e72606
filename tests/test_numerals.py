"""Numbers and dates are written as the reader's place writes them."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outcomes import numerals
from outcomes.settings import Clinic, Report, Settings

US, DE, CH = (numerals.of(name) for name in ("en-US", "de-DE", "de-CH"))


@pytest.mark.parametrize(
    ("place", "value", "digits", "signed", "text"),
    [
        (US, 1234567, 0, False, "1,234,567"),
        (US, -6.6, 1, True, "−6.6"),
        (US, 6.4, 1, True, "+6.4"),
        (US, -0.04, 1, True, "−0.0"),
        (US, 0, 1, True, "+0.0"),
        (US, -0.04, 1, False, "0.0"),
        (DE, 1234.5, 1, False, "1.234,5"),
        (CH, 1234.5, 1, False, "1’234.5"),
        (numerals.HOUSE, 1234.5, 1, False, "1234.5"),
    ],
)
def test_a_number(place: numerals.Numerals, value: float, digits: int, signed: bool, text: str) -> None:
    assert place.plain(value, digits, signed) == text


@pytest.mark.parametrize(
    ("place", "text"), [(US, "50% (45–55)"), (DE, "50\u00a0% (45–55)"), (numerals.HOUSE, "50 % (45-55)")], ids=["us", "de", "house"]
)
def test_a_share_with_its_interval(place: numerals.Numerals, text: str) -> None:
    assert f"{place.share(0.5)} ({place.shares(0.4538, 0.5462)})" == text


@pytest.mark.parametrize(
    ("name", "day", "period"),
    [
        ("en-US", "Feb 1, 2026", "Nov 2025 to Dec 2025"),
        ("en-GB", "1 Feb 2026", "Nov 2025 to Dec 2025"),
        ("de-DE", "01.02.2026", "11.2025 to 12.2025"),
        ("fr-FR", "01/02/2026", "11/2025 to 12/2025"),
        ("sv-SE", "2026-02-01", "2025-11 to 2025-12"),
    ],
)
def test_a_day_and_months(name: str, day: str, period: str) -> None:
    place = numerals.of(name)
    assert (place.day(dt.date(2026, 2, 1)), place.period("2025-11 to 2025-12")) == (day, period)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("from 4.0 to 3.5, g 0.63 (-0.43 to 0.83)", "from 4,0 to 3,5, g 0,63 (−0,43 to 0,83)"),
        ("12345 of 20000 patients", "12.345 of 20.000 patients"),
        ("2024-25, PHQ-9 and v1.2.3", "2024-25, PHQ-9 and v1.2.3"),
        ("at most 17.5 % of it.", "at most 17,5 % of it."),
    ],
)
def test_numbers_within_a_text(text: str, written: str) -> None:
    assert DE.within(text) == written


@pytest.mark.parametrize("name", numerals.names())
def test_every_place_keeps_decimals_and_thousands_apart(name: str) -> None:
    place = numerals.of(name)
    assert place.decimal != place.group
    assert place.percent.count("{}") == 1


@given(st.floats(-1e9, 1e9), st.integers(0, 3))
def test_a_number_can_be_read_back(value: float, digits: int) -> None:
    text = DE.plain(value, digits).replace(".", "").replace(",", ".").replace("−", "-")
    assert float(text) == pytest.approx(round(value, digits), abs=10**-digits)


def test_a_place_that_nobody_knows_is_named_with_those_that_are_known() -> None:
    with pytest.raises(ValueError, match=r"is not a locale; there are .*de-DE"):
        Report(locale="xx-XX")
    assert Settings(clinic=Clinic(name="A", timezone="UTC")).report.locale == "en-US"
