"""Released rows of groups in, pictures out: what became of courses, groups with their intervals, sites against limits of their size."""

import textwrap
from collections.abc import Sequence
from typing import Any, Final

from outcomes.report.draw import ACCENT, INK, MUTED, PAPER, ROW, SHADES, absent, drawable, layer, names, quantity, spec
from outcomes.report.model import Picture
from outcomes.report.release import Row
from outcomes.report.words import Words

_NARROW: Final = 0.07
_ORDER: Final = ("recovered", "improved", "unchanged", "deteriorated", "harmed", "(pooled)")
_DARK: Final = (0, 3, 4)
_LETTERS: Final = 58
_NAME: Final = 22
_LIMITS: Final = ("low_inner", "high_inner", "low_outer", "high_outer")


def categories(words: Words, measure: str) -> Picture:
    """What became of the measured, visit by visit, in shares of a bar."""
    title = f"What became of the courses, by visit ({words.measure(measure)})"
    rows = words.release.rows(
        "select c.* from published.change_category as c inner join published.window as w using (window_id) where breakdown = 'all' "
        "and instrument_id = $measure and is_usual and not c.is_suppressed and not w.is_own and rate is not null and measured > 0 "
        "order by w.ordinal, list_position($order, category)",
        {"measure": measure, "order": list(_ORDER)},
    )
    if not rows:
        return absent("categories", title)
    found: list[dict[str, Any]] = []
    said: dict[str, list[str]] = {}
    for row in rows:
        window, name = words.window(row["window_id"]), row["category_title"] or words.level(row["category"])
        start = sum(one["share"] for one in found if one["window"] == window)
        share = float(row["rate"])
        label = words.numerals.plain(100 * share) if share >= _NARROW else ""
        ends = {"from": start, "to": start + share, "mid": start + share / 2}
        found.append({"window": window, "name": name, "place": _ORDER.index(row["category"]), "share": share, "label": label, **ends})
        said.setdefault(window, []).append(f"{name} {words.numerals.share(share)}")
    kinds = dict(sorted({(one["place"], one["name"]) for one in found}))
    y = names("window", list(said))
    x = quantity("from", None, (0, 1), words.numerals.percent, values=[0, 0.5, 1])
    shades = {"domain": list(kinds.values()), "range": [SHADES[place] for place in kinds]}
    colour = {"field": "name", "type": "nominal", "scale": shades, "legend": None}
    text = {"y": y, "x": quantity("mid"), "text": {"field": "label"}}
    legend = textwrap.wrap(f"From left: {', '.join(kinds.values())}. Per cent.", _LETTERS)
    drawn = spec(
        [
            layer(found, "bar", {"y": y, "x": x, "x2": {"field": "to"}, "color": colour}, height=20, stroke=PAPER, strokeWidth=1),
            layer([one for one in found if one["place"] in _DARK], "text", text, color=PAPER),
            layer([one for one in found if one["place"] not in _DARK], "text", text, color=INK),
        ],
        ROW * len(said) + 24 + 14 * len(legend),
        title={"text": legend, "anchor": "start", "fontSize": 12, "fontWeight": "normal", "color": MUTED},
    )
    each = ". ".join(f"{window}: {', '.join(parts)}" for window, parts in said.items())
    return Picture("categories", title, f"{title}. {each}.", drawn)


def forest(words: Words, measure: str, overall: Sequence[Row], groups: Sequence[Row], breakdown: str) -> Picture:
    """Groups with their intervals, and the line of all together."""
    title = f"Response by {words.breakdown(breakdown).lower()} ({words.measure(measure)})"
    numerals = words.numerals
    found = [
        drawable(
            {name: row[name] for name in ("rate", "rate_low", "rate_high")},
            {
                "group": f"{_short(words.level(row['level']))}|{numerals.plain(row['denominator'])} courses",
                "label": numerals.share(row["rate"]),
            },
        )
        for row in groups
        if not row["is_suppressed"] and row["rate"] is not None
    ]
    if not found:
        return absent(f"forest-{breakdown}", title)
    y = names("group", [row["group"] for row in found])
    x = quantity("rate", None, (0, 1.15), numerals.percent, values=[0, 0.25, 0.5, 0.75, 1])
    layers = [
        layer(found, "rule", {"y": y, "x": quantity("rate_low"), "x2": {"field": "rate_high"}}, color=ACCENT, strokeWidth=2),
        layer(found, "point", {"y": y, "x": x}, color=ACCENT, fill=ACCENT, size=60, opacity=1, shape="square"),
        layer(found, "text", {"y": y, "x": {"datum": 1.0}, "text": {"field": "label"}}, align="left", dx=4),
    ]
    said = ""
    if overall and overall[0]["rate"] is not None and not overall[0]["is_suppressed"]:
        rate = float(overall[0]["rate"])
        line = [{"rate": rate, "label": f"all {numerals.share(rate)}"}]
        layers.insert(0, layer(line, "rule", {"x": quantity("rate")}, color=MUTED, strokeDash=[4, 3]))
        layers.append(layer(line, "text", {"x": quantity("rate"), "y": {"value": -7}, "text": {"field": "label"}}, color=MUTED))
        across = [row for row in found if row["rate_low"] <= rate <= row["rate_high"]]
        said = f"{len(across)} of {len(found)} intervals hold the rate of all, {numerals.share(rate)}. "
    each = "; ".join(
        f"{row['group'].replace('|', ', ')}: {row['label']} ({numerals.shares(row['rate_low'], row['rate_high'])})" for row in found
    )
    drawn = spec(layers, (ROW + 8) * len(found) + 40)
    return Picture(f"forest-{breakdown}", title, f"{title}. {said}{each}.", drawn)


def _short(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 1].rstrip() + "…"


def funnel(words: Words, measure: str) -> Picture:
    """Sites against limits that narrow with their size."""
    title = f"Response by site, against limits for its size ({words.measure(measure)})"
    setting, numerals = words.release.setting, words.numerals
    rows = words.release.rows(
        "select * from published.funnel where metric_id = 'response' and instrument_id = ? and window_id = ? and profile_id = ? "
        "and not is_suppressed and rate is not null order by denominator, site",
        [measure, setting["headline_window_id"], setting["profile_id"]],
    )
    if not rows:
        return absent("funnel", title)
    columns = ("denominator", "rate", "target", *_LIMITS)
    found = [drawable({name: row[name] for name in columns}, {"label": _short(words.level(row["site"]))}) for row in rows]
    x = quantity("denominator", "courses measured", (0, 1.25 * found[-1]["denominator"]), tickCount=5)
    y = quantity("rate", None, (0, 1), numerals.percent, tickCount=5)
    layers = [
        layer(found, "line", {"x": x, "y": quantity(name)}, color=MUTED, strokeDash=[4, 3] if "inner" in name else [1, 0], strokeWidth=1)
        for name in _LIMITS
        if all(row[name] is not None for row in found)
    ]
    outer = {"x": x, "y": quantity("high_outer"), "text": {"value": "outer limit"}}
    layers += [
        layer([row for row in found[-1:] if row["high_outer"] is not None], "text", outer, dy=-8, color=MUTED),
        layer(found, "point", {"x": x, "y": y}, color=ACCENT, fill=ACCENT, size=60, opacity=1),
        layer(found, "text", {"x": x, "y": y, "text": {"field": "label"}}, align="left", dx=7, dy=-4),
    ]
    each = "; ".join(
        f"{words.level(row['site'])} {numerals.share(row['rate'])} of {numerals.plain(row['denominator'])}, {row['position']}"
        for row in rows
    )
    return Picture("funnel", title, f"{title}. {each}. Not a league table: inside the limits sites do not differ.", spec(layers, 240))
