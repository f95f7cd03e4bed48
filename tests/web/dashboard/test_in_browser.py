"""AP2, AP4, CA7 in a real browser: pages are accessible, quiet and narrow enough, and change live."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, open_browser, signed_in
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of
from tests.web.scenario import HOUR, TODAY

# Each width and role once, and both themes with the pages of an admin, which are all. axe takes most of the time.
VIEWS = [(1440, "light", "admin"), (820, "dark", "read_only"), (360, "light", "member"), (360, "dark", "admin")]
PAGES = (
    "",
    "pipeline",
    "outcomes?who=team",
    "settings/teammates",
    "setup",
    "setup?step=you",
    "setup?step=mail",
    "setup?step=reports",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as browser:
        yield browser


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
        paths = [*PAGES] if name == "admin" else [*PAGES[:4]]
        if name != "read_only":
            query = "SELECT id, deal_id FROM showup.bookings WHERE calcom_uid = 'ahead' AND workspace_id = :id"
            [[booking, deal]] = site.execute(query, id=id_of("ours"))
            paths += [f"outcome/{booking}", f"deals/{deal}/move"]
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
