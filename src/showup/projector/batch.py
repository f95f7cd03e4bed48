"""Project one batch of events: load everything at once, replay each event stream, save everything at once.

`project` runs in its caller's transaction, under the workspace's lock, and never commits. Single events, batches of
five hundred, manual events, replays and rebuilds all use it.
"""

from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from uuid import UUID

import asyncpg

from showup.analysis import facts_store
from showup.analysis.facts import meeting_facts
from showup.bookings import store as bookings
from showup.bookings.store import StoredBooking
from showup.campaigns import funnel_store, matches_store
from showup.campaigns.matches_store import MatchedBooking
from showup.companies.company import company_id as id_of_company
from showup.deals import store as deals
from showup.deals.deal import deal_id
from showup.events.envelope import AnyRecord, BookingRecord, is_booking_record
from showup.outbox import store as deliveries
from showup.outbox.wakeups import wake
from showup.pipeline.funnel_seats import funnel_seats
from showup.pipeline.replay import BookingState
from showup.pipeline.rules import RuleBook
from showup.pipeline.seat_deals import seat_stream_id
from showup.projector import audit_log, manual_changes
from showup.projector.audit_rows import booking_rows, manual_rows
from showup.projector.contacts import Contacts, remove_contacts, save_contacts
from showup.projector.deal_event_changes import StreamDealEvents
from showup.projector.deals import DealProjection, project_deals
from showup.projector.deliveries import write_deliveries
from showup.projector.manual_changes import ManualChanges
from showup.projector.name_keys import name_keys
from showup.projector.number_claims import resolve_numbers
from showup.projector.outcomes import ProjectionResult, build_result
from showup.projector.replays import ReplayedBooking, replay_affected, replay_all
from showup.projector.streams import NO_REPLAY, EventLog, ReplayRequest, load_streams
from showup.proposals import store as proposals_store
from showup.values.time_zone import zone_of


async def project(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    records: Sequence[AnyRecord],
    rules: RuleBook,
    log: EventLog,
    *,
    now: datetime | None = None,
    replay_request: ReplayRequest = NO_REPLAY,
) -> ProjectionResult:
    """Apply the events, and return the outcome of each.

    It also replays the bookings that `replay_request` names, because rules changed. With `now`, deliveries that are due
    wake the dispatcher when this transaction commits; a rebuild passes None.
    """
    booking_records = [record for record in records if is_booking_record(record)]
    manual_records = [record for record in records if not is_booking_record(record)]
    manual = await manual_changes.load(connection, workspace_id, log, manual_records)
    streams = await load_streams(
        connection, workspace_id, log, booking_records, replay_request.booking_ids | manual.replay_booking_ids
    )
    streams = await resolve_numbers(connection, workspace_id, log, streams)
    replayed = await replay_all(connection, workspace_id, log, streams, manual, rules)
    affected = await replay_affected(
        connection, workspace_id, log, replayed, manual, rules, is_complete=replay_request.is_complete
    )
    replayed = [*replayed, *affected]
    await _merge_bookings(connection, workspace_id, replayed)
    contacts = await save_contacts(connection, workspace_id, [one.state for one in replayed], manual)
    await _save_bookings(connection, workspace_id, replayed, contacts, manual)
    deal_projection = await _project_deals(connection, workspace_id, replayed, contacts, manual, rules, replay_request)
    deal_ids = await _write_audit_log(
        connection, workspace_id, replayed, contacts, deal_projection, manual, manual_records
    )
    await _save_facts(connection, workspace_id, replayed, deal_ids)
    wake_ups = await write_deliveries(
        connection, workspace_id, replayed, deal_projection, manual_records, rules, replay_request.booking_ids
    )
    if now is not None:
        await wake(connection, workspace_id, wake_ups, now)
    await _remove_contacts(connection, workspace_id, replayed, contacts, manual)
    all_streams = [*streams, *(one.stream for one in affected)]
    return build_result(all_streams, replayed, deal_projection, manual, manual_records)


async def _merge_bookings(
    connection: asyncpg.Connection, workspace_id: UUID, replayed: Sequence[ReplayedBooking]
) -> None:
    merged = {merged_id: one.booking_id for one in replayed for merged_id in one.stream.merged}
    if merged:
        await deliveries.reassign_booking(connection, merged)
        await facts_store.remove_meetings(connection, merged)
        await matches_store.remove(connection, merged)
        await proposals_store.remove(connection, merged)
        await bookings.merge(connection, workspace_id, merged)


async def _save_bookings(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    contacts: Contacts,
    manual: ManualChanges,
) -> None:
    await bookings.save(connection, workspace_id, [_stored_booking(one, contacts, manual) for one in replayed])
    people = manual.identities.people_by_mailbox()
    await matches_store.save(
        connection, workspace_id, {one.booking_id: _matched(one.state, people) for one in replayed}
    )
    await proposals_store.save(connection, workspace_id, {one.booking_id: one.state.proposals for one in replayed})
    names = {name: one.booking_id for one in replayed for name in sorted(one.stream.names)}
    won_numbers = {number for one in replayed for number in one.stream.won_numbers}
    await bookings.save_names(connection, workspace_id, names, won_numbers)


def _stored_booking(booking: ReplayedBooking, contacts: Contacts, manual: ManualChanges) -> StoredBooking:
    state = booking.state
    assert state.booking is not None, "a history with an id has a booking"
    assert state.first_event_at is not None, "a history has a first event"
    company_id = _company_id(state, contacts, manual)
    return StoredBooking(
        id=booking.booking_id,
        account_id=_account_id([*booking.stream.history, *booking.stream.records]),
        booking=state.booking,
        company_id=company_id,
        seat_company_id=_seat_company_id(state, company_id, contacts, manual),
        # The replay of the deals determines which deal the booking belongs to; it has none if it has no company any
        # more.
        deal_id=booking.before.deal_id if booking.before is not None and company_id is not None else None,
        person_ids=contacts.person_ids,
        dismissed=state.dismissed,
        name_keys=name_keys(state.booking),
        is_matched=state.is_matched,
        created_at=state.first_event_at,
        updated_at=state.last_event_at or state.first_event_at,
    )


def _matched(state: BookingState, people: Mapping[str, str]) -> MatchedBooking:
    """Return the matches of the attendees; one whom a newer list omits has none."""
    attendees = () if state.booking is None else state.booking.attendees
    guests = {one.key for one in attendees if one.is_guest}
    found = [one for one in state.matches if one.attendee in guests]
    return MatchedBooking(found, [] if state.booking is None else funnel_seats(state.booking, found, people))


def _account_id(records: Sequence[BookingRecord]) -> UUID:
    """Return the account that reported the booking first, by source time."""
    accounts = sorted((record.order_key, record.account_id) for record in records if record.account_id is not None)
    assert accounts, "an event that creates a booking comes from an account"
    return accounts[0][1]


def _company_id(state: BookingState, contacts: Contacts, manual: ManualChanges) -> UUID | None:
    return None if state.company_key is None else contacts.company_ids[manual.identities.company(state.company_key)]


def _seat_company_id(
    state: BookingState, company_id: UUID | None, contacts: Contacts, manual: ManualChanges
) -> UUID | None:
    """Return the company of the seats that remain, if it isn't the booking's own and nobody attached the booking."""
    booking = state.booking
    if booking is None or not booking.seated or booking.attached_to is not None or booking.contact_company is None:
        return None
    found = contacts.company_ids[manual.identities.company(booking.contact_company)]
    return None if found == company_id else found


async def _project_deals(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    contacts: Contacts,
    manual: ManualChanges,
    rules: RuleBook,
    replay_request: ReplayRequest,
) -> DealProjection:
    company_before = (
        await deals.companies_of_streams(connection, [one.stream_id for one in manual.deals]) if manual.deals else {}
    )
    stream_events = [
        StreamDealEvents(
            stream_id=one.booking_id,
            company_id=_company_id(one.state, contacts, manual),
            company_before=one.before.company_id if one.before is not None else None,
            deal_events=one.state.deal_events,
        )
        for one in replayed
    ]
    stream_events += [
        StreamDealEvents(
            stream_id=one.stream_id,
            company_id=contacts.company_ids[one.company],
            company_before=company_before.get(one.stream_id),
            deal_events=one.deal_events,
        )
        for one in manual.deals
    ]
    seat_streams = await _seat_streams(connection, replayed, contacts, manual)
    stream_events += seat_streams
    forced = {merged_row.company_id for one in replayed for merged_row in one.merged}
    forced |= {
        _company_id(one.state, contacts, manual)
        for one in replayed
        if not one.stream.records or one.booking_id in replay_request.booking_ids
    }
    replayed_ids = {one.booking_id for one in replayed if not one.stream.records}
    replayed_ids |= replay_request.booking_ids
    forced |= {one.company_id for one in seat_streams if one.booking_id in replayed_ids}
    if replay_request is not NO_REPLAY:
        forced |= set(await deals.companies_with_manual_deals(connection, workspace_id))
    deal_projection = await project_deals(
        connection, workspace_id, stream_events, rules, forced={one for one in forced if one is not None}
    )
    await bookings.save_deals(connection, deal_projection.deal_ids)
    companies = {company for one in stream_events for company in (one.company_id, one.company_before)} | forced
    await funnel_store.save_deals(connection, {one for one in companies if one is not None})
    return deal_projection


async def _seat_streams(
    connection: asyncpg.Connection, replayed: Sequence[ReplayedBooking], contacts: Contacts, manual: ManualChanges
) -> list[StreamDealEvents]:
    """Return the streams of other companies with seats, including those that a replay no longer finds (M02)."""
    earlier = {
        seat_stream_id(row.id, company): one.booking_id
        for one in replayed
        for row in one.rows_before
        if len(row.company_keys) > 1
        for company in row.company_keys
    }
    current = {
        seat_stream_id(one.booking_id, company): (one.booking_id, company, deal_events)
        for one in replayed
        for company, deal_events in one.state.seat_deal_events.items()
    }
    if not (earlier or current):
        return []
    company_before = await deals.companies_of_streams(connection, [*earlier, *current])
    removed = [
        StreamDealEvents(
            stream_id=stream_id,
            booking_id=booking_id,
            company_id=None,
            company_before=company_before[stream_id],
            deal_events=[],
        )
        for stream_id, booking_id in earlier.items()
        if stream_id not in current and stream_id in company_before
    ]
    return removed + [
        StreamDealEvents(
            stream_id=stream_id,
            booking_id=booking_id,
            company_id=contacts.company_ids[manual.identities.company(company)],
            company_before=company_before.get(stream_id),
            deal_events=deal_events,
        )
        for stream_id, (booking_id, company, deal_events) in current.items()
    ]


async def _write_audit_log(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    contacts: Contacts,
    deal_projection: DealProjection,
    manual: ManualChanges,
    manual_records: Sequence[AnyRecord],
) -> set[UUID]:
    """Write the audit entries; return the deals whose entries may have changed."""
    booking_ids = [one.booking_id for one in replayed]
    manual_records = list({record.event_id: record for record in (*manual.reevaluated, *manual_records)}.values())
    rows = [
        row
        for one in replayed
        for row in booking_rows(one.booking_id, one.state, contacts, _company_id(one.state, contacts, manual))
    ]
    return await audit_log.replace_rows(
        connection,
        workspace_id,
        booking_ids=[*booking_ids, *(merged_id for one in replayed for merged_id in one.stream.merged)],
        deals_since=deal_projection.since,
        manual_event_ids=[record.event_id for record in manual_records],
        new_rows=[*rows, *deal_projection.rows, *manual_rows(workspace_id, manual_records, manual)],
    )


async def _save_facts(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    deal_ids: Set[UUID],
) -> None:
    """Save what the analysis counts: the bookings, and the stages of the deals that changed (CA8)."""
    zone = zone_of(await connection.fetchval("SELECT time_zone FROM workspaces WHERE id = $1", workspace_id))
    matched = [one.booking_id for one in replayed if one.state.is_matched]
    interest = await facts_store.interest_of(connection, matched) if matched else {}
    facts = {
        one.booking_id: meeting_facts(
            one.state.booking,
            zone,
            cancelled_at=one.state.cancelled_at,
            interested_at=interest.get(one.booking_id),
            is_matched=one.state.is_matched,
        )
        for one in replayed
        if one.state.booking is not None
    }
    await facts_store.save_meetings(connection, workspace_id, facts)
    # A deal has the source and the event type of the booking that opened it.
    opened = {deal_id(one.booking_id) for one in replayed}
    await facts_store.save_stages(connection, workspace_id, opened | deal_ids, zone)


async def _remove_contacts(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    replayed: Sequence[ReplayedBooking],
    contacts: Contacts,
    manual: ManualChanges,
) -> None:
    people_before = {email for one in replayed for email in one.emails_before}
    people_now = {email for one in replayed for email in one.state.people}
    companies_before = {
        one.company_id for booking in replayed for one in booking.rows_before if one.company_id is not None
    }
    companies_before |= {
        id_of_company(workspace_id, manual.identities.company(key))
        for booking in replayed
        for key in booking.company_keys_before
    }
    # This company may exist only because another was merged into it.
    companies_before |= {id_of_company(workspace_id, key) for key in manual.reset_names["companies"]}
    companies_now = set(contacts.company_ids.values())
    await remove_contacts(
        connection, workspace_id, manual, people_before - people_now, companies_before - companies_now
    )
