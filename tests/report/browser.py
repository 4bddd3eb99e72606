"""A headless browser of the machine that can't leave it: opens pages, notes every request, draws, and asks axe-core."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES: Final = {390: 844, 1280: 900}
Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, ...]] = ("light", "dark")
AXE: Final = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map((v) => [v.id, v.help, v.nodes.slice(0, 3).map((n) => n.html)])"  # noqa: E501


def installed() -> str | None:
    """The browser of this machine, or None."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def running() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=installed(), args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@contextmanager
def opened(browser: "Browser", path: Path, width: int, scheme: Scheme) -> Iterator[tuple["Page", list[str]]]:
    """The page of a file, and the addresses it asked for, itself aside."""
    page = browser.new_page(viewport={"width": width, "height": SIZES[width]}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    asked.remove(path.as_uri())
    yield page, asked
    page.close()


def violations(page: "Page") -> list[Any]:
    """What axe-core finds wrong. Its own code comes from the package, not from a host."""
    import axe_core_python

    # A page that lets no script in has to be asked from outside of it.
    page.evaluate((Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    found: list[Any] = page.evaluate(AXE)
    return found
