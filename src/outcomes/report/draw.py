"""A picture as data in, SVG for pages and PNG for mails out; the parts that pictures are put together from.

A picture is as wide as a phone, so that its letters need no magnifying. Colours are few and named: a page in dark mode turns them by name.
Nothing is told by colour alone: lines have their names beside them, and shades differ in brightness.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from outcomes.report.model import Picture

WIDTH: Final = 360
VEGA_LITE: Final = "5.20"
INK, MUTED, ACCENT, BAND, LINE, PAPER = "#1b1f24", "#57606a", "#0b5cad", "#dbe7f3", "#c9d1d9", "#ffffff"
SHADES: Final = ("#0b5cad", "#6d9fd0", "#c3d3e3", "#8a6d3b", "#5a3e1b", "#e4e7ea")
LETTERS: Final = 12
SCALE: Final = 2
HIDDEN: Final = "Nothing to draw: all of it is hidden, because too few courses are in it, or not measured."
_CONFIG: Final = {
    "background": "transparent",
    "font": "Liberation Sans, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": MUTED, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE,
        "labelFontSize": LETTERS, "titleFontSize": LETTERS, "titleFontWeight": "normal", "labelLimit": 170,
    },
    "text": {"fontSize": LETTERS, "color": INK},
    "rule": {"color": MUTED},
}  # fmt: skip
_SIZE: Final = re.compile(r'<svg([^>]*?) width="([\d.]+)" height="([\d.]+)"')

Rows = Sequence[Mapping[str, Any]]
ROW: Final = 30
Spec = dict[str, Any]


def absent(id_: str, title: str) -> Picture:
    """A picture of which nothing may be drawn: its sentence says so."""
    return Picture(id_, title, HIDDEN, None)


def drawable(row: Mapping[str, Any], words: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers of the release as numbers of a drawing, with the texts that stand beside them."""
    return {name: None if value is None else float(value) for name, value in row.items()} | dict(words)


def spec(layers: Sequence[Spec], height: int, **more: Any) -> Spec:
    """A whole picture of layers."""
    size = {"width": WIDTH, "height": height, "autosize": {"type": "fit", "contains": "padding"}}
    return {**size, "padding": 4, "layer": list(layers), "config": _CONFIG, **more}


def layer(rows: Rows, mark: str, encoding: Mapping[str, Any], **style: Any) -> Spec:
    return {"data": {"values": [dict(row) for row in rows]}, "mark": {"type": mark, **style}, "encoding": dict(encoding)}


def quantity(field: str, title: str | None = None, domain: Sequence[float] | None = None, percent: str = "", **axis: Any) -> Spec:
    """A number on an axis; with `percent`, a pattern, it is a share."""
    if percent:
        before, _, after = percent.partition("{}")
        axis["labelExpr"] = f"'{before}' + format(100 * datum.value, '.0f') + '{after}'"
    found: Spec = {"field": field, "type": "quantitative", "title": title, "axis": axis or {}}
    if domain:
        found["scale"] = {"domain": list(domain), "nice": False}
    return found


def names(field: str, order: Sequence[str], **axis: Any) -> Spec:
    """Names on an axis, in the order given; a bar in a name begins a new line."""
    axis = {"labelExpr": "split(datum.label, '|')", "ticks": False, "domain": False} | axis
    return {"field": field, "type": "nominal", "sort": list(order), "title": None, "axis": axis}


def svg(picture: Mapping[str, Any], label: str) -> str:
    """The picture as an SVG that scales with its column and is read out as its label."""
    import vl_convert

    drawn: str = vl_convert.vegalite_to_svg(json.dumps(picture), vl_version=VEGA_LITE)
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'\s*xmlns:xlink="[^"]*"', "", drawn)
    drawn = re.sub(r' aria-[\w-]+="[^"]*"', "", drawn)
    drawn = re.sub(r' role="[^"]*"', "", drawn)
    drawn = re.sub(r'\s(class|version|xml:space)="[^"]*"', "", drawn)
    return _SIZE.sub(rf'<svg\1 role="img" aria-label="{label}"', drawn, count=1)


def png(picture: Mapping[str, Any]) -> bytes:
    """The same on white paper, twice as sharp, for what cannot show SVG."""
    import vl_convert

    paper = {**picture, "config": {**picture["config"], "background": PAPER}}
    drawn: bytes = vl_convert.vegalite_to_png(json.dumps(paper), vl_version=VEGA_LITE, scale=SCALE)
    return drawn
