"""Commands as the log stores them: one JSON object each, with `command` as its first field.

No field is a row's id, except an event's id, or a delivery's, which is derived from its content. `booking` is a name of
the booking, as in `events.names`, `deal` the name of the booking that opened it (`deal:EVENT` if a person opened it),
`company` a company's key.
"""

from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from showup.bookings.booking import MeetingOutcome
from showup.deals.deal import DealChange
from showup.manual_events import MergeKind


class ManualCommand(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="command"):
    """The common fields of all commands: time and actor."""

    at: datetime
    actor: str


class ReportOutcome(ManualCommand, frozen=True, kw_only=True, tag="report_outcome"):
    """Reports the outcome of a meeting."""

    booking: str
    outcome: MeetingOutcome
    notes: str | None = None
    next_step: str | None = None


class MoveBooking(ManualCommand, frozen=True, kw_only=True, tag="move_booking"):
    """Moves a booking to another company, or to another deal, which also names its company."""

    booking: str
    company: str
    deal: str | None = None


class OpenDeal(ManualCommand, frozen=True, kw_only=True, tag="open_deal"):
    """Opens a deal without a booking."""

    company: str
    change: DealChange = DealChange()


class ChangeDeal(ManualCommand, frozen=True, kw_only=True, tag="change_deal"):
    """Changes a deal's stage, status, owner or amount."""

    deal: str
    change: DealChange


class RecordPerson(ManualCommand, frozen=True, kw_only=True, tag="record_person"):
    """Creates a person, or corrects their data."""

    email: str
    name: str | None = None
    time_zone: str | None = None
    phone: str | None = None
    company: str | None = None


class RecordCompany(ManualCommand, frozen=True, kw_only=True, tag="record_company"):
    """Creates a company, or corrects its name; without `company`, it is a new one without a domain."""

    company: str | None = None
    name: str | None = None


class MergeDuplicates(ManualCommand, frozen=True, kw_only=True, tag="merge"):
    """Merges two people (by email) or companies (by key)."""

    kind: MergeKind
    gone: str
    stays: str


class UndoMerge(ManualCommand, frozen=True, kw_only=True, tag="undo_merge"):
    """Undoes a merge, named by its event."""

    merge: UUID


class ChangeRules(ManualCommand, frozen=True, kw_only=True, tag="change_rules"):
    """Changes some rules, from `since` on; null: in the whole history."""

    changes: dict[str, Any]
    since: datetime | None


class ChooseRecord(ManualCommand, frozen=True, kw_only=True, tag="choose_record"):
    """Answers which record at the destination a delivery is about; null: none of the candidates."""

    delivery_id: UUID
    record: str | None


Command: TypeAlias = (
    ReportOutcome
    | MoveBooking
    | OpenDeal
    | ChangeDeal
    | RecordPerson
    | RecordCompany
    | MergeDuplicates
    | UndoMerge
    | ChangeRules
    | ChooseRecord
)

_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def encode(command: Command) -> bytes:
    """Returns the command as it is stored."""
    return msgspec.json.encode(command)


def decode(body: bytes) -> Command:
    """Returns the stored command. Raises msgspec.DecodeError, with a message that says where and what."""
    return _decoder.decode(body)


def command_name(command: Command) -> str:
    """Returns the command's name, such as `change_deal`."""
    return str(command.__struct_config__.tag)
