"""Translates a stored command into a booking event, another manual event, or an answer to a delivery."""

from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec
from msgspec import Struct

from showup import events, manual_events
from showup.deliveries.record_chosen import RecordChosen
from showup.events import AnyManualBookingEvent
from showup.manual_events import ManualEvent
from showup.sources.manual import command as commands
from showup.sources.manual.command import Command, command_name, decode

_MANUAL_PREFIX = "deal:"


class TranslatedCommand(Struct, frozen=True, kw_only=True):
    """The command's meaning (a booking event, a manual event or an answer to a delivery), with its time and actor."""

    meaning: AnyManualBookingEvent | ManualEvent | RecordChosen
    command: Command
    name: str


class UnreadableCommand(Struct, frozen=True, kw_only=True):
    """A command that this version of Showup does not know."""

    because: str


CommandTranslation: TypeAlias = TranslatedCommand | UnreadableCommand


def translate(body: bytes) -> CommandTranslation:
    """Translates one command."""
    try:
        command = decode(body)
        return TranslatedCommand(meaning=_meaning(command), command=command, name=command_name(command))
    except (msgspec.DecodeError, ValueError) as error:
        return UnreadableCommand(because=f"the body is not a command: {error}")


def _meaning(command: Command) -> AnyManualBookingEvent | ManualEvent | RecordChosen:
    match command:
        case commands.ReportOutcome():
            return events.OutcomeReported(
                booking_name=command.booking, outcome=command.outcome, notes=command.notes, next_step=command.next_step
            )
        case commands.MoveBooking():
            return events.BookingAttached(booking_name=command.booking, company=command.company, deal=command.deal)
        case commands.ChangeDeal() if command.deal.startswith(_MANUAL_PREFIX):
            return manual_events.ManualDealChanged(
                deal=UUID(command.deal.removeprefix(_MANUAL_PREFIX)), change=command.change
            )
        case commands.ChangeDeal():
            return events.DealChanged(booking_name=command.deal, change=command.change)
        case commands.OpenDeal():
            return manual_events.DealOpened(company=command.company, change=command.change)
        case commands.RecordPerson():
            return manual_events.PersonRecorded(
                email=command.email,
                name=command.name,
                time_zone=command.time_zone,
                phone=command.phone,
                company=command.company,
            )
        case commands.RecordCompany():
            return manual_events.CompanyRecorded(company=command.company, name=command.name)
        case commands.MergeDuplicates():
            return manual_events.Merged(kind=command.kind, gone=command.gone, stays=command.stays)
        case commands.UndoMerge():
            return manual_events.MergeUndone(merge=command.merge)
        case commands.ChangeRules():
            return manual_events.RulesChanged(changes=command.changes, since=command.since)
        case commands.ChooseRecord():
            return RecordChosen(delivery_id=command.delivery_id, record=command.record)
        case _ as never:
            assert_never(never)
