"""The result of reading an inbox event: an event, or why it is ignored or unreadable."""

from datetime import datetime
from typing import Generic, TypeAlias

from msgspec import Struct

from showup.events.booking import AnyBookingEvent
from showup.events.envelope import AnyEvent, Event


class Translated(Struct, Generic[AnyEvent], frozen=True, kw_only=True):
    """A readable body: the event, who caused it, and when it happened (None: the source did not say).

    `trigger` is the source's name for this kind of event; `uid` is the source's name of the booking or mail.
    """

    event: AnyEvent
    trigger: str
    actor: str
    uid: str | None = None
    source_at: datetime | None = None


class Ignored(Struct, frozen=True, kw_only=True):
    """A readable body without meaning for Showup."""

    because: str
    trigger: str


class Unreadable(Struct, frozen=True, kw_only=True):
    """An unreadable body; it stays in the log and can be replayed after a fix."""

    because: str
    trigger: str | None = None


Translation: TypeAlias = Translated[Event] | Ignored | Unreadable
BookingTranslation: TypeAlias = Translated[AnyBookingEvent] | Ignored | Unreadable
