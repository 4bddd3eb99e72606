"""Released rows in, pictures out: each with the sentence that it shows. Where all of its rows are hidden, the sentence stands alone."""

from collections.abc import Sequence
from typing import Any, Final

from outcomes.report.draw import ACCENT, BAND, MUTED, ROW, absent, drawable, layer, names, quantity, spec
from outcomes.report.model import Picture
from outcomes.report.release import Row
from outcomes.report.words import Words

_DENSE: Final = 5
_TICKS: Final = 6
_MINUTES: Final = 130.0
_CODE: Final = 2
_CLOCK: Final = {
    "dissociation_onset_min": ("begins", "triangle-right"),
    "dissociation_peak_min": ("strongest", "circle"),
    "dissociation_resolved_min": ("over", "square"),
    "ready_to_leave_min": ("may leave", "diamond"),
}
_LEFT_OF: Final = "over"
_LASTING: Final = """
select * from published.survival where profile_id = $profile and event_id = $event and breakdown = 'all' and counted_in = 'days'
and maintenance = 'all' and not is_suppressed and survival is not null
order by instrument_id <> $measure, instrument_id, time
"""


def trend(words: Words, measure: str, figure: str) -> Picture:
    """The headline by the month in which courses began, with the limits within which it usually moves."""
    title = f"{words.metric(figure)} by month of the first dose ({words.measure(measure)})"
    rows = words.release.rows(
        "select * from published.process where figure_id = ? and instrument_id = ? and not is_suppressed and value is not null "
        "order by period",
        [figure, measure],
    )
    if not rows:
        return absent("trend", title)
    numerals = words.numerals
    found = [
        drawable(
            {name: row[name] for name in ("value", "lower", "upper", "centre")},
            {"period": numerals.short(row["period"]), "label": numerals.share(row["value"]) + (" !" if row["signal"] else "")},
        )
        for row in rows
    ]
    limits = [row for row in found if row["lower"] is not None]
    size = 11 if len(found) > _DENSE else 12
    x = names("period", [row["period"] for row in found], labelAngle=0, labelPadding=6, labelOverlap="greedy", labelFontSize=size)
    x["scale"] = {"type": "point", "padding": 0.5}
    y = quantity("value", None, (0, 1), numerals.percent, tickCount=5)
    upper = {"x": x, "y": quantity("upper"), "text": {"value": "usual range"}}
    drawn = spec(
        [
            layer(limits, "area", {"x": x, "y": quantity("lower"), "y2": {"field": "upper"}}, color=BAND, interpolate="step"),
            layer(found, "line", {"x": x, "y": quantity("centre")}, color=MUTED, strokeDash=[4, 3], strokeWidth=1),
            layer(found, "line", {"x": x, "y": y}, color=ACCENT, strokeWidth=2),
            layer(found, "point", {"x": x, "y": y}, color=ACCENT, fill=ACCENT, size=45, opacity=1),
            layer(found, "text", {"x": x, "y": y, "text": {"field": "label"}}, dy=-12, fontWeight="bold"),
            layer(limits[:1], "text", upper, align="left", dx=-14, dy=-7, color=MUTED),
        ],
        240,
    )
    odd = len([row for row in rows if row["signal"]])
    said = f"{odd} of {len(rows)} periods stand out" if odd else "every period lies inside the usual range"
    values = "; ".join(f"{numerals.period(row['period'])} {numerals.share(row['value'])}" for row in rows)
    return Picture("trend", title, f"{title}: {said}. {values}.", drawn)


def flow(words: Words, steps: Sequence[Row]) -> Picture:
    """Patients from screening to the end of the induction."""
    title = "From screening to the end of the induction, patients"
    by = {step["step_id"]: step for step in steps if not step["is_suppressed"]}
    wanted = (
        ("Screened", "excluded", "asked"),
        ("Let in", "started", "asked"),
        ("Begun", "started", "taken"),
        ("Came to the last dose", "completed", "taken"),
    )
    counts = [(name, int(by[step][column])) for name, step, column in wanted if step in by and by[step][column] is not None]
    if not counts:
        return absent("flow", title)
    found = [{"step": name, "n": n, "label": words.numerals.plain(n)} for name, n in counts]
    y = names("step", [name for name, _ in counts])
    x = quantity("n", None, (0, 1.18 * max(1, *(n for _, n in counts))))
    x["axis"] = None
    drawn = spec(
        [
            layer(found, "bar", {"y": y, "x": x}, color=ACCENT, height=16),
            layer(found, "text", {"y": y, "x": x, "text": {"field": "label"}}, align="left", dx=5, fontWeight="bold"),
        ],
        ROW * len(found) + 10,
    )
    said = ", ".join(f"{name.lower()} {words.numerals.plain(n)}" for name, n in counts)
    return Picture("flow", title, f"{title}: {said}. Whose induction still runs is not in the last number.", drawn)


def coverage(words: Words, measure: str, rows: Sequence[Row]) -> Picture:
    """How many of those due were measured, visit by visit."""
    title = f"Measured of those due, by visit ({words.measure(measure)})"
    shares = [
        (words.window(row["window_id"]), float(row["coverage"]))
        for row in rows
        if not row["is_suppressed"] and row["coverage"] is not None and not words.is_own(row["window_id"])
    ]
    if not shares:
        return absent("coverage", title)
    found = [{"window": name, "rate": share, "whole": 1.0, "label": words.numerals.share(share)} for name, share in shares]
    y = names("window", [name for name, _ in shares])
    x = quantity("rate", None, (0, 1.12), words.numerals.percent, values=[0, 0.5, 1])
    drawn = spec(
        [
            layer(found, "bar", {"y": y, "x": quantity("whole")}, color=BAND, height=14),
            layer(found, "bar", {"y": y, "x": x}, color=ACCENT, height=14),
            layer(found, "text", {"y": y, "x": quantity("whole"), "text": {"field": "label"}}, align="left", dx=5),
        ],
        ROW * len(found) + 24,
    )
    said = ", ".join(f"{name} {words.numerals.share(share)}" for name, share in shares)
    return Picture("coverage", title, f"{title}: {said}.", drawn)


def clock(words: Words) -> Picture:
    """When dissociation begins, is strongest and ends: medians in minutes after the dose, by route."""
    title = "Dissociation clock: median minutes after the dose, by route"
    rows = words.release.rows(
        "select * from published.session_value where breakdown = 'dose_route' and list_contains($kinds, value_id) "
        "and not is_suppressed and median is not null order by level = '(pooled)', level, median",
        {"kinds": list(_CLOCK)},
    )
    if not rows:
        return absent("clock", title)
    limits = words.release.rows(
        "select distinct at_most as minutes from published.session_rule "
        "where rule_id in ('peak_within_60', 'resolved_within_120') order by all"
    )
    routes = list(dict.fromkeys(_route(words, row["level"]) for row in rows))
    found: list[dict[str, Any]] = [
        {
            "route": _route(words, row["level"]),
            "minutes": float(row["median"]),
            "is": _CLOCK[row["value_id"]][0],
            "label": words.numerals.plain(row["median"]),
        }
        for row in rows
    ]
    y = names("route", routes)
    x = quantity("minutes", "minutes", (0, max(_MINUTES, *(1.1 * row["minutes"] for row in found))), tickCount=6)
    shapes = {"domain": [name for name, _ in _CLOCK.values()], "range": [shape for _, shape in _CLOCK.values()]}
    shape = {"field": "is", "type": "nominal", "legend": None, "scale": shapes}
    named = [row for row in found if row["route"] == routes[0]]
    name = {"y": y, "x": x, "text": {"field": "is"}}
    drawn = spec(
        [
            layer([drawable(row, {}) for row in limits], "rule", {"x": quantity("minutes")}, color=MUTED, strokeDash=[4, 3]),
            layer(found, "line", {"y": y, "x": x, "detail": {"field": "route"}}, color=BAND, strokeWidth=8),
            layer(found, "point", {"y": y, "x": x, "shape": shape}, color=ACCENT, fill=ACCENT, size=70, opacity=1),
            layer(found, "text", {"y": y, "x": x, "text": {"field": "label"}}, dy=17),
            layer([row for row in named if row["is"] == _LEFT_OF], "text", name, dy=-13, align="right", dx=6, color=MUTED),
            layer([row for row in named if row["is"] != _LEFT_OF], "text", name, dy=-13, align="left", dx=-6, color=MUTED),
        ],
        54 * len(routes) + 44,
    )
    each = "; ".join(f"{route}: " + ", ".join(f"{row['is']} {row['label']}" for row in found if row["route"] == route) for route in routes)
    return Picture("clock", title, f"{title}. {each}. Dashed: the limits of the rules, in minutes.", drawn)


def _route(words: Words, level: str) -> str:
    return level.upper() if len(level) == _CODE else words.level(level)


def survival(words: Words, measure: str) -> Picture:
    """How long a response lasts, with the numbers at risk below; where that is hidden, how soon a response comes.

    Of the measure of the headline, or of the one of which most of the curve may be shown.
    """
    asked = {"profile": words.release.setting["profile_id"], "measure": measure}
    curves: dict[tuple[str, str], list[Row]] = {}
    for event in ("loss_of_response", "response"):
        for row in words.release.rows(_LASTING, asked | {"event": event}):
            curves.setdefault((event, row["instrument_id"]), []).append(row)
        if any(len(rows) > 1 for (kind, _), rows in curves.items() if kind == event):
            break
    if not curves:
        return absent("survival", "How long a response lasts")
    (event, shown), rows = max(curves.items(), key=lambda one: (one[0][0] == event, len({row["survival"] for row in one[1]})))
    said = {"loss_of_response": "Still responding", "response": "Not yet responding"}[event]
    title = f"{said}, by days ({words.measure(shown)})"
    numerals = words.numerals
    start: dict[str, Any] = {"time": 0.0, "survival": 1.0, "survival_low": 1.0, "survival_high": 1.0, "risk": ""}
    ends = ("time", "survival", "survival_low", "survival_high")
    found = [start, *(drawable({name: row[name] for name in ends}, {"risk": numerals.plain(row["at_risk"])}) for row in rows)]
    some = found[:: -(-len(found) // _TICKS)]
    x = quantity("time", "days, and courses at risk", (0, 1.05 * found[-1]["time"]), values=[row["time"] for row in some], titlePadding=20)
    y = quantity("survival", None, (0, 1.05), numerals.percent, values=[0, 0.25, 0.5, 0.75, 1])
    band = [row for row in found if row["survival_low"] is not None]
    low = {"x": x, "y": quantity("survival_low"), "y2": {"field": "survival_high"}}
    last = {"x": x, "y": y, "text": {"value": numerals.share(rows[-1]["survival"])}}
    drawn = spec(
        [
            layer(band, "area", low, color=BAND, interpolate="step-after"),
            layer(found, "line", {"x": x, "y": y}, color=ACCENT, interpolate="step-after", strokeWidth=2),
            layer(some, "text", {"x": x, "y": {"value": {"expr": "height + 28"}}, "text": {"field": "risk"}}, color=MUTED),
            layer(found[-1:], "text", last, dy=-10, dx=-4, align="right", fontWeight="bold"),
        ],
        240,
    )
    each = "; ".join(
        f"by day {numerals.plain(row['time'])} {numerals.share(row['survival'])}, {numerals.plain(row['at_risk'])} at risk" for row in rows
    )
    return Picture("survival", title, f"{title}: {each}.", drawn)
