"""The Prefect connection of these tests, and its attempts at the notifications of one meeting."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
from msgspec.structs import replace

from showup.destinations.contract import Attempt, Outcome, PlannedReminder
from showup.destinations.prefect.health import KIND
from tests.destinations.conformance.case import DELIVERY, MEETING, NOW, START, notification, plain_json
from tests.destinations.connected_scenario import UnlimitedMeter, destination_context
from tests.destinations.fake_vendors.prefect import DEPLOYMENT, FakePrefect

OFFSETS = (timedelta(hours=72), timedelta(hours=24), timedelta(hours=2))


class PrefectConnection:
    """A Prefect connection; a test may change the settings before an attempt, and the clock between two."""

    def __init__(self, client: httpx2.AsyncClient, fake: FakePrefect) -> None:
        self.client, self.fake, self.now = client, fake, NOW
        self.key: str | None = fake.key
        self.settings: dict[str, Any] = {"api_url": fake.url, "deployment": DEPLOYMENT}

    def build(self) -> Any:
        return KIND.build(KIND.parse_settings(self.settings), self._credentials(), self._context())

    async def check_health(self) -> list[str]:
        return await KIND.check_health(KIND.parse_settings(self.settings), self._credentials(), self._context())

    async def send(
        self, kind: str, start: datetime = START, *, superseded: bool = False, seed: int = 0, **meeting: Any
    ) -> Outcome:
        """Makes one attempt at a notification of the meeting at this start; `seed` tells one plan from the next."""
        destination = self.build()
        content = plain_json(destination.render(booking(kind, start, self.now, seed=seed, **meeting)))
        return await destination.send(Attempt(delivery_id=DELIVERY, content=content, superseded=superseded))

    def _credentials(self) -> dict[str, str]:
        return {} if self.key is None else {"api_key": self.key}

    def _context(self) -> Any:
        return destination_context(self.client, lambda: self.now, UnlimitedMeter())


def booking(kind: str, start: datetime, now: datetime, *, seed: int = 0, **meeting: Any) -> Any:
    """Returns the notification, with the reminders that the pipeline plans for this start."""
    return replace(
        notification(kind),
        meeting=replace(MEETING, start_time=start, **meeting),
        decided_at=now,
        reminders=planned(start, now, seed=seed),
    )


def planned(start: datetime, now: datetime, *, seed: int = 0) -> tuple[PlannedReminder, ...]:
    """Returns the reminders of a meeting that are still ahead; each meeting time has reminders of its own."""
    nexts = (*OFFSETS[1:], timedelta(0))
    return tuple(
        PlannedReminder(
            id=UUID(int=int(start.timestamp()) * 10**9 + seed * 10**6 + int(before.total_seconds())),
            before_seconds=int(before.total_seconds()),
            due_at=start - before,
            expires_at=start - following,
        )
        for before, following in zip(OFFSETS, nexts, strict=True)
        if start - before > now
    )
