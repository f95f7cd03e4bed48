"""A team's own texts in mails: for each type of event, and for each teammate. From showup.toml."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, TypeVar

from msgspec import Struct

Text: TypeAlias = str | Mapping[str, str]
"""A text, or one for each language; the keys are languages such as `de`."""

_Value = TypeVar("_Value")


class AgendaItem(Struct, frozen=True, kw_only=True):
    """One point of an agenda. `minutes` is None where no duration is planned."""

    text: str
    minutes: int | None = None


class EventTypeTexts(Struct, frozen=True, kw_only=True):
    """What a team writes about one type of event; each is optional.

    `prepare` lists what to bring, `topic` is what the meeting is about (“faster picking”), `arriving` says how to get
    in. `place_zone` is the time zone of the place, `who_calls` says who calls whom by phone, `booking_page` is where
    another meeting of this type is booked. Texts in another language than the mail's are shown unless
    `only_translated`.
    """

    agenda: tuple[AgendaItem, ...] | Mapping[str, tuple[AgendaItem, ...]] = ()
    prepare: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()
    topic: Text = ""
    arriving: Text = ""
    place_zone: str | None = None
    who_calls: Literal["host", "attendee"] | None = None
    booking_page: str | None = None
    only_translated: bool = False


class TeammateTexts(Struct, frozen=True, kw_only=True):
    """What mails say about a host. `phone` is shown to attendees, `photo` is the address of a picture."""

    role: Text = ""
    bio: Text = ""
    phone: str = ""
    photo: str | None = None


class TeamTexts(Struct, frozen=True, kw_only=True):
    """All texts of a team: by the slug of the event type, and by the teammate's email in lower case."""

    event_types: Mapping[str, EventTypeTexts] = {}
    teammates: Mapping[str, TeammateTexts] = {}

    def event_type(self, slug: str | None) -> EventTypeTexts:
        """Returns the texts of this event type, empty ones if there are none."""
        return self.event_types.get(slug or "", EventTypeTexts())

    def teammate(self, email: str | None) -> TeammateTexts:
        """Returns the texts about this host, empty ones if there are none."""
        return self.teammates.get((email or "").lower(), TeammateTexts())


NO_TEXTS: Final = TeamTexts()


def in_language(value: _Value | Mapping[str, _Value], language: str, empty: _Value, *, only_translated: bool) -> _Value:
    """Returns the value for this language, else the first one written, or `empty` with `only_translated`.

    A value for no particular language is always shown.
    """
    if not isinstance(value, Mapping):
        return value
    if language in value:
        return value[language]
    return empty if only_translated else next(iter(value.values()), empty)
