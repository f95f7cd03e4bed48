"""Outcomes of a batch's events, and of earlier events that it replayed."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct

from showup.events.booking import SeatLeft
from showup.events.envelope import AnyRecord, BookingRecord
from showup.events.outcome import EventOutcome
from showup.projector.deals import DealProjection
from showup.projector.manual_changes import ManualChanges
from showup.projector.replays import ReplayedBooking
from showup.projector.streams import EventStream

_UNKNOWN_BOOKING: Final = "unknown booking: waiting for its first event"
_UNLOGGED_BOOKING: Final = (
    "the event log has no earlier event of this booking, so it can't be changed: restore a backup that has them"
)


class ProjectionResult(Struct, frozen=True, kw_only=True):
    """The result of a batch. `merged`: by the id of a removed booking, the id of the remaining one.

    `booking_ids` are the bookings that were projected.

    `replayed` are events of earlier batches that were replayed: their outcome may have changed.
    """

    outcomes: list[EventOutcome]
    replayed: list[EventOutcome]
    merged: dict[UUID, UUID]
    booking_ids: Sequence[UUID] = ()


def build_result(
    streams: Sequence[EventStream],
    bookings: Sequence[ReplayedBooking],
    deal_projection: DealProjection,
    manual: ManualChanges,
    manual_records: Sequence[AnyRecord],
) -> ProjectionResult:
    """Return the outcome of everything that the batch contained or touched."""
    merged = {merged_id: one.booking_id for one in bookings for merged_id in one.stream.merged}
    refused = {event: because for one in bookings for event, because in _refused(one).items()}
    refused |= deal_projection.refused
    refused |= manual.refused
    outcomes = [
        _outcome(stream, record, refused) for stream in streams for record in stream.records if _is_own_event(record)
    ]
    outcomes += [_manual_outcome(manual_record, manual, refused) for manual_record in manual_records]
    replayed = [
        _outcome(stream, record, refused) for stream in streams for record in stream.history if _is_own_event(record)
    ]
    replayed += [
        _manual_outcome(manual_record, manual, refused)
        for manual_record in manual.reevaluated
        if manual_record not in manual_records
    ]
    return ProjectionResult(
        outcomes=outcomes,
        replayed=[*replayed, *_other_manual_outcomes(outcomes, replayed, deal_projection)],
        merged=merged,
        booking_ids=sorted({one.booking_id for one in bookings}),
    )


def _refused(booking: ReplayedBooking) -> dict[UUID, str]:
    own = {record.event_id for record in (*booking.stream.records, *booking.stream.history) if _is_own_event(record)}
    return {event: because for event, because in booking.state.refused.items() if event in own}


def _is_own_event(record: BookingRecord) -> bool:
    """Return whether the event belongs to this booking; a left seat is part of an event processed elsewhere."""
    return not isinstance(record.event, SeatLeft)


def _outcome(stream: EventStream, record: BookingRecord, refused: Mapping[UUID, str]) -> EventOutcome:
    if stream.booking_id is None:
        because = _UNLOGGED_BOOKING if stream.is_unlogged else _UNKNOWN_BOOKING
        return EventOutcome(event_id=record.event_id, state="waiting", because=because)
    return EventOutcome(event_id=record.event_id, booking_id=stream.booking_id, because=refused.get(record.event_id))


def _manual_outcome(record: AnyRecord, manual: ManualChanges, refused: Mapping[UUID, str]) -> EventOutcome:
    if record.event_id in manual.waiting:
        return EventOutcome(event_id=record.event_id, state="waiting", because=_UNKNOWN_BOOKING)
    return EventOutcome(event_id=record.event_id, because=refused.get(record.event_id))


def _other_manual_outcomes(
    outcomes: Sequence[EventOutcome], replayed: Sequence[EventOutcome], deal_projection: DealProjection
) -> list[EventOutcome]:
    """Return outcomes of manual deal changes in streams outside this batch, whose refusal may have changed."""
    known = {one.event_id for one in (*outcomes, *replayed)}
    return [
        EventOutcome(event_id=event_id, booking_id=booking_id, because=deal_projection.refused.get(event_id))
        for event_id, booking_id in deal_projection.manual_events.items()
        if event_id not in known
    ]
