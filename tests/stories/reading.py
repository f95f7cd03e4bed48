"""A story as a person reads it, for the report of a test that failed."""

import json
from collections.abc import Sequence

from tests.stories.calendar import Arrival


def shown(arrivals: Sequence[Arrival]) -> str:
    """One line a body: its place, when it happened, what it says."""
    return "\n".join(f"{place:3} {_line(one)}" for place, one in enumerate(arrivals))


def _line(one: Arrival) -> str:
    body = json.loads(one.body)
    if one.account is None:
        said = {name: value for name, value in body.items() if name not in ("command", "at", "actor")}
        return f"{body['at']} {body['command']} {said} [{str(one.id)[:8]}] heard {one.received_at:%d %H:%M}"
    fields = body.get("payload", body)
    told = {
        name: fields[name]
        for name in (
            "uid",
            "bookingId",
            "bookingUid",
            "rescheduleUid",
            "requestReschedule",
            "startTime",
            "attendeeSeatId",
        )
        if name in fields
    }
    who = [guest["email"] for guest in fields.get("attendees", [])]
    return f"{body['createdAt']} {body['triggerEvent']} {told} {who} of {one.account} heard {one.received_at:%d %H:%M}"
