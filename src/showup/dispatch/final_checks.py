"""Why a claimed delivery is not sent after all: its booking's history, or its meeting as it is now (TE4).

The history decides. It marks a delivery that it no longer calls for as unwanted, in the transaction that changes the
booking. The meeting is checked as well, so that no message contradicts what it is about.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec.structs import replace

from showup.destinations.contract import Meeting
from showup.dispatch.attempt_results import NotSent, Postponed
from showup.dispatch.claims import Claimed
from showup.outbox.planned import OUTCOME

# These only make sense while the meeting will take place, at the time that they were planned for.
_REQUIRES_ACTIVE_MEETING: Final = frozenset(
    {"confirmation", "series", "rescheduled", "new_place", "new_host", "reminder", OUTCOME}
)


_BOOKING_GONE: Final = NotSent(
    state="skipped", because="the booking no longer exists, or the attendee no longer takes part"
)


async def reload(
    connection: asyncpg.Connection, claimed: Sequence[Claimed]
) -> tuple[list[Claimed], dict[UUID, NotSent]]:
    """Reloads what a replay may have changed since the claim, and returns the deliveries no longer called for.

    A replay may change a delivery's booking, its booking version, and whether its booking's history calls for it.
    """
    rows = await connection.fetch(
        "SELECT id, booking_id, booking_version, unwanted FROM deliveries WHERE id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    current = {row["id"]: row for row in rows}
    reloaded = [
        replace(one, booking_id=current[one.id]["booking_id"], booking_version=current[one.id]["booking_version"])
        for one in claimed
        if one.id in current
    ]
    assert len(reloaded) == len(claimed), "a delivery that is being sent is never deleted"
    return reloaded, {
        row["id"]: NotSent(state="withdrawn", because=row["unwanted"]) for row in rows if row["unwanted"] is not None
    }


async def stopped_by_meetings(
    connection: asyncpg.Connection, claimed: Sequence[Claimed], meetings: Mapping[UUID, Meeting | None], now: datetime
) -> dict[UUID, NotSent | Postponed]:
    """Returns the deliveries that must not be sent as their meetings are now, or not yet.

    A booking may change after its deliveries were loaded, and before its meeting is. Its deliveries changed with it, so
    they are loaded once more: what its history says about them holds.
    """
    stopped = {one.id: reason for one in claimed if (reason := _stop_reason(one, meetings[one.id])) is not None}
    if not stopped:
        return {}
    before = {one.id: one for one in claimed if one.id in stopped}
    reloaded, unwanted = await reload(connection, list(before.values()))
    changed = {
        one.id: Postponed(until=now, because="the meeting changed during the final check")
        for one in reloaded
        if one != before[one.id]
    }
    return stopped | changed | unwanted


def _stop_reason(one: Claimed, meeting: Meeting | None) -> NotSent | None:
    """Returns why the delivery must not be sent, whatever its booking's history says about it."""
    if one.booking_id is None:
        return None
    if meeting is None:
        return _BOOKING_GONE
    if (because := _disproved(one.kind, meeting)) is not None:
        return NotSent(state="skipped", because=because)
    if one.kind not in _REQUIRES_ACTIVE_MEETING:
        return None
    if meeting.status != "ACCEPTED":
        return NotSent(state="skipped", because=f"the meeting is now {meeting.status.lower()}")
    if meeting.version != one.booking_version:
        return NotSent(state="skipped", because="the meeting was rescheduled")
    return None


def _disproved(kind: str, meeting: Meeting) -> str | None:
    """Returns why what the message would say is no longer so; None if it is, or if it claims nothing."""
    if kind == "no_show" and meeting.attended is not False:
        return "the attendee is no longer reported as a no-show"
    if kind == "reschedule_request" and not (meeting.status == "CANCELLED" and meeting.reschedule_requested):
        return f"no other time is requested now: the meeting is {meeting.status.lower()}"
    if kind == OUTCOME and (meeting.evidence == "reported" or meeting.host_absent):
        return "the outcome was reported"
    return None
