"""Reads what needs a person: conflicts, deals without a meeting, questions, failures, missing outcomes and answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args

from msgspec import Struct
from sqlalchemy import ColumnElement, Integer, Select, Text, and_, cast, func, literal, null, or_, select, union_all
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.database.tables import audit_log, booking_attendees, bookings, deals, deliveries, inbox_events, workspaces
from showup.events.manual import ATTENDEE
from showup.outbox.planned import ASKING_SECONDS, REMINDER
from showup.reads.keyset import PageRequest, ResultPage, Sorts, read_page
from showup.reads.rows import visible_to
from showup.reads.simulated import simulated_deal

AttentionKind: TypeAlias = Literal[
    "conflict", "meeting_cancelled", "question", "failure", "missing_outcome", "unconfirmed"
]

SORTS: Final[Sorts] = {"at": audit_log.c.at}
_KINDS: Final[tuple[AttentionKind, ...]] = get_args(AttentionKind)
# Older ones are history: nobody can correct them usefully, and the lists of deliveries and bookings still have them.
_FAILURES_FOR: Final = timedelta(days=7)
_OUTCOMES_FOR: Final = timedelta(days=14)
_UNCONFIRMED_FOR: Final = timedelta(hours=24)


class AttentionFilter(Struct, frozen=True, kw_only=True):
    """Conditions on an item; an empty one does not filter."""

    kind: Sequence[AttentionKind] = ()


async def list_attention(
    tx: AsyncConnection, permission: Permission, filters: AttentionFilter, page_request: PageRequest, now: datetime
) -> ResultPage:
    """Returns one page of the items that the permission allows."""
    parts = {
        "conflict": _conflicts(permission),
        "meeting_cancelled": _cancelled_meetings(permission, now),
        "question": _questions(permission),
        "failure": _failures(permission, now),
        "missing_outcome": _missing_outcomes(permission, now),
        "unconfirmed": _unconfirmed(permission, now),
    }
    found = union_all(*(parts[kind] for kind in dict.fromkeys(filters.kind or _KINDS))).subquery()
    return await read_page(tx, select(*found.c), {"at": found.c.at}, page_request)


def _conflicts(permission: Permission) -> Select[Any]:
    """Select conflicts until a person changes the same deal or booking again, or reports its outcome again."""
    entry = audit_log.c
    conditions = (entry.what.in_(_CONFLICTS), visible_to(permission, audit_log), ~_answered(), ~_of_simulation())
    return _item("conflict", entry.event_id, entry.at, entry.because, entry).where(*conditions)


def _cancelled_meetings(permission: Permission, now: datetime) -> Select[Any]:
    """Select active deals whose meeting was cancelled, until a person decides or another meeting is booked (PI4).

    Another date of the series of the cancelled one decides nothing (M12).
    """
    entry = audit_log.c
    is_active = select(deals.c.id).where(deals.c.id == entry.deal_id, deals.c.status == "active").exists()
    own = bookings.alias("own")
    cancelled = (
        select(own.c.id)
        .join(inbox_events, inbox_events.c.booking_id == own.c.id)
        .where(
            inbox_events.c.id == entry.event_id, own.c.series_uid == bookings.c.series_uid, own.c.id != bookings.c.id
        )
        .correlate(audit_log, bookings)
    )
    has_meeting = (
        select(bookings.c.id)
        .where(
            bookings.c.deal_id == entry.deal_id,
            bookings.c.status == "ACCEPTED",
            bookings.c.start_time > now,
            ~cancelled.exists(),
        )
        .correlate(audit_log)
        .exists()
    )
    conditions = (entry.what == "deal.meeting_cancelled", visible_to(permission, audit_log), is_active)
    query = _item("meeting_cancelled", entry.event_id, entry.at, entry.because, entry)
    return query.where(*conditions, ~has_meeting, ~_answered(), ~_of_simulation())


def _answered() -> ColumnElement[bool]:
    """Return the condition that a person acted on an audit entry's deal or booking after it."""
    entry, later = audit_log.c, audit_log.alias("later")
    is_same = and_(
        later.c.workspace_id == entry.workspace_id,
        func.coalesce(later.c.deal_id, later.c.booking_id) == func.coalesce(entry.deal_id, entry.booking_id),
    )
    is_newer = and_(later.c.order_key.collate("C") > entry.order_key.collate("C"), later.c.actor.notin_(_SYSTEMS))
    return select(later.c.number).where(is_same, is_newer).exists()


def _of_simulation() -> ColumnElement[bool]:
    """Return the condition that an audit entry is about a simulated booking or deal (U03)."""
    entry = audit_log.c
    booking = select(bookings.c.id).where(bookings.c.id == entry.booking_id, bookings.c.simulated)
    deal = select(deals.c.id).where(deals.c.id == entry.deal_id, simulated_deal())
    return or_(booking.correlate(audit_log).exists(), deal.correlate(audit_log).exists())


_CONFLICTS: Final = ("deal.conflict", "booking.conflict")
# An attendee's yes decides nothing about a deal.
_SYSTEMS: Final = ("showup", "calcom", ATTENDEE)


def _questions(permission: Permission) -> Select[Any]:
    """Select the deliveries that wait for a person to choose a record."""
    d = deliveries.c
    is_open = and_(d.state == "scheduled", d.question.is_not(None), d.question["answered_by"].astext.is_(None))
    return _item("question", d.id, d.updated_at, d.because, d).where(is_open, visible_to(permission, deliveries))


def _failures(permission: Permission, now: datetime) -> Select[Any]:
    d = deliveries.c
    conditions = (
        d.state == "failed",
        ~d.simulated,
        d.updated_at > now - _FAILURES_FOR,
        visible_to(permission, deliveries),
    )
    return _item("failure", d.id, d.updated_at, d.because, d).where(*conditions)


def _missing_outcomes(permission: Permission, now: datetime) -> Select[Any]:
    """Select accepted meetings that ended, and of which nobody reported whether the attendee came."""
    b = bookings.c
    ended_at = func.coalesce(b.end_time, b.start_time)
    conditions = (
        b.status == "ACCEPTED",
        b.attended.is_(None),
        ~b.host_absent,
        b.outcome.is_(None),
        ended_at <= now,
        ended_at > now - _OUTCOMES_FOR,
        ~b.simulated,
        visible_to(permission, bookings),
    )
    because = literal("the meeting ended, and no attendance was reported")
    query = _item("missing_outcome", b.id, ended_at, because, b, booking_id=b.id)
    return query.where(*conditions)


def _unconfirmed(permission: Permission, now: datetime) -> Select[Any]:
    """Select meetings of the next 24 hours with an attendee who was asked for a yes, and neither gave it nor moved."""
    b, seat, asked = bookings.c, booking_attendees.c, deliveries.c
    was_asked = select(asked.id).where(
        asked.booking_id == b.id,
        asked.booking_version == b.version,
        asked.recipient == seat.email,
        asked.kind == REMINDER,
        asked.details["before_seconds"].astext.cast(Integer).between(*ASKING_SECONDS),
        asked.destination == "email",
        asked.state == "delivered",
    )
    silent = select(seat.booking_id).where(
        seat.booking_id == b.id, seat.confirmed_at.is_(None), seat.cancelled_at.is_(None), was_asked.exists()
    )
    conditions = (
        b.status == "ACCEPTED",
        b.start_time > now,
        b.start_time <= now + _UNCONFIRMED_FOR,
        ~b.simulated,
        silent.correlate(bookings).exists(),
        visible_to(permission, bookings),
    )
    because = literal("the attendee was asked whether they will come, and said neither yes nor no")
    return _item("unconfirmed", b.id, b.start_time, because, b, booking_id=b.id).where(*conditions)


def _item(kind: AttentionKind, id_: Any, at: Any, because: Any, columns: Any, *, booking_id: Any = None) -> Select[Any]:
    """Select the fields that all kinds have in common."""
    return select(
        cast(literal(kind), Text).label("kind"),
        select(workspaces.c.slug)
        .where(workspaces.c.id == columns.workspace_id)
        .correlate(columns.workspace_id.table)
        .scalar_subquery()
        .label("workspace"),
        id_.label("id"),
        cast(at, TIMESTAMP(timezone=True)).label("at"),
        cast(because, Text).label("because"),
        (columns.booking_id if booking_id is None else booking_id).label("booking_id"),
        columns.deal_id.label("deal_id"),
        (columns.id if kind in ("question", "failure") else cast(null(), UUID)).label("delivery_id"),
    )
