"""A notice becomes an update of pages: which properties, and what they are to hold."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from showup.destinations.contract import CannotRender, Meeting, NothingToTell, Notice
from showup.destinations.notion.targets import Targets
from showup.destinations.notion.update import Day, Entry, Moment, Update, Word


def render(notice: Notice, targets: Targets) -> Update:
    """The update; its call date is the meeting's day in the workspace's time zone. Raises CannotRender."""
    meeting = notice.of_meeting()
    if not meeting.guest.email:
        raise NothingToTell("the attendee is known by phone only, and Notion is searched by email")
    if notice.kind == "reminder.sent":
        return _of_reminder(meeting, notice.details, targets)
    if notice.kind not in ("booking.created", "booking.rescheduled", *targets.statuses):
        raise CannotRender(f"Notion is told nothing of {notice.kind}")
    return _of_booking(notice, meeting, targets)


def everything(targets: Targets) -> Update:
    """All that may ever be written by these targets, to see whether it can be."""
    day = date(2026, 1, 1)
    statuses = [_status(kind, targets) for kind in targets.statuses]
    sent = Moment(at=datetime(2026, 1, 1, tzinfo=UTC))
    return Update(
        email="",
        contact=(*(one for found in statuses for one in found), *_day(day, targets), *_campaign(targets)),
        sequence=tuple(_sent(name, sent) for name in targets.reminders.values()),
        campaign=targets.has_sequences,
    )


def _of_booking(notice: Notice, meeting: Meeting, targets: Targets) -> Update:
    day, notes = _day_of(meeting, notice.time_zone)
    entries = [*_status(notice.kind, targets)]
    is_new = notice.kind == "booking.created"
    stands = is_new or notice.kind == "booking.rescheduled"
    if stands and day is not None:
        entries += _day(day, targets)
    if is_new:
        entries += _campaign(targets)
    return Update(
        email=meeting.guest.email,
        contact=tuple(entries),
        only_of=None if stands else day,
        campaign=is_new and targets.has_sequences,
        notes=tuple(notes),
    )


def _of_reminder(meeting: Meeting, details: dict[str, Any], targets: Targets) -> Update:
    """Only what went by mail: the properties of an email sequence say when its emails were sent."""
    name = targets.reminders.get(int(details.get("before_seconds") or 0))
    before = timedelta(seconds=int(details.get("before_seconds") or 0))
    if details.get("by", "email") != "email" or name is None or not targets.has_sequences:
        because = f"no property is set for a reminder {before} before the meeting by {details.get('by', 'email')}"
        return Update(email=meeting.guest.email, notes=(because,))
    sent = Moment(at=datetime.fromisoformat(str(details["sent_at"])))
    return Update(email=meeting.guest.email, sequence=(_sent(name, sent),))


def _status(kind: str, targets: Targets) -> Iterator[Entry]:
    if value := targets.statuses.get(kind):
        word = Word(text=value, among=tuple(sorted(set(targets.statuses.values()))))
        yield Entry(property=targets.status_property, setting="booking_status_property", value=word)


def _day(day: date, targets: Targets) -> Iterator[Entry]:
    if targets.day_property:
        yield Entry(property=targets.day_property, setting="call_date_property", value=Day(day=day))


def _campaign(targets: Targets) -> Iterator[Entry]:
    if targets.campaign_property:
        word = Word(text=targets.campaign)
        yield Entry(property=targets.campaign_property, setting="campaign_status_property", value=word)


def _sent(name: str, sent: Moment) -> Entry:
    return Entry(property=name, setting="sequence_reminder_properties", value=sent)


def _day_of(meeting: Meeting, time_zone: str) -> tuple[date | None, list[str]]:
    try:
        zone: tzinfo = ZoneInfo(time_zone)
        return meeting.start_time.astimezone(zone).date(), []
    except (ZoneInfoNotFoundError, ValueError, OSError, OverflowError):
        return None, [f"the call date was left alone: {time_zone!r} is no time zone; put the workspace's right"]
