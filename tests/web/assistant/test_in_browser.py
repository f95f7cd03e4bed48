"""The assistant's pages in a real browser: asking, streaming, granting, with and without a script (AS3)."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

import showup.assistant.chat  # noqa: F401  # its first import is slow, and the first answer would wait for it
from showup.assistant.tool_context import AssistantServices, ModelAccess
from showup.container import event_handlers
from tests.database_pool import DatabasePool
from tests.web.assistant.conftest import SEAL, open_clients
from tests.web.assistant.fake_anthropic import KEY, FakeAnthropic, calls, says
from tests.web.dashboard.browsing import HOSTILE, check_page, open_browser, signed_in
from tests.web.dashboard.site import Site, running_site
from tests.web.scenario import ticking_clock

expect.set_options(timeout=40_000)
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 360, "height": 740}
PAGES = ("assistant", "assistant/chats", "assistant/approvals", "settings/assistant")


@pytest.fixture(scope="module")
def model() -> Iterator[FakeAnthropic]:
    with FakeAnthropic() as model:
        yield model


@pytest.fixture(scope="module")
def site(database_pool: DatabasePool, scenario_template: str, model: FakeAnthropic) -> Iterator[Site]:
    """The scenario with a chat, served over HTTP."""

    def services_of(engine: Any) -> AssistantServices:
        return AssistantServices(
            engine=engine,
            clock=ticking_clock(),
            seal=SEAL,
            handlers=event_handlers(),
            open_clients=open_clients,
            calcom_url="http://127.0.0.1:1",
            public_url="http://showup.example",
            model=ModelAccess(key=KEY, url=model.url, model="claude-test"),
        )

    taken = asyncio.run(database_pool.take(scenario_template))
    with running_site(taken.url, ticking_clock(), services_of) as site:
        yield site
    asyncio.run(database_pool.give_back(taken))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with open_browser() as browser:
        yield browser


def deal_of(site: Site) -> str:
    [[deal]] = site.execute(
        "SELECT deal_id FROM showup.bookings b JOIN showup.workspaces w ON w.id = b.workspace_id"
        " WHERE b.calcom_uid = 'met' AND w.slug = 'ours'"
    )
    return str(deal)


def person_of(site: Site) -> str:
    [[person]] = site.execute(
        "SELECT p.id FROM showup.people p JOIN showup.workspaces w ON w.id = p.workspace_id"
        " WHERE p.email = 'sarah@acme.com' AND w.slug = 'ours'"
    )
    return str(person)


def rewrite_of(site: Site) -> list[Any]:
    draft = {"person_id": person_of(site), "subject": "Warmer", "body": "Dear Sarah"}
    return [lambda _: [calls("draft_mail", **draft)], lambda _: [says("Here it is.")]]


def script_of(site: Site, stage: str) -> list[Any]:
    """A search, a draft with hostile text, and a change."""
    draft = {"person_id": person_of(site), "subject": HOSTILE[:150], "body": f"Hello,\n\n{HOSTILE[:5_000]}"}
    return [
        lambda _: [says("I look for them."), calls("search_deals", q="acme")],
        lambda _: [says(f"A draft.\n\n{HOSTILE[:3_000]}"), calls("draft_mail", **draft)],
        lambda _: [calls("move_deal", deal_id=deal_of(site), stage=stage)],
        lambda _: [says("It waits for you.")],
    ]


def ask(page: Page, text: str) -> None:
    page.get_by_label("Ask or tell").fill(text)
    page.get_by_role("button", name="Send").click()


def test_a_question_is_answered_and_a_change_granted(site: Site, browser: Chromium, model: FakeAnthropic) -> None:
    with signed_in(site, browser, "member", viewport=WIDE) as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/assistant")
        model.script = script_of(site, "proposal")
        ask(page, "Move Acme to proposal")
        expect(page.get_by_text("It waits for you.")).to_be_visible()
        expect(page.get_by_label("Ask or tell")).to_have_value("")
        check_page(page, "the chat")
        page.get_by_role("button", name="Do it").click()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        # What the stream drew is what the page shows after it.
        page.reload()
        expect(page.get_by_role("button", name="Undo")).to_be_visible()
        expect(page.get_by_text("Move Acme to proposal").last).to_be_visible()
        page.get_by_role("button", name="Undo").click()
        expect(page.get_by_text("Undone by you.")).to_be_visible()
        model.script = rewrite_of(site)
        page.get_by_role("button", name="Warmer").click()
        expect(page.get_by_text("Here it is.")).to_be_in_viewport()
        # Only the latest draft can be rewritten.
        expect(page.get_by_role("button", name="Warmer")).to_have_count(1)
        expect(page.get_by_role("button", name="Copy")).to_have_count(2)
        check_page(page, "a chat with two drafts")
        page.get_by_role("link", name="Earlier chats").click()
        page.get_by_role("link", name="Move Acme to proposal").click()
        expect(page.get_by_text("Here it is.")).to_be_in_viewport()
        assert complaints == []


def test_all_of_it_works_without_a_script(site: Site, browser: Chromium, model: FakeAnthropic) -> None:
    with signed_in(site, browser, "admin", viewport=PHONE, java_script_enabled=False) as (context, _):
        page = context.new_page()
        page.goto(f"{site.address}/assistant")
        model.script = script_of(site, "proposal")
        ask(page, "Move Acme to proposal")
        expect(page.get_by_text("It waits for you.")).to_be_visible()
        page.get_by_role("button", name="Don’t").click()
        expect(page.get_by_text("Denied", exact=True)).to_be_visible()
        page.goto(f"{site.address}/settings/assistant")
        page.get_by_role("button", name="Switch off").click()
        expect(page.get_by_text("Assistants are off.")).to_be_visible()
        page.get_by_role("button", name="Switch on").click()
        expect(page.get_by_text("Assistants are on.")).to_be_visible()


@pytest.mark.parametrize(("theme", "viewport"), [("dark", WIDE), ("light", PHONE)])
def test_the_pages_are_whole(site: Site, browser: Chromium, theme: str, viewport: dict[str, int]) -> None:
    """After the tests above, so that each has a conversation, and changes that were decided."""
    with signed_in(site, browser, "admin", viewport=viewport, color_scheme=theme) as (context, complaints):
        page = context.new_page()
        for path in PAGES:
            page.goto(f"{site.address}/{path}")
            check_page(page, f"{path}, {theme}")
        assert complaints == []
