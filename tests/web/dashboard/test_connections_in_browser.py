"""AP4, TE7: a system is connected from the page in a real browser, against its fake vendor, without a script too."""

import asyncio
from collections.abc import Iterator
from itertools import count

import httpx2
import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.connection import Connection
from showup.clock import Clock
from showup.destinations.public_addresses import AddressPolicy
from showup.dispatch import connection_health
from showup.dispatch.connection_check import ConnectionCheck
from showup.dispatch.destination_context import Clients
from showup.web.http.app_state import ConnectionTest
from showup.web.http.test_throttle import TEST_INTERVAL
from tests.database_pool import DatabasePool
from tests.destinations.fake_vendors.slack import CHANNEL, SIGNING_SECRET, TOKEN, FakeSlack
from tests.web.dashboard.browsing import HOSTILE, check_page, signed_in
from tests.web.dashboard.site import SEAL, Site, running_site
from tests.web.sample_data import id_of
from tests.web.scenario import ticking_clock


def check_of(engine: AsyncEngine) -> ConnectionTest:
    """Builds the test of connections that asks the vendors."""

    async def check(connection: Connection) -> ConnectionCheck:
        async with httpx2.AsyncClient(timeout=5) as client:
            clients = Clients(trusted=client, untrusted=client, address_policy=AddressPolicy(allow_private=True))
            faults = await connection_health.check_connection(engine, SEAL, clients, connection, ticking_clock())
        return ConnectionCheck(message=f"{connection.kind} accepts the credentials", faults=faults)

    return check


def slow_person() -> Clock:
    """Returns a clock on which more time passes between two forms than a workspace's tests must be apart."""
    clock, calls = ticking_clock(), count()
    return lambda: clock() + next(calls) * TEST_INTERVAL


@pytest.fixture(scope="module")
def connecting_site(database_pool: DatabasePool, scenario_template: str) -> Iterator[Site]:
    """The scenario, whose connections are tested with vendors on this machine."""
    taken = asyncio.run(database_pool.take(scenario_template))
    with running_site(taken.url, slow_person(), check_of=check_of) as site:
        yield site
    asyncio.run(database_pool.give_back(taken))


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and test").press("Enter")


def fill_in(page: Page, **values: str) -> None:
    for label, value in values.items():
        page.get_by_label(label.replace("_", " "), exact=label == "Channel").fill(value)


@pytest.mark.parametrize("has_script", [True, False])
def test_an_admin_connects_slack_and_corrects_what_does_not_work(
    connecting_site: Site, browser: Browser, has_script: bool
) -> None:
    site = connecting_site
    site.execute("DELETE FROM showup.connections WHERE kind = 'slack'")
    with (
        FakeSlack() as slack,
        signed_in(site, browser, "admin", java_script_enabled=has_script) as (context, complaints),
    ):
        page = context.new_page()
        page.goto(f"{site.address}/connections")
        page.get_by_role("link", name="Slack").click()
        fill_in(page, Bot_token="xoxb-wrong", Channel="#sales")
        page.get_by_text("More settings").press("Enter")
        fill_in(page, Address_of_its_API=f"{slack.url}")
        save(page)
        expect(page.locator(".field__fault")).to_contain_text("is not a channel id such as C0123456789")
        expect(page.get_by_label("Channel", exact=True)).to_have_value("#sales")
        assert slack.requests == [], "nothing is asked before it can be saved"
        fill_in(page, Channel=CHANNEL, Bot_token="xoxb-wrong", Signing_secret=SIGNING_SECRET)
        page.get_by_label("Meeting moved").check()
        save(page)
        expect(page.get_by_role("alert")).to_contain_text("Saved, and it does not work yet. Slack rejected")
        expect(page.get_by_label("Bot token")).to_have_value("")
        fill_in(page, Bot_token=TOKEN)
        save(page)
        expect(page.locator(".note--good")).to_contain_text("Saved, and it works.")
        expect(page.get_by_label("Meeting moved")).to_be_checked()
        # A refused form is answered with 422, of which the browser's console speaks.
        assert [one for one in complaints if "422" not in one] == []


def test_an_admin_pauses_a_connection_and_disconnects_it(connecting_site: Site, browser: Browser) -> None:
    site = connecting_site
    site.execute("DELETE FROM showup.connections WHERE kind = 'slack'")
    site.execute(
        "INSERT INTO showup.connections (id, workspace_id, kind, name, settings)"
        " VALUES (gen_random_uuid(), :workspace, 'slack', 'main', jsonb_build_object('channel', CAST(:text AS text)))",
        workspace=id_of("ours"),
        text=CHANNEL,
    )
    with signed_in(site, browser, "admin") as (context, complaints):
        page = context.new_page()
        page.goto(f"{site.address}/connections")
        page.get_by_role("link", name="Settings of Slack").click()
        page.get_by_text("Pause…").press("Enter")
        expect(page.locator("details[open]")).to_contain_text("Nothing is sent to Slack until you resume it.")
        page.get_by_role("button", name="Pause", exact=True).click()
        expect(page.locator(".note--warn")).to_contain_text("What is for Slack waits until you resume it.")
        page.goto(f"{site.address}/connections")
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_role("button", name="Resume")).to_have_count(0)
        page.get_by_role("link", name="Settings of Slack").click()
        page.get_by_text("Disconnect…").press("Enter")
        expect(page.locator("details[open]")).to_contain_text("Nothing more is planned for it.")
        page.get_by_role("button", name="Disconnect", exact=True).click()
        page.wait_for_url("**/connections")
        expect(page.get_by_role("link", name="Slack")).to_have_attribute("href", "./connections/new/slack")
        assert complaints == []


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (360, "dark")])
def test_every_form_is_accessible_and_narrow(connecting_site: Site, browser: Browser, width: int, theme: str) -> None:
    site = connecting_site
    site.execute(
        "INSERT INTO showup.connections (id, workspace_id, kind, name, settings)"
        " VALUES (gen_random_uuid(), :workspace, 'notion', 'main', jsonb_build_object('booked', CAST(:text AS text)))"
        " ON CONFLICT DO NOTHING",
        workspace=id_of("ours"),
        text=HOSTILE[:1_900],
    )
    [[notion]] = site.execute("SELECT id FROM showup.connections WHERE kind = 'notion'")
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    with signed_in(site, browser, "admin", **options) as (context, complaints):
        page = context.new_page()
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        for path in (*(f"new/{kind}" for kind in ("clickup", "emailbison", "prefect", "slack", "twilio")), str(notion)):
            page.goto(f"{site.address}/connections/{path}")
            page.get_by_text("More settings").click()
            check_page(page, f"/connections/{path} at {width} px, {theme}")
        save(page)
        expect(page.locator(".field__fault").first).to_be_visible()
        check_page(page, f"faults at {width} px, {theme}")
        assert [one for one in complaints if "422" not in one] == []
