"""The pages of `docs/` that are made from the definitions, so that they can't say anything else."""

from collections.abc import Callable, Mapping
from pathlib import Path

from outcomes import dictionary, places, rulebook

PAGES: Mapping[str, Callable[[], str]] = {"dictionary.md": dictionary.page, "rules.md": rulebook.page}


def write(check: bool) -> list[str]:
    """The pages that were not what the definitions say; they are written, unless only a check is wanted."""
    docs: Path = places.folder("sql").parent / "docs"
    stale = [name for name, page in PAGES.items() if not (docs / name).exists() or (docs / name).read_text(encoding="utf-8") != page()]
    if not check:
        for name in stale:
            (docs / name).write_text(PAGES[name](), encoding="utf-8")
    return stale
