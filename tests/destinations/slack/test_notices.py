"""TE7: what happens in the pipeline stands in the channel, once, whatever breaks meanwhile."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select

from showup.access import connections_store
from showup.database import tables
from showup.database.engine import raw, transaction
from showup.deliveries.digesting import Digesting
from showup.deliveries.digests import DAILY
from showup.deliveries.setting_up import Wanted, set_up
from showup.deliveries.subscribing import of_workspace, subscribe
from showup.destinations.contract import GaveUp, TryAgain
from showup.destinations.slack.settings import USUAL
from showup.reads.digest import digest
from tests.destinations.far.slack import CHANNEL, SIGNING_SECRET, TOKEN
from tests.destinations.far.slack_press import press
from tests.destinations.slack.team import SEAL, START, Team, booked
from tests.stories.webhooks import body, payload


async def told(team: Team, *, seconds: int = 5) -> list[str]:
    """Some seconds go by; the texts of all messages then."""
    for _ in range(seconds):
        await team.tell(seconds=1)
    return [one.text for one in team.slack.messages()]


async def test_a_new_booking_and_a_no_show_stand_in_the_channel(team: Team) -> None:
    await team.connect_slack(notices=list(USUAL))
    await team.hear(booked())
    assert await told(team) == ["New booking: Sarah Chen (acme.example), Sat 2026-09-12 09:00 (UTC)"]
    team.now = START + timedelta(minutes=40)
    absent = {"bookingUid": "one", "attendees": [{"email": "sarah@acme.example", "noShow": True}]}
    await team.hear(body("BOOKING_NO_SHOW_UPDATED", team.now, absent))
    assert (await told(team))[1:] == ["No-show: Sarah Chen (acme.example), Sat 2026-09-12 09:00 (UTC)"]


async def test_what_is_not_chosen_in_the_settings_is_not_told(team: Team) -> None:
    await team.connect_slack(notices=["booking.cancelled"])
    await team.hear(booked())
    assert await told(team) == []
    cancelled = payload("one", 1, START, ["sarah@acme.example"], cancellationReason="on holiday")
    await team.hear(body("BOOKING_CANCELLED", team.now, cancelled))
    (text,) = await told(team)
    assert text.startswith("A meeting was cancelled: Sarah")
    assert "on holiday" in team.slack.messages()[0].words


async def test_messages_of_a_busy_hour_are_each_posted_once_though_slack_falters(team: Team) -> None:
    await team.connect_slack(notices=["booking.created"])
    await team.hear(*(booked(f"b{number}", number) for number in range(8)))
    team.slack.faults.next("lost", "429", "500", "reset", "lost", "html")
    for _ in range(60):
        await team.tell(minutes=1)
    assert team.slack.effects == {str(row["id"]): 1 for row in await team.rows(kind="booking.created")}
    assert len(team.slack.effects) == 8


async def test_a_failed_delivery_is_told_once_an_hour_and_names_what_to_do(team: Team) -> None:
    await team.connect_slack(notices=["delivery.failed"])
    async with transaction(team.engine) as tx:
        await subscribe(await raw(tx), team.workspace, "clickup", ["booking.created"], team.now)
    refused = GaveUp(because="the list 123 has no field Email: add one")
    team.crm.script.extend([refused] * 3)
    await team.hear(*(booked(f"b{number}", number) for number in range(3)))
    (text,) = await told(team)
    assert text == "A delivery to ClickUp failed (booking.created): the list 123 has no field Email: add one"
    assert "`showup deliveries retry " in team.slack.messages()[0].words


async def test_a_destination_that_is_down_is_told_and_slacks_own_fall_is_not_told_to_slack(team: Team) -> None:
    await team.connect_slack(notices=["destination.down", "booking.created"])
    async with transaction(team.engine) as tx:
        await subscribe(await raw(tx), team.workspace, "clickup", ["booking.created"], team.now)
    team.crm.down = TryAgain(because="ClickUp can't be reached", fault="destination")
    await team.hear(booked())
    for _ in range(10):
        await team.tell(minutes=5)
    (down,) = (text for text in await told(team) if "can't be told anything" in text)
    assert down.startswith("ClickUp can't be told anything: Since <!date^")
    assert len(team.slack.messages()) == 2
    team.slack.down()
    await team.hear(booked("two", 2))
    for _ in range(10):
        await team.tell(minutes=5)
    assert [row["details"]["destination"] for row in await team.rows(kind="destination.down")] == ["clickup"]
    team.slack.up()


async def test_a_digest_is_posted_in_the_morning(team: Team) -> None:
    await team.connect_slack(notices=[DAILY])
    await team.hear(booked())
    team.now = START.replace(hour=8, minute=0)
    await Digesting(team.engine, team.clock, digest).write_due()
    (text,) = await told(team)
    assert text.startswith("Good morning: 1 meeting today (2026-09-12). Yesterday: new bookings 0")
    assert "Sarah Chen (acme.example)" in team.slack.messages()[0].words


async def kinds(team: Team) -> set[str]:
    async with transaction(team.engine) as tx:
        return set().union(*(one.kinds for one in await of_workspace(await raw(tx), team.workspace) if not one.until))


async def test_another_channel_keeps_the_signing_secret_and_with_it_the_questions(team: Team) -> None:
    await team.connect_slack(notices=list(USUAL))
    assert await kinds(team) == set(USUAL)
    settings = {"channel": "C0OTHER"}
    wanted = Wanted(workspace_id=team.workspace, kind="slack", name="environment", settings=settings)
    async with transaction(team.engine) as tx:
        await set_up(tx, SEAL, wanted, team.now)
    assert await kinds(team) == set(USUAL)
    bare = {"bot_token": TOKEN}
    without = Wanted(workspace_id=team.workspace, kind="slack", name="environment", settings=settings, credentials=bare)
    async with transaction(team.engine) as tx:
        await set_up(tx, SEAL, without, team.now)
    assert await kinds(team) == set(USUAL) - {"record.choose", "record.chosen"}


async def another_workspace(team: Team, secret: str) -> Any:
    """A client whose Slack app is signed with this secret."""
    made = uuid4()
    async with transaction(team.engine) as tx:
        # Its name comes first, so that a door that took the first that fits would take it.
        await tx.execute(tables.workspaces.insert().values(id=made, slug="a-client", name="A client"))
        credentials = {"bot_token": TOKEN, "signing_secret": secret}
        await connections_store.put(
            tx,
            SEAL,
            workspace_id=made,
            kind="slack",
            name="main",
            settings={"channel": CHANNEL},
            credentials=credentials,
        )
    return made


async def events(team: Team) -> list[tuple[Any, str]]:
    found = tables.calcom_events
    query = select(found.c.workspace_id, found.c.state).where(found.c.origin == "hand")
    async with team.engine.connect() as tx:
        return [(one, state) for one, state in await tx.execute(query)]


async def test_workspaces_that_share_an_app_each_decide_their_own(team: Team) -> None:
    await team.connect_slack()
    await another_workspace(team, SIGNING_SECRET)
    await team.presses(await team.asked(), "choose_record:0")
    assert await events(team) == [(team.workspace, "applied")]


async def test_one_clients_app_decides_nothing_of_anothers(team: Team) -> None:
    await team.connect_slack(secret="ours alone")
    other = await another_workspace(team, SIGNING_SECRET)
    message = await team.asked()
    answer = await team.sends(press(message, "choose_record:0", team.now))
    assert answer.status_code == 200
    assert await events(team) == [(other, "kept")]
    await team.tell(minutes=1)
    assert (await team.crm_row())["question"]["answered_by"] is None
