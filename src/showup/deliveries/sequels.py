"""What follows from a delivery: a question for people, a line in a CRM that a reminder went out, a word of what failed.

They are deliveries themselves, written in the transaction that settled the first. No news called for them, so they have
no event, and no story takes them back.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg
from msgspec import Struct

from showup.database import bulk
from showup.database.tables import deliveries
from showup.deliveries.claiming import Claimed
from showup.deliveries.delivery import Lane
from showup.deliveries.pausing import LaneState
from showup.deliveries.records import ANSWERED, ASKED_AS
from showup.deliveries.settling import End, Settled
from showup.deliveries.subscribing import listening, of_workspace
from showup.deliveries.waking import wake_lanes
from showup.destinations.contract import Asks, Delivered

REMINDED: Final = "reminder.sent"
FAILED: Final = "delivery.failed"
DOWN: Final = "destination.down"
PAUSED: Final = "endpoint.paused"
_WORTH_TELLING_FOR: Final = timedelta(days=1)
_PRIORITY: Final = 25


class Sequel(Struct, frozen=True, kw_only=True):
    """News of our own for whoever listens to its `kind`; `key` says which news it is, once and for all.

    `not_to` is the destination that it is about, if it is about one.
    """

    kind: str
    key: str
    details: dict[str, Any]
    booking_id: UUID | None = None
    recipient: str | None = None
    expires_at: datetime | None = None
    not_to: str | None = None


def of_outcome(lane: Lane, claimed: Claimed, end: End, settled: Settled, now: datetime) -> list[Sequel]:
    """What follows from one attempt. Pure."""
    if isinstance(end, Asks):
        return [_question(lane, claimed, end)]
    if settled.state == "failed":
        return [_failure(lane, claimed, settled, now)]
    if not isinstance(end, Delivered):
        return []
    found = []
    if claimed.kind == "remind" and lane.destination != "outbox":
        found.append(_reminded(lane, claimed, now))
    if claimed.question is not None:
        found.append(_answered(lane, claimed, claimed.question, end.record))
    return found


def of_lane(lane: Lane, after: LaneState, *, down: bool) -> list[Sequel]:
    """What follows from a lane that has come to count as down. Pure."""
    if not down or after.failing_since is None or lane.destination == "outbox":
        return []
    since = f"{after.failing_since:%Y-%m-%dT%H:%M:%SZ}"
    details = {"destination": lane.destination, "since": since, "because": after.because}
    return [Sequel(kind=DOWN, key=f"{DOWN}:{lane.destination}:{since}", details=details, not_to=lane.destination)]


def of_pause(lane: Lane, because: str, now: datetime) -> Sequel:
    """That an endpoint is paused until somebody lets it go on."""
    return Sequel(
        kind=PAUSED,
        key=f"{PAUSED}:{lane.destination}:{now:%Y-%m-%dT%H:%M:%SZ}",
        details={"destination": lane.destination, "because": because},
        not_to=lane.destination,
    )


def _question(lane: Lane, claimed: Claimed, end: Asks) -> Sequel:
    return Sequel(
        kind=ASKED_AS,
        key=f"{ASKED_AS}:{claimed.id}",
        booking_id=claimed.booking_id,
        recipient=claimed.recipient,
        expires_at=end.question.until,
        not_to=lane.destination,
        details={
            "delivery_id": str(claimed.id),
            "destination": lane.destination,
            "because": end.because,
            "until": f"{end.question.until:%Y-%m-%dT%H:%M:%SZ}",
            "candidates": [
                {"record": one.record, "name": one.name, "url": one.url, "because": one.because}
                for one in end.question.candidates
            ],
        },
    )


def _answered(lane: Lane, claimed: Claimed, question: dict[str, Any], record: str | None) -> Sequel:
    by = question.get("answered_by")
    name = name_of(question, question.get("chosen"))
    return answered(lane.destination, claimed.id, claimed.booking_id, claimed.recipient, record, by=by, name=name)


def name_of(question: Mapping[str, Any], record: str | None) -> str | None:
    """What the candidate with this record is called."""
    return next((one["name"] for one in question["candidates"] if one["record"] == record), None)


def answered(
    destination: str,
    delivery_id: UUID,
    booking_id: UUID | None,
    recipient: str | None,
    record: str | None,
    *,
    by: str | None,
    name: str | None,
) -> Sequel:
    """That a question has its answer; `by` of None: nobody gave one in time. `name`: the candidate's, None for none."""
    return Sequel(
        kind=ANSWERED,
        key=f"{ANSWERED}:{delivery_id}",
        booking_id=booking_id,
        recipient=recipient,
        not_to=destination,
        details={
            "delivery_id": str(delivery_id),
            "destination": destination,
            "record": record,
            "name": name,
            "answered_by": by,
        },
    )


def _failure(lane: Lane, claimed: Claimed, settled: Settled, now: datetime) -> Sequel:
    # One an hour and destination: five hundred that fail alike are one piece of news.
    return Sequel(
        kind=FAILED,
        key=f"{FAILED}:{lane.destination}:{now:%Y-%m-%dT%H}",
        not_to=lane.destination,
        details={
            "delivery_id": str(claimed.id),
            "destination": lane.destination,
            "kind": claimed.kind,
            "because": settled.because,
        },
    )


def _reminded(lane: Lane, claimed: Claimed, now: datetime) -> Sequel:
    return Sequel(
        kind=REMINDED,
        key=f"{REMINDED}:{claimed.id}",
        booking_id=claimed.booking_id,
        recipient=claimed.recipient,
        not_to=lane.destination,
        expires_at=now + timedelta(days=7),
        details={
            "before_seconds": claimed.details.get("before_seconds"),
            "sent_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "by": lane.destination,
        },
    )


async def follow(connection: asyncpg.Connection, workspace_id: UUID, sequels: Sequence[Sequel], now: datetime) -> None:
    """Writes them for whoever listens, in the connection's transaction, and wakes their lanes; each key once."""
    if not sequels:
        return
    subscriptions = await of_workspace(connection, workspace_id)
    rows = [
        _row(workspace_id, destination, one, now)
        for one in sequels
        for destination in listening(subscriptions, one.kind, now)
        if destination != one.not_to
    ]
    await bulk.insert_new(connection, deliveries, rows)
    lanes = {Lane(workspace_id=workspace_id, destination=row["destination"]) for row in rows}
    await wake_lanes(connection, [(lane, now) for lane in lanes], now)


async def tell(connection: asyncpg.Connection, lane: Lane, sequel: Sequel, now: datetime) -> UUID:
    """Writes it for one destination, whatever that listens to; the delivery's id."""
    row = _row(lane.workspace_id, lane.destination, sequel, now)
    await bulk.insert_new(connection, deliveries, [row])
    await wake_lanes(connection, [(lane, now)], now)
    told: UUID = row["id"]
    return told


def _row(workspace_id: UUID, destination: str, sequel: Sequel, now: datetime) -> dict[str, Any]:
    key = f"{destination}/{sequel.key}"
    return {
        "id": uuid5(workspace_id, key),
        "workspace_id": workspace_id,
        "booking_id": sequel.booking_id,
        "event_id": None,
        "key": key,
        "destination": destination,
        "kind": sequel.kind,
        "recipient": sequel.recipient,
        "priority": _PRIORITY,
        "booking_version": 0,
        "due_at": now,
        "expires_at": sequel.expires_at or now + _WORTH_TELLING_FOR,
        "wake_at": now,
        "state": "scheduled",
        "because": None,
        "details": sequel.details,
        "simulated": False,
        "created_at": now,
        "updated_at": now,
    }
