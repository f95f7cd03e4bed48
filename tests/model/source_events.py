"""Input of the reference model: webhooks and commands, read as plain facts in source order (PI9)."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class ReceivedEvent(NamedTuple):
    """A body, the id of its inbox event, and the time when Showup received it."""

    id: str
    body: bytes
    received_at: datetime


class SourceEvent(NamedTuple):
    """`kind` is Cal.com's trigger or the command's name; `at` is when it happened, by its source."""

    id: str
    kind: str
    at: datetime
    received_at: datetime
    fields: dict[str, Any]

    @property
    def is_fresh(self) -> bool:
        """PI13: returns whether it may still cause deliveries, which is so for a day."""
        return self.received_at - self.at < timedelta(hours=24)


def in_source_order(history: list[ReceivedEvent]) -> list[SourceEvent]:
    """IN4: the same body counts once. PI9: what happened first comes first, whatever the order of receipt."""
    unique = {one.body: one for one in reversed(history)}
    return sorted((_source_event(one) for one in unique.values()), key=lambda event: event.at)


def _source_event(received: ReceivedEvent) -> SourceEvent:
    body = json.loads(received.body)
    if "event" in body:
        event = body["event"]
        return SourceEvent(received.id, event["type"], parse_time(body["at"]), received.received_at, event)
    fields = body.get("payload", body)
    # MEETING_*: the scheduled end, because its `createdAt` is the booking's.
    at = fields["endTime"] if body["triggerEvent"] == "MEETING_ENDED" else body["createdAt"]
    return SourceEvent(received.id, body["triggerEvent"], parse_time(at), received.received_at, fields)


def parse_time(text: str) -> datetime:
    """Parses a time in the format of either kind of body."""
    return datetime.fromisoformat(text)
