"""Notion as it is connected in these tests, and what it says of a booking of Ann."""

from typing import Any

import httpx2

from showup.destinations.contract import Attempt, Destination, Outcome
from showup.destinations.notion.connect import KIND
from tests.destinations.conformance.case import DELIVERY, MEETING, NOW, notice, plain_json
from tests.destinations.far.notion import FarNotion
from tests.destinations.wired import Freely, outfit

DAY = f"{MEETING.start_time:%Y-%m-%d}"
REMINDERS = {"72h": "Email 5 Sent", "24h": "Email 6 Sent"}
BOOKED = {
    "Name": "Ann",
    "Email": "ann@acme.example",
    "Booking Status": "Booked",
    "Diagnostic Call Date": DAY,
    "Christmas Campaign Status": "Pre-Call Prep",
}


class Ours:
    """Notion as it is connected; settings may be changed before it is built."""

    def __init__(self, client: httpx2.AsyncClient, far: FarNotion) -> None:
        self.client, self.far, self.now = client, far, NOW
        self.meter = Freely()
        self.key = far.key
        self.settings: dict[str, Any] = {
            "api_url": far.url,
            "contacts_database": far.contacts,
            "sequences_database": far.sequences,
            "sequence_reminder_properties": REMINDERS,
        }

    def built(self) -> Destination:
        read = KIND.read(self.settings)
        return KIND.build(read, {"token": self.key}, outfit(self.client, lambda: self.now, self.meter))

    async def told(self, kind: str = "booking.created", *, record: str | None = None, **details: Any) -> Outcome:
        return await self.told_of(notice(kind, **details), record=record)

    async def told_of(self, news: Any, *, record: str | None = None, overtaken: bool = False) -> Outcome:
        built = self.built()
        content = plain_json(built.render(news))
        return await built.send(Attempt(delivery_id=DELIVERY, content=content, record=record, overtaken=overtaken))

    async def examined(self) -> list[str]:
        read = KIND.read(self.settings)
        return await KIND.examine(read, {"token": self.key}, outfit(self.client, lambda: self.now, self.meter))


def contacts_of_types(ours: Ours, far: FarNotion, types: dict[str, Any]) -> str:
    """Another contact database, of these types, with Ann in it; her page."""
    ours.settings |= {"contacts_database": far.workspace.add_database(types), "campaign_status_property": ""}
    return far.workspace.add_page(ours.settings["contacts_database"], {"Email": "ann@acme.example"})
