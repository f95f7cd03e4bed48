"""M03: a contact's page says the truth about the meeting that is ahead, whatever the types of its properties."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.destinations.notion.health import KIND
from tests.destinations.connected_scenario import ConnectedScenario
from tests.destinations.fake_vendors.notion import FakeNotion
from tests.histories.webhooks import body, payload

ANN = "ann@acme.example"
FIRST, SECOND = timedelta(days=2), timedelta(days=9)


class TwoMeetings:
    """Ann's meetings `one` and `two`, and her page."""

    def __init__(self, scenario: ConnectedScenario, fake: FakeNotion) -> None:
        self.scenario, self.fake = scenario, fake
        self.starts = {"one": scenario.now + FIRST, "two": scenario.now + SECOND}

    async def connect(self, **settings: Any) -> None:
        database = self.fake.contacts
        more = {"api_url": self.fake.url, "contacts_database": database, "sequences_database": self.fake.sequences}
        await self.scenario.connect(KIND, more | settings, {"token": self.fake.key})

    async def receive(self, trigger: str, uid: str, start: datetime | None = None, **more: Any) -> None:
        self.scenario.now += timedelta(minutes=1)
        booking = payload(uid, 1 if uid == "one" else 2, start or self.starts[uid], [ANN], **more)
        await self.scenario.receive(body(trigger, self.scenario.now, booking))
        await self.scenario.deliver_due()

    @property
    def page(self) -> dict[str, Any]:
        return self.fake.properties_of(self.fake.contact)

    async def notes(self) -> list[str]:
        """Returns the notes of all deliveries."""
        rows = await self.scenario.rows(destination="notion")
        return [note for row in rows for note in row["found"].get("notes", [])]


@pytest.fixture
async def meetings(
    engine: AsyncEngine, workspace: UUID, account: UUID, client: httpx2.AsyncClient
) -> AsyncIterator[TwoMeetings]:
    with FakeNotion(email=ANN) as fake:
        yield TwoMeetings(ConnectedScenario(engine, workspace, account, client), fake)


@pytest.mark.parametrize(("first", "second"), [("one", "two"), ("two", "one")])
async def test_m03_the_call_date_becomes_that_of_the_meeting_ahead(
    meetings: TwoMeetings, first: str, second: str
) -> None:
    await meetings.connect()
    await meetings.receive("BOOKING_CREATED", "one")
    await meetings.receive("BOOKING_CREATED", "two")
    await meetings.receive("BOOKING_CANCELLED", first)
    day = f"{meetings.starts[second]:%Y-%m-%d}"
    assert (meetings.page["Booking Status"], meetings.page["Diagnostic Call Date"]) == ("Booked", day)
    assert await meetings.notes() == [f"the status was not changed: another meeting is ahead on {day}"]
    await meetings.receive("BOOKING_CANCELLED", second)
    assert meetings.page["Booking Status"] == "Cancelled"


async def test_m03_a_persons_date_and_status_stay(meetings: TwoMeetings) -> None:
    await meetings.connect()
    await meetings.receive("BOOKING_CREATED", "one")
    await meetings.receive("BOOKING_CREATED", "two")
    values = meetings.fake.page(meetings.fake.contact).values
    values["Diagnostic Call Date"], values["Booking Status"] = {"start": "2026-12-24"}, {"name": "Lead"}
    await meetings.receive("BOOKING_CANCELLED", "two")
    await meetings.receive("BOOKING_CANCELLED", "one")
    assert (meetings.page["Booking Status"], meetings.page["Diagnostic Call Date"]) == ("Lead", "2026-12-24")


async def test_m03_a_new_time_leaves_a_persons_status(meetings: TwoMeetings) -> None:
    await meetings.connect()
    await meetings.receive("BOOKING_CREATED", "one")
    meetings.fake.page(meetings.fake.contact).values["Booking Status"] = {"name": "Lead"}
    await meetings.receive("BOOKING_CREATED", "one", meetings.starts["two"])
    assert meetings.page["Booking Status"] == "Lead"
    assert meetings.page["Diagnostic Call Date"] == f"{meetings.starts['two']:%Y-%m-%d}"


@pytest.mark.parametrize(("word", "expected"), [("", "Booked"), ("No Show", "No Show")])
async def test_m03_a_request_for_another_time(meetings: TwoMeetings, word: str, expected: str) -> None:
    await meetings.connect(reschedule_requested=word)
    await meetings.receive("BOOKING_CREATED", "one")
    await meetings.receive("BOOKING_CANCELLED", "one", requestReschedule=True)
    assert meetings.page["Booking Status"] == expected


@pytest.mark.parametrize("person", [False, True])
@pytest.mark.parametrize(
    ("kind", "theirs"),
    [
        (("select", "Lead"), {"name": "Lead"}),
        (("multi_select", "VIP"), [{"name": "VIP"}]),
        ("rich_text", [{"type": "text", "text": {"content": "Lead"}, "plain_text": "Lead"}]),
        ("checkbox", False),
    ],
    ids=["select", "multi-select", "text", "checkbox"],
)
async def test_m03_the_types_of_the_status(meetings: TwoMeetings, kind: Any, theirs: Any, *, person: bool) -> None:
    fake = meetings.fake
    types = {"Email": "email", "Booking Status": kind, "Diagnostic Call Date": "date"}
    fake.contacts = fake.workspace.add_database(types)
    fake.contact = fake.workspace.add_page(fake.contacts, {"Email": ANN})
    await meetings.connect(campaign_status_property="", booked="Yes", cancelled="No")
    await meetings.receive("BOOKING_CREATED", "one")
    booked = meetings.page["Booking Status"]
    if person:
        fake.page(fake.contact).values["Booking Status"] = theirs
    there = meetings.page["Booking Status"]
    await meetings.receive("BOOKING_CANCELLED", "one")
    assert booked in ("Yes", ["Yes"], True)
    assert (
        meetings.page["Booking Status"] == there if person else meetings.page["Booking Status"] in ("No", ["No"], False)
    )
