"""What the reference model is told: bodies of webhooks and commands, read as plain facts in source order (PI9)."""

import json
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """A body, the id of its raw event, and when we heard of it."""

    id: str
    body: bytes
    received_at: datetime


class Fact(NamedTuple):
    """`kind` is Cal.com's trigger or the command's name; `at` is when it happened, by its source."""

    id: str
    kind: str
    at: datetime
    received_at: datetime
    said: dict[str, Any]

    @property
    def is_fresh(self) -> bool:
        """PI13: told to the outside only within a day."""
        return self.received_at - self.at < timedelta(hours=24)


def in_source_order(history: list[Heard]) -> list[Fact]:
    """IN4: the same body counts once. PI9: whatever the order in which we heard, what happened first comes first."""
    once = {one.body: one for one in reversed(history)}
    return sorted((_fact(one) for one in once.values()), key=lambda fact: fact.at)


def _fact(heard: Heard) -> Fact:
    body = json.loads(heard.body)
    if "command" in body:
        return Fact(heard.id, body["command"], moment(body["at"]), heard.received_at, body)
    said = body.get("payload", body)
    # MEETING_*: the scheduled end, since its `createdAt` is the booking's.
    at = said["endTime"] if body["triggerEvent"] == "MEETING_ENDED" else body["createdAt"]
    return Fact(heard.id, body["triggerEvent"], moment(at), heard.received_at, said)


def moment(text: str) -> datetime:
    """A time as both kinds of bodies write it."""
    return datetime.fromisoformat(text)
