"""AP4, CA7: the pipeline board in a real browser, moved by hand, by keys, and without a script."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.web.dashboard.browsing import signed_in
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of, key_of

WIDE = {"viewport": {"width": 1440, "height": 900}}


@pytest.fixture
def deal(site: Site) -> Iterator[Any]:
    """Acme's deal, which is in `met`; each test leaves it there."""
    query = "SELECT deal_id FROM showup.bookings WHERE calcom_uid = 'ahead' AND workspace_id = :id"
    [[deal_id]] = site.execute(query, id=id_of("ours"))
    yield deal_id
    assert state_of(site, deal_id) == ("active", "met", None)


def state_of(site: Site, deal_id: Any) -> tuple[str, str, str | None]:
    [row] = site.execute("SELECT status, stage, lost_reason FROM showup.deals WHERE id = :id", id=deal_id)
    return tuple(row)  # type: ignore[return-value]  # the three columns


def stage(page: Page, name: str) -> Locator:
    return page.locator(f'.stage[data-to="stage:{name}"]')


def drag(page: Page, card: Locator, target: Locator) -> None:
    start, end = card.bounding_box(), target.bounding_box()
    assert start
    assert end
    page.mouse.move(start["x"] + 60, start["y"] + 20)
    page.mouse.down()
    page.mouse.move(start["x"] + 80, start["y"] + 30)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=4)


def test_a_dragged_card_stays_where_it_was_dropped_and_undo_takes_it_back(
    site: Site, browser: Browser, deal: Any
) -> None:
    with signed_in(site, browser, "member", **WIDE) as (context, complaints):
        page, other = context.new_page(), context.new_page()
        for one in (other, page):
            one.goto(f"{site.address}/pipeline")
            expect(one.locator("#live")).to_have_attribute("data-state", "live")
        card = page.locator(f'[data-deal="{deal}"]')
        drag(page, card, stage(page, "proposal"))
        expect(page.locator(".deal--lifted")).to_be_visible()
        expect(stage(page, "proposal")).to_have_attribute("data-over", "")
        page.keyboard.press("Escape")
        page.mouse.up()
        expect(page.locator(".deal--lifted")).to_have_count(0)
        assert state_of(site, deal) == ("active", "met", None), "Escape puts it back"
        drag(page, card, stage(page, "proposal"))
        page.mouse.up()
        expect(page.locator("#toasts")).to_contain_text("moved to Proposal.")
        expect(stage(page, "proposal").locator(f'[data-deal="{deal}"]')).to_be_visible()
        expect(stage(other, "proposal").locator(f'[data-deal="{deal}"]')).to_be_visible()
        assert state_of(site, deal) == ("active", "proposal", None)
        page.keyboard.press("u")
        expect(stage(page, "met").locator(f'[data-deal="{deal}"]')).to_be_visible()
        assert complaints == []


def test_the_board_scrolls_while_a_card_is_held_at_its_edge(site: Site, browser: Browser) -> None:
    with signed_in(site, browser, "member", viewport={"width": 800, "height": 700}) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/pipeline")
        expect(stage(page, "negotiation")).not_to_be_in_viewport()
        box = page.locator(".stage [data-deal]").first.bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 60, box["y"] + 60)
        page.mouse.down()
        page.mouse.move(790, box["y"] + 60, steps=4)
        expect(stage(page, "negotiation")).to_be_in_viewport(ratio=0.9)
        page.keyboard.press("Escape")
        page.mouse.up()
        expect(page.locator(".deal--lifted")).to_have_count(0)
        assert complaints == []


def test_keys_walk_and_move_and_a_lost_deal_asks_why(site: Site, browser: Browser, deal: Any) -> None:
    with signed_in(site, browser, "member", **WIDE) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/pipeline")
        link = page.locator(f"#d-{deal}")
        stage(page, "booked").locator(".deal__name").first.focus()
        page.keyboard.press("ArrowRight")
        expect(link).to_be_focused()
        page.keyboard.press("m")
        expect(page.locator("#move")).to_be_visible()
        expect(page.locator('#move [data-to="stage:met"]')).to_be_disabled()
        page.keyboard.press("4")
        expect(stage(page, "negotiation").locator(f'[data-deal="{deal}"]')).to_be_visible()
        expect(link).to_be_focused()
        page.keyboard.press("2")
        expect(stage(page, "met").locator(f'[data-deal="{deal}"]')).to_be_visible()
        page.keyboard.press("l")
        page.locator("#lost").get_by_role("button", name="Price").click()
        expect(page.locator('[data-to="status:lost"] summary .num').first).to_have_text("1")
        assert state_of(site, deal) == ("lost", "met", "Price")
        page.keyboard.press("u")
        expect(stage(page, "met").locator(f'[data-deal="{deal}"]')).to_be_visible()
        assert complaints == []


def test_a_refused_move_says_why_where_it_was_dropped(site: Site, browser: Browser) -> None:
    query = "SELECT company_id FROM showup.deals WHERE status = 'cancelled' AND workspace_id = :id"
    [[company]] = site.execute(query, id=id_of("ours"))
    headers = {"Authorization": f"Bearer {key_of('writer')}"}
    opened = httpx2.post(f"{site.address}/api/deals", headers=headers, json={"company_id": str(company)})
    assert opened.is_success, opened.text
    with signed_in(site, browser, "member", **WIDE) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/pipeline")
        page.locator('[data-to="status:cancelled"] summary').click()
        page.get_by_role("button", name="Reopen").click()
        alert = stage(page, "booked").get_by_role("alert")
        expect(alert).to_contain_text("stays in Cancelled. Its company already has another active deal")
        expect(alert.get_by_role("link", name="Open that one")).to_be_visible()
        alert.get_by_role("button", name="Close").click()
        expect(page.get_by_role("alert")).to_have_count(0)
        assert complaints == []


def test_without_a_script_a_form_moves_a_deal(site: Site, browser: Browser, deal: Any) -> None:
    with signed_in(site, browser, "member", java_script_enabled=False, **WIDE) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/pipeline?owner=ben@outbound.example")
        for place, words in (("proposal", "Proposal"), ("met", "Met")):
            page.locator(f'[data-deal="{deal}"] .deal__menu').click()
            page.get_by_role("button", name=words, exact=True).click()
            expect(stage(page, place).locator(f'[data-deal="{deal}"]')).to_be_visible()
            assert page.url.endswith("/pipeline?owner=ben%40outbound.example"), "the filter stays"
        assert complaints == []
