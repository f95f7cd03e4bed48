"""Renders a booking's notification as the flow runs that it needs: one for each planned reminder of the attendee."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification, PlannedReminder
from showup.destinations.lines import one_line, truncate
from showup.destinations.record_status import CREATED

EVENTS: Final = frozenset(
    {
        *("booking.created", "booking.requested", "booking.rescheduled", "booking.cancelled", "booking.rejected"),
        *("booking.reassigned", "booking.location_changed"),
    }
)
"""The events that may change a reminder's time, or what its flow is told."""

_LONGEST_NAME, _LONGEST_VALUE = 100, 2_000


class FlowValues(Struct, frozen=True, kw_only=True):
    """The values that a flow's parameters can have; None where unknown. docs/PREFECT.md describes each."""

    reminder: str
    before_minutes: int
    remind_at: str
    booking_id: str
    workspace: str
    email: str
    name: str | None
    time_zone: str | None
    locale: str | None
    title: str
    event_type: str | None
    meeting_time: str
    meeting_end_time: str | None
    meeting_url: str | None
    location: str | None
    organizer_name: str | None
    organizer_email: str | None
    company_name: str | None


VALUES: Final = FlowValues.__struct_fields__


class PlannedRun(Struct, frozen=True, kw_only=True):
    """The flow run of one reminder. `reminder` is the reminder's id, `before` its time before the meeting in seconds.

    From `expires_at` on, it is too late to create it. `is_ahead`: it was due after the event, so that it may be
    created; an earlier one is left as it is.
    """

    reminder: str
    before: int
    due_at: datetime
    expires_at: datetime
    is_ahead: bool
    name: str
    parameters: dict[str, Any]


class FlowRunPlan(Struct, frozen=True, kw_only=True):
    """All flow runs of one attendee of one booking. `tags` find those that exist.

    `by_name`: the parameters have the names of Showup's values, and a flow gets only those that it declares.
    """

    tags: tuple[str, ...]
    runs: tuple[PlannedRun, ...]
    by_name: bool


def render(notification: Notification, parameters: Mapping[str, str]) -> FlowRunPlan:
    """Returns the flow runs that the meeting needs; none if it will not take place. Raises CannotRender.

    `parameters`: Showup's value for each parameter of the flow; empty for those of the same names.
    """
    meeting = notification.redact_uids().require_meeting()
    if notification.kind not in EVENTS:
        raise CannotRender(f"Prefect does not receive {notification.kind}")
    if not meeting.guest.email:
        raise NothingToSend("the attendee has no email address, and only attendees with one get reminders")
    is_on = meeting.status == "ACCEPTED" and not meeting.guest.has_left
    reminders = notification.reminders if is_on else ()
    if notification.kind == CREATED and is_on and not reminders:
        raise NothingToSend("no reminder is planned: the meeting is too soon, or the rules have none")
    decided_at = notification.decided_at or datetime.min.replace(tzinfo=UTC)
    return FlowRunPlan(
        tags=_tags(meeting),
        runs=tuple(_run(notification, meeting, one, parameters, decided_at) for one in reminders),
        by_name=not parameters,
    )


def _tags(meeting: Meeting) -> tuple[str, ...]:
    # Tags are shown everywhere in Prefect, so they have no address.
    attendee = sha256(meeting.guest.email.encode(errors="replace")).hexdigest()[:16]
    return "showup", f"showup-booking:{meeting.booking_id}", f"showup-attendee:{attendee}"


def _run(
    notification: Notification,
    meeting: Meeting,
    reminder: PlannedReminder,
    parameters: Mapping[str, str],
    decided_at: datetime,
) -> PlannedRun:
    values = asdict(_values(notification.workspace, meeting, reminder))
    label = truncate(_text(meeting.title) or "meeting", _LONGEST_NAME)
    return PlannedRun(
        reminder=str(reminder.id),
        before=reminder.before_seconds,
        due_at=reminder.due_at,
        expires_at=reminder.expires_at,
        is_ahead=reminder.due_at > decided_at,
        name=f"Reminder {values['reminder']} before: {label}",
        parameters={name: values[value] for name, value in parameters.items()} if parameters else values,
    )


def _values(workspace: str, meeting: Meeting, reminder: PlannedReminder) -> FlowValues:
    guest = meeting.guest
    return FlowValues(
        reminder=_short_duration(reminder.before_seconds),
        before_minutes=reminder.before_seconds // 60,
        remind_at=_moment(reminder.due_at),
        booking_id=str(meeting.booking_id),
        workspace=workspace,
        email=guest.email,
        name=_text(guest.name),
        time_zone=_text(guest.time_zone),
        locale=_text(guest.locale),
        title=_text(meeting.redact_organizer(meeting.title)) or "",
        event_type=_text(meeting.event_type),
        meeting_time=_moment(meeting.start_time),
        meeting_end_time=None if meeting.end_time is None else _moment(meeting.end_time),
        meeting_url=_text(meeting.meeting_url),
        location=_text(meeting.redact_organizer(meeting.location)),
        organizer_name=_text(meeting.redact_organizer(meeting.organizer_name)),
        organizer_email=_text(meeting.contact_email),
        company_name=_text(meeting.company_name),
    )


def _text(text: str | None) -> str | None:
    # PostgreSQL, in which Prefect may store it, takes no NUL and no lone surrogate.
    plain = one_line(text or "").encode(errors="replace").decode()
    return truncate(plain, _LONGEST_VALUE) or None


def _short_duration(seconds: int) -> str:
    """Returns the duration as the rules have it, such as `72h` or `3m`."""
    span = timedelta(seconds=seconds)
    for unit, letter in ((timedelta(hours=1), "h"), (timedelta(minutes=1), "m")):
        if span >= unit and not span % unit:
            return f"{span // unit}{letter}"
    return f"{seconds}s"


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
