"""A published snapshot in; all dresses of its report out, and, on the disk, `report.html`, `report.pdf` and `site/` beside its tables."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from outcomes.letter import Letter
from outcomes.publish import sync
from outcomes.report import assemble, html, mail, pdf
from outcomes.report.model import Report
from outcomes.report.release import tells_of_itself
from outcomes.settings import Settings

HTML: Final = "report.html"
PDF: Final = "report.pdf"
SITE: Final = "site"
CHECKSUMS: Final = "checksums.txt"
FOLDER_MODE: Final = 0o750
FILE_MODE: Final = 0o640


@dataclass(frozen=True)
class Rendered:
    """The report and every file of it by its name in the snapshot."""

    report: Report
    files: Mapping[str, bytes]


def render(snapshot: Path, settings: Settings) -> Rendered:
    """The same release and settings give the same bytes. Raises FileNotFoundError where the folder holds no release."""
    whole = assemble.report(snapshot, settings)
    drawn = html.Drawings()
    files = {HTML: html.page(whole, drawn).encode()}
    files |= {f"{SITE}/{name}": text.encode() for name, text in html.site(whole, drawn)}
    files[PDF] = pdf.made(whole)
    return Rendered(whole, files)


def write(snapshot: Path, settings: Settings) -> list[Path]:
    """Renders into the snapshot's own folder; the files that were written, each whole or not at all, listed in its checksums.

    A night does so before readers see the snapshot. Afterwards, only what the settings say of numbers and dates may differ. None are
    written where the release does not say what it was asked.
    """
    if not tells_of_itself(snapshot):
        return []
    files = render(snapshot, settings).files
    for name, data in files.items():
        path = snapshot / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(FOLDER_MODE)
        _put(path, data)
    _list(snapshot, files)
    for folder in {(snapshot / name).parent for name in files}:
        sync(folder)
    return [snapshot / name for name in files]


def _put(path: Path, data: bytes) -> None:
    """Where readers may hold the file that is there, it is replaced in one step."""
    beside = path.with_name(f".{path.name}.tmp") if path.exists() else path
    beside.write_bytes(data)
    beside.chmod(FILE_MODE)
    sync(beside)
    if beside != path:
        beside.replace(path)


def _list(snapshot: Path, files: Mapping[str, bytes]) -> None:
    """Puts the files into the snapshot's checksums, in their place."""
    listing = snapshot / CHECKSUMS
    known = {name: digest for digest, name in (line.split("  ", 1) for line in listing.read_text(encoding="utf-8").splitlines())}
    known |= {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    lines = (f"{digest}  {name}\n" for name, digest in sorted(known.items(), key=lambda one: Path(one[0])))
    _put(listing, "".join(lines).encode())


def letters(snapshot: Path, settings: Settings) -> list[Letter]:
    """The letter to leadership and the one to the owners of the data; none where the release does not say what it was asked."""
    if not tells_of_itself(snapshot):
        return []
    attach = settings.email.attach if settings.email else tuple(mail.MEDIA)
    return mail.letters(assemble.report(snapshot, settings), snapshot, attach)


def quality_letter(warehouse: Path, settings: Settings) -> Letter:
    """The letter to the owners of the data after a night without a release, from what its warehouse says of files and rules."""
    return mail.quality_letter(assemble.quality_report(warehouse, settings))
