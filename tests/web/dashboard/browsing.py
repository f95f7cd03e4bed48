"""What tests with a real browser share: a browser, signed-in contexts that collect complaints, and checks of a page."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.web.dashboard.site import Site
from tests.web.sample_data import session_of

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<img src=x onerror=alert(1)>\u202eevil <svg onload=alert(2)> 😈 " + "W" * 9_000


@contextmanager
def open_browser() -> Iterator[Browser]:
    assert CHROMIUM, "these tests need Chromium: `make test` installs it on Debian"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@contextmanager
def signed_in(
    site: Site, browser: Browser, name: str | None, **options: object
) -> Iterator[tuple[BrowserContext, list[str]]]:
    """Yields a browser with a teammate's session, and what its console and its pages complain of."""
    complaints: list[str] = []
    context = browser.new_context(timezone_id="Europe/Berlin", reduced_motion="reduce", **options)  # type: ignore[arg-type]
    context.set_default_timeout(20_000)
    context.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    if name is not None:
        context.add_cookies([{"name": "showup_session", "value": session_of(name), "url": site.address}])
    yield context, complaints
    context.close()


def check_page(page: Page, where: str, *, with_axe: bool = True) -> None:
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], f"{where} scrolls sideways"
    if not with_axe:
        return
    # A mail stands in a sandbox without scripts, where axe can't run; to ask it there only fills the console.
    found = Axe().run(page, options={"iframes": False})
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found.response["violations"]]
    assert faults == [], f"{where}: {json.dumps(faults, indent=1)}"
