"""AP2, AP4, CA7 in a real browser: pages are accessible, quiet and narrow enough, and change live."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from showup.outbox.outcome_tokens import VALID_FOR, OutcomeLink, make_outcome_token
from tests.web.dashboard.site import SEAL, Site
from tests.web.sample_data import id_of, session_of
from tests.web.scenario import HOUR, TODAY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOSTILE = "<img src=x onerror=alert(1)>\u202eevil <svg onload=alert(2)> 😈 " + "W" * 9_000
# Each width and role once, and both themes with the pages of an admin, which are all. axe takes most of the time.
VIEWS = [(1440, "light", "admin"), (820, "dark", "read_only"), (360, "light", "member"), (360, "dark", "admin")]
PAGES = (
    "",
    "outcomes?who=team",
    "settings/teammates",
    "setup",
    "setup?step=you",
    "setup?step=mail",
    "setup?step=reports",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
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
    found = Axe().run(page)
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found.response["violations"]]
    assert faults == [], f"{where}: {json.dumps(faults, indent=1)}"


@pytest.mark.parametrize(("width", "theme", "name"), VIEWS, ids=[f"{w}-{t}-{n}" for w, t, n in VIEWS])
def test_pages_are_accessible_quiet_and_narrow_also_with_hostile_names(
    site: Site, browser: Browser, width: int, theme: str, name: str
) -> None:
    site.execute("UPDATE showup.people SET name = :name WHERE email LIKE 'pat@%'", name=HOSTILE)
    site.execute("UPDATE showup.companies SET name = :name WHERE domain = 'acme.com'", name=HOSTILE)
    site.execute(
        "UPDATE showup.bookings SET notes = :name, start_time = :start, end_time = :end WHERE calcom_uid = 'ahead'",
        name=HOSTILE,
        start=TODAY,
        end=TODAY + HOUR,
    )
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(site, browser, name, **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        paths = [*PAGES] if name == "admin" else [*PAGES[:3]]
        if name != "read_only":
            [[booking]] = site.execute(
                "SELECT id FROM showup.bookings WHERE calcom_uid = 'ahead' AND workspace_id = :id", id=id_of("ours")
            )
            paths.append(f"outcome/{booking}")
        for path in paths:
            page.goto(f"{site.address}/{path}")
            check_page(page, f"/{path} at {width} px, {theme}", with_axe=name == "admin")
        assert complaints == []


def test_the_sign_in_is_accessible_and_leads_on(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, None, viewport={"width": 360, "height": 700}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/settings/teammates")
        assert page.url.endswith("/signin?next=settings/teammates")
        check_page(page, "/signin")
        assert complaints == []


def test_one_tap_reports_and_every_open_tab_shows_it(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member") as (context, complaints):
        mine, other = context.new_page(), context.new_page()
        for page in (mine, other):
            page.goto(f"{site.address}/?who=team")
        expect(other.locator("#live")).to_have_attribute("data-state", "live")
        # The first tab is open in the background and hears from the second one, or the other way round.
        expect(mine.locator("#live")).to_have_attribute("data-state", "live")
        button = mine.get_by_role("button", name="gina", exact=False).and_(mine.locator("[value=no_show]"))
        button.first.click()
        expect(mine.locator("#toasts")).to_contain_text("Reported: no-show.")
        expect(other.locator("#today")).not_to_contain_text("gina")
        mine.get_by_role("button", name="No, they showed").click()
        expect(mine.locator("#toasts")).to_contain_text("Reported: showed.")
        assert complaints == []


def test_a_lost_stream_is_shown_and_heals(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "read_only") as (context, _):
        page = context.new_page()
        page.goto(site.address)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        page.evaluate("document.body.dataset.same = 'page'")
        context.set_offline(True)
        site.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
        context.set_offline(False)
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        assert page.evaluate("document.body.dataset.same") == "page", "without a reload"


def test_without_a_stream_the_page_says_from_when_its_data_are(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "read_only") as (context, _):
        context.route("**/api/live*", lambda route: route.abort())
        page = context.new_page()
        page.goto(site.address)
        expect(page.locator("#live")).to_have_attribute("data-state", "lost")
        expect(page.locator("#live")).to_have_text(re.compile(r"^\s*Reconnecting, data of \d\d?:\d\d"))
        amber, shown = page.evaluate(
            "(() => { const one = document.createElement('i'); one.style.color = 'var(--warn-ink)';"
            " document.body.append(one);"
            " return [one, document.getElementById('live')].map((each) => getComputedStyle(each).color); })()"
        )
        assert shown == amber
        context.unroute("**/api/live*")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")


def test_another_workspace_opens_in_place_and_older_tabs_say_so(site: Site, browser: Browser) -> None:
    site.execute(
        "INSERT INTO showup.memberships (id, teammate_id, workspace_id, role) VALUES (:id, :who, :space, 'read_only')",
        id=id_of("membership.both"),
        who=id_of("teammate.member"),
        space=id_of("theirs"),
    )
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        older, page = context.new_page(), context.new_page()
        for each in (older, page):
            each.goto(f"{site.address}/?who=team")
            expect(each.locator("#live")).to_have_attribute("data-state", "live")
        page.locator("details.side__space summary").click()
        page.locator("details.side__space button:not([aria-current])").click()
        page.wait_for_url(f"{site.address}/")
        expect(page.locator("details.side__space summary")).to_contain_text("heirs")
        expect(older.locator("#live")).to_contain_text("Another workspace is open. Reload")
        assert complaints == []
    site.execute("UPDATE showup.sessions SET workspace_id = NULL")


def test_a_host_answers_on_a_phone_by_the_link_of_a_mail(site: Site, browser: Browser) -> None:
    [[booking, start, host]] = site.execute(
        "SELECT id, start_time, organizer_email FROM showup.bookings"
        " WHERE calcom_uid = 'private' AND workspace_id = :id",
        id=id_of("ours"),
    )
    link = OutcomeLink(
        workspace_id=id_of("ours"), booking_id=booking, start_time=start, host=host, expires_at=TODAY + VALID_FOR
    )
    path = f"o/{make_outcome_token(SEAL, link)}"
    with signed_in(site, browser, None, viewport={"width": 360, "height": 740}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/{path}?answer=no_show")
        check_page(page, "/o/TOKEN")
        expect(page.locator("[value=no_show]")).to_be_checked()
        page.get_by_role("button", name="Save").click()
        expect(page.locator("h1")).to_have_text("Saved, thank you")
        check_page(page, "/o/TOKEN, saved")
        assert complaints == []


def test_keys_walk_the_rows_and_the_theme_changes_without_a_reload(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/settings/teammates")
        page.keyboard.type("gt")
        page.wait_for_url(f"{site.address}/")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        with page.expect_response("**/theme"):
            page.locator(".side .theme label[title=Dark]").click()
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 14, 16)"
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert complaints == []
