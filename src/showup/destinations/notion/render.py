"""Renders a notification as an update of pages: properties and their new values."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeAlias

from msgspec import Struct

from showup.destinations.contract import CannotRender, Meeting, NothingToSend, Notification
from showup.destinations.record_status import (
    CANCELLED,
    CREATED,
    NO_SHOW,
    RESCHEDULE_REQUESTED,
    RESCHEDULED,
    event_of,
    same_status,
)
from showup.values.time_zone import find_zone

_STATUS_SETTING: Final = "booking_status_property"
_DAY_SETTING: Final = "call_date_property"
SEARCHABLE: Final = ("email", "title", "rich_text", "url", "formula")
"""The property types that can be searched for an email address."""

_LONGEST_TEXT: Final = 2000
_YES, _NO = frozenset(("yes", "true", "on", "1")), frozenset(("no", "false", "off", "0"))


class Targets(Struct, frozen=True, kw_only=True):
    """Names of properties, "" for those left unchanged, and the words to write.

    `statuses`: the booking status by event (`record_status.event_of`); events that leave it unchanged are absent.
    `reminders`: the property of each reminder, by its seconds before the meeting. `has_sequences`: whether there is a
    database of email sequences.
    """

    status_property: str
    statuses: Mapping[str, str]
    day_property: str
    campaign_property: str
    campaign: str
    reminders: Mapping[int, str]
    has_sequences: bool

    @property
    def booking_events(self) -> frozenset[str]:
        """Returns the kinds of booking events that may change a page."""
        changing = {CANCELLED if one == RESCHEDULE_REQUESTED else one for one in self.statuses}
        # After a cancellation, the call date may be that of another meeting.
        return frozenset({CREATED, RESCHEDULED, *changing, *([CANCELLED] if self.day_property else [])})

    @property
    def missed_statuses(self) -> tuple[str, ...]:
        """Returns the statuses of meetings that do not take place, or did not."""
        found = (self.statuses.get(event) for event in (CANCELLED, RESCHEDULE_REQUESTED, NO_SHOW))
        return tuple(one for one in found if one)


class Word(Struct, frozen=True, tag=True):
    """One of a few words, such as a status. `among`: all words that Showup writes there, which replace each other."""

    text: str
    among: tuple[str, ...] = ()


class Day(Struct, frozen=True, tag=True):
    """A calendar day."""

    day: date


class Moment(Struct, frozen=True, tag=True):
    """A time, in UTC."""

    at: datetime


Value: TypeAlias = Word | Day | Moment


class PropertyEntry(Struct, frozen=True, kw_only=True):
    """One property of a page, and its new value. `setting` is the setting that names the property."""

    property: str
    setting: str
    value: Value


class Update(Struct, frozen=True, kw_only=True):
    """The update of the pages of the person with this email.

    `event` is the booking's event as `record_status.event_of` names it, "" for a reminder. `contact` are the values for
    the contact's page besides `status` and the call date, which depend on what the page says: `day` is the meeting's
    day in `time_zone`. `campaign`: whether to look for the email sequence, for its id and campaign. `notes` are for a
    person to read.
    """

    email: str
    event: str = ""
    status: PropertyEntry | None = None
    day_property: str = ""
    day: date | None = None
    time_zone: str = "UTC"
    contact: tuple[PropertyEntry, ...] = ()
    sequence: tuple[PropertyEntry, ...] = ()
    campaign: bool = False
    notes: tuple[str, ...] = ()

    @property
    def has_contact(self) -> bool:
        """Returns whether the contact's page may change."""
        return bool(self.status or self.day_property or self.contact)

    def day_entry(self, day: date) -> PropertyEntry:
        """Returns the call date as a property."""
        return PropertyEntry(property=self.day_property, setting=_DAY_SETTING, value=Day(day=day))


def render(notification: Notification, targets: Targets) -> Update:
    """Returns the update; its call date is the meeting's day in the workspace's time zone. Raises CannotRender."""
    meeting = notification.redact_uids().require_meeting()
    if not meeting.guest.email:
        raise NothingToSend("the attendee has no email address, and Showup finds Notion pages by email")
    if notification.kind == "reminder.sent":
        return _reminder_update(meeting, notification.details, targets)
    if notification.kind not in targets.booking_events:
        raise CannotRender(f"Notion does not receive {notification.kind}")
    return _booking_update(notification, meeting, targets)


def possible_update(targets: Targets) -> Update:
    """Returns every entry that these targets can ever write, for the health check."""
    day = date(2026, 1, 1)
    statuses = [_status(kind, targets) for kind in targets.statuses]
    sent = Moment(at=datetime(2026, 1, 1, tzinfo=UTC))
    return Update(
        email="",
        contact=(*filter(None, statuses), *([_day(day, targets)] if targets.day_property else []), *_campaign(targets)),
        sequence=tuple(_sent(name, sent) for name in targets.reminders.values()),
        campaign=targets.has_sequences,
    )


def _booking_update(notification: Notification, meeting: Meeting, targets: Targets) -> Update:
    day, notes = day_of(meeting, notification.time_zone)
    is_new = notification.kind == CREATED
    event = event_of(notification.kind, meeting)
    return Update(
        email=meeting.guest.email,
        event=event,
        status=_status(event, targets),
        day_property="" if day is None else targets.day_property,
        day=day,
        time_zone=notification.time_zone,
        contact=tuple(_campaign(targets)) if is_new else (),
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


def _status(event: str, targets: Targets) -> PropertyEntry | None:
    if not (value := targets.statuses.get(event)):
        return None
    word = Word(text=value, among=tuple(sorted(set(targets.statuses.values()))))
    return PropertyEntry(property=targets.status_property, setting=_STATUS_SETTING, value=word)


def _day(day: date, targets: Targets) -> PropertyEntry:
    return PropertyEntry(property=targets.day_property, setting=_DAY_SETTING, value=Day(day=day))


def _campaign(targets: Targets) -> Iterator[PropertyEntry]:
    if targets.campaign_property:
        word = Word(text=targets.campaign)
        yield PropertyEntry(property=targets.campaign_property, setting="campaign_status_property", value=word)


def _sent(name: str, sent: Moment) -> PropertyEntry:
    return PropertyEntry(property=name, setting="sequence_reminder_properties", value=sent)


def day_of(meeting: Meeting, time_zone: str) -> tuple[date | None, list[str]]:
    """Returns the meeting's day in the time zone; None, and a note, for an unknown time zone."""
    if (zone := find_zone(time_zone)) is not None:
        return meeting.start_time.astimezone(zone).date(), []
    return None, [f"the call date was not changed: {time_zone!r} is not a time zone. Correct the workspace's"]


class Property(Struct, frozen=True, kw_only=True):
    """A property of a data source; `options` are the names of its options, if it has any."""

    name: str
    type: str
    options: tuple[str, ...] = ()


class TypeMismatch(Exception):
    """Raised when the property can't hold the value; the text says why, and what to do."""


def filter_by(found: Property, email: str) -> dict[str, Any]:
    """Returns a filter for pages whose property contains the email; the caller compares exactly."""
    condition: dict[str, Any] = {"contains": email}
    if found.type == "formula":
        condition = {"string": condition}
    return {"property": found.name, found.type: condition}


def plain_text(stored: Mapping[str, Any] | None) -> str | None:
    """Returns a page's property as text; None where it is empty or not text."""
    kind = (stored or {}).get("type", "")
    value: Any = (stored or {}).get(kind)
    match kind, value:
        case (("title" | "rich_text"), list()):
            return "".join(str(part.get("plain_text", "")) for part in value) or None
        case (("select" | "status"), dict()):
            return str(value.get("name", "")) or None
        case "multi_select", list():
            return ", ".join(str(one.get("name", "")) for one in value) or None
        case "date", dict():
            return str(value.get("start") or "") or None
        case "formula", dict():
            return str(value.get(value.get("type", ""), "") or "") or None
        case (("email" | "url" | "phone_number"), str()):
            return value or None
        case _:
            return None


def status_there(stored: Mapping[str, Any] | None, last_set: str | None) -> str:
    """Returns the status that a property shows: the last one that Showup set, if it is among several."""
    if (stored or {}).get("type") == "checkbox":
        is_ticked = bool((stored or {}).get("checkbox"))
        is_ours = last_set is not None and (last_set.lower() in _YES) == is_ticked
        return last_set or "" if is_ours else "yes" if is_ticked else "no"
    names = [str(one.get("name", "")) for one in (stored or {}).get("multi_select") or ()]
    if last_set is not None and any(same_status(one, last_set) for one in names):
        return last_set
    return plain_text(stored) or ""


def to_property_value(found: Property, entry: PropertyEntry, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Returns the entry's value for the property's type, given the page's present value. Raises TypeMismatch."""
    value = entry.value
    match found.type, value:
        case (("select" | "status"), Word()):
            return {found.type: {"name": _option(found, value.text)}}
        case "multi_select", Word():
            return {"multi_select": [{"name": name} for name in _merged_options(found, value, stored)]}
        case "date", (Day() | Moment()):
            return {"date": {"start": text_of(value)}}
        case (("rich_text" | "title"), _):
            return {found.type: [{"type": "text", "text": {"content": text_of(value)[:_LONGEST_TEXT]}}]}
        case "checkbox", Moment():
            return {"checkbox": True}
        case "checkbox", Word() if value.text.lower() in _YES | _NO:
            return {"checkbox": value.text.lower() in _YES}
    raise TypeMismatch(
        f"the property {found.name!r} has the type {found.type}, which can't store {text_of(value)!r}: "
        f"change its type in Notion, or set {entry.setting}"
    )


def text_of(value: Value) -> str:
    """Returns the value as text; times and days in ISO 8601."""
    match value:
        case Word():
            return value.text
        case Day():
            return value.day.isoformat()
        case Moment():
            return f"{value.at:%Y-%m-%dT%H:%M:%SZ}"


def _option(found: Property, word: str) -> str:
    """Returns the option as the property spells it. Notion creates new options for a select, but never for a status."""
    spelled = next((one for one in found.options if same_status(one, word)), None)
    if spelled is None and found.type == "status":
        has = ", ".join(found.options) or "none"
        raise TypeMismatch(f"the property {found.name!r} has no option {word!r} (it has {has}): add it in Notion")
    return spelled or word


def _merged_options(found: Property, word: Word, stored: Mapping[str, Any] | None) -> list[str]:
    """Keeps the other options; replaces only the words that Showup writes."""
    own_words = {one.casefold() for one in (*word.among, word.text)}
    names = [str(one.get("name", "")) for one in (stored or {}).get("multi_select") or ()]
    return [*(name for name in names if name.casefold() not in own_words), _option(found, word.text)]
