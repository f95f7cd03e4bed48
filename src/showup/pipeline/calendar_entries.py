"""The calendar entries that messages put into attendees' calendars, and the messages that remove old ones (F01).

Only the dispatcher knows which entries were really sent. So a cleanup is planned for each entry that may exist, and is
skipped at the moment of sending if the recipient never had it, or if it holds again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from showup.bookings.booking import Booking
from showup.outbox.planned import (
    CALENDAR_CLEANUP,
    CANCELLED,
    CONFIRMATION,
    NEW_HOST,
    NEW_PLACE,
    RESCHEDULE_REQUEST,
    RESCHEDULED,
    SERIES,
    PlannedDelivery,
)
from showup.pipeline.change import Change

_ADDS: Final = frozenset({CONFIRMATION, SERIES, RESCHEDULED, NEW_PLACE, NEW_HOST})
_REMOVES: Final = frozenset({CANCELLED, RESCHEDULE_REQUEST})


class OpenEntry(Struct, frozen=True, kw_only=True):
    """An entry that may exist: when its meeting was to begin, and the key of the message that removes it, if any."""

    start_time: datetime
    removed_by: str | None = None


OpenEntries: TypeAlias = dict[tuple[str, str], OpenEntry]
"""Open entries by recipient and iCalendar uid."""


def cleanups(
    change: Change, entries: OpenEntries, messages: Mapping[str, PlannedDelivery], planned: Sequence[PlannedDelivery]
) -> list[PlannedDelivery]:
    """Return the messages that remove the entries that the change leaves behind; `entries` is updated.

    `messages` are those planned before, `planned` the other messages of this change. An entry stays open until a fresh
    event removes it, or until its meeting has begun.
    """
    after, received_at = change.after, change.record.received_at
    valid = _valid_entries(after)
    found = []
    for (recipient, uid), entry in list(entries.items()):
        if entry.start_time <= received_at:
            del entries[recipient, uid]
        elif (recipient, uid) not in valid and change.is_fresh and not _is_removed(entry, messages):
            # Another message of the change may cancel the entry: the one under the current uid.
            cancellation = _cancellation(planned, recipient) if uid == after.ical_uid else None
            if cancellation is not None:
                entries[recipient, uid] = replace(entry, removed_by=cancellation.key)
            else:
                del entries[recipient, uid]
                found.append(_cleanup(change, recipient, uid, entry))
    for message in planned:
        if message.kind in _ADDS and _is_sent(message) and after.ical_uid is not None:
            entries[message.recipient, after.ical_uid] = OpenEntry(start_time=after.start_time)
    return found


def _cleanup(change: Change, recipient: str, uid: str, entry: OpenEntry) -> PlannedDelivery:
    # The uid is secret: it contains the booking's uid.
    digest = sha256(uid.encode()).hexdigest()[:16]
    key = f"{CALENDAR_CLEANUP}:{digest}:{recipient}"
    return change.message(CALENDAR_CLEANUP, recipient, key, expires_at=entry.start_time, details={"entry": digest})


def _valid_entries(booking: Booking) -> set[tuple[str, str]]:
    if not booking.is_live or booking.ical_uid is None:
        return set()
    return {(one.email, booking.ical_uid) for one in booking.seats if one.email is not None}


def _cancellation(planned: Sequence[PlannedDelivery], recipient: str) -> PlannedDelivery | None:
    cancels = (one for one in planned if one.kind in _REMOVES and _is_sent(one))
    return next((one for one in cancels if one.recipient == recipient), None)


def _is_removed(entry: OpenEntry, messages: Mapping[str, PlannedDelivery]) -> bool:
    """Return whether a message removes the entry: one that was withdrawn may not have been sent."""
    return entry.removed_by is not None and messages[entry.removed_by].state != "withdrawn"


def _is_sent(message: PlannedDelivery) -> bool:
    return message.state == "scheduled" and message.is_mailed
