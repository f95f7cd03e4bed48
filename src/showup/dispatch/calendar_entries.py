"""Remembers the calendar entries that mails put into attendees' calendars, so that each can be updated or cancelled."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
from msgspec import convert
from msgspec.structs import asdict

from showup.database import bulk
from showup.database.delivery_tables import calendar_entries
from showup.destinations.contract import CalendarEntry, Content, Meeting, SeriesDate


class SentEntries:
    """The entries of a batch's bookings: those sent before, and those of the mails that the batch has rendered.

    An entry counts as sent once its mail is rendered: the mail may reach the recipient even if no attempt succeeded.
    """

    def __init__(self, entries: Sequence[CalendarEntry]) -> None:
        self._entries = {(one.uid, one.recipient): one for one in entries}
        self._new: dict[tuple[str, str], CalendarEntry] = {}

    def of(self, meeting: Meeting) -> tuple[CalendarEntry, ...]:
        """Returns the entries that were sent for the booking or its series, or under their present uids."""
        booking_ids = {meeting.booking_id, *(date.booking_id for date in meeting.series)}
        uids = {meeting.ical_uid, *(date.ical_uid for date in meeting.series)}
        return tuple(one for one in self._entries.values() if one.booking_id in booking_ids or one.uid in uids)

    def add(self, content: Content) -> None:
        """Adds the entries of a rendered mail."""
        for entry in convert(content.get("calendar_entries", ()), list[CalendarEntry]):
            key = (entry.uid, entry.recipient)
            self._entries[key] = self._new[key] = entry

    async def save(self, connection: asyncpg.Connection, workspace_id: UUID, now: datetime) -> None:
        """Stores the entries that were added."""
        rows = [
            {"workspace_id": workspace_id, **asdict(entry), "sent_at": now} for _, entry in sorted(self._new.items())
        ]
        await bulk.upsert(connection, calendar_entries, rows, key=("workspace_id", "uid", "recipient"))


async def load_sent_entries(
    connection: asyncpg.Connection, workspace_id: UUID, meetings: Collection[Meeting]
) -> SentEntries:
    """Returns the entries that were sent for these meetings and their series, or under their uids."""
    dates: list[Meeting | SeriesDate] = [*meetings, *(date for one in meetings for date in one.series)]
    rows = await connection.fetch(
        """
        SELECT coalesce(a.booking_id, e.booking_id) AS booking_id,
               uid, recipient, method, sequence, organizer, start_time
        FROM calendar_entries e LEFT JOIN booking_aliases a ON a.alias_id = e.booking_id
        WHERE e.workspace_id = $1 AND (
            e.booking_id = ANY($2::uuid[]) OR uid = ANY($3::text[])
            -- Its mail was sent for a booking that turned out to be this one.
            OR e.booking_id IN (SELECT alias_id FROM booking_aliases WHERE booking_id = ANY($2::uuid[]))
        )
        """,
        workspace_id,
        list({one.booking_id for one in dates}),
        list({one.ical_uid for one in dates if one.ical_uid}),
    )
    return SentEntries([CalendarEntry(**row) for row in rows])
