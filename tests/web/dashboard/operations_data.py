"""Deliveries, events and connections in every state, for pictures and tests of the pages of operations."""

import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database import tables
from tests.web.sample_data import SampleData

MAIL_HTML = (
    '<!doctype html><html lang="en"><head><title>New time</title></head><body><p>Hello Wei,</p><p>your Discovery call'
    ' with Dana has moved.</p><p><a href="https://cal.example/b/1">Join the call</a></p></body></html>'
)
MAIL = {
    "sender": "Dana Reyes, Brightside Growth <dana@mail.brightside.example>",
    "to": "wei.zhang@halcyon.example",
    "subject": "New time: Discovery call on Friday, 13 March, 17:00",
    "html": MAIL_HTML,
    "text": "Hello Wei,\n\nyour Discovery call with Dana has moved.\n",
    "calendar": "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
    "headers": {"List-Unsubscribe": "<https://brightside.example/u/1>"},
}
REQUEST = {"page": {"Booking Status": "Booked"}, "api_key": "secret_1234", "link": "https://n.example/?token=abc"}
_MINUTE = timedelta(minutes=1)
_BROKEN = b'{"triggerEvent": "BOOKING_CREATED", "payload": "{{ template }}", "token": "whsec_9"}'


async def add_operations(engine: AsyncEngine, now: datetime) -> None:
    """Add them to the workspace `ours`."""
    data = SampleData()
    _add_failures(data, now)
    _add_others(data, now)
    _event(data, "garbled", now, _BROKEN, "unreadable", because="payload is no object: it is text")
    _event(data, "unknown", now, b'{"triggerEvent": "OOO_CREATED"}', "ignored", because="Showup does not use it")
    for kind in ("notion", "clickup", "slack", "resend"):
        row = {"id": f"c.{kind}", "kind": kind, "name": "team", "credentials": b"sealed"}
        data.add(tables.connections, workspace_id="ours", **row)
    await data.insert_into(engine)
    async with engine.begin() as tx:
        await tx.execute(text(_ABOUT))


def _add_failures(data: SampleData, now: datetime) -> None:
    """Add a destination that refuses, one that is paused, and a mail whose time is over."""
    refused, status = "Notion rejects the token: API token is invalid", "the list Sellers has no status Booked"
    _queue(data, "notion", now, failures=5, failing_since=now - 105 * _MINUTE, because=refused)
    pause = {"failures": 3, "failing_since": now - 77 * _MINUTE, "because": status}
    _queue(data, "clickup", now, paused_until=now + 4 * _MINUTE, **pause)
    for number in range(2):
        name = f"notion.{number}"
        _delivery(data, name, now, destination="notion", kind="booking.created", state="failed", because=refused)
        _attempt(data, name, 1, now - 8 * _MINUTE, "gave_up", refused)
    _content(data, "notion.0", now, REQUEST)
    late = {"expires_at": now - _MINUTE, "because": "the mail server refused the sender"}
    _delivery(data, "late", now, kind="reminder", state="failed", **late)
    stuck = {"destination": "clickup", "kind": "booking.rescheduled", "state": "scheduled", "attempts": 2}
    _delivery(data, "stuck", now, **stuck, because=status, due_at=now - 40 * _MINUTE)


def _add_others(data: SampleData, now: datetime) -> None:
    """Add deliveries that were made, are planned, or were not to be made."""
    _queue(data, "email", now)
    _queue(data, "slack", now)
    _delivery(data, "moved", now, state="delivered", kind="rescheduled", attempts=2, provider="resend")
    _attempt(data, "moved", 1, now - 3 * _MINUTE, "try_again", "Resend answered 429: Too many requests")
    _attempt(data, "moved", 2, now - 2 * _MINUTE, "delivered", None)
    _content(data, "moved", now, MAIL)
    _delivery(data, "ahead", now, kind="reminder", state="scheduled", attempts=0, due_at=now + 53 * _MINUTE)
    _delivery(data, "previewed", now, state="previewed", provider="mail_preview")
    _content(data, "previewed", now, MAIL | {"subject": "Booked: Discovery call"})
    _delivery(data, "soon", now, kind="reminder", state="skipped", because="meeting_too_soon", attempts=0)
    off = {"state": "withdrawn", "because": "the meeting was cancelled", "attempts": 0}
    _delivery(data, "off", now, kind="reminder", **off)


_ABOUT = """
    UPDATE showup.deliveries d SET booking_id = b.id FROM (
        SELECT id FROM showup.bookings ORDER BY start_time DESC LIMIT 1
    ) b WHERE d.key LIKE 'o.%'
"""


def _queue(data: SampleData, destination: str, now: datetime, **overrides: Any) -> None:
    row = {"destination": destination, "tokens": 1.0, "tokens_at": now}
    data.add(tables.destination_queues, workspace_id="ours", **row, **overrides)


def _delivery(data: SampleData, name: str, now: datetime, **overrides: Any) -> None:
    row: dict[str, Any] = {
        "id": f"o.{name}",
        "key": f"o.{name}",
        "destination": "email",
        "kind": "confirmation",
        "recipient": "wei.zhang@halcyon.example",
        "booking_version": 1,
        "attempts": 1,
        "expires_at": now + timedelta(hours=4),
        "delivered_at": now - timedelta(minutes=2) if overrides["state"] == "delivered" else None,
    }
    times = dict.fromkeys(("due_at", "wake_at", "created_at", "updated_at"), now - timedelta(minutes=10))
    data.add(tables.deliveries, workspace_id="ours", **(row | times | overrides))


def _attempt(data: SampleData, name: str, number: int, at: datetime, outcome: str, because: str | None) -> None:
    row = {"id": f"o.{name}.{number}", "delivery_id": f"o.{name}", "number": number, "started_at": at}
    ended_at = at + timedelta(seconds=0.3)
    data.add(tables.delivery_attempts, **row, ended_at=ended_at, outcome=outcome, because=because)


def _content(data: SampleData, name: str, now: datetime, content: dict[str, Any]) -> None:
    rendered_at = now - timedelta(minutes=9)
    data.add(tables.delivery_contents, delivery_id=f"o.{name}", content=content, rendered_at=rendered_at)


def _event(data: SampleData, name: str, now: datetime, body: bytes, state: str, **overrides: Any) -> None:
    row: dict[str, Any] = {
        "id": f"o.{name}",
        "account_id": "ours.account",
        "received_at": now - timedelta(minutes=5),
        "processed_at": now - timedelta(minutes=5),
        "digest": name.encode(),
        "body": body,
        "state": state,
        "trigger": json.loads(body)["triggerEvent"],
        "content_type": "application/json",
        "source_address": "192.0.2.17",
    }
    data.add(tables.inbox_events, workspace_id="ours", **(row | overrides))
