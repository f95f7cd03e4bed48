"""Load the companies that people assigned the attendees of a batch's bookings to."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from showup.pipeline.assignments import Assignments, assignments_of, merged_names
from showup.pipeline.rules import RuleBook
from showup.projector.manual_changes import ManualChanges
from showup.projector.streams import EventLog, EventStream


async def load(
    connection: asyncpg.Connection,
    workspace_id: UUID,
    log: EventLog,
    streams: Sequence[EventStream],
    manual: ManualChanges,
    rules: RuleBook,
) -> Assignments:
    """Return the assignments of everybody whom the events of these streams list, those of this batch included."""
    emails = {
        attendee.email
        for stream in streams
        for record in (*stream.history, *stream.records)
        for attendee in record.event.booking.attendees
        if attendee.email is not None
    }
    names = merged_names(emails, manual.merges)
    streams_of_people = {f"person:{name}" for since_by_name in names.values() for name in since_by_name}
    past = [record for _, record in await log.of_names(connection, workspace_id, streams_of_people)]
    records = {record.event_id: record for record in (*past, *manual.records)}
    # The rules that classify addresses do not depend on time.
    return assignments_of(names, records.values(), rules.newest)
