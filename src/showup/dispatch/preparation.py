"""The final check before a delivery is sent: whether it is still valid, and its content, rendered once and kept."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct, convert
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import delivery_contents
from showup.destinations.contract import (
    Attempt,
    CannotRender,
    Content,
    Destination,
    GaveUp,
    Meeting,
    NothingToSend,
    Notification,
    Question,
)
from showup.dispatch import series_mails
from showup.dispatch.attempt_results import NotSent, Postponed
from showup.dispatch.calendar_entries import SentEntries, load_sent_entries
from showup.dispatch.claims import Claimed
from showup.dispatch.destination_records import DestinationRecords, load_destination_records
from showup.dispatch.record_facts import MeetingLookup, RecordFacts, load_record_facts
from showup.outbox.confirm_tokens import Invitation
from showup.outbox.delivery import MAIL_DESTINATIONS, DestinationQueue
from showup.outbox.planned import ASKING_SECONDS, REMINDER, SERIES
from showup.outbox.suppressions import suppressed

_log = structlog.get_logger()

# These only make sense while the meeting will take place, at the time that they were planned for.
_REQUIRES_ACTIVE_MEETING: Final = frozenset(
    {"confirmation", "series", "rescheduled", "new_place", "new_host", "reminder"}
)


class UnsubscribeUrlBuilder(Protocol):
    """Builds the unsubscribe URL for mail that the recipient did not request."""

    def __call__(self, workspace_id: UUID, email: str) -> str: ...


class ConfirmUrlBuilder(Protocol):
    """Builds the URL of the page on which the attendee says yes; None if there is no such page."""

    def __call__(self, invitation: Invitation) -> str | None: ...


class ReadyDelivery(Struct, frozen=True, kw_only=True):
    """A delivery with its rendered content."""

    claimed: Claimed
    attempt: Attempt


PreparedDelivery: TypeAlias = ReadyDelivery | NotSent | Postponed | GaveUp


class ConnectedQueue(Struct, frozen=True, kw_only=True):
    """A queue's connection: its workspace's slug and time zone, and the destination with its credentials.

    `keeps_records`: the destination may keep a record for each prospect, so its attempts need what is known of it.
    """

    queue: DestinationQueue
    workspace: str
    destination: Destination
    time_zone: str = "UTC"
    keeps_records: bool = True


class NotConnected(Exception):
    """A workspace's connection is unusable: the text says why, and what to do. Its queue waits until it is fixed."""


class FinalCheck(Struct, frozen=True, kw_only=True):
    """The dependencies of the final check and of rendering."""

    meetings: MeetingLookup
    unsubscribe_url: UnsubscribeUrlBuilder
    confirm_url: ConfirmUrlBuilder


async def prepare(
    connection: asyncpg.Connection,
    final_check: FinalCheck,
    connected: ConnectedQueue,
    claimed: Sequence[Claimed],
    now: datetime,
) -> list[PreparedDelivery]:
    """Returns one result per claimed delivery, in order; new content is stored in the connection's transaction."""
    await series_mails.lock(connection, connected.queue, claimed)
    claimed, unwanted = await _reload(connection, claimed)
    contents = await _load_contents(connection, claimed)
    meetings = await final_check.meetings(
        connection, {booking_recipient for one in claimed if (booking_recipient := _booking_recipient(one)) is not None}
    )
    stopped = unwanted | await _blocked_recipients(connection, connected.queue, claimed, now)
    sent_entries = await load_sent_entries(connection, connected.queue.workspace_id, meetings.values())
    destination_records = await load_destination_records(connection, connected.queue, claimed)
    facts = await _record_facts(connection, final_check, connected, claimed, now)
    prepared: list[PreparedDelivery] = []
    new_contents: dict[UUID, Content] = {}
    for one in claimed:
        meeting = meetings.get(_booking_recipient(one) or _NO_MEETING)
        stop_reason: NotSent | Postponed | None = stopped.get(one.id) or _stop_reason(one, meeting)
        if stop_reason is None and one.id not in contents and meeting is not None and one.kind == SERIES:
            stop_reason = await series_mails.claim_dates(connection, connected.queue, one, meeting, now)
        content = stop_reason or contents.get(one.id) or _render(one, connected, meeting, sent_entries, final_check)
        if isinstance(content, NotSent | Postponed | GaveUp):
            prepared.append(content)
            continue
        if one.id not in contents:
            new_contents[one.id] = content
            sent_entries.add(content)
        prepared.append(ReadyDelivery(claimed=one, attempt=_attempt(one, content, destination_records, facts)))
    await _store_contents(connection, new_contents, now)
    await sent_entries.save(connection, connected.queue.workspace_id, now)
    return prepared


async def _record_facts(
    connection: asyncpg.Connection,
    final_check: FinalCheck,
    connected: ConnectedQueue,
    claimed: Sequence[Claimed],
    now: datetime,
) -> RecordFacts:
    if not connected.keeps_records or connected.queue.destination in MAIL_DESTINATIONS:
        return RecordFacts()
    return await load_record_facts(connection, connected.queue, claimed, final_check.meetings, now)


def _attempt(one: Claimed, content: Content, destination_records: DestinationRecords, facts: RecordFacts) -> Attempt:
    return Attempt(
        delivery_id=one.id,
        content=content,
        number=one.number,
        record=destination_records.record_of(one),
        question=None if one.question is None else convert(one.question, Question),
        can_ask=destination_records.can_ask,
        superseded=one.id in destination_records.overtaken,
        meeting_ahead=facts.meetings_ahead.get(one.id),
        last_set=facts.last_set,
    )


def _booking_recipient(one: Claimed) -> tuple[UUID, str] | None:
    return None if one.booking_id is None else (one.booking_id, one.recipient or "")


_NO_MEETING: Final = (UUID(int=0), "")
_BOOKING_GONE: Final = NotSent(
    state="skipped", because="the booking no longer exists, or the attendee no longer takes part"
)


def _stop_reason(one: Claimed, meeting: Meeting | None) -> NotSent | None:
    """Returns why the delivery must not be sent: its booking may have changed since the delivery was claimed."""
    if one.booking_id is None:
        return None
    if meeting is None:
        return _BOOKING_GONE
    if one.kind == "no_show" and meeting.attended is not False:
        return NotSent(state="withdrawn", because="the attendee is no longer reported as a no-show")
    if one.kind == "reschedule_request" and not (meeting.status == "CANCELLED" and meeting.reschedule_requested):
        because = f"no other time is requested now: the meeting is {meeting.status.lower()}"
        return NotSent(state="withdrawn", because=because)
    if one.kind not in _REQUIRES_ACTIVE_MEETING:
        return None
    if meeting.status != "ACCEPTED":
        return NotSent(state="withdrawn", because=f"the meeting is now {meeting.status.lower()}")
    if meeting.version != one.booking_version:
        return NotSent(state="withdrawn", because="the meeting was rescheduled")
    return None


def _render(
    one: Claimed,
    connected: ConnectedQueue,
    meeting: Meeting | None,
    sent_entries: SentEntries,
    final_check: FinalCheck,
) -> Content | NotSent | GaveUp:
    details = one.details if meeting is None else one.details | _links(one, connected, meeting, final_check)
    notification = Notification(
        delivery_id=one.id,
        workspace=connected.workspace,
        kind=one.kind,
        meeting=meeting,
        details=details,
        time_zone=connected.time_zone,
        decided_at=one.decided_at,
        sent_entries=() if meeting is None else sent_entries.of(meeting),
    )
    try:
        return connected.destination.render(notification)
    except NothingToSend as fault:
        return NotSent(state="skipped", because=str(fault))
    except CannotRender as fault:
        return GaveUp(because=str(fault))
    except Exception as fault:  # noqa: BLE001  # a bug over one of them must not hold up the others
        _log.exception("delivery rendering failed", **one.log_values)
        return GaveUp(because=f"an unexpected error occurred while rendering ({type(fault).__name__}): see the log")


def _links(one: Claimed, connected: ConnectedQueue, meeting: Meeting, final_check: FinalCheck) -> dict[str, str]:
    """Returns the links to Showup's own pages, which are secret."""
    workspace_id, email = connected.queue.workspace_id, meeting.guest.email
    if one.kind == "no_show":
        return {"unsubscribe_url": final_check.unsubscribe_url(workspace_id, email)}
    first, last = ASKING_SECONDS
    if one.kind == REMINDER and email and first <= one.details.get("before_seconds", 0) <= last:
        invitation = Invitation(
            workspace_id=workspace_id, booking_id=meeting.booking_id, start_time=meeting.start_time, email=email
        )
        url = final_check.confirm_url(invitation)
        return {} if url is None else {"confirm_url": url}
    return {}


async def _reload(
    connection: asyncpg.Connection, claimed: Sequence[Claimed]
) -> tuple[list[Claimed], dict[UUID, NotSent]]:
    """Reloads what a replay may have changed since the claim, and returns the deliveries no longer called for.

    A replay may change a delivery's booking, its booking version, and whether its booking's history calls for it.
    """
    rows = await connection.fetch(
        "SELECT id, booking_id, booking_version, unwanted FROM deliveries WHERE id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    current = {row["id"]: row for row in rows}
    reloaded = [
        replace(one, booking_id=current[one.id]["booking_id"], booking_version=current[one.id]["booking_version"])
        for one in claimed
        if one.id in current
    ]
    assert len(reloaded) == len(claimed), "a delivery that is being sent is never deleted"
    return reloaded, {
        row["id"]: NotSent(state="withdrawn", because=row["unwanted"]) for row in rows if row["unwanted"] is not None
    }


async def _load_contents(connection: asyncpg.Connection, claimed: Sequence[Claimed]) -> dict[UUID, Content]:
    rows = await connection.fetch(
        "SELECT delivery_id, content FROM delivery_contents WHERE delivery_id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    return {row["delivery_id"]: row["content"] for row in rows}


async def _store_contents(connection: asyncpg.Connection, new_contents: Mapping[UUID, Content], now: datetime) -> None:
    # In the order in which all transactions lock deliveries, to avoid deadlocks.
    rows = [{"delivery_id": one, "content": new_contents[one], "rendered_at": now} for one in sorted(new_contents)]
    await bulk.insert_new(connection, delivery_contents, rows)


async def _blocked_recipients(
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
