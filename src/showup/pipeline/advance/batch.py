"""One batch of news moves the pipeline: loaded at once, told one story at a time, saved at once.

`advance` runs in its caller's transaction, under the lock of the workspace, and never commits. A batch of one and of
five hundred, replay and rebuild all come through here.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.bookings.store import Standing, StoredBooking
from showup.deliveries import routing
from showup.deliveries import store as deliveries
from showup.deliveries.delivery import Delivery
from showup.events import News, SeatLeft
from showup.pipeline import journal
from showup.pipeline.advance.deals import Dealt, TurnsOf, deal
from showup.pipeline.advance.meeting import Met, meet, part
from showup.pipeline.advance.stories import Group, Log, gather
from showup.pipeline.journal import Entry
from showup.pipeline.rules import Rules
from showup.pipeline.story import Story, tell


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one event: the booking it belongs to, or None while it waits for one.

    `refused`: why it changed nothing, where it did not.
    """

    event_id: UUID
    booking_id: UUID | None
    refused: str | None = None


class Advanced(Struct, frozen=True, kw_only=True):
    """What became of a batch. `merged`: by the id of a booking that went, the one it turned out to be.

    `retold` are the events of earlier batches whose stories were told anew: what they mean may have changed.
    """

    outcomes: list[Outcome]
    retold: list[Outcome]
    merged: dict[UUID, UUID]


class _Told(Struct, frozen=True, kw_only=True):
    """A story that stands on a booking, and what stood before."""

    booking_id: UUID
    group: Group
    story: Story
    before: Standing | None


async def advance(
    connection: asyncpg.Connection, workspace_id: UUID, news: Sequence[News], rules: Rules, log: Log
) -> Advanced:
    """Changes everything that the news changes, and says what became of each event."""
    groups = await gather(connection, workspace_id, log, news)
    merged = {gone: group.booking_id for group in groups if group.booking_id for gone in group.merged}
    standing = await bookings.standing(connection, _ids(groups))
    if merged:
        await _merge(connection, workspace_id, merged)
    told = _tell(groups, standing, rules)
    met = await meet(connection, workspace_id, [(one.story, one.group.news) for one in told])
    await bookings.save(connection, workspace_id, [_stored(one, met) for one in told])
    dealt = await deal(
        connection,
        workspace_id,
        [_turns(one, met) for one in told],
        rules,
        lost_a_booking={company for gone in merged if (company := standing[gone].company_id) is not None},
    )
    await bookings.save_deals(connection, dealt.deal_of)
    names = {name: one.booking_id for one in told for name in sorted(one.group.names)}
    await bookings.save_names(connection, workspace_id, names)
    await _write_down(connection, workspace_id, told, met, dealt)
    await _part(connection, told, met, standing)
    refused = {one.booking_id: one.story.refused for one in told}
    return Advanced(
        outcomes=[_outcome(group, item, refused) for group in groups for item in group.news if _is_own(item)],
        retold=[_outcome(group, item, refused) for group in groups for item in group.history],
        merged=merged,
    )


def _ids(groups: Sequence[Group]) -> list[UUID]:
    return [one for group in groups for one in (group.booking_id, *group.merged) if one is not None]


def _tell(groups: Sequence[Group], standing: dict[UUID, Standing], rules: Rules) -> list[_Told]:
    return [
        _Told(
            booking_id=group.booking_id,
            group=group,
            story=tell(group.booking_id, [*group.history, *group.news], rules),
            before=standing.get(group.booking_id),
        )
        for group in groups
        if group.booking_id is not None
    ]


async def _merge(connection: asyncpg.Connection, workspace_id: UUID, merged: dict[UUID, UUID]) -> None:
    await deliveries.move(connection, merged)
    await bookings.merge(connection, workspace_id, merged)


def _turns(told: _Told, met: Met) -> TurnsOf:
    booking = told.story.booking
    assert booking is not None, "a story with an id stands on a booking"
    return TurnsOf(
        booking_id=told.booking_id,
        company_id=met.company_ids.get(booking.company_domain or ""),
        company_before=told.before.company_id if told.before is not None else None,
        turns=told.story.turns,
    )


def _stored(told: _Told, met: Met) -> StoredBooking:
    story = told.story
    assert story.booking is not None, "a story with an id stands on a booking"
    assert story.began_at is not None, "a story that stands began"
    return StoredBooking(
        id=told.booking_id,
        account_id=told.before.account_id if told.before is not None else told.group.account_id,
        booking=story.booking,
        company_id=met.company_ids.get(story.booking.company_domain or ""),
        deal_id=told.before.deal_id if told.before is not None else None,
        person_ids=met.person_ids,
        created_at=story.began_at,
        updated_at=story.changed_at or story.began_at,
    )


async def _write_down(
    connection: asyncpg.Connection, workspace_id: UUID, told: Sequence[_Told], met: Met, dealt: Dealt
) -> None:
    entries = [entry for one in told for entry in _entries(one, met)]
    ids = [one.booking_id for one in told]
    await journal.rewrite(
        connection,
        workspace_id,
        booking_ids=[*ids, *(gone for one in told for gone in one.group.merged)],
        deal_company_ids=dealt.company_ids,
        entries=[*entries, *dealt.entries],
    )
    wanted = [delivery for one in told for delivery in _deliveries(one)]
    await deliveries.rewrite(connection, workspace_id, booking_ids=ids, wanted=wanted)


def _entries(told: _Told, met: Met) -> list[Entry]:
    booking = told.story.booking
    assert booking is not None, "a story with an id stands on a booking"
    booker = booking.booker
    person_id = met.person_ids.get(booker.email) if booker is not None and booker.email else None
    company_id = met.company_ids.get(booking.company_domain or "")
    return [
        Entry(line=line, booking_id=told.booking_id, person_id=person_id, company_id=company_id)
        for line in told.story.lines
    ]


def _deliveries(told: _Told) -> list[Delivery]:
    booking = told.story.booking
    assert booking is not None, "a story with an id stands on a booking"
    return [
        Delivery(
            booking_id=told.booking_id,
            event_id=want.event_id,
            key=want.effect.key,
            destination=routing.destination(simulated=booking.simulated),
            kind=routing.kind(want.effect),
            recipient=want.effect.recipient,
            booking_version=want.booking_version,
            decided_at=want.decided_at,
            due_at=want.effect.due_at,
            state=want.state,
            because=want.because,
            details=routing.details(want.effect),
            simulated=booking.simulated,
        )
        for want in told.story.wants.values()
    ]


async def _part(
    connection: asyncpg.Connection, told: Sequence[_Told], met: Met, standing: dict[UUID, Standing]
) -> None:
    """A story told anew may have lost attendees whom only news out of order had shown."""
    people_now = {met.person_ids[email] for one in told for email in one.story.people}
    people_before = {person_id for one in standing.values() for person_id in one.person_ids}
    companies_now = set(met.company_ids.values())
    companies_before = {one.company_id for one in standing.values() if one.company_id is not None}
    await part(connection, people_before - people_now, companies_before - companies_now)


def _is_own(item: News) -> bool:
    """A seat that was left is the other half of an event that is settled with another booking."""
    return not isinstance(item.event, SeatLeft)


def _outcome(group: Group, item: News, refused: Mapping[UUID, Mapping[UUID, str]]) -> Outcome:
    if group.booking_id is None:
        return Outcome(event_id=item.event_id, booking_id=None)
    because = refused[group.booking_id].get(item.event_id)
    return Outcome(event_id=item.event_id, booking_id=group.booking_id, refused=because)
