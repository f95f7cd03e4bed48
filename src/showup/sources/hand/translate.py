"""A command as it was kept becomes an event of its booking's story, a deed beside it, or an answer to a delivery."""

from typing import TypeAlias, assert_never
from uuid import UUID

import msgspec
from msgspec import Struct

from showup import deeds, events
from showup.deeds import Act
from showup.deliveries.chosen import RecordChosen
from showup.events import HandEvent
from showup.sources.hand import command as given
from showup.sources.hand.command import Command, decode, word

_BY_HAND = "deal:"


class Done(Struct, frozen=True, kw_only=True):
    """What the command says, as a booking's event, a deed or the answer to a delivery, and who gave it when."""

    means: HandEvent | Act | RecordChosen
    command: Command
    word: str


class Garbled(Struct, frozen=True, kw_only=True):
    """No command that this version of Showup knows."""

    because: str


Meaning: TypeAlias = Done | Garbled


def translate(body: bytes) -> Meaning:
    """The meaning of one command."""
    try:
        command = decode(body)
        return Done(means=_meaning(command), command=command, word=word(command))
    except (msgspec.DecodeError, ValueError) as fault:
        return Garbled(because=f"this is no command: {fault}")


def _meaning(command: Command) -> HandEvent | Act | RecordChosen:
    match command:
        case given.ReportOutcome():
            return events.OutcomeReported(
                of=command.booking, outcome=command.outcome, notes=command.notes, next_step=command.next_step
            )
        case given.MoveBooking():
            return events.BookingAttached(of=command.booking, company=command.company, deal=command.deal)
        case given.ChangeDeal() if command.deal.startswith(_BY_HAND):
            return deeds.HandDealChanged(deal=UUID(command.deal.removeprefix(_BY_HAND)), change=command.change)
        case given.ChangeDeal():
            return events.DealChanged(of=command.deal, change=command.change)
        case given.OpenDeal():
            return deeds.DealOpened(company=command.company, change=command.change)
        case given.RecordPerson():
            return deeds.PersonRecorded(
                email=command.email,
                name=command.name,
                time_zone=command.time_zone,
                phone=command.phone,
                company=command.company,
            )
        case given.RecordCompany():
            return deeds.CompanyRecorded(company=command.company, name=command.name)
        case given.Merge():
            return deeds.Merged(kind=command.kind, gone=command.gone, stays=command.stays)
        case given.UndoMerge():
            return deeds.MergeUndone(merge=command.merge)
        case given.ChangeRules():
            return deeds.RulesChanged(changes=command.changes, since=command.since)
        case given.ChooseRecord():
            return RecordChosen(delivery_id=command.delivery_id, record=command.record)
        case _ as never:
            assert_never(never)
