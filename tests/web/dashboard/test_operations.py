"""AP4, TE3, TE4: deliveries, mail, events and connections on pages: why something was not sent, and what to do."""

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.access.connection import Connection
from showup.container import event_handlers
from showup.database import tables
from showup.dispatch.connection_check import ConnectionCheck
from showup.inbox.apply import apply_pending
from showup.web.app import create_app
from tests.histories.webhooks import body, payload
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.dashboard.operations_data import add_operations
from tests.web.sample_data import ADMIN_KEY, HOSTILE_HTML, id_of
from tests.web.scenario import DAY, TODAY, Scenario, ingest_and_project, ticking_clock

HTMX = {"HX-Request": "true"}
MOVED, REFUSED, LATE = id_of("o.moved"), id_of("o.notion.0"), id_of("o.late")
GARBLED = id_of("o.garbled")


def fresh_booking() -> bytes:
    """Returns the webhook of a booking that was just made."""
    return body("BOOKING_CREATED", TODAY, payload("fresh", 9, TODAY + 5 * DAY, ["sarah@acme.com"]))


async def state_of(scenario: Scenario, delivery_id: UUID) -> str:
    [row] = await scenario.rows("deliveries", id=delivery_id)
    return str(row["state"])


async def test_destinations_come_first_and_say_what_is_wrong(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    await add_operations(scenario.engine, TODAY)
    page = (await teammate_of("member").get("/deliveries")).text
    table, _, rest = page.partition('id="list-h"')
    names = re.findall(r'deliveries\?destination=[\w%]+">([^<]+)</a>', table)
    assert names[:2] == ["ClickUp", "Notion"], "those that do not work"
    assert "the list Sellers has no status Booked" in table.replace("The", "the")
    assert "oldest " in table
    assert 'Failed&nbsp;<span class="num bad">' in rest
    assert "Wei" not in table


async def test_the_address_says_which_deliveries_are_shown(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    await add_operations(scenario.engine, TODAY)
    browser = teammate_of("member")
    failed = (await browser.get("/deliveries?destination=notion&state=failed")).text
    assert set(re.findall(r'class="strong" href="\./deliveries/([\w-]+)"', failed)) == {
        str(REFUSED),
        str(id_of("o.notion.1")),
    }
    assert "Destination Notion, remove this filter" in failed
    empty = await browser.get("/deliveries?state=failed&destination=&recipient=")
    assert (empty.status_code, empty.headers["location"]) == (303, "./deliveries?state=failed")
    assert (await browser.get("/deliveries?state=nonsense")).status_code == 422
    assert (await browser.get("/deliveries?cursor=made-up")).status_code == 400
    assert "Nothing fits the filters." in (await browser.get("/deliveries?recipient=nobody@x.example")).text


async def test_a_retry_says_first_what_it_sends_and_what_is_too_late(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    await add_operations(scenario.engine, TODAY)
    browser = teammate_of("member")
    page = (await browser.get("/deliveries?state=failed")).text
    assert "Notion: 2 failed.</strong> 2 deliveries will be sent again now, each once." in page
    assert "1 delivery stays failed: too late to be of use." in page
    done = await browser.post("/deliveries", headers=HTMX, destination="email", query="state=failed")
    assert "2 will be sent again now. 1 delivery stays failed: too late." in done.text
    assert await state_of(scenario, LATE) == "failed"
    assert await state_of(scenario, REFUSED) == "failed", "another destination"
    one = await browser.post("/deliveries", delivery=str(REFUSED), query="state=failed")
    assert (one.status_code, one.headers["location"]) == (303, "./deliveries?state=failed")
    assert await state_of(scenario, REFUSED) == "scheduled"
    too_late = await browser.post("/deliveries", headers=HTMX, delivery=str(LATE))
    assert (too_late.status_code, "Not sent again: it expired" in too_late.text) == (422, True)


async def test_a_delivery_shows_its_mail_its_attempts_and_what_to_do(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    await add_operations(scenario.engine, TODAY)
    browser = teammate_of("member")
    page = await browser.get(f"/deliveries/{MOVED}")
    assert "frame-src 'self'" in page.headers["content-security-policy"]
    for words in ("Delivered, 2nd attempt", "Resend answered 429: Too many requests", "New time: Discovery call"):
        assert words in page.text
    assert f'sandbox="allow-popups allow-popups-to-escape-sandbox" src="../deliveries/{MOVED}/html"' in page.text
    calendar = await browser.get(f"/deliveries/{MOVED}/invite.ics")
    assert calendar.headers["content-disposition"] == 'attachment; filename="invite.ics"'
    refused = (await browser.get(f"/deliveries/{REFUSED}")).text
    assert "Notion rejects the token: API token is invalid." in refused
    assert "Correct the cause, then retry." in refused
    assert "secret_1234" not in refused, "secrets are masked"
    assert "token=abc" not in refused
    late = (await browser.get(f"/deliveries/{LATE}")).text
    assert "It can&#39;t be sent any more: it expired" in late
    assert 'value="retry"' not in late
    soon = (await browser.get(f"/deliveries/{id_of('o.soon')}")).text
    assert "The meeting was too near for any reminder when it was booked." in soon


async def test_a_scheduled_delivery_can_be_left_out_and_sent_after_all(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    await add_operations(scenario.engine, TODAY)
    browser, ahead = teammate_of("member"), id_of("o.ahead")
    skipped = await browser.post(f"/deliveries/{ahead}", headers=HTMX, do="skip")
    assert "It will not be sent." in skipped.text
    assert "Send it after all" in skipped.text
    assert (await browser.post(f"/deliveries/{ahead}", do="retry")).status_code == 303
    assert await state_of(scenario, ahead) == "scheduled"
    again = await browser.post(f"/deliveries/{MOVED}", headers=HTMX, do="retry")
    assert (again.status_code, "it was delivered" in again.text) == (422, True)
    chosen = await browser.post(f"/deliveries/{id_of('ours.asked')}", headers=HTMX, do="choose", record="86a")
    assert "Answered." in chosen.text
    assert (await browser.post(f"/deliveries/{ahead}", do="nonsense")).status_code == 422


async def test_a_mails_html_is_sandboxed(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    await add_operations(scenario.engine, TODAY)
    async with scenario.engine.begin() as tx:
        [row] = await scenario.rows("delivery_contents", delivery_id=MOVED)
        contents = tables.delivery_contents
        hostile = row["content"] | {"html": HOSTILE_HTML}
        await tx.execute(update(contents).values(content=hostile).where(contents.c.delivery_id == MOVED))
    browser = teammate_of("member")
    response = await browser.get(f"/deliveries/{MOVED}/html")
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "data:",
        "form-action": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'self'",
        "sandbox": "allow-popups allow-popups-to-escape-sandbox",
    }
    assert response.text == HOSTILE_HTML.replace('<head lang="en">', '<head lang="en"><base target="_blank">')
    assert "evil.example" not in (await browser.get(f"/deliveries/{MOVED}")).text
    assert (await browser.get(f"/deliveries/{REFUSED}/html")).status_code == 404, "it is no mail"


async def test_the_mail_preview_has_what_reached_nobody(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    member = teammate_of("member")
    assert "No mail is stored" in (await member.get("/mail")).text
    await add_operations(scenario.engine, TODAY)
    page = (await member.get("/mail")).text
    assert re.findall(r'class="strong" href="\./deliveries/([\w-]+)"', page) == [str(id_of("o.previewed"))]
    assert "Booked: Discovery call" in page


async def test_a_role_that_reads_sees_states_and_neither_content_nor_forms(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    await add_operations(scenario.engine, TODAY)
    reader = teammate_of("read_only")
    pages = [
        (await reader.get(path)).text
        for path in (f"/deliveries/{MOVED}", f"/deliveries/{REFUSED}", f"/events/{GARBLED}", "/connections")
    ]
    for page in pages:
        main = page.partition('id="main"')[2]
        assert "<form" not in main.partition('class="tabs"')[0]
    assert "Your Discovery" not in pages[0]
    assert "iframe" not in pages[0]
    assert "Booking Status" not in pages[1]
    assert "template" not in pages[2].partition(">Body<")[2]
    assert (await reader.get("/mail")).status_code == 403


async def test_an_event_shows_what_it_changed_and_planned(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    browser = teammate_of("member")
    await ingest_and_project(scenario.engine, "ours", [fresh_booking()], ticking_clock())
    [made] = await scenario.rows("inbox_events", uid="fresh")
    page = (await browser.get(f"/events/{made['id']}")).text
    assert re.search(r"Booking created, changed \d things", page)
    assert "Deliveries that it planned" in page
    assert "BOOKING_CREATED" in page.partition(">Body<")[2]
    listed = (await browser.get("/events?source=calcom&state=applied")).text
    assert f"./events/{made['id']}" in listed
    assert f"./events/{made['id']}" not in (await browser.get("/events?source=manual")).text
    bytes_ = await browser.get(f"/events/{made['id']}/body")
    assert bytes_.content == made["body"]
    assert bytes_.headers["content-type"] == "application/octet-stream"


async def test_an_unreadable_event_says_why_and_hides_secrets(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    await add_operations(scenario.engine, TODAY)
    browser = teammate_of("member")
    assert "1 event of the last 30 days can’t be read." in (await browser.get("/events")).text
    page = (await browser.get(f"/events/{GARBLED}")).text
    for words in ("Payload is no object: it is text", "remove the payload template", "checked on arrival, not stored"):
        assert words in page
    assert "whsec_9" not in page


async def test_a_replay_shows_its_consequence_first(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    await add_operations(scenario.engine, TODAY)
    async with scenario.engine.begin() as tx:
        events = tables.inbox_events
        await tx.execute(update(events).values(body=fresh_booking()).where(events.c.id == GARBLED))
    browser, path = teammate_of("member"), f"/events/{GARBLED}/replay"
    before = len(await scenario.rows("audit_log")), len(await scenario.rows("deliveries"))
    trial = (await browser.post(path, headers=HTMX)).text
    assert re.search(r"A replay would apply it, and change \d+ things", trial)
    assert "Booked" in trial
    assert (len(await scenario.rows("audit_log")), len(await scenario.rows("deliveries"))) == before
    [row] = await scenario.rows("inbox_events", id=GARBLED)
    assert (row["state"], row["replayed_at"]) == ("unreadable", None), "nothing of the trial stays"
    assert (await browser.post(path, do="replay")).status_code == 303
    while await apply_pending(scenario.engine, id_of("ours"), ticking_clock(), event_handlers()):
        pass
    page = (await browser.get(f"/events/{GARBLED}")).text
    assert re.search(r"changed \d things", page)
    again = await browser.post(path, headers=HTMX, do="replay")
    assert (again.status_code, "its result would be the same" in again.text) == (422, True)
    assert "A replay would change nothing" in (await browser.post(path, headers=HTMX)).text


async def test_a_delivery_that_waits_for_its_next_attempt_is_tried_now(
    scenario: Scenario, teammate_of: BrowserFactory
) -> None:
    await add_operations(scenario.engine, TODAY)
    member, stuck, ahead = teammate_of("member"), f"/deliveries/{id_of('o.stuck')}", f"/deliveries/{id_of('o.ahead')}"
    assert ">Try now</button>" in (await member.get(stuck)).text
    assert ">Try now</button>" not in (await member.get(ahead)).text, "it waits for its time, and not for an attempt"
    tried = await member.post(stuck, headers=HTMX, do="retry")
    assert (tried.status_code, "It will be sent again now." in tried.text) == (200, True)
    [queue] = await scenario.rows("destination_queues", destination="clickup")
    assert (queue["paused_until"], queue["failures"]) == (None, 3), "one call finds out whether it works"
    refused = await member.post(ahead, headers=HTMX, do="retry")
    assert (refused.status_code, "it is due at" in refused.text) == (422, True)
    assert (await teammate_of("read_only").post(stuck, do="retry")).status_code == 403


def admin_whose_tests(scenario: Scenario, result: ConnectionCheck, asked: list[str]) -> Browser:
    """Returns an admin's browser on an app whose tests of connections have this result."""

    async def check(connection: Connection) -> ConnectionCheck:
        asked.append(connection.kind)
        return result

    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
        check_connection=check,
    )
    return Browser(app, "admin")


async def test_connections_are_tested_on_request_alone(scenario: Scenario) -> None:
    await add_operations(scenario.engine, TODAY)
    asked: list[str] = []
    admin = admin_whose_tests(scenario, ConnectionCheck(faults=["Notion rejects the token: unauthorized"]), asked)
    page = (await admin.get("/connections")).text
    assert asked == [], "the page asks nobody: a system that hangs does not block it"
    needing, _, working = page.partition('id="ok-h"')
    assert "Notion rejects the token: API token is invalid." in needing
    assert "Resend" in needing
    assert "Cal.com" in working
    tested = await admin.post(f"/connections/{id_of('c.notion')}", headers=HTMX, do="test")
    assert (asked, "Notion rejects the token: unauthorized." in tested.text) == (["notion"], True)
    again = await admin.post(f"/connections/{id_of('c.notion')}", headers=HTMX, do="test")
    assert (again.status_code, asked) == (429, ["notion"]), "each test calls another system"
    member = Browser(admin.client._transport.app, "member")  # type: ignore[attr-defined]  # the same app
    assert (await member.post(f"/connections/{id_of('c.notion')}", do="test")).status_code == 403


async def test_all_connections_are_checked_at_once_and_each_answer_stands_at_its_own(scenario: Scenario) -> None:
    await add_operations(scenario.engine, TODAY)
    asked: list[str] = []
    admin = admin_whose_tests(scenario, ConnectionCheck(faults=["<b>it is down</b>"]), asked)
    checked = (await admin.post("/connections/check", headers=HTMX)).text
    assert {"calcom", "notion", "resend"} <= set(asked)
    rows = re.findall(r'<li id="c-([^"]+)"(.*?)</li>', checked, re.DOTALL)
    answered = {row_id for row_id, row in rows if "&lt;b&gt;it is down&lt;/b&gt;." in row}
    assert str(id_of("c.notion")) in answered
    assert len(answered) == len(asked)
    assert (await admin.post("/connections/check", headers=HTMX)).status_code == 429
    [account] = [row_id for row_id, row in rows if "Cal.com" in row]
    compared = await admin.post(f"/connections/{account}", headers=HTMX, do="compare")
    assert "Cal.com is not compared: its API key is missing." in compared.text
    async with scenario.engine.begin() as tx:
        ours = tables.connections.c.workspace_id == id_of("ours")
        assert await tx.scalar(select(func.count()).select_from(tables.connections).where(ours)) == len(asked)
        await tx.execute(tables.syncs.insert().values(account_id=account, began_at=TODAY, next_at=TODAY + DAY))
    assert "Compare now" in (await admin.get("/connections")).text
    compared = await admin.post(f"/connections/{account}", headers=HTMX, do="compare")
    assert "Cal.com is compared within a minute." in compared.text
    async with scenario.engine.begin() as tx:
        due = await tx.scalar(select(tables.syncs.c.next_at).where(tables.syncs.c.account_id == account))
    assert due < TODAY + DAY
    assert 'settings/webhooks">' in checked


@pytest.mark.usefixtures("own_sample_database")
async def test_older_pages_of_a_list_follow_by_a_cursor(browser_of: BrowserFactory, sample_engine: AsyncEngine) -> None:
    row = {"workspace_id": id_of("ours"), "destination": "email", "kind": "new_place", "state": "delivered"}
    times = {"due_at": TODAY, "wake_at": TODAY, "updated_at": TODAY, "delivered_at": TODAY}
    ids = [id_of(f"page.{number}") for number in range(60)]
    async with sample_engine.begin() as tx:
        values = [
            row
            | times
            | {"id": one, "key": str(one), "booking_version": 1, "created_at": TODAY + timedelta(minutes=at)}
            for at, one in enumerate(ids)
        ]
        await tx.execute(tables.deliveries.insert(), values)
    member = browser_of("member")
    first = (await member.get("/deliveries?kind=new_place")).text
    earlier = re.search(r'href="\./(deliveries\?[^"]*cursor=[\w-]+)"', first)
    assert earlier is not None
    second = (await member.get(f"/{earlier[1].replace('&amp;', '&')}")).text
    found = [re.findall(r'class="strong" href="\./deliveries/([\w-]+)"', page) for page in (first, second)]
    assert [len(page) for page in found] == [50, 10]
    assert found[0] + found[1] == [str(one) for one in reversed(ids)]
