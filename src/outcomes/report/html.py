"""A report in; the page that needs nothing but itself, and the static site, out."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from outcomes.report.draw import svg
from outcomes.report.model import Grid, Picture, Report, Section, Text

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).with_name("templates")
INDEX_WORDS: Final = 4_000


class Link(NamedTuple):
    href: str
    name: str


@cache
def environment() -> "Environment":
    """Templates that escape every value."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    found.tests |= {"grid_block": lambda block: isinstance(block, Grid), "picture_block": lambda block: isinstance(block, Picture)}
    return found


class Drawings:
    """Pictures as SVG, each drawn once however many pages show it."""

    def __init__(self) -> None:
        self._drawn: dict[str, str] = {}

    def __call__(self, picture: Picture) -> Any:
        from markupsafe import Markup, escape

        if picture.id not in self._drawn:
            assert picture.spec is not None
            self._drawn[picture.id] = svg(picture.spec, str(escape(picture.title)))
        return Markup(self._drawn[picture.id])  # noqa: S704 - drawn from a specification, whose texts vl-convert escapes


def page(report: Report, drawn: Drawings) -> str:
    """The whole report in one file."""
    sections = (*report.sections, *report.programmes, *report.quality)
    contents = [Link(f"#{one.id}", one.title) for one in sections]
    return _page(report, drawn, report.title, sections, contents=contents, with_first=True)


def site(report: Report, drawn: Drawings) -> Iterator[tuple[str, str]]:
    """Name and text of each page of the site."""
    start = [("index.html", "Overview", ()), ("outcomes.html", "Outcomes", report.sections)]
    programmes = [(f"{one.id}.html", one.title, (one,)) for one in report.programmes]
    metrics = [(f"{one.id}.html", one.title, (one,)) for one in report.metrics]
    more = [("quality.html", "Data quality", report.quality), ("dictionary.html", "Dictionary", (report.dictionary,))]
    links = [
        *(Link(name, title) for name, title, _ in start),
        Link("programmes.html", "Programmes"), Link("metrics.html", "Metrics"),
        *(Link(name, title) for name, title, _ in more),
    ]  # fmt: skip
    every = [*start[1:], *programmes, *metrics, *more]
    index = [
        {"href": f"{name}#{one.id}", "name": f"{title}: {one.title}" if title != one.title else title, "text": _words(one)}
        for name, title, sections in every
        for one in sections
    ]
    contents = [Link(entry["href"], entry["name"]) for entry in index]
    yield (
        "index.html",
        _page(report, drawn, report.title, (), links=links, here="index.html", with_first=True, index=index, contents=contents),
    )
    for name, title, listed in (("programmes.html", "Programmes", programmes), ("metrics.html", "Metrics", metrics)):
        found = [Link(page_name, page_title) for page_name, page_title, _ in listed]
        yield name, _page(report, drawn, title, (), links=links, here=name, contents=found)
    for name, title, sections in every:
        yield name, _page(report, drawn, title, sections, links=links, here=name)


def _page(report: Report, drawn: Drawings, title: str, sections: Sequence[Section], **more: Any) -> str:
    optional = {"links": (), "here": "", "contents": (), "with_first": False, "index": None} | more
    single = len(sections) == 1 and sections[0].title == title
    made = (
        environment()
        .get_template("page.html")
        .render(report=report, drawn=drawn, title=title, sections=sections, single=single, **optional)
    )
    return made + "\n"


def _words(section: Section) -> str:
    """What the search looks in, in small letters."""
    parts = [section.title]
    for block in section.blocks:
        if isinstance(block, Grid):
            parts += [block.title, *block.columns, *(row[0] for row in block.rows), *(row[1] for row in block.rows if len(row) > 1)]
        elif isinstance(block, Picture):
            parts.append(block.title)
        elif isinstance(block, Text):
            parts += block.lines
    return " ".join(dict.fromkeys(" ".join(parts).lower().split()))[:INDEX_WORDS]
