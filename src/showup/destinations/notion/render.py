"""Renders a notification as an update of pages: properties and their new values."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification
from showup.destinations.notion.targets import Targets
from showup.destinations.notion.update import Day, Moment, PropertyEntry, Update, Word
from showup.values.time_zone import find_zone


def render(notification: Notification, targets: Targets) -> Update:
    """Returns the update; its call date is the meeting's day in the workspace's time zone. Raises CannotRender."""
    meeting = notification.require_meeting()
    if not meeting.guest.email:
        raise NothingToSend("the attendee has no email address, and Showup finds Notion pages by email")
    if notification.kind == "reminder.sent":
        return _reminder_update(meeting, notification.details, targets)
    if notification.kind not in ("booking.created", "booking.rescheduled", *targets.statuses):
        raise CannotRender(f"Notion does not receive {notification.kind}")
    return _booking_update(notification, meeting, targets)


def possible_update(targets: Targets) -> Update:
    """Returns every entry that these targets can ever write, for the health check."""
    day = date(2026, 1, 1)
    statuses = [_status(kind, targets) for kind in targets.statuses]
    sent = Moment(at=datetime(2026, 1, 1, tzinfo=UTC))
    return Update(
        email="",
        contact=(*(one for found in statuses for one in found), *_day(day, targets), *_campaign(targets)),
        sequence=tuple(_sent(name, sent) for name in targets.reminders.values()),
        campaign=targets.has_sequences,
    )


def _booking_update(notification: Notification, meeting: Meeting, targets: Targets) -> Update:
    day, notes = _day_of(meeting, notification.time_zone)
    entries = [*_status(notification.kind, targets)]
    is_new = notification.kind == "booking.created"
    is_scheduled = is_new or notification.kind == "booking.rescheduled"
    if is_scheduled and day is not None:
        entries += _day(day, targets)
    if is_new:
        entries += _campaign(targets)
    return Update(
        email=meeting.guest.email,
        contact=tuple(entries),
        only_of=None if is_scheduled else day,
        campaign=is_new and targets.has_sequences,
        notes=tuple(notes),
    )


def _reminder_update(meeting: Meeting, details: dict[str, Any], targets: Targets) -> Update:
    """Only mail: the properties of an email sequence say when its emails were sent."""
    name = targets.reminders.get(int(details.get("before_seconds") or 0))
    before = timedelta(seconds=int(details.get("before_seconds") or 0))
    if details.get("by", "email") != "email" or name is None or not targets.has_sequences:
        because = f"no property is set for a reminder {before} before the meeting by {details.get('by', 'email')}"
        return Update(email=meeting.guest.email, notes=(because,))
    sent = Moment(at=datetime.fromisoformat(str(details["sent_at"])))
    return Update(email=meeting.guest.email, sequence=(_sent(name, sent),))


def _status(kind: str, targets: Targets) -> Iterator[PropertyEntry]:
    if value := targets.statuses.get(kind):
        word = Word(text=value, among=tuple(sorted(set(targets.statuses.values()))))
        yield PropertyEntry(property=targets.status_property, setting="booking_status_property", value=word)


def _day(day: date, targets: Targets) -> Iterator[PropertyEntry]:
    if targets.day_property:
        yield PropertyEntry(property=targets.day_property, setting="call_date_property", value=Day(day=day))


def _campaign(targets: Targets) -> Iterator[PropertyEntry]:
    if targets.campaign_property:
        word = Word(text=targets.campaign)
        yield PropertyEntry(property=targets.campaign_property, setting="campaign_status_property", value=word)


def _sent(name: str, sent: Moment) -> PropertyEntry:
    return PropertyEntry(property=name, setting="sequence_reminder_properties", value=sent)


def _day_of(meeting: Meeting, time_zone: str) -> tuple[date | None, list[str]]:
    if (zone := find_zone(time_zone)) is not None:
        return meeting.start_time.astimezone(zone).date(), []
    return None, [f"the call date was not changed: {time_zone!r} is not a time zone. Correct the workspace's"]
