"""TE7: each event of the pipeline is posted in the channel once, after any fault in between."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from showup.access import connections_store
from showup.connections.setup import ConnectionSpec, set_up
from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.slack.settings import DEFAULT_EVENTS
from showup.digests.digest import DAILY
from showup.digests.writer import DigestWriter
from showup.outbox.subscriptions import of_workspace, subscribe
from showup.reads.digest import load_digest
from tests.destinations.fake_vendors.slack import CHANNEL, SIGNING_SECRET, TOKEN
from tests.destinations.fake_vendors.slack_interactions import press
from tests.destinations.slack.scenario import SEAL, START, SlackScenario, booked
from tests.histories.webhooks import body, no_show_body, payload


async def posted_texts(scenario: SlackScenario, *, seconds: int = 5) -> list[str]:
    """Moves the clock some seconds, and returns the texts of all messages."""
    for _ in range(seconds):
        await scenario.deliver_due(seconds=1)
    return [one.text for one in scenario.slack.messages()]


async def test_a_new_booking_and_a_no_show_are_posted(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=list(DEFAULT_EVENTS))
    await scenario.receive(booked())
    assert await posted_texts(scenario) == ["New booking: Sarah Chen (acme.example), Sat 2026-09-12 09:00 (UTC)"]
    scenario.now = START + timedelta(minutes=40)
    await scenario.receive(no_show_body("one", scenario.now, "sarah@acme.example"))
    assert (await posted_texts(scenario))[1:] == ["No-show: Sarah Chen (acme.example), Sat 2026-09-12 09:00 (UTC)"]


async def test_events_not_chosen_in_the_settings_are_not_posted(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=["booking.cancelled"])
    await scenario.receive(booked())
    assert await posted_texts(scenario) == []
    cancelled = payload("one", 1, START, ["sarah@acme.example"], cancellationReason="on holiday")
    await scenario.receive(body("BOOKING_CANCELLED", scenario.now, cancelled))
    (text,) = await posted_texts(scenario)
    assert text.startswith("A meeting was cancelled: Sarah")
    assert "on holiday" in scenario.slack.messages()[0].words


async def test_messages_of_a_busy_hour_are_each_posted_once_though_slack_falters(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=["booking.created"])
    await scenario.receive(*(booked(f"b{number}", number) for number in range(8)))
    scenario.slack.faults.queue("lost", "429", "500", "reset", "lost", "html")
    for _ in range(60):
        await scenario.deliver_due(minutes=1)
    assert scenario.slack.effects == {str(row["id"]): 1 for row in await scenario.rows(kind="booking.created")}
    assert len(scenario.slack.effects) == 8


async def test_a_failed_delivery_is_reported_once_an_hour_with_advice(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=["delivery.failed"])
    async with transaction(scenario.engine) as tx:
        await subscribe(await driver_connection(tx), scenario.workspace, "clickup", ["booking.created"], scenario.now)
    refused = GaveUp(because="the list 123 has no field Email: add one")
    scenario.crm.outcomes.extend([refused] * 3)
    await scenario.receive(*(booked(f"b{number}", number) for number in range(3)))
    (text,) = await posted_texts(scenario)
    assert text == "A delivery to ClickUp failed (booking.created): the list 123 has no field Email: add one"
    assert "`showup deliveries retry " in scenario.slack.messages()[0].words


async def test_a_destination_that_is_down_is_reported_but_slacks_own_outage_is_not_posted_to_slack(
    scenario: SlackScenario,
) -> None:
    await scenario.connect_slack(notices=["destination.down", "booking.created"])
    async with transaction(scenario.engine) as tx:
        await subscribe(await driver_connection(tx), scenario.workspace, "clickup", ["booking.created"], scenario.now)
    scenario.crm.down = TryAgain(because="ClickUp can't be reached", fault="destination")
    await scenario.receive(booked())
    for _ in range(10):
        await scenario.deliver_due(minutes=5)
    (down,) = (text for text in await posted_texts(scenario) if "can't be reached" in text)
    assert down.startswith("ClickUp can't be reached: Since <!date^")
    assert len(scenario.slack.messages()) == 2
    scenario.slack.stop()
    await scenario.receive(booked("two", 2))
    for _ in range(10):
        await scenario.deliver_due(minutes=5)
    assert [row["details"]["destination"] for row in await scenario.rows(kind="destination.down")] == ["clickup"]
    scenario.slack.start()


async def test_a_digest_is_posted_in_the_morning(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=[DAILY])
    await scenario.receive(booked())
    scenario.now = START.replace(hour=8, minute=0)
    await DigestWriter(scenario.engine, scenario.clock, load_digest).write_due()
    (text,) = await posted_texts(scenario)
    assert text.startswith(
        "Good morning: 1 meeting today (2026-09-12). Yesterday: no attendance was reported; new bookings 0"
    )
    assert "Sarah Chen (acme.example)" in scenario.slack.messages()[0].words


async def kinds(scenario: SlackScenario) -> set[str]:
    async with transaction(scenario.engine) as tx:
        return set().union(
            *(one.kinds for one in await of_workspace(await driver_connection(tx), scenario.workspace) if not one.until)
        )


async def test_changing_the_channel_retains_the_signing_secret_and_the_questions(scenario: SlackScenario) -> None:
    await scenario.connect_slack(notices=list(DEFAULT_EVENTS))
    assert await kinds(scenario) == set(DEFAULT_EVENTS)
    settings = {"channel": "C0OTHER"}
    requested = ConnectionSpec(workspace_id=scenario.workspace, kind="slack", name="environment", settings=settings)
    async with transaction(scenario.engine) as tx:
        await set_up(tx, SEAL, requested, scenario.now)
    assert await kinds(scenario) == set(DEFAULT_EVENTS)
    bare = {"bot_token": TOKEN}
    without = ConnectionSpec(
        workspace_id=scenario.workspace, kind="slack", name="environment", settings=settings, credentials=bare
    )
    async with transaction(scenario.engine) as tx:
        await set_up(tx, SEAL, without, scenario.now)
    needing_it = {"record.choose", "record.chosen", "approval.asked", "approval.decided"}
    assert await kinds(scenario) == set(DEFAULT_EVENTS) - needing_it


async def another_workspace(scenario: SlackScenario, secret: str) -> Any:
    """A workspace whose Slack app signs with this secret."""
    made = uuid4()
    async with transaction(scenario.engine) as tx:
        # Its name comes first, so an endpoint that used the first workspace would use it.
        await tx.execute(tables.workspaces.insert().values(id=made, slug="a-client", name="A client"))
        credentials = {"bot_token": TOKEN, "signing_secret": secret}
        await connections_store.upsert(
            tx,
            SEAL,
            workspace_id=made,
            kind="slack",
            name="main",
            settings={"channel": CHANNEL},
            credentials=credentials,
        )
    return made


async def events(scenario: SlackScenario) -> list[tuple[Any, str]]:
    found = tables.inbox_events
    query = select(found.c.workspace_id, found.c.state).where(found.c.origin == "manual")
    async with scenario.engine.connect() as tx:
        return [(one, state) for one, state in await tx.execute(query)]


async def test_workspaces_that_share_an_app_each_decide_their_own(scenario: SlackScenario) -> None:
    await scenario.connect_slack()
    await another_workspace(scenario, SIGNING_SECRET)
    await scenario.press_button(await scenario.question_message(), "choose_record:0")
    assert await events(scenario) == [(scenario.workspace, "applied")]


async def test_one_clients_app_decides_nothing_of_anothers(scenario: SlackScenario) -> None:
    await scenario.connect_slack(secret="ours alone")
    other = await another_workspace(scenario, SIGNING_SECRET)
    message = await scenario.question_message()
    response = await scenario.send_interaction(press(message, "choose_record:0", scenario.now))
    assert response.status_code == 200
    assert await events(scenario) == [(other, "pending")]
    await scenario.deliver_due(minutes=1)
    assert (await scenario.crm_row())["question"]["answered_by"] is None
