"""Write the deliveries that a batch's bookings and deals call for (PI13).

Those of a booking follow its history: a replay changes or withdraws what was not sent yet. Each deal change is sent
once, while its event is fresh. No booking's history calls for it, so none withdraws it: a deal that turns out never to
have been opened stays reported.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from showup.companies import store as companies
from showup.deals.deal import Deal
from showup.events.envelope import AnyRecord, BookingRecord
from showup.outbox import deal_delivery_store, expiry, store
from showup.outbox import subscriptions as subscription_store
from showup.outbox.delivery import Delivery, WakeUp, silenced
from showup.outbox.routing import route
from showup.outbox.subscriptions import Subscription, subscribed_destinations
from showup.pipeline.announcements import deal_details, deal_kinds
from showup.pipeline.change import is_fresh
from showup.pipeline.rules import RuleBook
from showup.projector.audit_log import AuditRow
from showup.projector.deals import DealProjection
from showup.projector.replays import ReplayedBooking


async def write_deliveries(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    deal_projection: DealProjection,
    manual_records: Sequence[AnyRecord],
    rules: RuleBook,
    replayed_for_rules: Collection[UUID],
) -> list[WakeUp]:
    """Write the planned deliveries; return when the dispatcher must next wake up.

    `replayed_for_rules`: the bookings that were replayed because of a change of the rules; others without a new event
    were replayed because of a person's command, which causes no messages about the past either.
    """
    subscriptions = await subscription_store.of_workspace(connection, workspace_id)
    wake_ups = await store.replace_planned(
        connection,
        workspace_id,
        booking_ids=[one.booking_id for one in replayed],
        planned=[delivery for one in replayed for delivery in _booking_deliveries(one, subscriptions)],
        silent_booking_ids={one.booking_id for one in replayed if not one.stream.records} - {*replayed_for_rules},
    )
    fresh_records = _fresh_records(replayed, manual_records, rules)
    return wake_ups + await _write_deals(connection, workspace_id, deal_projection, fresh_records, subscriptions)


def _booking_deliveries(booking: ReplayedBooking, subscriptions: Sequence[Subscription]) -> list[Delivery]:
    """Return all deliveries that the booking's history calls for, for every subscription."""
    state = booking.state
    assert state.booking is not None, "a replayed booking exists"
    return [
        silenced(delivery) if planned.key in booking.silent_keys else delivery
        for planned in state.plan.deliveries
        for delivery in route(
            booking.booking_id,
            planned,
            subscriptions,
            simulated=state.booking.simulated,
        )
    ]


def _fresh_records(
    replayed: Sequence[ReplayedBooking], manual_records: Sequence[AnyRecord], rules: RuleBook
) -> dict[UUID, AnyRecord]:
    """Return the batch's fresh events by id, except those about a simulated booking."""
    of_bookings = [
        record for booking in replayed for record in booking.stream.records if not _is_simulated(booking, record)
    ]
    return {
        record.event_id: record
        for record in (*of_bookings, *manual_records)
        if is_fresh(record, rules.at(record.source_at))
    }


def _is_simulated(booking: ReplayedBooking, record: BookingRecord) -> bool:
    # The reconciler may report on a simulated booking too; only the booking is marked then.
    return record.simulated or (booking.state.booking is not None and booking.state.booking.simulated)


async def _write_deals(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    projection: DealProjection,
    fresh_records: Mapping[UUID, AnyRecord],
    subscriptions: Sequence[Subscription],
) -> list[WakeUp]:
    """Write the deliveries for new audit entries of deals."""
    planned = [
        (row, deal, kind, destinations)
        for row, deal in zip(projection.rows, projection.snapshots, strict=True)
        if (record := fresh_records.get(row.entry.event_id)) is not None
        for kind in deal_kinds(row.entry)
        if (destinations := subscribed_destinations(subscriptions, kind, record.received_at))
    ]
    if not planned:
        return []
    summaries = await companies.summaries(connection, {row.company_id for row, *_ in planned if row.company_id})
    deliveries = [
        _deal_delivery(destination, kind, row, deal, fresh_records[row.entry.event_id], summaries)
        for row, deal, kind, destinations in planned
        for destination in destinations
    ]
    return await deal_delivery_store.add(connection, workspace_id, deliveries)


def _deal_delivery(
    destination: str,
    kind: str,
    row: AuditRow,
    deal: Deal,
    record: AnyRecord,
    summaries: Mapping[UUID, dict[str, Any]],
) -> Delivery:
    assert row.company_id is not None, "every deal belongs to a company"
    return Delivery(
        key=f"{destination}/{kind}:{deal.id}:{record.event_id}",
        destination=destination,
        kind=kind,
        deal_id=deal.id,
        event_id=record.event_id,
        decided_at=record.received_at,
        due_at=record.received_at,
        expires_at=expiry.of_kind(kind, record.source_at),
        details=deal_details(row.entry, deal, summaries[row.company_id]),
    )
