"""Replay the deals of every company that a batch touches, from the deal events of all its bookings."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.deals import store as deals
from showup.deals.deal import Deal, DealEvent
from showup.pipeline.company_deals import CompanyDeals
from showup.pipeline.deals import replay_deals
from showup.pipeline.manual_deals import NO_DEAL
from showup.pipeline.rules import RuleBook
from showup.pipeline.seat_deals import seat_stream_id, split_deal_name
from showup.projector import deal_event_changes
from showup.projector.audit_log import AuditRow
from showup.projector.deal_event_changes import StreamDealEvents

_DEAL_PREFIX = "deal:"


class DealProjection(Struct, frozen=True, kw_only=True):
    """Replayed deals. `since`: by replayed company, the order key from which deal entries may differ.

    `deal_ids`: by booking, its new deal (None: no deal). `snapshots` has the deal as of each of the `rows`.

    `manual_events` are those that changed these deals, with the booking of each (None for a deal without one);
    `refused` gives the reasons for refusals.
    """

    since: Mapping[UUID, str] = {}
    deal_ids: Mapping[UUID, UUID | None] = {}
    rows: Sequence[AuditRow] = ()
    snapshots: Sequence[Deal] = ()
    manual_events: Mapping[UUID, UUID | None] = {}
    refused: Mapping[UUID, str] = {}


async def project_deals(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    streams: Sequence[StreamDealEvents],
    rules: RuleBook,
    *,
    forced: Iterable[UUID] = (),
) -> DealProjection:
    """Replay and save the deals of every company whose deal events changed.

    `forced` are companies to replay in any case, because one of their bookings was merged or rules changed.
    """
    touched = {one for stream in streams for one in stream.companies}
    stored = await deals.deal_events_of(connection, touched | set(forced))
    since = deal_event_changes.changed_companies(streams, stored) | dict.fromkeys(forced, deal_event_changes.FIRST_KEY)
    changed = since.keys()
    without_company = _refused_without_company(streams)
    if not changed:
        return DealProjection(refused=without_company)
    events_now = _current_events(streams, stored, changed)
    deals_before = await deals.of_companies(connection, changed)
    ids_before = await bookings.deals_of(connection, changed)
    named_streams = await _named_streams(connection, workspace_id, events_now)
    by_company = {one: replay_deals(events_now.get(one, ()), rules, named_streams) for one in changed}
    await _save_deals(connection, workspace_id, by_company, deals_before)
    await deals.replace_deal_events(connection, deal_event_changes.changed_tails(streams, stored))
    deal_ids = _deal_ids(by_company)
    await deals.save_stream_deals(connection, {one: deal_ids[one] for one in deal_ids.keys() - ids_before.keys()})
    rows = _new_rows(by_company, since)
    return DealProjection(
        since=since,
        deal_ids={one: deal_ids.get(one) for one, old_id in ids_before.items() if deal_ids.get(one) != old_id},
        rows=[row for row, _ in rows],
        snapshots=[snapshot for _, snapshot in rows],
        manual_events=_manual_events(events_now),
        refused=without_company
        | {one: because for company_deals in by_company.values() for one, because in company_deals.refused.items()},
    )


def _new_rows(by_company: Mapping[UUID, CompanyDeals], since: Mapping[UUID, str]) -> list[tuple[AuditRow, Deal]]:
    """Return the entries that may be new, each with the deal as of that entry."""
    return [
        (AuditRow(entry=entry, company_id=company_id), snapshot)
        for company_id, company_deals in by_company.items()
        for entry, snapshot in zip(company_deals.entries, company_deals.snapshots, strict=True)
        if entry.order_key >= since[company_id]
    ]


def _refused_without_company(streams: Sequence[StreamDealEvents]) -> dict[UUID, str]:
    """Return why manual deal changes were refused, by event, for bookings without a company."""
    requested = [deal_event for stream in streams if stream.company_id is None for deal_event in stream.deal_events]
    return {
        deal_event.event_id: NO_DEAL
        for deal_event in requested
        if deal_event.kind in deal_event_changes.REQUESTED_KINDS
    }


def _manual_events(events_now: Mapping[UUID, list[DealEvent]]) -> dict[UUID, UUID | None]:
    """Return the events whose outcome the deals decide; that of a reported attendance depends on its booking."""
    manual_events = [
        deal_event
        for company_events in events_now.values()
        for deal_event in company_events
        if deal_event.kind in deal_event_changes.REQUESTED_KINDS
    ]
    opened = {deal_event.stream_id for deal_event in manual_events if deal_event.kind == "opened"}
    return {
        deal_event.event_id: None if deal_event.stream_id in opened else deal_event.stream_id
        for deal_event in manual_events
    }


async def _named_streams(
    connection: asyncpg.Connection, workspace_id: UUID, events_now: Mapping[UUID, list[DealEvent]]
) -> dict[str, UUID]:
    """Return the streams that attachments name: bookings by name, deals by the event that opened them."""
    names = {
        deal_event.deal_name
        for company_events in events_now.values()
        for deal_event in company_events
        if deal_event.deal_name is not None
    }
    if not names:
        return {}
    manual_streams = {one: UUID(one.removeprefix(_DEAL_PREFIX)) for one in names if one.startswith(_DEAL_PREFIX)}
    parts = {one: split_deal_name(one) for one in names - manual_streams.keys()}
    ids = await bookings.ids_by_name(connection, workspace_id, {booking for booking, _ in parts.values()})
    return manual_streams | {
        name: ids[booking] if seats_of is None else seat_stream_id(ids[booking], seats_of)
        for name, (booking, seats_of) in parts.items()
        if booking in ids
    }


def _current_events(
    streams: Sequence[StreamDealEvents], stored: Mapping[UUID, list[DealEvent]], changed: Iterable[UUID]
) -> dict[UUID, list[DealEvent]]:
    replayed_ids = {stream.stream_id for stream in streams}
    events_now = {
        one: [deal_event for deal_event in stored.get(one, ()) if deal_event.stream_id not in replayed_ids]
        for one in changed
    }
    for stream in streams:
        if stream.company_id in events_now:
            events_now[stream.company_id].extend(stream.deal_events)
    return events_now


def _deal_ids(by_company: Mapping[UUID, CompanyDeals]) -> dict[UUID, UUID | None]:
    return {
        booking_id: deal_id
        for company_deals in by_company.values()
        for booking_id, deal_id in company_deals.deal_ids.items()
    }


async def _save_deals(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    by_company: Mapping[UUID, CompanyDeals],
    stored_deals: Mapping[UUID, list[Deal]],
) -> None:
    stored = {one.id: (company_id, one) for company_id, deals_before in stored_deals.items() for one in deals_before}
    retained = {one for company_deals in by_company.values() for one in company_deals.by_id}
    changed = [
        (company_id, one)
        for company_id, company_deals in by_company.items()
        for one in company_deals.deals
        if stored.get(one.id) != (company_id, one)
    ]
    moved = [one.id for company_id, one in changed if one.id in stored and stored[one.id][0] != company_id]
    await deals.deactivate_moving(connection, moved)
    await deals.save(connection, workspace_id, changed, [one for _, one in stored.values() if one.id not in retained])
