"""The facts that the analysis counts: one record for each meeting, and one for each stay of a deal in a stage. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from showup.bookings.booking import Attendee, Booking, effective_source
from showup.values.time_zone import find_zone

MeetingState: TypeAlias = Literal[
    "showed", "assumed", "no_show", "host_absent", "open", "cancelled", "pending", "rejected"
]
"""How a meeting went. `showed` and `no_show` were reported, `assumed` is known by the clock only. `open`: accepted, and
not reported; whether it is still ahead depends on the time of the question."""

StageOutcome: TypeAlias = Literal["open", "onward", "back", "won", "lost", "cancelled"]
"""How a deal left a stage: `open` has not, `back` returned to a stage in which the deal was before."""

_HOUR: Final = timedelta(hours=1)
_MOST_HOURS: Final = 30_000
_MOST_DAYS: Final = 1_250


class MeetingFacts(Struct, frozen=True, kw_only=True):
    """One meeting. `day` and `booked_day` are in the workspace's time zone.

    `lead_days` and `lead_hours`: from the booking to the meeting, at least 0. `attendee_hour`: the hour of the start in
    the attendee's time zone; None if that is unknown. `moves`: how often it was rescheduled. `cancelled_before` and
    `moved_before`: hours from the cancellation, or the last reschedule, to the start that it gave up; below 0 after it.
    `interest_hours`: from the interest of the lead who booked to the booking; None for no lead, or a later interest.
    `seats`: of the attendees who were there from the beginning and keep them, if the meeting is accepted or requested.
    """

    day: date
    booked_day: date
    ends_at: datetime
    organizer: str
    source: str
    event_type: str
    simulated: bool
    state: MeetingState
    lead_days: int
    lead_hours: int
    attendee_hour: int | None
    moves: int
    confirmed: bool
    cancelled_before: int | None
    moved_before: int | None
    interest_hours: int | None
    version: int
    booked_at: datetime
    seats: int
    seats_showed: int
    seats_missed: int


def meeting_facts(
    booking: Booking,
    zone: ZoneInfo,
    *,
    cancelled_at: datetime | None = None,
    interested_at: datetime | None = None,
    is_matched: bool = False,
) -> MeetingFacts:
    """Return the facts of a booking. `zone` is the workspace's; `cancelled_at` counts for a cancelled booking only.

    `is_matched`: an attendee is a lead of a campaign; `interested_at`: when they showed interest in it.
    """
    day = booking.start_time.astimezone(zone).date()
    booked_day = booking.booked_at.astimezone(zone).date()
    attendee = booking.primary_attendee
    attendee_zone = find_zone(attendee.time_zone) if attendee is not None and attendee.time_zone else None
    state = _state(booking)
    seats = _seats(booking)
    return MeetingFacts(
        day=day,
        booked_day=booked_day,
        ends_at=booking.end_time or booking.start_time,
        organizer=booking.organizer_email or "",
        source=effective_source(booking.source, is_matched=is_matched),
        event_type=booking.event_type or "",
        simulated=booking.simulated,
        state=state,
        lead_days=min(max((day - booked_day).days, 0), _MOST_DAYS),
        lead_hours=max(_hours(booking.start_time - booking.booked_at), 0),
        attendee_hour=None if attendee_zone is None else booking.start_time.astimezone(attendee_zone).hour,
        moves=min(booking.reschedule_count, 1_000),
        confirmed=attendee is not None and attendee.confirmed_at is not None,
        cancelled_before=_hours(booking.start_time - cancelled_at) if state == "cancelled" and cancelled_at else None,
        moved_before=_moved_before(booking),
        interest_hours=interest_hours(booking.booked_at, interested_at),
        version=booking.version,
        booked_at=booking.booked_at,
        seats=len(seats),
        seats_showed=sum(one.attended is True for one in seats),
        seats_missed=sum(one.attended is False for one in seats),
    )


class StageStep(Struct, frozen=True, kw_only=True):
    """A change of a deal's stage or status; None: that one did not change."""

    at: datetime
    stage: str | None
    status: str | None


class StageVisit(Struct, frozen=True, kw_only=True):
    """A stay of a deal in a stage, from `entered_at`. `hours`: how long; None while it lasts."""

    stage: str
    entered_at: datetime
    outcome: StageOutcome
    hours: int | None


def last_value(before: Iterable[str | None], after: Iterable[str | None]) -> str | None:
    """Return what a value is after changes that follow each other, given in any order; None: what it was before them.

    Each change goes on from the value of another, so only the last value is reached more often than it is left.
    """
    remaining = Counter(after)
    remaining.subtract(before)
    return next((value for value, times in remaining.items() if times > 0 and value is not None), None)


def stage_visits(steps: Iterable[StageStep]) -> list[StageVisit]:
    """Return the stays of a deal in its stages, in order. A deal that is reopened begins another stay."""
    visits: list[StageVisit] = []
    stage, status, entered_at = "", "active", None
    for step in steps:
        next_stage, next_status = step.stage or stage, step.status or status
        if entered_at is not None and (next_stage != stage or next_status != "active"):
            outcome = _outcome(next_stage, next_status, stage, visits)
            visits.append(_visit(stage, entered_at, outcome, step.at))
            entered_at = None
        stage, status = next_stage, next_status
        if entered_at is None and status == "active":
            entered_at = step.at
    if entered_at is not None:
        visits.append(StageVisit(stage=stage, entered_at=entered_at, outcome="open", hours=None))
    return visits


def _outcome(next_stage: str, next_status: str, stage: str, visits: Sequence[StageVisit]) -> StageOutcome:
    match next_status:
        case "won" | "lost" | "cancelled":
            return next_status
        case _:
            earlier = {visit.stage for visit in visits} - {stage}
            return "back" if next_stage in earlier else "onward"


def _visit(stage: str, entered_at: datetime, outcome: StageOutcome, left_at: datetime) -> StageVisit:
    return StageVisit(stage=stage, entered_at=entered_at, outcome=outcome, hours=max(_hours(left_at - entered_at), 0))


def _seats(booking: Booking) -> list[Attendee]:
    """Return the attendees, without teammates."""
    if booking.status not in ("ACCEPTED", "PENDING"):
        return []
    return [one for one in booking.attendees if one.is_guest and one.left_at is None and one.joined_at is None]


def _state(booking: Booking) -> MeetingState:
    if booking.attended is not None:
        if not booking.attended:
            return "no_show"
        return "showed" if booking.evidence == "reported" else "assumed"
    if booking.host_absent:
        return "host_absent"
    match booking.status:
        case "CANCELLED":
            return "cancelled"
        case "PENDING":
            return "pending"
        case "REJECTED":
            return "rejected"
        case _:
            return "open"


def _moved_before(booking: Booking) -> int | None:
    if booking.reschedule_count == 0 or len(booking.uids) < 2:
        return None
    earlier, moved_at = booking.uids[-2].start_time, booking.uids[-1].since
    return None if earlier is None or moved_at is None else _hours(earlier - moved_at)


def interest_hours(booked_at: datetime, interested_at: datetime | None) -> int | None:
    """Return the whole hours from a lead's interest to the booking; None if there is none, or a later one."""
    return None if interested_at is None or interested_at > booked_at else _hours(booked_at - interested_at)


def _hours(duration: timedelta) -> int:
    """Return whole hours, within the range of a column."""
    return max(-_MOST_HOURS, min(duration // _HOUR, _MOST_HOURS))
