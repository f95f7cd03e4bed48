"""Decides which status a person's record in a CRM gets after an event about one of their meetings (TE5, TE6). Pure.

All destinations that keep a record for each prospect use this decision.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from showup.destinations.contract import Meeting

CREATED: Final = "booking.created"
RESCHEDULED: Final = "booking.rescheduled"
REASSIGNED: Final = "booking.reassigned"
LOCATION_CHANGED: Final = "booking.location_changed"
CANCELLED: Final = "booking.cancelled"
NO_SHOW: Final = "booking.no_show"
SHOWED: Final = "booking.showed"
CONFIRMED: Final = "booking.confirmed"
RESCHEDULE_REQUESTED: Final = "booking.reschedule_requested"
"""A cancellation by which the host asks for another time; subscribers receive it as `booking.cancelled`."""

StatusChange: TypeAlias = Literal["booked", "changed", "ended"]
"""What an event says of its meeting: it was booked, it stands but changed, or it is cancelled or over."""


class RecordState(Struct, frozen=True, kw_only=True):
    """A record as it is now.

    `status` is its status; `last_set` the one that Showup set there last, None if it never set one. `is_new`: Showup is
    creating the record. `is_known`: an earlier delivery about this booking updated it. `meeting_ahead` says that
    another accepted meeting of this record is ahead (`describe_ahead`); None if there is none.
    """

    status: str = ""
    last_set: str | None = None
    is_new: bool = False
    is_known: bool = False
    meeting_ahead: str | None = None


class StatusDecision(Struct, frozen=True, kw_only=True):
    """The status to set, or None to leave it; `because` explains why the status of an ended meeting is not set."""

    status: str | None = None
    because: str | None = None


def event_of(kind: str, meeting: Meeting) -> str:
    """Returns the event kind, where a request for another time is an event of its own."""
    return RESCHEDULE_REQUESTED if kind == CANCELLED and meeting.reschedule_requested else kind


def describe_ahead(meeting: Meeting | None, when: str, now: datetime) -> str | None:
    """Returns why `Attempt.meeting_ahead` keeps the status; `when` is its time for people. None without a meeting."""
    if meeting is None:
        return None
    is_over = (meeting.end_time or meeting.start_time) <= now
    return f"a later meeting was on {when}" if is_over else f"another meeting is ahead on {when}"


def change_of(event: str) -> StatusChange:
    """Returns what an event says of its meeting."""
    if event in (CANCELLED, RESCHEDULE_REQUESTED, NO_SHOW, SHOWED):
        return "ended"
    return "booked" if event == CREATED else "changed"


def decide_status(
    change: StatusChange, wanted: str | None, record: RecordState, ended_statuses: Collection[str]
) -> StatusDecision:
    """Decides whether the record gets the wanted status of an event.

    A new booking sets its status. A change of a meeting that stands replaces the last status that Showup set and the
    `ended_statuses`, those of meetings that are cancelled or were missed. An ended meeting replaces only the last one
    that Showup set, and only if no other meeting is ahead.
    """
    if not wanted:
        return StatusDecision()
    if change == "ended" and record.meeting_ahead:
        return StatusDecision(because=record.meeting_ahead)
    # A record without a status has none that a person chose, unless they removed Showup's.
    is_ours = same_status(record.status, record.last_set or "")
    if record.is_new or is_ours or same_status(record.status, wanted):
        return StatusDecision(status=wanted)
    if change == "ended":
        return StatusDecision(because=f"Showup did not set the status {record.status!r}")
    is_booking = change == "booked" and (record.last_set is None or not record.is_known)
    is_first = record.last_set is None and not record.is_known
    is_ended = any(same_status(record.status, one) for one in ended_statuses)
    return StatusDecision(status=wanted if is_booking or is_first or is_ended else None)


def same_status(one: str, other: str) -> bool:
    """Returns whether two names mean the same status: vendors ignore letter case and spacing."""
    return _comparable(one) == _comparable(other)


def _comparable(status: str) -> str:
    return " ".join(status.split()).casefold()
