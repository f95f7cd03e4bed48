"""AP4, TE3: operations in a real browser: accessible, narrow, live, and found by a new user without any document."""

import asyncio

import pytest
from playwright.sync_api import Browser, expect

from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.operations_data import add_operations
from tests.web.dashboard.site import Site
from tests.web.sample_data import id_of
from tests.web.scenario import TODAY

PAGES = (
    "deliveries?state=failed",
    f"deliveries/{id_of('o.moved')}",
    f"deliveries/{id_of('o.notion.0')}",
    "mail",
    "events",
    f"events/{id_of('o.garbled')}",
    "connections",
)
_HOSTILE_ROWS = """
UPDATE showup.deliveries SET because = :text, recipient = :text WHERE key IN ('o.moved', 'o.late');
UPDATE showup.destination_queues SET because = :text WHERE destination = 'clickup';
UPDATE showup.inbox_events SET because = :text, trigger = 'T' || :text, body = convert_to(:text, 'UTF8')
    WHERE state = 'ignored';
UPDATE showup.delivery_attempts SET because = :text WHERE outcome = 'try_again';
UPDATE showup.connections SET name = left(:text, 200) WHERE kind = 'slack';
UPDATE showup.delivery_contents SET content = jsonb_set(jsonb_set(content::jsonb, '{subject}',
    to_jsonb(CAST(:text AS text))), '{sender}', to_jsonb(CAST(:text AS text)))::json
    WHERE content->>'subject' IS NOT NULL
"""


@pytest.fixture(scope="module")
def operations(site: Site) -> Site:
    """The site, with deliveries and events in every state, and hostile text wherever others write it."""
    asyncio.run_coroutine_threadsafe(add_operations(site.engine, TODAY), site.loop).result(20)
    for statement in _HOSTILE_ROWS.split(";"):
        site.execute(statement, text=HOSTILE)
    return site


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (360, "dark")])
def test_operations_are_accessible_quiet_and_narrow_also_with_hostile_text(
    operations: Site, browser: Browser, width: int, theme: str
) -> None:
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(operations, browser, "admin", **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        for path in PAGES:
            page.goto(f"{operations.address}/{path}")
            check_page(page, f"/{path} at {width} px, {theme}")
        page.goto(f"{operations.address}/deliveries")
        page.get_by_text("Add a filter").click()
        check_page(page, "the filters", with_axe=False)
        assert complaints == []


def test_a_new_user_finds_why_a_mail_was_not_sent_and_retries_it(operations: Site, browser: Browser) -> None:
    with signed_in(operations, browser, "member") as (context, complaints):
        page = context.new_page()
        page.goto(operations.address)
        page.get_by_role("link", name="Deliveries").first.click()
        page.get_by_label("State", exact=True).get_by_role("link", name="Failed").click()
        page.get_by_role("row").filter(has_text="Booking confirmed").first.get_by_role("link").first.click()
        expect(page.locator("#delivery")).to_contain_text("It is busy.")
        expect(page.locator("#delivery")).to_contain_text("then retry")
        page.get_by_role("button", name="Retry").click()
        expect(page.locator("#toasts")).to_contain_text("It will be sent again now.")
        expect(page.locator("#delivery")).to_contain_text("Waiting")
        assert complaints == []


def test_a_page_changes_without_a_reload_and_a_replay_asks_first(operations: Site, browser: Browser) -> None:
    with signed_in(operations, browser, "member") as (context, complaints):
        page = context.new_page()
        page.goto(f"{operations.address}/deliveries/{id_of('o.ahead')}")
        expect(page.locator("#live")).to_have_attribute("data-state", "live")
        operations.execute(
            "UPDATE showup.deliveries SET state = 'failed', because = 'the server is away' WHERE key = 'o.ahead'"
        )
        operations.execute("SELECT pg_notify('showup_pages', :what)", what=f"{id_of('ours')} delivery")
        expect(page.locator("#delivery")).to_contain_text("The server is away.")
        page.goto(f"{operations.address}/events/{id_of('o.garbled')}")
        page.get_by_role("button", name="Replay…").click()
        expect(page.locator("#event")).to_contain_text("A replay would change nothing now")
        page.get_by_role("button", name="Replay it").click()
        expect(page.locator("#toasts")).to_contain_text("It is applied again now.")
        expect(page.locator("#event")).to_contain_text("To be applied")
        assert complaints == []
