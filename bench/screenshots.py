"""Screenshots of the report, its site and its mails, on a phone and on a desk, light and dark; prints what rendering costs.

    python bench/screenshots.py [--clinic DIR] [--into DIR]

Without a clinic, the demo's is made. Needs a Chromium or Chrome on the machine. `--readme` writes docs/pictures/report-phone.png too.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests" / "report"))

import browser as real  # noqa: E402

PAGES = ("report.html", "site/index.html", "site/quality.html", "site/programme-ptsd.html", "leadership.html", "quality.html")
README = ROOT / "docs" / "pictures" / "report-phone.png"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--clinic", type=Path, help="a folder with outcomes.toml and a release")
    asked.add_argument("--into", type=Path, default=Path("screenshots"))
    asked.add_argument("--readme", action="store_true")
    wanted = asked.parse_args()
    if real.installed() is None:
        sys.exit(f"no browser here: install one of {', '.join(real.NAMES)}")
    with tempfile.TemporaryDirectory() as scratch:
        clinic = wanted.clinic or made(Path(scratch) / "clinic")
        folder = Path(scratch) / "pages"
        draw(rendered(clinic, folder), wanted.into, wanted.readme)


def made(folder: Path) -> Path:
    from outcomes import log, verbs

    code, text = verbs.demo(folder, 900, log.silent)
    if code:
        sys.exit(text)
    return folder


def rendered(clinic: Path, folder: Path) -> Path:
    """Every page and mail of the clinic's last release, as files; prints the time that took."""
    from outcomes import report
    from outcomes.settings import load

    settings = load(clinic / "outcomes.toml")
    snapshot = (settings.paths.data / "published" / "current").resolve()
    for round_ in ("first, with start-up", "again"):
        wall, cpu = time.perf_counter(), time.process_time()
        files = dict(report.render(snapshot, settings).files)
        letters = report.letters(snapshot, settings)
        print(
            f"whole report, {round_}: {time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU, {os.cpu_count()} cores"
        )
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    print(f"page {len(files['report.html']) / 1e3:.0f} kB, PDF {len(files['report.pdf']) / 1e3:.0f} kB, site {len(files) - 2} pages")
    for letter in letters:
        page = letter.html
        for name, drawn in letter.images.items():
            (folder / f"{name}.png").write_bytes(drawn)
            page = page.replace(f"cid:{name}", f"{name}.png")
        (folder / f"{letter.kind}.html").write_text(page, encoding="utf-8")
        pictures = sum(len(drawn) for drawn in letter.images.values())
        print(
            f"mail {letter.kind}: {len(letter.html.encode()) / 1e3:.0f} kB of HTML, {pictures / 1e3:.0f} kB of pictures: {letter.subject}"
        )
    return folder


def draw(folder: Path, into: Path, with_readme: bool) -> None:
    into.mkdir(parents=True, exist_ok=True)
    with real.running() as browser:
        for name in PAGES:
            for width in real.SIZES:
                for scheme in real.SCHEMES:
                    with real.opened(browser, folder / name, width, scheme) as (page, _):
                        path = into / f"{Path(name).as_posix().replace('/', '-').removesuffix('.html')}-{width}-{scheme}.png"
                        page.screenshot(path=path)
                        print(path)
        if with_readme:
            README.parent.mkdir(parents=True, exist_ok=True)
            with real.opened(browser, folder / "report.html", 390, "light") as (page, _):
                page.screenshot(path=README)
            print(README, f"{README.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
