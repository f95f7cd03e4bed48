"""Makes a picture of each page, wide and on a phone, light and dark: `make screenshots`."""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Page, sync_playwright

from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect
from showup.database.migrate import upgrade
from tests.web.dashboard.browsing import CHROMIUM
from tests.web.dashboard.picture_data import MovableClock, fill
from tests.web.dashboard.site import Site, running_site
from tests.web.sample_data import session_of

VIEWS: Final = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
THEMES: Final = ("light", "dark")
PAGES: Final = {
    "today": "?who=team",
    "pipeline": "pipeline",
    "outcomes": "outcomes?who=team",
    "outcome": "outcome/{booking}",
    "move": "deals/{deal}/move",
    "erase": "people/{person}/erase",
    "teammates": "settings/teammates",
    "setup": "setup",
    "mail": "mail",
    "signin": "signin",
}
_FULL: Final = {"today", "outcomes", "teammates", "setup", "mail"}


@contextmanager
def sample_site() -> Iterator[Site]:
    """Serves the sample from a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = EmbeddedPostgres(Path(folder) / "data")
        try:
            url, clock = server.open(), MovableClock()

            async def prepare() -> None:
                await upgrade(url)
                engine = connect(url)
                await fill(engine, clock)
                await engine.dispose()

            asyncio.run(prepare())
            with running_site(url, clock) as site:
                yield site
        finally:
            server.close()


def take_pictures(site: Site, folder: Path, only: str | None = None) -> None:
    """Writes the pictures of all pages, or of those whose names contain `only`."""
    query = "SELECT id, deal_id, person_id FROM showup.bookings WHERE calcom_uid = 'bluepeak-energy-0'"
    [[booking, deal, person]] = site.execute(query)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for view, viewport in VIEWS.items():
            for theme in THEMES:
                context = browser.new_context(
                    viewport=viewport,  # type: ignore[arg-type]  # the two keys that it names
                    color_scheme=theme,  # type: ignore[arg-type]  # one of the two
                    device_scale_factor=2 if view == "phone" else 1,
                    reduced_motion="reduce",
                    timezone_id="Europe/Prague",
                )
                page = context.new_page()
                page.clock.set_fixed_time("2026-03-12T12:37:00Z")
                for name, path in PAGES.items():
                    if only is not None and only not in name:
                        continue
                    if name != "signin":
                        cookie = {"name": "showup_session", "value": session_of("dana"), "url": site.address}
                        context.add_cookies([cookie])  # type: ignore[list-item]  # the keys of a cookie
                    else:
                        context.clear_cookies()
                    page.goto(f"{site.address}/{path.format(booking=booking, deal=deal, person=person)}")
                    _wait_until_drawn(page)
                    page.screenshot(path=folder / f"{name}-{view}-{theme}.png", full_page=name in _FULL)
                context.close()
        browser.close()


def _wait_until_drawn(page: Page) -> None:
    """Waits until the page is live, and drawn: Chromium may take a picture of it half-styled."""
    if page.locator("#live").count():
        page.locator("#live[data-state=live]").wait_for()
    page.evaluate("() => document.fonts.ready")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    target.mkdir(parents=True, exist_ok=True)
    with sample_site() as running:
        take_pictures(running, target, sys.argv[2] if len(sys.argv) > 2 else None)
    sys.stdout.write(f"{len([*target.glob('*.png')])} pictures in {target}\n")
