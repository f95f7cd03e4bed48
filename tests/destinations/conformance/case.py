"""One destination in the suite: its fake vendor, its construction, its notification and its documented exceptions."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from showup.clock import Clock
from showup.destinations.contract import (
    Content,
    Delivered,
    Destination,
    GaveUp,
    Guest,
    Meeting,
    NeedsAnswer,
    Notification,
    Outcome,
)
from showup.destinations.destination_kind import DestinationContext

NOW = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
DELIVERY = UUID("0d5fbb0e-7a0c-4e0e-9a55-6a3b6f1f6a01")
START = NOW + timedelta(days=5)

FAULT_MEANINGS: Mapping[str, str] = {
    "401": "destination",
    "422": "gave_up",
    "429": "limit",
    "500": "destination",
    "503": "destination",
    "reset": "destination",
    "lost": "destination",
    "html": "destination",
}
"""The outcome of each fault for all destinations; each case defines its own for a 404 and a 409."""

MEETING = Meeting(
    booking_id=UUID("6d1f2f4e-58c4-4f0c-9d0e-0f4a5a1c0001"),
    version=1,
    status="ACCEPTED",
    title="Intro call",
    start_time=START,
    end_time=START + timedelta(minutes=30),
    guest=Guest(email="ann@acme.example", name="Ann Acme", time_zone="Europe/Berlin", phone="+4915112345678"),
    uid="one",
    event_type="intro",
    organizer_email="ben@outbound.example",
    organizer_name="Ben Host",
    organizer_time_zone="UTC",
    meeting_url="https://app.cal.example/video/one",
    company_name="Acme",
    company_domain="acme.example",
)


def notification(kind: str, **details: Any) -> Notification:
    """Returns the notification that all destinations receive: one meeting with one attendee."""
    return Notification(
        delivery_id=DELIVERY,
        workspace="default",
        kind=kind,
        details=details,
        meeting=MEETING,
        time_zone="Europe/Berlin",
    )


@dataclass(frozen=True, kw_only=True)
class RecordAccess:
    """How to look at a prospect's record at the fake vendor, and how a person changes its status there.

    `words`: the statuses of `booked`, `cancelled` and `missed` in the case's settings, which have none for a request
    for another time. `chosen`: two statuses that a person may choose. `call_date`: the day of the meeting, as
    `YYYY-MM-DD`, if the record has one.
    """

    status: Callable[[Any], str]
    choose: Callable[[Any, str], None]
    words: Mapping[str, str]
    chosen: tuple[str, str]
    call_date: Callable[[Any], str | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Case:
    """`kind` is its name in the catalogue, or the name of its mail transport; `destination` names its queue.

    `start(clock)` starts its fake vendor. `build(fake, url, context)` returns the real destination, which calls `url`:
    the fake vendor's or another server's. `effects` counts the lasting effects at the fake vendor, each by a key.
    No text may contain one of the `secrets`.

    `faults`: the fake vendor's name of a fault, if it differs from the suite's. `means`: the outcome of a fault here,
    as `outcome_text` names it. `exceptions`: the checks that do not apply, each with its reason. `record`: for a
    destination that keeps a record for each prospect.
    """

    name: str
    kind: str
    destination: str
    start: Callable[[Clock], AbstractContextManager[Any]]
    build: Callable[[Any, str, DestinationContext], Destination]
    effects: Callable[[Any], Counter[str]]
    secrets: Callable[[Any], tuple[str, ...]]
    notification: Notification
    means: Mapping[str, str]
    faults: Mapping[str, str] = field(default_factory=dict)
    exceptions: Mapping[str, str] = field(default_factory=dict)
    record: RecordAccess | None = None

    def meaning(self, fault: str) -> str:
        """Returns the outcome that a fault must have."""
        return self.means.get(fault) or FAULT_MEANINGS[fault]


def outcome_text(outcome: Outcome) -> str:
    """Returns an outcome as one word; for an outcome that is retried, its fault."""
    match outcome:
        case Delivered():
            return "delivered"
        case GaveUp():
            return "gave_up"
        case NeedsAnswer():
            return "asks"
        case again:
            return again.fault


def because(outcome: Outcome) -> str:
    """Returns why it was not delivered."""
    return "" if isinstance(outcome, Delivered) else outcome.because


def plain_json(content: Content) -> Content:
    """Returns the content as the database returns it."""
    stored: Content = json.loads(json.dumps(content))
    return stored
