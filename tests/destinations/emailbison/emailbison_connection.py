"""The EmailBison connection of these tests, and its outcome for a booking of Ann."""

from typing import Any

import httpx2

from showup.destinations.contract import Attempt, Delivered, Outcome
from showup.destinations.emailbison.client import EmailBisonClient
from showup.destinations.emailbison.health import KIND
from tests.destinations.conformance.case import DELIVERY, NOW, notification, plain_json
from tests.destinations.connected_scenario import UnlimitedMeter, destination_context
from tests.destinations.fake_vendors.emailbison import FakeEmailBison


class EmailBisonConnection:
    """An EmailBison connection; a test may change the settings before the destination is built."""

    def __init__(self, client: httpx2.AsyncClient, fake: FakeEmailBison) -> None:
        self.client, self.fake = client, fake
        self.meter = UnlimitedMeter()
        self.key = fake.key
        self.last_set: dict[str, dict[str, str]] = {}
        self.settings: dict[str, Any] = {"api_url": fake.url}

    def api(self) -> EmailBisonClient:
        """Returns a client, as a delivery uses it."""
        return EmailBisonClient(self.client, url=self.fake.url, token=self.key, clock=lambda: NOW, meter=self.meter)

    async def send(self, kind: str = "booking.created", **attempt: Any) -> Outcome:
        """Makes one attempt, which knows what earlier ones set, as the dispatcher's attempts do."""
        return await self.send_notification(notification(kind), **attempt)

    async def send_notification(self, notification: Any, **attempt: Any) -> Outcome:
        context = destination_context(self.client, lambda: NOW, self.meter)
        destination = KIND.build(KIND.parse_settings(self.settings), {"api_key": self.key}, context)
        content = plain_json(destination.render(notification))
        made = Attempt(delivery_id=DELIVERY, content=content, last_set=self.last_set, **attempt)
        outcome = await destination.send(made)
        if isinstance(outcome, Delivered) and outcome.record is not None:
            self.last_set.setdefault(outcome.record, {}).update(outcome.found.get("set", {}))
        return outcome

    async def check_health(self) -> list[str]:
        context = destination_context(self.client, lambda: NOW, self.meter)
        return await KIND.check_health(KIND.parse_settings(self.settings), {"api_key": self.key}, context)
