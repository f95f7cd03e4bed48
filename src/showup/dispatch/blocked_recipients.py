"""Recipients that a message does not go to: suppressed ones, and those whom a follow-up would disturb."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg

from showup.destinations.contract import Meeting
from showup.dispatch.attempt_results import NotSent
from showup.dispatch.claims import Claimed
from showup.outbox.delivery import MAIL_DESTINATIONS, TEXT_DESTINATIONS, DestinationQueue
from showup.outbox.suppressions import suppressed, suppressed_numbers
from showup.values.phone_number import e164


async def blocked_recipients(
    connection: asyncpg.Connection, queue: DestinationQueue, claimed: Sequence[Claimed], now: datetime
) -> dict[UUID, NotSent]:
    """Returns the deliveries whose recipients are suppressed or were written to recently; other messages go on."""
    if queue.destination not in MAIL_DESTINATIONS:
        return {}
    suppressions = await suppressed(connection, queue.workspace_id, {one.recipient for one in claimed if one.recipient})
    blocked = {
        one.id: NotSent(state="skipped", because=suppression.because)
        for one in claimed
        if (suppression := suppressions.get(one.recipient or "")) is not None
        and (suppression.scope == "all" or one.kind == "no_show")
    }
    for one in claimed:
        if one.kind == "no_show" and one.id not in blocked and await _has_later_meeting(connection, queue, one):
            blocked[one.id] = NotSent(state="skipped", because="the recipient has a later accepted meeting")
        if one.kind == "no_show" and one.id not in blocked and await _was_followed_up(connection, queue, one, now):
            blocked[one.id] = NotSent(state="skipped", because="the recipient received another follow-up recently")
    return blocked


async def blocked_numbers(
    connection: asyncpg.Connection,
    queue: DestinationQueue,
    claimed: Sequence[Claimed],
    meetings: Mapping[UUID, Meeting],
) -> dict[UUID, NotSent]:
    """Returns the text messages whose numbers are suppressed (M10); `meetings` by the delivery's id."""
    if queue.destination not in TEXT_DESTINATIONS:
        return {}
    numbers = {
        one.id: number
        for one in claimed
        if (meeting := meetings.get(one.id)) is not None and (number := e164(meeting.guest.phone)) is not None
    }
    suppressions = await suppressed_numbers(connection, queue.workspace_id, set(numbers.values()))
    return {
        delivery_id: NotSent(state="skipped", because=suppressions[number].because)
        for delivery_id, number in numbers.items()
        if number in suppressions
    }


async def _has_later_meeting(connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed) -> bool:
    """Returns whether the recipient has an accepted meeting after the one that they missed (M05).

    The person counts, under any of their addresses; a later meeting that they missed too does not.
    """
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM bookings missed
                JOIN booking_attendees guest ON guest.booking_id = missed.id AND guest.email = $3
                JOIN booking_attendees a ON a.email = guest.email OR a.person_id = guest.person_id
                JOIN bookings b ON b.id = a.booking_id AND b.workspace_id = $1
                WHERE missed.id = $2 AND b.status = 'ACCEPTED' AND b.start_time > missed.start_time
                AND a.cancelled_at IS NULL AND a.attended IS NOT FALSE
            )
            """,
            queue.workspace_id,
            one.booking_id,
            one.recipient,
        )
    )


async def _was_followed_up(
    connection: asyncpg.Connection, queue: DestinationQueue, one: Claimed, now: datetime
) -> bool:
    span = timedelta(seconds=one.details.get("at_most_every_seconds", 0))
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM deliveries d JOIN deliveries mine ON mine.id = $4
                WHERE d.workspace_id = $1 AND d.recipient = $2 AND d.kind = 'no_show' AND d.id <> mine.id
                AND (d.state = 'delivered' AND d.delivered_at > $3
                     OR d.state = 'sending' AND (d.due_at, d.id) < (mine.due_at, mine.id))
            )
            """,
            queue.workspace_id,
            one.recipient,
            now - span,
            one.id,
        )
    )
