"""Texts in, Markdown out: the pieces that generated pages are made of."""

from collections.abc import Iterable, Sequence


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; bars, line ends and angle brackets in a cell are escaped."""
    lines = [header, ["-"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell(text) for text in line) + " |" for line in lines)


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def listed(words: Sequence[str], joint: str = "and") -> str:
    """One, two and three."""
    *first, last = words or ("",)
    return f"{', '.join(first)} {joint} {last}" if first else last


def runs(numbers: Iterable[int]) -> str:
    """Numbers in ascending order, neighbours joined: 1-4, 6, 8-9."""
    ends: list[list[int]] = []
    for number in sorted(numbers):
        if ends and number == ends[-1][1] + 1:
            ends[-1][1] = number
        else:
            ends.append([number, number])
    return ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in ends)
