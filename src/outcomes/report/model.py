"""What a report consists of, before anybody dresses it: texts, tables and pictures in sections. Every dress shows the same of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

HIDDEN: Final = "hidden"
NONE: Final = "none"
NOT_MEASURED: Final = "not measured"

Verdict = Literal["good", "look", "untold"]
VERDICTS: Final = {"good": "nothing unusual", "look": "take a look", "untold": "not told"}


@dataclass(frozen=True)
class Grid:
    """A table: its name, columns (those of `numbers` stand to the right) and rows of text; what must be said below it in `remarks`."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def is_number(self) -> tuple[bool, ...]:
        return tuple(column in self.numbers for column in self.columns)


@dataclass(frozen=True)
class Picture:
    """A picture as data (Vega-Lite), with what it says in words; without anything to draw, the words alone."""

    id: str
    title: str
    alt: str
    spec: Mapping[str, Any] | None


@dataclass(frozen=True)
class Text:
    """A paragraph, or a list where there are several lines."""

    lines: tuple[str, ...]
    is_list: bool = False


Block = Grid | Picture | Text


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it; `id` names it in links."""

    id: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Figure:
    """One headline number in words: what it is of, the number, and how far it may be trusted."""

    name: str
    value: str
    of: str
    interval: str
    coverage: str
    bounds: str


@dataclass(frozen=True)
class Said:
    """One line of the first screen: its heading, whether it asks for a look, and the sentences."""

    heading: str
    verdict: Verdict
    lines: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.heading}: {VERDICTS[self.verdict]}"


@dataclass(frozen=True)
class Task:
    """What must be done, and by whom."""

    who: str
    what: str


@dataclass(frozen=True)
class First:
    """The first screen."""

    answer: str
    verdict: Verdict
    asked: str
    figures: tuple[Figure, ...]
    meanings: tuple[str, ...]
    said: tuple[Said, ...]
    tasks: tuple[Task, ...]

    @property
    def glance(self) -> str:
        """All verdicts in one line."""
        return ". ".join(one.title for one in self.said) + "."


@dataclass(frozen=True)
class QualityReport:
    """What became of the data, for their owners: by itself where a night brings no release."""

    clinic: str
    day: str
    subject: str
    answer: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Report:
    """All of it. `programmes` and `metrics` have a page each in the site."""

    clinic: str
    title: str
    as_of: str
    day: str
    first: First
    trend: Picture
    sections: tuple[Section, ...]
    quality: tuple[Section, ...]
    programmes: tuple[Section, ...]
    metrics: tuple[Section, ...]
    dictionary: Section
    caveat: str
    subject: str
    quality_subject: str
    quality_answer: str
    has_changed: bool = True
    notes: tuple[str, ...] = field(default_factory=tuple)
