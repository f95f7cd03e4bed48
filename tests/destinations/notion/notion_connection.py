"""The Notion connection of these tests, and its outcome for a booking of Ann."""

from typing import Any

import httpx2

from showup.destinations.contract import Attempt, Delivered, Destination, Outcome
from showup.destinations.notion.health import KIND
from tests.destinations.conformance.case import DELIVERY, MEETING, NOW, notification, plain_json
from tests.destinations.connected_scenario import UnlimitedMeter, destination_context
from tests.destinations.fake_vendors.notion import FakeNotion

DAY = f"{MEETING.start_time:%Y-%m-%d}"
REMINDERS = {"72h": "Email 5 Sent", "24h": "Email 6 Sent"}
BOOKED = {
    "Name": "Ann",
    "Email": "ann@acme.example",
    "Booking Status": "Booked",
    "Diagnostic Call Date": DAY,
    "Christmas Campaign Status": "Pre-Call Prep",
}


class NotionConnection:
    """A Notion connection; a test may change the settings before the destination is built."""

    def __init__(self, client: httpx2.AsyncClient, fake: FakeNotion) -> None:
        self.client, self.fake, self.now = client, fake, NOW
        self.meter = UnlimitedMeter()
        self.key = fake.key
        self.last_set: dict[str, dict[str, str]] = {}
        self.settings: dict[str, Any] = {
            "api_url": fake.url,
            "contacts_database": fake.contacts,
            "sequences_database": fake.sequences,
            "sequence_reminder_properties": REMINDERS,
        }

    def build(self) -> Destination:
        parsed = KIND.parse_settings(self.settings)
        return KIND.build(parsed, {"token": self.key}, destination_context(self.client, lambda: self.now, self.meter))

    async def send(self, kind: str = "booking.created", *, record: str | None = None, **details: Any) -> Outcome:
        return await self.send_notification(notification(kind, **details), record=record)

    async def send_notification(
        self, notification: Any, *, record: str | None = None, overtaken: bool = False
    ) -> Outcome:
        """Makes one attempt, which knows what earlier ones set, as the dispatcher's attempts do."""
        destination = self.build()
        content = plain_json(destination.render(notification))
        attempt = Attempt(
            delivery_id=DELIVERY, content=content, record=record, superseded=overtaken, last_set=self.last_set
        )
        outcome = await destination.send(attempt)
        if isinstance(outcome, Delivered) and outcome.record is not None:
            self.last_set.setdefault(outcome.record, {}).update(outcome.found.get("set", {}))
        return outcome

    async def check_health(self) -> list[str]:
        parsed = KIND.parse_settings(self.settings)
        return await KIND.check_health(
            parsed, {"token": self.key}, destination_context(self.client, lambda: self.now, self.meter)
        )


def contacts_of_types(connection: NotionConnection, fake: FakeNotion, types: dict[str, Any]) -> str:
    """Adds another contact database, with these types and a page for Ann; returns her page."""
    connection.settings |= {"contacts_database": fake.workspace.add_database(types), "campaign_status_property": ""}
    return fake.workspace.add_page(connection.settings["contacts_database"], {"Email": "ann@acme.example"})
