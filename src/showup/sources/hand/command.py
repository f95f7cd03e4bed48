"""The commands that people give, as they stand in the log: one JSON object each, with `command` as its first field.

Nothing in them is a row's id, unless it is an event's, or a delivery's, which follows from what the delivery says:
`booking` is a name of the booking, as in `events.names`, `deal` the name of the booking that opened it (`deal:EVENT`
where a person did), `company` a company's key.
"""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.bookings.booking import MeetingOutcome
from showup.deals.deal import DealChange
from showup.deeds import Kind


class Given(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """What all commands have in common: when they were given, and by whom."""

    at: datetime
    actor: str


class ReportOutcome(Given, frozen=True, kw_only=True, tag="report_outcome"):
    """How a meeting went."""

    booking: str
    outcome: MeetingOutcome
    notes: str | None = None
    next_step: str | None = None


class MoveBooking(Given, frozen=True, kw_only=True, tag="move_booking"):
    """To another company, or to another deal, whose company is named beside it."""

    booking: str
    company: str
    deal: str | None = None


class OpenDeal(Given, frozen=True, kw_only=True, tag="open_deal"):
    """A deal without a booking."""

    company: str
    change: DealChange = DealChange()


class ChangeDeal(Given, frozen=True, kw_only=True, tag="change_deal"):
    """Another stage, status, owner or amount."""

    deal: str
    change: DealChange


class RecordPerson(Given, frozen=True, kw_only=True, tag="record_person"):
    """Enters a person, or corrects what is known of them."""

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company: str | None = None


class RecordCompany(Given, frozen=True, kw_only=True, tag="record_company"):
    """Enters a company, or corrects its name; without `company` it is a new one that has no domain."""

    company: str | None = None
    name: str | None = None


class Merge(Given, frozen=True, kw_only=True, tag="merge"):
    """Two people (by email) or companies (by key) are one."""

    kind: Kind
    gone: str
    stays: str


class UndoMerge(Given, frozen=True, kw_only=True, tag="undo_merge"):
    """The merge, named by its event, was a mistake."""

    merge: UUID


class ChangeRules(Given, frozen=True, kw_only=True, tag="change_rules"):
    """Other values for some rules, from `since` on; null: in the whole history."""

    changes: dict[str, Any]
    since: datetime | None


class ChooseRecord(Given, frozen=True, kw_only=True, tag="choose_record"):
    """Which record at its destination a delivery is about, where that was asked; null: none of the candidates."""

    delivery_id: UUID
    record: str | None


Command: TypeAlias = (
    ReportOutcome
    | MoveBooking
    | OpenDeal
    | ChangeDeal
    | RecordPerson
    | RecordCompany
    | Merge
    | UndoMerge
    | ChangeRules
    | ChooseRecord
)

_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """The command as it is kept."""
    return msgspec.json.encode(command)


def decode(body: bytes) -> Command:
    """The command that was kept. Raises msgspec.DecodeError, with a message that says where and what."""
    return _decoder.decode(body)


def word(command: Command) -> str:
    """The command's name, such as `change_deal`."""
    return str(command.__struct_config__.tag)
