"""A small scenario for tests: two hosts, an event type of each kind, and a client with the key."""

from datetime import datetime, timedelta
from typing import Any

import httpx2

from tests.fake_calcom.rows import EventType, Guest, User
from tests.fake_calcom.server import FakeCalcom
from tests.fake_calcom.world import World

ANN = Guest("Ann Archer", "ann@acme.example")
BEN = Guest("Ben Baker", "ben@acme.example")
HOUR = timedelta(hours=1)
NEWEST, OLDER = {"cal-api-version": "2026-05-01"}, {"cal-api-version": "2024-08-13"}


class Scenario(World):
    """A world with two hosts and an event type of each kind."""

    def __init__(self, **more: Any) -> None:
        super().__init__(seed=7, **more)
        self.hana: User = self.add_user("Hana Host", "hana@sellers.example")
        self.otto: User = self.add_user("Otto Owner", "otto@sellers.example")
        self.intro: EventType = self.add_event_type("intro-call", owner=self.hana)
        self.review: EventType = self.add_event_type("fit-review", owner=self.hana, confirmation=True)
        self.weekly: EventType = self.add_event_type("weekly", owner=self.hana, repeats=True)
        self.tour: EventType = self.add_event_type("group-tour", owner=self.hana, seats=6)

    def hours_from_now(self, hours: int) -> datetime:
        return self.clock() + hours * HOUR

    def create_booking(self) -> str:
        return self.book(self.intro, ANN, start_at=self.hours_from_now(5)).uid


def open_client(fake_calcom: FakeCalcom) -> httpx2.Client:
    return httpx2.Client(base_url=fake_calcom.url, headers={"Authorization": f"Bearer {fake_calcom.key}"}, timeout=10)


def list_bookings(client: httpx2.Client, version: dict[str, str] = NEWEST, **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/bookings", params=query, headers=version)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found
