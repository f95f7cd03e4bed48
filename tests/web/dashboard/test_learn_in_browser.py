"""CA7, AP4 in a real browser: funnel, analysis and unmatched are accessible, narrow, quiet and live, and have keys."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, expect

from tests.histories.webhooks import MONDAY
from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import Site
from tests.web.dashboard.test_analysis import add_facts
from tests.web.sample_data import key_of
from tests.web.scenario import DAY, booking_created, ingest_and_project, ticking_clock

LEADS = """email,first_name,emails_sent,last_sent_at,interested_at
sarah@acme.com,Sarah,3,2026-09-05T06:00:00Z,2026-09-06T06:00:00Z
zoe@acme.com,Zoe,3,2026-09-05T06:00:00Z,2026-09-06T06:00:00Z
pat@acme.com,Pat,2,2026-09-05T06:00:00Z,
pat@far.example,Pat,2,2026-09-05T06:00:00Z,
"""
PAGES = (
    "funnel",
    "funnel?period=all&organizer=ben@outbound.example",
    "analysis?period=all",
    "unmatched",
    "answers",
    "leads",
)
TABLES = "analysis?period=all&show=held&table=weekday_hour&table=cohorts&table=organizer"


def run(site: Site, coroutine: Coroutine[Any, Any, None]) -> None:
    """Runs a coroutine where the site's engine lives."""
    asyncio.run_coroutine_threadsafe(coroutine, site.loop).result(20)


@pytest.fixture(scope="module")
def filled(site: Site) -> Site:
    """The site with leads of a campaign, and facts of meetings."""
    headers = {"Authorization": f"Bearer {key_of('writer')}", "Content-Type": "text/csv"}
    url = f"{site.address}/api/leads/import?campaign=Founders"
    assert httpx2.post(url, content=LEADS.encode(), headers=headers).status_code == 200
    run(site, add_facts(site.engine, "ben@outbound.example"))
    return site


def test_pages_are_accessible_and_narrow_also_with_hostile_names(filled: Site, browser: Browser) -> None:
    filled.execute("UPDATE showup.campaigns SET name = :name", name=HOSTILE[:200])
    filled.execute("UPDATE showup.booking_attendees SET name = :name WHERE email LIKE 'pat@%'", name=HOSTILE)
    for width, theme, name in ((1440, "dark", "member"), (360, "light", "read_only")):
        options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
        with signed_in(filled, browser, name, **options) as (context, complaints):
            page = context.new_page()
            page.on("dialog", lambda dialog: complaints.append(dialog.message))
            for path in (*PAGES, TABLES):
                page.goto(f"{filled.address}/{path}")
                check_page(
                    page,
                    f"/{path} at {width} px, {theme}",
                    with_axe=path != PAGES[1] and (path != TABLES or theme == "dark"),
                )
            page.goto(f"{filled.address}/unmatched")
            queue = "const list = document.querySelector('.queue ol'), row = list.firstElementChild;"
            page.evaluate(queue + "for (let n = 0; n < 9; n++) list.append(row.cloneNode(true))")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "a long queue scrolls in itself"
            assert complaints == []
    filled.execute("UPDATE showup.campaigns SET name = 'Founders'")
    filled.execute("UPDATE showup.booking_attendees SET name = 'Pat' WHERE email LIKE 'pat@%'")


def test_a_webhook_changes_the_open_funnel(filled: Site, browser: Browser) -> None:
    """CA7: a lead books while the page is open."""
    with signed_in(filled, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{filled.address}/funnel")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        booked = page.locator(".flow-list li").nth(4).locator(".num").first
        expect(booked).to_have_text("1")
        page.evaluate("document.body.dataset.same = 'page'")
        analysis = context.new_page()
        analysis.goto(f"{filled.address}/analysis?period=all")
        expect(analysis.locator("#live")).to_have_attribute("data-state", "live")
        webhook = booking_created("live", 9, MONDAY + 9 * DAY, "zoe@acme.com")
        with analysis.expect_response(lambda one: "/analysis" in one.url and "hx-request" in one.request.headers):
            run(filled, ingest_and_project(filled.engine, "ours", [webhook], ticking_clock()))
        expect(booked).to_have_text("2")
        assert page.evaluate("document.body.dataset.same") == "page", "without a reload"
        assert complaints == []


def test_keys_link_undo_and_dismiss(filled: Site, browser: Browser) -> None:
    with signed_in(filled, browser, "member", viewport={"width": 1440, "height": 900}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{filled.address}/funnel")
        page.keyboard.type("gu")
        page.wait_for_url("**/unmatched")
        page.locator(".queue a", has_text="pat@gmail.com").click()
        first = page.locator("[name=lead_id]").input_value()
        page.keyboard.press("n")
        page.wait_for_url("**?lead=*")
        second = page.locator("[name=lead_id]").input_value()
        assert second != first, "the next candidate"
        page.keyboard.press("Enter")
        page.wait_for_url("**?linked=*")
        expect(page.locator(".pair__done, .empty")).to_contain_text("Linked pat@gmail.com to Founders.")
        expect(page.locator(".queue")).not_to_contain_text("pat@gmail.com")
        page.keyboard.press("u")
        expect(page.locator(".queue")).to_contain_text("pat@gmail.com")
        page.locator(".queue a", has_text="pat@gmail.com").click()
        assert page.locator("[name=lead_id]").input_value() == first, "who was taken back is no candidate"
        page.keyboard.press("x")
        page.wait_for_url("**?dismissed=*")
        expect(page.locator(".pair__done, .empty")).to_contain_text("No campaign brought pat@gmail.com.")
        page.keyboard.press("u")
        expect(page.locator(".queue")).to_contain_text("pat@gmail.com")
        assert complaints == []
