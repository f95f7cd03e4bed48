"""The final check before a delivery is sent: whether it is still valid, and its content, rendered once and kept.

It has three steps: `load_batch` in a transaction, `render_batch` outside of it, and `store_batch` in another one. An
attempt sends only stored content, so a process that ends between them sends nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import msgspec
import structlog
from msgspec import Struct, convert
from msgspec.structs import replace

from showup.clock import Clock
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
from showup.dispatch import final_checks, series_mails
from showup.dispatch.attempt_results import NotSent, Postponed
from showup.dispatch.blocked_recipients import blocked_numbers, blocked_recipients
from showup.dispatch.calendar_entries import SentEntries, load_sent_entries, save_sent_entries
from showup.dispatch.claims import Claimed
from showup.dispatch.destination_records import DestinationRecords, load_destination_records
from showup.dispatch.planned_reminders import PlannedReminders, load_planned_reminders
from showup.dispatch.record_facts import MeetingLookup, RecordFacts, load_record_facts
from showup.outbox.confirm_tokens import Invitation
from showup.outbox.delivery import MAIL_DESTINATIONS, DestinationQueue
from showup.outbox.outcome_tokens import VALID_FOR, OutcomeLink
from showup.outbox.planned import ASKING_SECONDS, OUTCOME, REMINDER

_log = structlog.get_logger()


class UnsubscribeUrlBuilder(Protocol):
    """Builds the unsubscribe URL for mail that the recipient did not request."""

    def __call__(self, workspace_id: UUID, email: str) -> str: ...


class ConfirmUrlBuilder(Protocol):
    """Builds the URL of the page on which the attendee says yes; None if there is no such page."""

    def __call__(self, invitation: Invitation) -> str | None: ...


class OutcomeUrlBuilder(Protocol):
    """Builds the URLs of the pages that take a meeting's outcome (AP2): the host's own, and that for who signs in."""

    def __call__(self, request: OutcomeLink) -> tuple[str, str]: ...


class ReadyDelivery(Struct, frozen=True, kw_only=True):
    """A delivery with its rendered content."""

    claimed: Claimed
    attempt: Attempt


PreparedDelivery: TypeAlias = ReadyDelivery | NotSent | Postponed | GaveUp


class ConnectedQueue(Struct, frozen=True, kw_only=True):
    """A queue's connection: its workspace's slug and time zone, and the destination with its credentials.

    `keeps_records`: the destination may keep a record for each prospect, so its attempts need what is known of it.
    `plans_reminders`: it plans the reminders of meetings itself, so it is told which ones there are.
    """

    queue: DestinationQueue
    workspace: str
    destination: Destination
    time_zone: str = "UTC"
    keeps_records: bool = True
    plans_reminders: bool = False


class NotConnected(Exception):
    """A workspace's connection is unusable: the text says why, and what to do. Its queue waits until it is fixed."""


class FinalCheck(Struct, frozen=True, kw_only=True):
    """The dependencies of the final check and of rendering."""

    meetings: MeetingLookup
    unsubscribe_url: UnsubscribeUrlBuilder
    confirm_url: ConfirmUrlBuilder
    outcome_url: OutcomeUrlBuilder


class Draft(Struct, kw_only=True):
    """A claimed delivery while it is prepared. `content` is None until it is rendered, `is_new` says that it was.

    `asks_for_yes`: the new content has the link with which the attendee says that they will come (TE14).
    """

    claimed: Claimed
    meeting: Meeting | None
    content: Content | NotSent | Postponed | GaveUp | None = None
    is_new: bool = False
    asks_for_yes: bool = False


class PreparedBatch(Struct, frozen=True, kw_only=True):
    """Claimed deliveries of one queue, with what was loaded for them."""

    connected: ConnectedQueue
    drafts: list[Draft]
    sent_entries: SentEntries
    destination_records: DestinationRecords
    facts: RecordFacts
    reminders: PlannedReminders = {}

    @property
    def is_rendered(self) -> bool:
        """Returns whether nothing is left to render or to store."""
        return all(draft.content is not None and not draft.is_new for draft in self.drafts)

    def prepared(self) -> list[PreparedDelivery]:
        """Returns one result per claimed delivery, in order."""
        return [self._prepared(draft) for draft in self.drafts]

    def _prepared(self, draft: Draft) -> PreparedDelivery:
        content = draft.content
        assert content is not None, "the batch is rendered"
        if isinstance(content, NotSent | Postponed | GaveUp):
            return content
        attempt = _attempt(draft.claimed, content, self.destination_records, self.facts)
        return ReadyDelivery(claimed=draft.claimed, attempt=attempt)


async def load_batch(
    connection: asyncpg.Connection,
    final_check: FinalCheck,
    connected: ConnectedQueue,
    claimed: Sequence[Claimed],
    now: datetime,
) -> PreparedBatch:
    """Makes the final check, and loads what rendering and sending need. The first of the three steps."""
    queue = connected.queue
    await series_mails.lock(connection, queue, claimed)
    claimed, unwanted = await final_checks.reload(connection, claimed)
    contents = await _load_contents(connection, claimed)
    by_recipient = await final_check.meetings(
        connection, {booking_recipient for one in claimed if (booking_recipient := _booking_recipient(one)) is not None}
    )
    meetings = {one.id: by_recipient.get(_booking_recipient(one) or _NO_MEETING) for one in claimed}
    known = {delivery_id: meeting for delivery_id, meeting in meetings.items() if meeting is not None}
    stopped: dict[UUID, NotSent | Postponed] = {**unwanted}
    stopped |= await blocked_recipients(connection, queue, claimed, now)
    stopped |= await blocked_numbers(connection, queue, claimed, known)
    unstopped = [one for one in claimed if one.id not in stopped]
    stopped |= await final_checks.stopped_by_meetings(connection, unstopped, meetings, now)
    drafts = []
    for one in claimed:
        meeting = meetings[one.id]
        content: Content | NotSent | Postponed | None = stopped.get(one.id) or contents.get(one.id)
        if content is None and meeting is not None and one.kind in series_mails.KINDS:
            claimed_dates = await series_mails.claim_dates(connection, queue, one, meeting, now)
            if isinstance(claimed_dates, NotSent | Postponed):
                content = claimed_dates
            else:
                meeting = replace(meeting, series=claimed_dates)
        drafts.append(Draft(claimed=one, meeting=meeting, content=content))
    return PreparedBatch(
        connected=connected,
        drafts=drafts,
        sent_entries=await load_sent_entries(connection, queue.workspace_id, by_recipient.values()),
        destination_records=await load_destination_records(
            connection, queue, claimed, plans_reminders=connected.plans_reminders
        ),
        facts=await _record_facts(connection, final_check, connected, claimed, now),
        reminders=await _reminders(connection, connected, claimed),
    )


def render_batch(batch: PreparedBatch, final_check: FinalCheck, clock: Clock) -> None:
    """Renders what has no content yet, outside of any transaction: an operator's own templates may be slow.

    Deliveries whose turn comes so late that the lease would be too short to send them are postponed.
    """
    for draft in batch.drafts:
        if draft.content is not None:
            continue
        time_left = draft.claimed.leased_until - clock() - batch.connected.destination.pace.timeout
        if time_left <= timedelta(0):
            draft.content = Postponed(until=clock(), because="other messages of the queue took long to render")
            continue
        links = _links(draft.claimed, batch.connected, draft.meeting, final_check)
        draft.content = _render(batch, draft, links)
        if not isinstance(draft.content, NotSent | Postponed | GaveUp):
            draft.is_new = True
            draft.asks_for_yes = _contains(draft.content, links.get("confirm_url"))
            batch.sent_entries.add(draft.content)


async def store_batch(connection: asyncpg.Connection, batch: PreparedBatch, now: datetime) -> None:
    """Stores the new contents, from which every attempt is sent; a delivery whose booking changed meanwhile waits."""
    new = [draft for draft in batch.drafts if draft.is_new]
    changed = await _changed_meanwhile(connection, new, now)
    for draft in new:
        if (reason := changed.get(draft.claimed.id)) is not None:
            draft.content = reason
    contents = {draft.claimed.id: draft.content for draft in new if isinstance(draft.content, dict)}
    await _store_contents(connection, contents, now)
    await _mark_asking(connection, [draft.claimed.id for draft in new if draft.asks_for_yes])
    await save_sent_entries(connection, batch.connected.queue.workspace_id, contents.values(), now)


async def _changed_meanwhile(
    connection: asyncpg.Connection, drafts: Sequence[Draft], now: datetime
) -> dict[UUID, NotSent | Postponed]:
    """Returns the deliveries that nothing calls for any more, or whose booking changed, since the batch was loaded."""
    rows = await connection.fetch(
        """
        SELECT d.id, d.unwanted, d.attempt_id, b.version, b.status
        FROM deliveries d LEFT JOIN bookings b ON b.id = d.booking_id WHERE d.id = ANY($1::uuid[])
        -- Nobody claims one meanwhile. In the order in which all transactions lock deliveries, to avoid deadlocks.
        ORDER BY d.id FOR NO KEY UPDATE OF d
        """,
        [draft.claimed.id for draft in drafts],
    )
    current = {row["id"]: row for row in rows}
    found: dict[UUID, NotSent | Postponed] = {}
    for draft in drafts:
        row, meeting = current[draft.claimed.id], draft.meeting
        if row["unwanted"] is not None:
            found[draft.claimed.id] = NotSent(state="withdrawn", because=row["unwanted"])
        elif row["attempt_id"] != draft.claimed.attempt_id:
            found[draft.claimed.id] = Postponed(until=now, because="another process has claimed it meanwhile")
        elif meeting is not None and (row["version"], row["status"]) != (meeting.version, meeting.status):
            found[draft.claimed.id] = Postponed(until=now, because="the meeting changed while the message was rendered")
    return found


async def _reminders(
    connection: asyncpg.Connection, connected: ConnectedQueue, claimed: Sequence[Claimed]
) -> PlannedReminders:
    if not connected.plans_reminders:
        return {}
    return await load_planned_reminders(connection, {one.booking_id for one in claimed if one.booking_id is not None})


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
    if one.booking_id is None:
        return None
    # The question to the host is about the attendee whom its details name.
    attendee = one.details.get("attendee") if one.kind == OUTCOME else one.recipient
    return one.booking_id, attendee or ""


_NO_MEETING: Final = (UUID(int=0), "")


def _render(batch: PreparedBatch, draft: Draft, links: Mapping[str, str]) -> Content | NotSent | GaveUp:
    one, meeting, connected = draft.claimed, draft.meeting, batch.connected
    notification = Notification(
        delivery_id=one.id,
        workspace=connected.workspace,
        kind=one.kind,
        meeting=meeting,
        details={**one.details, **links},
        time_zone=connected.time_zone,
        decided_at=one.decided_at,
        sent_entries=() if meeting is None else batch.sent_entries.of(meeting),
        reminders=batch.reminders.get(_booking_recipient(one) or _NO_MEETING, ()),
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


def _contains(content: Content, url: str | None) -> bool:
    """Returns whether a rendered message has the link: an operator's own template may leave it out."""
    return url is not None and url.encode() in msgspec.json.encode(content)


def _links(one: Claimed, connected: ConnectedQueue, meeting: Meeting | None, final_check: FinalCheck) -> dict[str, str]:
    """Returns the links to Showup's own pages, which are secret."""
    if meeting is None:
        return {}
    workspace_id, email = connected.queue.workspace_id, meeting.guest.email
    if one.kind == "no_show":
        return {"unsubscribe_url": final_check.unsubscribe_url(workspace_id, email)}
    if one.kind == OUTCOME:
        own, shared = final_check.outcome_url(_outcome_request(one, workspace_id, meeting))
        return {"outcome_url": own, "form_url": shared}
    first, last = ASKING_SECONDS
    if one.kind == REMINDER and email and first <= one.details.get("before_seconds", 0) <= last:
        invitation = Invitation(
            workspace_id=workspace_id, booking_id=meeting.booking_id, start_time=meeting.start_time, email=email
        )
        url = final_check.confirm_url(invitation)
        return {} if url is None else {"confirm_url": url}
    return {}


def _outcome_request(one: Claimed, workspace_id: UUID, meeting: Meeting) -> OutcomeLink:
    return OutcomeLink(
        workspace_id=workspace_id,
        booking_id=meeting.booking_id,
        start_time=meeting.start_time,
        host=one.recipient or "",
        expires_at=(meeting.end_time or meeting.start_time) + VALID_FOR,
    )


async def _load_contents(connection: asyncpg.Connection, claimed: Sequence[Claimed]) -> dict[UUID, Content]:
    rows = await connection.fetch(
        "SELECT delivery_id, content FROM delivery_contents WHERE delivery_id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    return {row["delivery_id"]: row["content"] for row in rows}


async def _mark_asking(connection: asyncpg.Connection, delivery_ids: Sequence[UUID]) -> None:
    """Records which messages ask for a yes: only their recipients can be silent (`reads.attention`)."""
    if delivery_ids:
        mark = """UPDATE deliveries SET found = found || '{"asks_for_yes": true}' WHERE id = ANY($1::uuid[])"""
        await connection.execute(mark, list(delivery_ids))


async def _store_contents(connection: asyncpg.Connection, new_contents: Mapping[UUID, Content], now: datetime) -> None:
    # In the order in which all transactions lock deliveries, to avoid deadlocks.
    rows = [{"delivery_id": one, "content": new_contents[one], "rendered_at": now} for one in sorted(new_contents)]
    await bulk.insert_new(connection, delivery_contents, rows)
