"""Plan deliveries for deal changes: each change once, and only while it is fresh (PI13).

No booking history requires these deliveries, so none withdraws them: a deal that turns out never to have been opened
stays reported.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.companies import store as companies
from showup.deals.deal import Deal
from showup.events.envelope import AnyRecord, BookingRecord
from showup.outbox import deal_delivery_store
from showup.outbox.deal_delivery_store import DealDelivery
from showup.outbox.delivery import WakeUp
from showup.outbox.subscriptions import Subscription, subscribed_destinations
from showup.pipeline import deal_announcements
from showup.pipeline.notify import is_fresh
from showup.pipeline.rules import RuleBook
from showup.projector.audit_log import AuditRow
from showup.projector.deals import DealProjection
from showup.projector.replays import ReplayedBooking

_EXPIRES_AFTER: Final = timedelta(days=7)


class EventTimes(Struct, frozen=True):
    """When a deliverable event of this batch happened, and when it was received."""

    source_at: datetime
    received_at: datetime


def fresh_events(
    replayed: Sequence[ReplayedBooking], manual_records: Sequence[AnyRecord], rules: RuleBook
) -> Mapping[UUID, EventTimes]:
    """Return the batch's events to deliver: the fresh ones, except those about a simulated booking."""
    of_bookings = [
        record for booking in replayed for record in booking.stream.records if not _is_simulated(booking, record)
    ]
    return {
        record.event_id: EventTimes(record.source_at, record.received_at)
        for record in (*of_bookings, *manual_records)
        if is_fresh(record, rules.at(record.source_at))
    }


def _is_simulated(booking: ReplayedBooking, record: BookingRecord) -> bool:
    # A simulation arrives like any other event: only its booking is marked as simulated.
    return record.simulated or (booking.state.booking is not None and booking.state.booking.simulated)


async def plan_deal_deliveries(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    projection: DealProjection,
    event_times: Mapping[UUID, EventTimes],
    subscriptions: Sequence[Subscription],
) -> list[WakeUp]:
    """Write the deliveries for new deal entries; return when the dispatcher must next wake up."""
    fresh_rows = [
        (row, snapshot)
        for row, snapshot in zip(projection.rows, projection.snapshots, strict=True)
        if row.entry.event_id in event_times
    ]
    planned = [
        (row, snapshot, kind, destinations)
        for row, snapshot in fresh_rows
        for kind in deal_announcements.announcement_kinds(row.entry)
        if (destinations := subscribed_destinations(subscriptions, kind, event_times[row.entry.event_id].received_at))
    ]
    if not planned:
        return []
    summaries = await companies.summaries(connection, {row.company_id for row, *_ in planned if row.company_id})
    deliveries = [
        _deal_delivery(destination, kind, row, snapshot, event_times[row.entry.event_id], summaries)
        for row, snapshot, kind, destinations in planned
        for destination in destinations
    ]
    return await deal_delivery_store.add(connection, workspace_id, deliveries)


def _deal_delivery(
    destination: str,
    kind: str,
    row: AuditRow,
    snapshot: Deal,
    event: EventTimes,
    summaries: Mapping[UUID, dict[str, str | None]],
) -> DealDelivery:
    assert row.company_id is not None, "every deal belongs to a company"
    return DealDelivery(
        destination=destination,
        kind=kind,
        deal_id=snapshot.id,
        event_id=row.entry.event_id,
        decided_at=event.received_at,
        expires_at=event.source_at + _EXPIRES_AFTER,
        details=deal_announcements.announcement_details(row.entry, snapshot, summaries[row.company_id]),
    )
