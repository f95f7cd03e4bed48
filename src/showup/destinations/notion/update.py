"""The values to write to Notion for one event, before the types of its properties are known."""

from datetime import date, datetime
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace


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

    `only_of`: the contact's page is left unchanged when it is about a meeting on another day. `campaign`: whether to
    look for the email sequence, for its id and campaign. `notes` are for a person to read.
    """

    email: str
    contact: tuple[PropertyEntry, ...] = ()
    sequence: tuple[PropertyEntry, ...] = ()
    only_of: date | None = None
    campaign: bool = False
    notes: tuple[str, ...] = ()


_CURRENT_STATE_SETTINGS: Final = frozenset({"booking_status_property", "call_date_property"})


def without_current_state(update: Update) -> Update:
    """Returns the update without the booking's current state: a later event has written that already."""
    return replace(update, contact=tuple(one for one in update.contact if one.setting not in _CURRENT_STATE_SETTINGS))
