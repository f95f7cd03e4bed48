"""Makes a picture of each page, wide and on a phone, light and dark: `make screenshots`.

`make pictures` takes those of the README: small files, which are committed.
"""

import asyncio
import base64
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from showup.database.embedded.server import EmbeddedPostgres
from showup.database.engine import connect
from showup.database.migrate import upgrade
from tests.web.dashboard.browsing import CHROMIUM
from tests.web.dashboard.picture_data import MovableClock, fill
from tests.web.dashboard.site import Site, running_site
from tests.web.sample_data import session_of

VIEWS: Final = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
THEMES: Final = ("light", "dark")
# The picture's name, and the page of the settings.
SETTINGS: Final = {name: name for name in ("teammates", "rules", "reminders", "outcome", "domains", "senders")} | {
    **{name: name for name in ("templates", "keys", "webhooks", "accounts", "workspaces", "sample", "changes")},
    "you": "",
    "assistants": "assistant",
}
PAGES: Final = {
    "today": "?who=team",
    "pipeline": "pipeline",
    "outcomes": "outcomes?who=team",
    "outcome": "outcome/{booking}",
    "proposal": "proposal/{booking}",
    "move": "deals/{deal}/move",
    "deal": "deals/{deal}",
    "booking": "bookings/{booking}",
    "new-deal": "deals/new",
    "deals": "deals?status=active&sort=next_meeting",
    "bookings": "bookings",
    "people": "people",
    "companies": "companies",
    "person": "people/{person}",
    "company": "companies/{company}",
    "erase": "people/{person}/erase",
    **{name: f"settings/{path}".rstrip("/") for name, path in SETTINGS.items()},
    "setup": "setup",
    "mail": "mail",
    "funnel": "funnel",
    "analysis": "analysis",
    "leads": "leads",
    "answers": "answers",
    "lead-import": "leads/import",
    "unmatched": "unmatched",
    "search": "search?q=lis",
    "assistant": "assistant",
    "approvals": "assistant/approvals",
    "deliveries": "deliveries",
    "events": "events",
    "connections": "connections",
    "connection": "connections/new/notion",
    "connection-slack": "connections/new/slack",
    "signin": "signin",
}
README_VIEW: Final = {"width": 1280, "height": 800}
README_PAGES: Final = {"today": "?who=team", "pipeline": "pipeline", "funnel": "funnel"}
_WEBP: Final = {"format": "webp", "quality": 82}
_FULL: Final = {
    "today",
    "outcomes",
    "setup",
    "mail",
    "connections",
    "connection",
    "connection-slack",
    "funnel",
    "analysis",
    "person",
    "company",
    *SETTINGS,
}


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
    query = "SELECT id, deal_id, person_id, company_id FROM showup.bookings WHERE calcom_uid = 'bluepeak-energy-0'"
    [[booking, deal, person, company]] = site.execute(query)
    ids = {"booking": booking, "deal": deal, "person": person, "company": company}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for view, viewport in VIEWS.items():
            for theme in THEMES:
                context = _open(browser, site, viewport, theme, scale=2 if view == "phone" else 1)
                page = context.new_page()
                page.clock.set_fixed_time("2026-03-12T12:37:00Z")
                for name, path in PAGES.items():
                    if only is not None and only not in name:
                        continue
                    if name == "signin":
                        context.clear_cookies()
                    page.goto(f"{site.address}/{path.format(**ids)}")
                    _wait_until_drawn(page)
                    page.screenshot(path=folder / f"{name}-{view}-{theme}.png", full_page=name in _FULL)
                context.close()
        browser.close()


def take_readme_pictures(site: Site, folder: Path) -> None:
    """Writes the pictures of the README, light and dark, as WebP, which only Chromium's own protocol makes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for theme in THEMES:
            page = _open(browser, site, README_VIEW, theme).new_page()
            page.clock.set_fixed_time("2026-03-12T12:37:00Z")
            for name, path in README_PAGES.items():
                page.goto(f"{site.address}/{path}")
                _wait_until_drawn(page)
                taken = page.context.new_cdp_session(page).send("Page.captureScreenshot", _WEBP)
                (folder / f"{name}-{theme}.webp").write_bytes(base64.b64decode(taken["data"]))
        browser.close()


def _open(browser: Browser, site: Site, viewport: dict[str, int], theme: str, scale: int = 1) -> BrowserContext:
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]  # the two keys that it names
        color_scheme=theme,  # type: ignore[arg-type]  # one of the two
        device_scale_factor=scale,
        reduced_motion="reduce",
        timezone_id="Europe/Prague",
    )
    cookie = {"name": "showup_session", "value": session_of("dana"), "url": site.address}
    context.add_cookies([cookie])  # type: ignore[list-item]  # the keys of a cookie
    return context


def _wait_until_drawn(page: Page) -> None:
    """Waits until the page is live, and drawn: Chromium may take a picture of it half-styled."""
    if page.locator("#live").count():
        page.locator("#live[data-state=live]").wait_for()
    page.evaluate("() => document.fonts.ready")
    page.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")


def main(arguments: Sequence[str]) -> None:
    """Takes the pictures into a folder: of all pages, of those that a word names, or with `--readme` its own."""
    target = Path(arguments[0] if arguments else "screenshots")
    only = arguments[1] if len(arguments) > 1 else None
    target.mkdir(parents=True, exist_ok=True)
    with sample_site() as running:
        if only == "--readme":
            take_readme_pictures(running, target)
        else:
            take_pictures(running, target, only)
    sys.stdout.write(f"{len([*target.iterdir()])} pictures in {target}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
