"""Reads what happened to a deal or a booking, latest first: the lines of its audit log, and its messages."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.bookings.uids import redact
from showup.database.engine import driver_connection
from showup.reads.rows import can_see_uids
from showup.reads.timeline import uids_of_bookings

ASSISTANT_PREFIX: Final = "assistant for "
Shown: TypeAlias = Literal["everything", "meetings", "messages", "changes"]


class LoggedChange(Struct, frozen=True, kw_only=True):
    """A line of the audit log. `change` holds `[before, after]` by field. `actor_name` is a teammate's name."""

    at: datetime
    what: str
    because: str
    actor: str
    actor_name: str | None
    event_id: UUID
    change: dict[str, Any]
    booking_id: UUID | None
    deal_id: UUID | None

    @property
    def is_manual(self) -> bool:
        """Return whether a teammate, a program with a key, or somebody's assistant did it."""
        return self.actor.startswith(("teammate:", "key:")) or self.is_of_assistant

    @property
    def is_of_assistant(self) -> bool:
        """Return whether somebody's assistant did it, after a person granted it."""
        return self.actor.startswith(ASSISTANT_PREFIX)


class SentMessage(Struct, frozen=True, kw_only=True):
    """A delivery that was made, or that failed. `recipient_name` is an attendee's name; `before` is of a reminder."""

    at: datetime
    kind: str
    destination: str
    state: Literal["delivered", "previewed", "failed"]
    recipient: str | None
    recipient_name: str | None
    because: str | None
    before_seconds: int | None
    booking_id: UUID | None


class RecordTimeline(Struct, frozen=True, kw_only=True):
    """The latest entries and messages, each in order of time, latest first."""

    entries: Sequence[LoggedChange]
    messages: Sequence[SentMessage]


async def load_timeline(  # whose, and how much of it
    tx: AsyncConnection,
    permission: Permission,
    *,
    booking_ids: Sequence[UUID],
    deal_id: UUID | None,
    shown: Shown,
    limit: int,
    is_of_booking: bool = False,
) -> RecordTimeline:
    """Returns the latest `limit` entries and the latest `limit` messages.

    `is_of_booking`: of the deal, only what events of the bookings changed.
    """
    entries: Sequence[LoggedChange] = ()
    messages: Sequence[SentMessage] = ()
    connection = await driver_connection(tx)
    whose = (permission.workspace_id, list(booking_ids), deal_id, limit)
    of_deal = None if is_of_booking else deal_id
    if shown != "messages":
        rows = await connection.fetch(_ENTRIES, *whose, shown, list(_CHANGES), is_of_booking)
        entries = await readable_entries(tx, permission, [entry_of(dict(row)) for row in rows])
    if shown in ("everything", "messages"):
        rows = await connection.fetch(_MESSAGES, *whose[:2], of_deal, limit)
        messages = [SentMessage(**dict(row)) for row in rows]
    return RecordTimeline(entries=entries, messages=messages)


def entry_of(row: dict[str, Any]) -> LoggedChange:
    """Returns the entry of a row whose `change` is JSON text."""
    return LoggedChange(**row | {"change": msgspec.json.decode(row["change"])})


async def readable_entries(
    tx: AsyncConnection, permission: Permission, entries: list[LoggedChange]
) -> list[LoggedChange]:
    """Returns the entries without the uids that the reader must not see: texts of a change may contain some."""
    if can_see_uids(permission):
        return entries
    uids = await uids_of_bookings(tx, {one.booking_id for one in entries if one.booking_id is not None})
    return [
        msgspec.structs.replace(
            one,
            because=redact(one.because, uids.get(one.booking_id, ())) if one.booking_id else one.because,
            change=redact(one.change, uids.get(one.booking_id, ())) if one.booking_id else one.change,
        )
        for one in entries
    ]


# Lines of a booking that tell of no meeting.
_CHANGES: Final = (
    *("next_step.changed", "booking.attached", "booking.assigned", "booking.conflict", "attendee.own_side"),
    *("proposal.saved", "proposal.requested", "proposal.sent", "proposal.accepted", "proposal.declined"),
    *("lead.matched", "match.withdrawn", "match.undone", "attendee.dismissed", "dismissal.undone"),
)
_ENTRIES: Final = """
    SELECT l.at, l.what, l.because, l.actor, t.name AS actor_name, l.event_id, l.change::text AS change,
           l.booking_id, l.deal_id
    FROM (
        SELECT * FROM audit_log l
        WHERE l.workspace_id = $1 AND (l.booking_id = ANY($2::uuid[]) OR l.deal_id = $3)
          AND (l.booking_id IS NOT NULL OR NOT $7::bool OR l.event_id IN (
              SELECT own.event_id FROM audit_log own WHERE own.booking_id = ANY($2::uuid[])))
          AND ($5 = 'everything' OR ($5 = 'changes') = (l.deal_id IS NOT NULL OR l.what = ANY($6::text[])))
        ORDER BY l.order_key COLLATE "C" DESC, l.number DESC LIMIT $4
    ) l
    LEFT JOIN teammates t ON 'teammate:' || t.email = l.actor
    ORDER BY l.order_key COLLATE "C" DESC, l.number DESC
"""
_MESSAGES: Final = """
    SELECT made.at, made.kind, made.destination, made.state, made.recipient, a.name AS recipient_name, made.because,
           made.before_seconds, made.booking_id
    FROM (
        SELECT coalesce(d.delivered_at, d.updated_at) AS at, d.kind, d.destination, d.state, d.recipient, d.because,
               (d.details->>'before_seconds')::int AS before_seconds, d.booking_id
        FROM deliveries d
        WHERE d.workspace_id = $1 AND (d.booking_id = ANY($2::uuid[]) OR d.deal_id = $3)
          AND d.state IN ('delivered', 'previewed', 'failed')
        ORDER BY 1 DESC, d.id DESC LIMIT $4
    ) made
    LEFT JOIN LATERAL (
        SELECT x.name FROM booking_attendees x WHERE x.booking_id = made.booking_id AND x.email = made.recipient LIMIT 1
    ) a ON true
    ORDER BY made.at DESC
"""
