"""Writes and reads the stored form of a manual event: one JSON object with its time, its actor and the event."""

from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import Struct

from showup.events.booking import (
    AttendeeConfirmed,
    AttendeeDismissed,
    AttendeeReported,
    BookingAttached,
    CommandUndone,
    DismissalUndone,
    LeadMatched,
    MatchUndone,
    MatchWithdrawn,
    NextStepChanged,
    OutcomeReported,
)
from showup.events.deal import DealChanged, DealOpened
from showup.events.delivery import RecordChosen
from showup.events.manual import ManualEvent
from showup.events.proposal import ProposalMarked, ProposalSaved
from showup.events.translation import Translated, Unreadable
from showup.events.workspace import CompanyRecorded, Merged, MergeUndone, PersonRecorded, RulesChanged

_AnyManualEvent: TypeAlias = (
    OutcomeReported
    | AttendeeReported
    | NextStepChanged
    | CommandUndone
    | AttendeeConfirmed
    | BookingAttached
    | LeadMatched
    | MatchWithdrawn
    | MatchUndone
    | AttendeeDismissed
    | DismissalUndone
    | ProposalSaved
    | ProposalMarked
    | DealOpened
    | DealChanged
    | PersonRecorded
    | CompanyRecorded
    | Merged
    | MergeUndone
    | RulesChanged
    | RecordChosen
)


class _StoredEvent(Struct, frozen=True, kw_only=True):
    at: datetime
    actor: str
    event: _AnyManualEvent


_decoder = msgspec.json.Decoder(_StoredEvent)


def encode(event: ManualEvent, *, at: datetime, actor: str) -> bytes:
    """Returns the event as it is stored."""
    return msgspec.json.encode({"at": at, "actor": actor, "event": event})


def translate(body: bytes) -> Translated[_AnyManualEvent] | Unreadable:
    """Translates one stored event. A body from another version of Showup may be unreadable."""
    try:
        stored = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError) as error:
        return Unreadable(because=f"this is not an event that Showup stored: {error}")
    trigger = str(stored.event.__struct_config__.tag)
    return Translated(event=stored.event, trigger=trigger, actor=stored.actor, source_at=stored.at)
