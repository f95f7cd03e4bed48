"""What a letter can say: everything that is known about a meeting, in the attendee's language and time zone."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, TypeVar
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from showup.destinations.contract import Meeting, Notification
from showup.destinations.email.brand import Brand
from showup.destinations.email.letters.names import Host, first_name, guest_first_name, host_of_meeting
from showup.destinations.email.letters.place import Place, place_of
from showup.destinations.email.texts import AgendaItem, EventTypeTexts, TeammateTexts, TeamTexts, in_language
from showup.destinations.languages import Wording
from showup.destinations.lines import one_line, truncate
from showup.destinations.links import cancel_url, reschedule_url, web_link
from showup.destinations.localized_time import LocalizedTime, day_with_year, localized_time
from showup.values.time_zone import zone_of

Invitation: TypeAlias = Literal["attached", "host_calendar", "links", "none"]
"""How the meeting gets into the attendee's calendar: a file of this mail, the host's calendar, or links."""

Actor: TypeAlias = Literal["host", "attendee", "unknown"]

_Value = TypeVar("_Value")

LONGEST_TITLE: Final = 300
LONGEST_TEXT: Final = 500
_LONGEST_NOTES: Final = 280
_WEEK: Final = 6


class Facts(Struct, frozen=True, kw_only=True):
    """The facts of one letter. Texts from outside are one line, without control characters, and cut.

    `when` is the time to go by: the place's zone in person, the attendee's otherwise. `other_when` is the attendee's
    own time where it differs; `zone` is that of `when`. `reply_name` is who gets a reply; None if a reply reaches no
    person.
    """

    words: Wording
    now: datetime
    details: dict[str, Any]
    meeting: Meeting
    brand: Brand
    texts: EventTypeTexts
    teammate: TeammateTexts
    host: Host
    guest: str | None
    title: str
    minutes: int | None
    when: LocalizedTime
    other_when: LocalizedTime | None
    zone: ZoneInfo
    place: Place
    invitation: Invitation
    move_url: str | None
    cancel_url: str | None
    rebook_url: str | None
    reply_name: str | None
    reply_address: str | None

    @property
    def writes_i(self) -> bool:
        """Returns whether the letter says “I”."""
        return self.host.writes_i

    @property
    def day_word(self) -> str:
        """Returns the meeting's day in a sentence: its weekday within a week, else its date."""
        return self.when.weekday if self.is_this_week else self.when.date

    @property
    def short_day(self) -> str:
        """Returns the same for a subject: its weekday within a week, else its short date."""
        return self.when.weekday if self.is_this_week else self.when.day

    @property
    def is_this_week(self) -> bool:
        """Returns whether a weekday alone says which day is meant."""
        return 0 <= self.when.days_ahead <= _WEEK

    @property
    def time_and_place(self) -> str:
        """Returns the time for a subject; in person with the place's city or zone."""
        if self.place.kind != "in_person":
            return self.when.time
        if self.city:
            return self.words.say("{hours} in {city}", hours=self.when.time, city=self.city)
        return f"{self.when.time}, {self.when.zone}"

    @property
    def city(self) -> str | None:
        """Returns the city of the place's time zone, if the place is in it: it often is not."""
        city = self.when.city
        is_there = city is not None and any(city.casefold() in line.casefold() for line in self.place.address)
        return city if is_there else None

    @property
    def agenda(self) -> Sequence[AgendaItem]:
        """Returns the agenda, empty if there is none."""
        return self._own(self.texts.agenda, ())

    @property
    def prepare(self) -> Sequence[str]:
        """Returns what to bring, empty if nothing is set."""
        return self._own(self.texts.prepare, ())

    @property
    def topic(self) -> str:
        """Returns what the meeting is about, or an empty text."""
        return self._own(self.texts.topic, "")

    @property
    def arriving(self) -> str:
        """Returns how to get in, or an empty text."""
        return self._own(self.texts.arriving, "")

    @property
    def role(self) -> str:
        """Returns the host's role, with the brand where there is one."""
        role = self._own(self.teammate.role, "")
        return ", ".join(filter(None, (role, self.brand.name))) if role else ""

    @property
    def bio(self) -> str:
        """Returns a sentence about the host, or an empty text."""
        return self._own(self.teammate.bio, "")

    @property
    def notes(self) -> str | None:
        """Returns what the attendee wrote, cut at a word; None without it, and for guests: the booker wrote it."""
        if self.meeting.guest.is_invited:
            return None
        return cut_at_word(one_line(self.meeting.notes or ""), _LONGEST_NOTES) or None

    @property
    def inviter(self) -> str | None:
        """Returns the first name of who invited the recipient; None if unknown, or if the recipient booked."""
        return first_name(None, self.meeting.guest.invited_by)

    @property
    def has_left(self) -> bool:
        """Returns whether the attendee no longer takes part."""
        return self.meeting.guest.has_left

    def time_of(self, start: datetime, end: datetime | None = None) -> LocalizedTime:
        """Returns another time, in the same zone and form as `when`."""
        locale = self.meeting.guest.locale
        home = _guest_zone(self.meeting)
        return localized_time(start, end, self.zone, words=self.words, locale=locale, now=self.now, home=home)

    def dated(self, start: datetime) -> str:
        """Returns a day with its year."""
        return day_with_year(start, self.zone, words=self.words, locale=self.meeting.guest.locale)

    def about(self, meeting: Meeting, *, zone: ZoneInfo | None = None) -> "Facts":
        """Returns the same facts about another date: its time, in this zone or its own, its place and its links."""
        place = place_of(meeting, self.texts, self.teammate)
        moved = replace(
            self,
            meeting=meeting,
            minutes=_minutes(meeting),
            zone=zone or _main_zone(meeting, self.texts, place),
            place=place,
            move_url=reschedule_url(meeting),
            cancel_url=cancel_url(meeting),
        )
        when = moved.time_of(meeting.start_time, meeting.end_time)
        return replace(moved, when=when, other_when=None)

    def by_whom(self, email: str | None) -> Actor:
        """Returns whose address it is."""
        address = (email or "").lower()
        if not address:
            return "unknown"
        if address == self.meeting.guest.email.lower():
            return "attendee"
        return "host" if address == (self.meeting.organizer_email or "").lower() else "unknown"

    def detail(self, name: str) -> str | None:
        """Returns a text of the notification's details, as one line."""
        return one_line(str(self.details.get(name) or ""))[:LONGEST_TEXT] or None

    def _own(self, value: _Value | Mapping[str, _Value], empty: _Value) -> _Value:
        return in_language(value, self.words.language, empty, only_translated=self.texts.only_translated)


def facts_of(
    notification: Notification,
    *,
    words: Wording,
    brand: Brand,
    team: TeamTexts,
    invitation: Invitation,
    reply_to: tuple[str, str | None] | None,
    now: datetime,
) -> Facts:
    """Returns the facts. `reply_to` is the address that gets replies, and whose it is; None if nobody reads it."""
    meeting, details = notification.require_meeting(), notification.details
    texts, teammate = team.event_type(meeting.event_type), team.teammate(meeting.organizer_email)
    place = place_of(meeting, texts, teammate)
    guest_zone = _guest_zone(meeting)
    zone = _main_zone(meeting, texts, place)

    def formatted(one: ZoneInfo) -> LocalizedTime:
        start, end, locale = meeting.start_time, meeting.end_time, meeting.guest.locale
        return localized_time(start, end, one, words=words, locale=locale, now=now, home=guest_zone)

    is_elsewhere = (
        meeting.start_time.astimezone(zone).utcoffset() != meeting.start_time.astimezone(guest_zone).utcoffset()
    )
    return Facts(
        words=words,
        now=now,
        details=details,
        meeting=meeting,
        brand=brand,
        texts=texts,
        teammate=teammate,
        host=host_of_meeting(meeting, brand.name, words),
        guest=guest_first_name(meeting.guest),
        title=truncate(one_line(meeting.event_type_title or meeting.title), LONGEST_TITLE) or words.say("Your meeting"),
        minutes=_minutes(meeting),
        when=formatted(zone),
        other_when=formatted(guest_zone) if is_elsewhere else None,
        zone=zone,
        place=place,
        invitation=invitation,
        move_url=reschedule_url(meeting),
        cancel_url=cancel_url(meeting),
        rebook_url=web_link(details.get("rebook_url")) or web_link(texts.booking_page),
        reply_name=None if reply_to is None else reply_to[1],
        reply_address=None if reply_to is None else reply_to[0],
    )


def cut_at_word(text: str, longest: int) -> str:
    """Returns at most `longest` characters, cut after a word, with an ellipsis."""
    if len(text) <= longest:
        return text
    shortened = text[: longest - 1]
    # Languages without spaces are cut anywhere.
    return f"{shortened.rpartition(' ')[0] or shortened}…"


def _guest_zone(meeting: Meeting) -> ZoneInfo:
    return zone_of(meeting.guest.time_zone, meeting.organizer_time_zone)


def _main_zone(meeting: Meeting, texts: EventTypeTexts, place: Place) -> ZoneInfo:
    if place.kind == "in_person":
        return zone_of(texts.place_zone, meeting.organizer_time_zone, meeting.guest.time_zone)
    return _guest_zone(meeting)


def _minutes(meeting: Meeting) -> int | None:
    if meeting.end_time is None:
        return None
    minutes = (meeting.end_time - meeting.start_time) // timedelta(minutes=1)
    return minutes if minutes > 0 else None
