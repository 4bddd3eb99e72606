"""Pages in a real browser: they ask nobody, fit a phone, and axe-core finds nothing, in light and in dark."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import browser as real
import pytest

from outcomes import report
from outcomes.letter import Letter

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.skipif(real.installed() is None, reason=f"no browser here: install one of {', '.join(real.NAMES)}")

PHONE = ["report.html", "site/index.html", "site/metric-response.html", "site/quality.html", "leadership.html", "quality.html"]
DESK = ["site/index.html", "site/programme-ptsd.html", "site/outcomes.html", "leadership.html"]
SHOWN = [*((name, 390, "dark") for name in PHONE), *((name, 1280, "light") for name in DESK)]


@pytest.fixture(scope="module")
def folder(rendered: report.Rendered, letters: dict[str, Letter], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, and the mails as a reader's program shows them: pictures from beside."""
    made = tmp_path_factory.mktemp("pages")
    for name, data in rendered.files.items():
        (made / name).parent.mkdir(exist_ok=True)
        (made / name).write_bytes(data)
    for letter in letters.values():
        page = letter.html
        for name, drawn in letter.images.items():
            assert f"cid:{name}" in page
            (made / f"{name}.png").write_bytes(drawn)
            page = page.replace(f"cid:{name}", f"{name}.png")
        assert "cid:" not in page
        (made / f"{letter.kind}.html").write_text(page, encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def chromium() -> Iterator["Browser"]:
    with real.running() as started:
        yield started


@pytest.mark.parametrize(("name", "width", "scheme"), SHOWN, ids=lambda part: str(part))
def test_a_page_asks_nobody_fits_and_can_be_read(name: str, width: int, scheme: real.Scheme, folder: Path, chromium: "Browser") -> None:
    with real.opened(chromium, folder / name, width, scheme) as (page, asked):
        assert [url for url in asked if not url.endswith(".png") or not url.startswith("file:")] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert real.violations(page) == []


def test_the_search_finds_a_page(folder: Path, chromium: "Browser") -> None:
    with real.opened(chromium, folder / "site" / "index.html", 390, "light") as (page, asked):
        page.fill("#q", "remission")
        assert page.locator("#hits a").count() > 2
        page.fill("#q", "nowhere to be found")
        assert page.locator("#found").inner_text() == "Nothing found"
        assert asked == []


def test_every_link_of_the_site_leads_somewhere(rendered: report.Rendered) -> None:
    import re

    names = {name.removeprefix("site/") for name in rendered.files if name.startswith("site/")}
    for name in names:
        page = rendered.files[f"site/{name}"].decode()
        for href in re.findall(r'href="([^"]+)"', page):
            target, _, place = href.partition("#")
            assert (target or name) in names, href
            assert not place or f'id="{place}"' in rendered.files[f"site/{target or name}"].decode(), href
