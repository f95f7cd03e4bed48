"""AP4: lists, people and companies in a real browser: accessible, quiet, narrow enough, live, and quick by hand."""

import asyncio
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of
from tests.web.scenario import DAY, HOUR, TODAY, Scenario, booking_created, ingest_and_project, ticking_clock

PAGES = ("deals?status=active&sort=next_meeting", "bookings", "people", "companies?q=zebra", "companies")
SARAH = Scenario.person_id("sarah@acme.com")
PAT = Scenario.person_id("pat@gmail.com")
ACME = Scenario.company_id("acme.com")
RECORDS = (f"people/{SARAH}", f"companies/{ACME}", f"people/{SARAH}/merge?with={PAT}", f"people/{PAT}/merge?q=a")


def book(site: Site, uid: str, number: int, email: str) -> None:
    """Books a meeting, as a webhook of Cal.com does."""
    body = booking_created(uid, number, TODAY + DAY + HOUR, email)
    running = ingest_and_project(site.engine, "ours", [body], ticking_clock())
    asyncio.run_coroutine_threadsafe(running, site.loop).result(20)


def choose(page: Page, *names: str) -> None:
    for name in names:
        page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()


def test_selected_rows_are_counted_moved_and_moved_back(  # noqa: PLR0915  # one visit
    site: Site, browser: Browser
) -> None:
    site.execute("UPDATE showup.deals SET amount = 1000, currency = 'EUR'")
    site.execute("UPDATE showup.companies SET name = initcap(split_part(domain, '.', 1))")
    options: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB"}
    with signed_in(site, browser, "member", **options) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/deals?status=active")
        bar = page.locator(".picked")
        expect(bar).to_be_hidden()
        choose(page, "Acme", "Globex")
        expect(bar).to_contain_text("2 selected")
        expect(bar).to_contain_text("€2,000")
        page.keyboard.press("Escape")
        expect(bar).to_be_hidden()
        page.get_by_role("checkbox", name="Select all on this page").check()
        expect(bar).to_contain_text("2 selected")
        bar.get_by_text("Move to…").click()
        check_page(page, "the bar of selected rows")
        bar.get_by_role("button", name="Negotiation").click()
        expect(page.locator("#toasts")).to_contain_text("Moved 2 deals.")
        expect(page.locator(".stage-cell", has_text="Negotiation")).to_have_count(2)
        expect(bar).to_be_hidden()
        page.keyboard.press("u")
        expect(page.locator(".stage-cell", has_text="Negotiation")).to_have_count(0)
        page.keyboard.press("/")
        page.keyboard.type("glob")
        page.keyboard.press("Enter")
        page.wait_for_url("**/deals?status=active&q=glob")
        expect(page.locator("#sums")).to_have_text("1 deal")
        page.get_by_role("link", name="Amount").click()
        expect(page.locator("th[aria-sort=descending]")).to_have_text("Amount")
        page.get_by_role("link", name="Status active, remove this filter").click()
        page.wait_for_url("**/deals?q=glob&sort=-amount")
        page.keyboard.press("j")
        expect(page.locator("tr:focus-within")).to_contain_text("Globex")
        assert complaints == []


def test_an_open_list_changes_with_a_webhook_and_keeps_the_selection(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member") as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/bookings?status=ACCEPTED")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        choose(page, "Gina")
        page.locator("body").click(position={"x": 5, "y": 400})
        page.evaluate("document.activeElement.blur()")
        book(site, "newest", 40, "nora@newfirm.com")
        expect(page.locator("#list")).to_contain_text("Nora")
        expect(page.locator(".picked")).to_contain_text("1 selected")
        person = context.new_page()
        person.goto(f"{site.address}/people/{SARAH}")
        before = person.locator("#person .timeline > li").count()
        book(site, "again", 41, "sarah@acme.com")
        expect(person.locator("#person .timeline > li")).to_have_count(before + 1)
        assert complaints == []


def test_without_a_script_all_of_it_is_forms_and_links(  # noqa: PLR0915  # one visit
    site: Site, browser: Browser
) -> None:
    site.execute("UPDATE showup.companies SET name = initcap(split_part(domain, '.', 1))")
    with signed_in(site, browser, "member", java_script_enabled=False) as (context, _):
        page = context.new_page()
        page.goto(f"{site.address}/deals")
        page.get_by_text("Add a filter").click()
        page.get_by_label("Active", exact=True).check()
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**/deals?status=active")
        page.get_by_text("Save this view…").click()
        page.get_by_label("Name of the view").fill("Open ones")
        page.locator(".filters").get_by_role("button", name="Save").click()
        expect(page.locator(".bar").get_by_role("link", name="Open ones")).to_have_attribute("aria-current", "true")
        choose(page, "Acme")
        page.get_by_text("Change owner…").click()
        page.get_by_role("button", name="Admin Teammate").click()
        expect(page.locator("tr", has_text="Acme")).to_contain_text("Admin Teammate")
        choose(page, "Acme")
        with page.expect_download() as download:
            page.get_by_role("button", name="CSV of these").click()
        text = download.value.path().read_text()
        assert text.startswith("company,domain,status")
        assert text.count("\n") == 2
        page.goto(f"{site.address}/people/{SARAH}/merge?with={PAT}")
        page.get_by_role("button", name="Keep sarah@acme.com").click()
        expect(page.locator(".note--good")).to_contain_text("pat@gmail.com was merged into")
        page.get_by_role("button", name="Undo", exact=True).click()
        page.wait_for_url(f"**/people/{PAT}")


@pytest.mark.parametrize(("width", "theme", "name"), [(1440, "dark", "admin"), (360, "light", "member")])
def test_pages_are_accessible_quiet_and_narrow_also_with_hostile_names(
    site: Site, browser: Browser, width: int, theme: str, name: str
) -> None:
    site.execute("UPDATE showup.people SET name = :name WHERE email LIKE 'sarah@%'", name=HOSTILE)
    site.execute("UPDATE showup.companies SET name = :name WHERE domain = 'acme.com'", name=HOSTILE)
    site.execute("UPDATE showup.deals SET stage = :stage WHERE status <> 'active'", stage="W" * 300)
    site.execute(
        "UPDATE showup.bookings SET event_type_title = :name, title = :name, outcome_notes = :name,"
        " cancellation_reason = :name, source = 'x' || :name WHERE workspace_id = :id",
        name=HOSTILE,
        id=id_of("ours"),
    )
    options: dict[str, Any] = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(site, browser, name, **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        for number, path in enumerate((*PAGES, *RECORDS)):
            page.goto(f"{site.address}/{path}")
            # axe takes most of the time: the widths share the pages.
            check_page(page, f"/{path} at {width} px, {theme}", with_axe=number % 2 == (width < 1000))
        assert complaints == []


def test_the_palette_finds_and_does_by_the_keyboard_alone(  # noqa: PLR0915  # one visit
    site: Site, browser: Browser
) -> None:
    site.execute("UPDATE showup.people SET name = :name WHERE email LIKE 'pat@%'", name=HOSTILE)
    for width, theme in ((1440, "dark"), (360, "light")):
        options = {"viewport": {"width": width, "height": 740}, "color_scheme": theme}
        with signed_in(site, browser, "member", **options) as (context, complaints):
            page = context.new_page()
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            page.goto(f"{site.address}/deals?status=active")
            page.keyboard.press("Control+k")
            field, lines = page.get_by_role("combobox"), page.locator("#palette [role=option]")
            expect(field).to_be_focused()
            expect(lines.first).to_have_attribute("aria-selected", "true")
            page.keyboard.type("pat")
            expect(lines.filter(has_text="evil").first).to_be_visible()
            check_page(page, f"the palette at {width} px, {theme}")
            page.keyboard.press("Escape")
            expect(page.locator("#palette")).to_be_hidden()
            page.keyboard.press("Control+k")
            field.fill("go to")
            expect(lines.first).to_contain_text("Go to Today")
            page.keyboard.press("ArrowUp")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowDown")
            expect(field).to_have_attribute("aria-activedescendant", "found-2")
            page.keyboard.press("Enter")
            page.wait_for_url("**/pipeline")
            page.goto(f"{site.address}/search?q=acm")
            check_page(page, f"/search at {width} px, {theme}")
            if width < 600:
                page.locator(".tabs [data-find]").click()
                expect(field).to_be_focused()
                page.get_by_role("button", name="Close").click()
            else:
                page.keyboard.press("/")
                expect(page.locator("main input[name=q]")).to_be_focused()
            expect(page.locator("#palette")).to_be_hidden()
            # A page that is left ends its requests.
            assert [one for one in complaints if not one.startswith("htmx:")] == []
