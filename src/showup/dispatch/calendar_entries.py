"""Remembers the calendar entries that mails put into attendees' calendars, so that each can be updated or cancelled."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import convert, to_builtins

from showup.database import bulk
from showup.database.delivery_tables import calendar_entries
from showup.destinations.contract import CalendarEntry, Content, Meeting


class SentEntries:
    """The entries of a batch's bookings: those sent before, and those of the mails that the batch has rendered.

    An entry counts as sent once its mail is rendered: the mail may reach the recipient even if no attempt succeeded.
    """

    def __init__(self, entries: Sequence[tuple[UUID, CalendarEntry]]) -> None:
        self._entries = {(one.uid, one.recipient): (booking_id, one) for booking_id, one in entries}
        self._new: dict[tuple[str, str], tuple[UUID, CalendarEntry]] = {}

    def of(self, meeting: Meeting) -> tuple[CalendarEntry, ...]:
        """Returns the entries that were sent for the booking, or under its present uid."""
        return tuple(
            entry
            for booking_id, entry in self._entries.values()
            if booking_id == meeting.booking_id or entry.uid == meeting.ical_uid
        )

    def add(self, booking_id: UUID, content: Content) -> None:
        """Adds the entry of a rendered mail, if it has one."""
        if (found := content.get("calendar_entry")) is not None:
            entry = convert(found, CalendarEntry)
            key = (entry.uid, entry.recipient)
            self._entries[key] = self._new[key] = (booking_id, entry)

    async def save(self, connection: asyncpg.Connection, workspace_id: UUID, now: datetime) -> None:
        """Stores the entries that were added."""
        rows = [
            {"workspace_id": workspace_id, "booking_id": booking_id, **to_builtins(entry), "sent_at": now}
            | {"start_time": entry.start_time}
            for _, (booking_id, entry) in sorted(self._new.items())
        ]
        await bulk.upsert(connection, calendar_entries, rows, key=("workspace_id", "uid", "recipient"))


async def load_sent_entries(
    connection: asyncpg.Connection, workspace_id: UUID, meetings: Collection[Meeting]
) -> SentEntries:
    """Returns the entries that were sent for these meetings, or under their uids."""
    rows = await connection.fetch(
        """
        SELECT booking_id, uid, recipient, method, sequence, organizer, start_time
        FROM calendar_entries
        WHERE workspace_id = $1 AND (booking_id = ANY($2::uuid[]) OR uid = ANY($3::text[]))
        """,
        workspace_id,
        list({one.booking_id for one in meetings}),
        list({one.ical_uid for one in meetings if one.ical_uid}),
    )
    return SentEntries([(row["booking_id"], convert(dict(row), CalendarEntry)) for row in rows])
