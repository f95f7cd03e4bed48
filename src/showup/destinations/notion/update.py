"""What is to be written to Notion about one piece of news, before the types of its properties are known. Values."""

from datetime import date, datetime
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace


class Word(Struct, frozen=True, tag=True):
    """One of a few words, such as a status. `among`: all words that we write there, which take each other's place."""

    text: str
    among: tuple[str, ...] = ()


class Day(Struct, frozen=True, tag=True):
    """A calendar day."""

    day: date


class Moment(Struct, frozen=True, tag=True):
    """A moment, in UTC."""

    at: datetime


Value: TypeAlias = Word | Day | Moment


class Entry(Struct, frozen=True, kw_only=True):
    """One property of a page, and what it is to hold. `setting` is the one that names the property."""

    property: str
    setting: str
    value: Value


class Update(Struct, frozen=True, kw_only=True):
    """What becomes of the pages of the person with this email.

    `only_of`: the contact's page is left alone when it is about a meeting on another day. `campaign`: whether the
    email sequence is looked for, for its id and campaign. `notes` are for a person to read.
    """

    email: str
    contact: tuple[Entry, ...] = ()
    sequence: tuple[Entry, ...] = ()
    only_of: date | None = None
    campaign: bool = False
    notes: tuple[str, ...] = ()


_STANDS: Final = frozenset({"booking_status_property", "call_date_property"})


def past(update: Update) -> Update:
    """The same without what it says of how the booking stands: later news has said that already."""
    return replace(update, contact=tuple(one for one in update.contact if one.setting not in _STANDS))
