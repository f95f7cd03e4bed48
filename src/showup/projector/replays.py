"""Replay a batch's bookings, and those affected because a person or company is no longer in any of them."""

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.bookings import store as bookings
from showup.bookings.store import BookingRow
from showup.companies import store as companies
from showup.companies.company import company_id
from showup.deals import store as deals
from showup.people import store as people
from showup.pipeline.replay import BookingState, replay
from showup.pipeline.rules import RuleBook
from showup.pipeline.silence import silent_keys
from showup.projector import assignments, manual_changes
from showup.projector.manual_changes import ManualChanges
from showup.projector.streams import EventLog, EventStream, load_streams


class ReplayedBooking(Struct, frozen=True, kw_only=True):
    """A replayed booking and its stored rows; `merged` are bookings that turned out to be this one.

    `silent_keys`: the deliveries that only a later change of the rules calls for.
    """

    booking_id: UUID
    stream: EventStream
    state: BookingState
    before: BookingRow | None
    merged: list[BookingRow] = []
    silent_keys: frozenset[str] = frozenset()

    @property
    def rows_before(self) -> list[BookingRow]:
        """Return all stored rows of the booking."""
        return self.merged if self.before is None else [self.before, *self.merged]

    @property
    def emails_before(self) -> set[str]:
        """Return the people that the booking listed before."""
        return {email for one in self.rows_before for email in one.emails}

    @property
    def company_keys_before(self) -> set[str]:
        """Return the companies of the attendees before."""
        return {key for one in self.rows_before for key in one.company_keys}


async def replay_all(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    streams: Sequence[EventStream],
    manual: ManualChanges,
    rules: RuleBook,
) -> list[ReplayedBooking]:
    """Replay the streams that can create a booking."""
    ids = [one for stream in streams for one in (stream.booking_id, *stream.merged) if one is not None]
    stored = await bookings.load_rows(connection, ids)
    assigned = await assignments.load(connection, workspace_id, log, streams, manual, rules)
    replayed = []
    for stream in streams:
        if stream.booking_id is None:
            continue
        history = [*stream.history, *stream.records]
        replay_under = partial(replay, stream.booking_id, history, assignments=assigned, identities=manual.identities)
        state = replay_under(rules)
        replayed.append(
            ReplayedBooking(
                booking_id=stream.booking_id,
                stream=stream,
                state=state,
                before=stored.get(stream.booking_id),
                merged=[stored[one] for one in stream.merged],
                silent_keys=silent_keys(state, rules, replay_under),
            )
        )
    return replayed


async def replay_affected(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    replayed: Sequence[ReplayedBooking],
    manual: ManualChanges,
    rules: RuleBook,
    *,
    is_complete: bool,
) -> list[ReplayedBooking]:
    """Replay all bookings of people and companies that lost a booking, or an event of one, in this batch.

    A replay may remove a person whom only an event out of order had shown, or move a booking to another company.
    Details from that event must go, so people are read again from all the bookings that mention them. A person whom the
    booking still lists may have details from an event that belongs to another booking now.
    """
    rows_before = [before for one in replayed for before in one.rows_before]
    distrusted = {one.booking_id for one in replayed if is_complete or one.stream.has_lost_events}
    # Check each booking separately: another booking of the batch that mentions the person does not keep this one's
    # details.
    lost_emails = {
        email
        for one in replayed
        for email in one.emails_before
        if one.booking_id in distrusted or email not in one.state.people
    }
    left_company_ids = {
        before.company_id
        for one in replayed
        for before in one.rows_before
        if one.booking_id in distrusted or before.company_id != _company_id(workspace_id, one.state, manual)
    } | {
        company_id(workspace_id, manual.identities.company(key))
        for one in replayed
        for key in one.company_keys_before
        if one.booking_id in distrusted or key not in one.state.company_keys
    }
    left_company_ids |= await _no_longer_named(connection, workspace_id, replayed, manual)
    if lost_emails:
        stored_people = await people.by_email(
            connection, workspace_id, {manual.identities.person(one) for one in lost_emails}
        )
        left_company_ids |= {one.company_id for one in stored_people.values()}
    left_company_ids.discard(None)
    if not lost_emails and not left_company_ids:
        return []
    lost_emails |= set(await people.of_companies(connection, left_company_ids))
    keys = await _reset_contacts(connection, workspace_id, log, manual, lost_emails, left_company_ids)
    booking_ids = await bookings.of_people(connection, workspace_id, lost_emails)
    booking_ids |= await bookings.of_companies(connection, workspace_id, left_company_ids, keys)
    # Merged bookings are replayed as one, although each still has its own stored row.
    streams = await load_streams(connection, workspace_id, log, [], booking_ids - {before.id for before in rows_before})
    return await replay_all(connection, workspace_id, log, streams, manual, rules)


async def _no_longer_named(
    connection: asyncpg.Connection, workspace_id: UUID, replayed: Sequence[ReplayedBooking], manual: ManualChanges
) -> set[UUID]:
    """Return the companies whose name is an answer in a booking that names another company now, or none."""
    answers: dict[str, set[str]] = {}
    for one in replayed:
        order_keys = {
            record.order_key for record in one.stream.history if record.event.booking.company_answer is not None
        }
        named = {manual.identities.company(key) for key in one.state.company_names}
        for key in {manual.identities.company(key) for key in one.company_keys_before} - named:
            answers.setdefault(key, set()).update(order_keys)
    stored = await companies.by_key(
        connection, workspace_id, [key for key, order_keys in answers.items() if order_keys]
    )
    return {one.id for key, one in stored.items() if one.company.name_seen in answers[key]}


def _company_id(workspace_id: UUID, state: BookingState, manual: ManualChanges) -> UUID | None:
    return None if state.company_key is None else company_id(workspace_id, manual.identities.company(state.company_key))


async def _reset_contacts(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    manual: ManualChanges,
    emails: Iterable[str],
    company_ids: Iterable[UUID | None],
) -> set[str]:
    """Distrust the stored data of these people and companies; return every key of the companies."""
    known_emails = {name for email in emails for name in manual.identities.all_names("people", email)}
    stored_keys = await companies.keys_of(connection, company_ids)
    keys = {name for key in stored_keys for name in manual.identities.all_names("companies", key)}
    manual.reset_names["people"] |= known_emails
    manual.reset_names["companies"] |= keys
    names = {f"person:{email}" for email in known_emails} | keys
    names |= {f"deal:{one}" for one in await deals.manually_opened(connection, [one for one in company_ids if one])}
    await manual_changes.load_past(connection, workspace_id, log, manual, names)
    return keys
