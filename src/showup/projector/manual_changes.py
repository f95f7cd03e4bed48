"""Load the manual events, outside the bookings' own histories, that a batch depends on.

They determine merged identities, recorded people and companies, manually opened deals, and the bookings to replay.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.campaigns import matches_store
from showup.companies import store as companies
from showup.companies.company import Company, domain_of_key
from showup.deals import store as deals
from showup.deals.deal import DealEvent
from showup.events.deal import DealChanged, DealOpened
from showup.events.envelope import AnyRecord, is_booking_record, manual_order_key, stream_of
from showup.events.stream import MERGES
from showup.events.workspace import CompanyRecorded, Merged, MergeKind, MergeUndone, PersonRecorded
from showup.people import store as people
from showup.people.person import Person
from showup.pipeline.merges import Identities, Merge, identities, replay_merges
from showup.projector import merge_store
from showup.projector.streams import EventLog
from showup.values.domain_name import display_domain
from showup.values.email_address import match_key


class ManualDeal(Struct, frozen=True, kw_only=True):
    """A deal that a person opened manually: its company (key) and its deal events."""

    stream_id: UUID
    company: str
    deal_events: list[DealEvent]


class ManualChanges(Struct, kw_only=True):
    """Changes that manual events require. `replay_booking_ids` are bookings to replay.

    `reset_names` are people and companies whose stored data must not be trusted. `merged_names` are those merged into
    another since this batch. `waiting` are changes of deals that are not opened yet. `reevaluated` are manual events,
    including earlier ones, whose outcome `refused` determines. `merges` are those in force, `records` the manual events
    of this batch.
    """

    identities: Identities
    merges: Sequence[Merge] = ()
    records: Sequence[AnyRecord] = ()
    replay_booking_ids: set[UUID] = set()
    reset_names: dict[MergeKind, set[str]] = {}
    merged_names: dict[MergeKind, set[str]] = {}
    people: list[Person] = []
    companies: list[Company] = []
    deals: list[ManualDeal] = []
    refused: dict[UUID, str] = {}
    waiting: set[UUID] = set()
    reevaluated: list[AnyRecord] = []


async def load(
    connection: asyncpg.Connection, workspace_id: UUID, log: EventLog, manual_records: Sequence[AnyRecord]
) -> ManualChanges:
    """Load what these manual events, and the earlier ones that belong with them, require of the batch."""
    stored_merges = list((await merge_store.in_force(connection, workspace_id)).values())
    changes = ManualChanges(
        identities=identities(stored_merges),
        merges=stored_merges,
        records=manual_records,
        reset_names={"people": set(), "companies": set()},
        merged_names={"people": set(), "companies": set()},
    )
    touched = await _apply_merges(connection, workspace_id, log, manual_records, changes)
    changes.replay_booking_ids |= await _bookings_of_assigned(connection, workspace_id, changes)
    names = {stream_of(record).name for record in manual_records}
    names |= {f"deal:{one}" for one in await deals.manually_opened(connection, touched)}
    names |= {f"person:{email}" for email in changes.reset_names["people"]} | changes.reset_names["companies"]
    await load_past(connection, workspace_id, log, changes, names - {MERGES}, manual_records)
    return changes


async def _bookings_of_assigned(
    connection: asyncpg.Connection, workspace_id: UUID, changes: ManualChanges
) -> set[UUID]:
    """Return the bookings of the people whom this batch assigns to a company."""
    emails = {
        name
        for record in changes.records
        if isinstance(record.event, PersonRecorded) and record.event.company is not None
        for name in changes.identities.all_names("people", record.event.email)
    }
    return await bookings.of_people(connection, workspace_id, emails) if emails else set()


async def load_past(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    changes: ManualChanges,
    names: Iterable[str],
    manual_records: Sequence[AnyRecord] = (),
) -> None:
    """Add all earlier manual events about these names to those of the batch."""
    past = await _records_named(connection, workspace_id, log, names)
    records = {record.event_id: record for record in (*past, *manual_records)}
    _add_contacts(changes, records.values())
    _add_deals(changes, records.values())


async def _records_named(
    connection: asyncpg.Connection, workspace_id: UUID, log: EventLog, names: Iterable[str]
) -> list[AnyRecord]:
    found = await log.of_names(connection, workspace_id, names)
    return [record for _, record in found if not is_booking_record(record)]


async def _apply_merges(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    manual_records: Sequence[AnyRecord],
    changes: ManualChanges,
) -> list[UUID]:
    """Apply and undo merges; return the ids of the companies they touch."""
    merge_records = [record for record in manual_records if isinstance(record.event, (Merged, MergeUndone))]
    if not merge_records:
        return []
    past = await _records_named(connection, workspace_id, log, [MERGES])
    changes.reevaluated = list({record.event_id: record for record in (*past, *merge_records)}.values())
    merge_state = replay_merges(changes.reevaluated)
    stored = await merge_store.in_force(connection, workspace_id)
    made = [one for one in merge_state.merges.values() if one.id not in stored]
    undone = [one for one in stored.values() if one.id not in merge_state.merges]
    await merge_store.replace_merges(connection, workspace_id, made=made, undone=undone)
    before, changes.identities = changes.identities, merge_state.identities
    changes.merges = list(merge_state.merges.values())
    changes.refused |= merge_state.refused
    for one in (*made, *undone):
        for each in (before, changes.identities):
            changes.reset_names[one.kind] |= each.all_names(one.kind, one.gone) | each.all_names(one.kind, one.stays)
    return await _reset_merged(connection, workspace_id, changes, made)


async def _reset_merged(
    connection: asyncpg.Connection, workspace_id: UUID, changes: ManualChanges, made: Sequence[Merge]
) -> list[UUID]:
    for one in made:
        changes.merged_names[one.kind].add(one.gone)
    stored = await companies.by_key(connection, workspace_id, changes.reset_names["companies"])
    ids = [one.id for one in stored.values()]
    changes.reset_names["people"] |= set(await people.of_companies(connection, ids))
    changes.replay_booking_ids |= await bookings.of_people(connection, workspace_id, changes.reset_names["people"])
    mailboxes = {match_key(email) for email in changes.reset_names["people"]}
    changes.replay_booking_ids |= await matches_store.bookings_of_mailboxes(connection, workspace_id, mailboxes)
    keys = changes.reset_names["companies"]
    changes.replay_booking_ids |= await bookings.of_companies(connection, workspace_id, ids, keys)
    return ids


def _add_contacts(changes: ManualChanges, records: Iterable[AnyRecord]) -> None:
    for record in sorted(records, key=lambda one: one.order_key):
        match record.event:
            case PersonRecorded():
                changes.people.append(_person(record, record.event, changes.identities))
            case CompanyRecorded():
                changes.companies.append(_company(record, record.event, changes.identities))
            case _:
                pass


def _person(record: AnyRecord, event: PersonRecorded, identities: Identities) -> Person:
    order_key = manual_order_key(record.order_key)
    return Person(
        email=identities.person(event.email),
        first_met_at=record.source_at,
        last_met_at=record.source_at,
        name=event.name,
        time_zone=event.time_zone,
        phone=event.phone,
        company_key=event.company,
        name_seen=order_key if event.name is not None else "",
        time_zone_seen=order_key if event.time_zone is not None else "",
        phone_seen=order_key if event.phone is not None else "",
        company_seen=order_key if event.company is not None else "",
        recorded=True,
    )


def _company(record: AnyRecord, event: CompanyRecorded, identities: Identities) -> Company:
    key = identities.company(stream_of(record).name)
    return Company(
        key=key,
        name=event.name or domain_of_key(key) or key,
        first_met_at=record.source_at,
        last_met_at=record.source_at,
        name_seen=manual_order_key(record.order_key) if event.name is not None else "",
        recorded=True,
    )


def _add_deals(changes: ManualChanges, records: Iterable[AnyRecord]) -> None:
    streams: dict[str, list[AnyRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda one: one.order_key):
        if isinstance(record.event, (DealOpened, DealChanged)):
            streams[stream_of(record).name].append(record)
    known = {deal.stream_id for deal in changes.deals}
    for stream in streams.values():
        opened = next((record for record in stream if isinstance(record.event, DealOpened)), None)
        if opened is None:
            changes.waiting |= {record.event_id for record in stream}
            continue
        if opened.event_id in known:
            continue
        assert isinstance(opened.event, DealOpened), "the search above returns only this type"
        # Changes made by a person apply after the deal's opening, whatever the clocks said.
        deal_events = [
            _deal_event(opened, opened.event_id),
            *(_deal_event(one, opened.event_id) for one in stream if one is not opened),
        ]
        company = changes.identities.company(opened.event.company)
        changes.deals.append(ManualDeal(stream_id=opened.event_id, company=company, deal_events=deal_events))


def _deal_event(record: AnyRecord, stream_id: UUID) -> DealEvent:
    assert isinstance(record.event, (DealOpened, DealChanged)), "only these events change deals"
    return DealEvent(
        stream_id=stream_id,
        event_id=record.event_id,
        kind="opened" if isinstance(record.event, DealOpened) else "changed",
        at=record.source_at,
        order_key=record.order_key,
        change=record.event.change,
        actor=record.actor,
    )


def named_companies(changes: ManualChanges) -> Mapping[str, Company]:
    """Return the companies that people recorded or opened deals for, by key."""
    by_key: dict[str, Company] = {}
    for one in (
        *changes.companies,
        *(company_of_key(deal.company, [deal_event.at for deal_event in deal.deal_events]) for deal in changes.deals),
    ):
        by_key[one.key] = by_key[one.key].merged_with(one) if one.key in by_key else one
    return by_key


def company_of_key(key: str, moments: Sequence[datetime]) -> Company:
    """Return a company known only by its key and by the times it was mentioned; its domain's letters are its name."""
    name = display_domain(domain_of_key(key) or key)
    return Company(key=key, name=name, first_met_at=min(moments), last_met_at=max(moments))
