"""The pages of `docs/` that are made from the definitions, so that they can't say anything else."""

from collections.abc import Callable, Mapping
from pathlib import Path

from outcomes import dictionary, instrument_pages, metric_pages, places, rulebook

PAGES: Mapping[str, Callable[[], str]] = {
    "dictionary.md": dictionary.page,
    "rules.md": rulebook.page,
    "benchmarks.md": metric_pages.benchmarks,
}
FOLDERS: Mapping[str, Callable[[], Mapping[str, str]]] = {"instruments": instrument_pages.pages, "metrics": metric_pages.pages}
"""Folders of `docs/` with nothing but generated pages, by file name."""


def write(check: bool, docs: Path | None = None) -> list[str]:
    """The pages that were not what the definitions say, by their path in `docs`; they are written, unless only a check is wanted.

    A page in one of the folders that nothing makes any more is among them, and is removed.
    """
    docs = docs or places.folder("sql").parent / "docs"
    wanted = {name: page() for name, page in PAGES.items()}
    wanted |= {f"{folder}/{name}": text for folder, pages in FOLDERS.items() for name, text in pages().items()}
    stale = [name for name, text in wanted.items() if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != text]
    orphans = [f"{folder}/{path.name}" for folder in FOLDERS for path in sorted((docs / folder).glob("*.md"))]
    orphans = [name for name in orphans if name not in wanted]
    if not check:
        for name in stale:
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            (docs / name).write_text(wanted[name], encoding="utf-8")
        for name in orphans:
            (docs / name).unlink()
    return [*stale, *orphans]
