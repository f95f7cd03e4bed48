"""The last look before a delivery is sent: whether it still holds, and what exactly is sent, rendered once and kept."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeAlias
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct, convert
from msgspec.structs import replace

from showup.database import bulk
from showup.database.tables import delivery_contents
from showup.deliveries.claiming import Claimed
from showup.deliveries.delivery import MAIL, Lane
from showup.deliveries.records import Known, known_there
from showup.deliveries.settling import Stopped
from showup.deliveries.suppressions import suppressed
from showup.destinations.contract import (
    Attempt,
    CannotRender,
    Content,
    Destination,
    GaveUp,
    Meeting,
    NothingToTell,
    Notice,
    Question,
)

Pairs: TypeAlias = Collection[tuple[UUID, str]]
Current: TypeAlias = Callable[[asyncpg.Connection, Pairs], Awaitable[Mapping[tuple[UUID, str], Meeting]]]
"""The meetings of (booking, recipient) as they stand; those that are gone are left out."""

_log = structlog.get_logger()

# What only makes sense while the meeting is going to take place, at the time it was decided for.
_OF_A_STANDING_MEETING: Final = frozenset({"confirm", "tell_rescheduled", "tell_new_place", "remind"})


class Unsubscribe(Protocol):
    """Makes the address by which somebody stops mail that they did not ask for."""

    def __call__(self, workspace_id: UUID, email: str) -> str: ...


class Ready(Struct, frozen=True, kw_only=True):
    """A delivery with what is sent."""

    claimed: Claimed
    attempt: Attempt


Prepared: TypeAlias = Ready | Stopped | GaveUp


class Connected(Struct, frozen=True, kw_only=True):
    """A lane as it is connected: its workspace's slug and time zone, and the destination with its credentials."""

    lane: Lane
    workspace: str
    destination: Destination
    time_zone: str = "UTC"


class NotConnected(Exception):
    """A workspace's connection can't be used: the text says why, and what to do. Its lane waits until it can."""


class LastLook(Struct, frozen=True, kw_only=True):
    """What is asked before a delivery is sent, and rendered into it."""

    current: Current
    unsubscribe: Unsubscribe


async def prepare(
    connection: asyncpg.Connection, look: LastLook, connected: Connected, claimed: Sequence[Claimed], now: datetime
) -> list[Prepared]:
    """One for each that was claimed, in their order; what is rendered here is kept in the connection's transaction."""
    claimed, unwanted = await _as_they_are_now(connection, claimed)
    kept = await _kept(connection, claimed)
    meetings = await look.current(connection, {pair for one in claimed if (pair := _pair(one)) is not None})
    barred = await _barred(connection, connected.lane, claimed, now)
    known = await known_there(connection, connected.lane, claimed)
    found: list[Prepared] = []
    fresh: dict[UUID, Content] = {}
    for one in claimed:
        pair = _pair(one)
        meeting = None if pair is None else meetings.get(pair)
        stop = unwanted.get(one.id) or barred.get(one.id) or _does_not_hold(one, meeting)
        content = stop or kept.get(one.id) or _rendered(one, connected, meeting, look.unsubscribe)
        if isinstance(content, Stopped | GaveUp):
            found.append(content)
            continue
        if one.id not in kept:
            fresh[one.id] = content
        found.append(Ready(claimed=one, attempt=_attempt(one, content, known)))
    await _keep(connection, fresh, now)
    return found


def _attempt(one: Claimed, content: Content, known: Known) -> Attempt:
    return Attempt(
        delivery_id=one.id,
        content=content,
        number=one.number,
        record=known.record_of(one),
        question=None if one.question is None else convert(one.question, Question),
        can_ask=known.can_ask,
        overtaken=one.id in known.overtaken,
    )


def _pair(one: Claimed) -> tuple[UUID, str] | None:
    return None if one.booking_id is None else (one.booking_id, one.recipient or "")


_GONE: Final = Stopped(state="skipped", because="there is no such booking any more, or its attendee has left it")


def _does_not_hold(one: Claimed, meeting: Meeting | None) -> Stopped | None:
    """A booking may have changed since the delivery was claimed; its story marks what it doesn't call for any more."""
    if one.booking_id is None:
        return None
    if meeting is None:
        return _GONE
    if one.kind == "follow_up" and meeting.attended is not False:
        return Stopped(state="withdrawn", because="by now nobody says that they missed the meeting")
    if one.kind not in _OF_A_STANDING_MEETING:
        return None
    if meeting.status != "ACCEPTED":
        return Stopped(state="withdrawn", because=f"the meeting is {meeting.status.lower()} by now")
    if meeting.version != one.booking_version:
        return Stopped(state="withdrawn", because="the meeting was moved to another time meanwhile")
    return None


def _rendered(
    one: Claimed, connected: Connected, meeting: Meeting | None, unsubscribe: Unsubscribe
) -> Content | Stopped | GaveUp:
    details = one.details
    if one.kind == "follow_up" and meeting is not None:
        details = details | {"unsubscribe_url": unsubscribe(connected.lane.workspace_id, meeting.guest.email)}
    notice = Notice(
        delivery_id=one.id,
        workspace=connected.workspace,
        kind=one.kind,
        meeting=meeting,
        details=details,
        time_zone=connected.time_zone,
        decided_at=one.decided_at,
    )
    try:
        return connected.destination.render(notice)
    except NothingToTell as fault:
        return Stopped(state="skipped", because=str(fault))
    except CannotRender as fault:
        return GaveUp(because=str(fault))
    except Exception as fault:  # noqa: BLE001  # a bug over one of them must not hold up the others
        _log.exception("a delivery could not be rendered", delivery=str(one.id))
        return GaveUp(because=f"it could not be rendered ({type(fault).__name__}): see the log")


async def _as_they_are_now(
    connection: asyncpg.Connection, claimed: Sequence[Claimed]
) -> tuple[list[Claimed], dict[UUID, Stopped]]:
    """The same, with what their stories said of them since they were claimed: which booking, of which version, and
    whether they are called for at all."""
    rows = await connection.fetch(
        "SELECT id, booking_id, booking_version, unwanted FROM deliveries WHERE id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    now = {row["id"]: row for row in rows}
    fresh = [
        replace(one, booking_id=now[one.id]["booking_id"], booking_version=now[one.id]["booking_version"])
        for one in claimed
        if one.id in now
    ]
    assert len(fresh) == len(claimed), "what is under way is never deleted"
    return fresh, {
        row["id"]: Stopped(state="withdrawn", because=row["unwanted"]) for row in rows if row["unwanted"] is not None
    }


async def _kept(connection: asyncpg.Connection, claimed: Sequence[Claimed]) -> dict[UUID, Content]:
    rows = await connection.fetch(
        "SELECT delivery_id, content FROM delivery_contents WHERE delivery_id = ANY($1::uuid[])",
        [one.id for one in claimed],
    )
    return {row["delivery_id"]: row["content"] for row in rows}


async def _keep(connection: asyncpg.Connection, fresh: Mapping[UUID, Content], now: datetime) -> None:
    # In the order in which everybody holds deliveries, so that nobody waits in a ring.
    rows = [{"delivery_id": one, "content": fresh[one], "rendered_at": now} for one in sorted(fresh)]
    await bulk.insert_new(connection, delivery_contents, rows)


async def _barred(
    connection: asyncpg.Connection, lane: Lane, claimed: Sequence[Claimed], now: datetime
) -> dict[UUID, Stopped]:
    """Those whose recipients are not written to, or not again so soon; what is told about them to others goes on."""
    if lane.destination not in MAIL:
        return {}
    known = await suppressed(connection, lane.workspace_id, {one.recipient for one in claimed if one.recipient})
    found = {
        one.id: Stopped(state="skipped", because=why.because)
        for one in claimed
        if (why := known.get(one.recipient or "")) is not None and (why.scope == "all" or one.kind == "follow_up")
    }
    for one in claimed:
        if one.kind == "follow_up" and one.id not in found and await _was_followed_up(connection, lane, one, now):
            found[one.id] = Stopped(state="skipped", because="they were sent another follow-up not long ago")
    return found


async def _was_followed_up(connection: asyncpg.Connection, lane: Lane, one: Claimed, now: datetime) -> bool:
    span = timedelta(seconds=one.details.get("at_most_every_seconds", 0))
    return bool(
        await connection.fetchval(
            """
            SELECT EXISTS (
                SELECT FROM deliveries d JOIN deliveries mine ON mine.id = $4
                WHERE d.workspace_id = $1 AND d.recipient = $2 AND d.kind = 'follow_up' AND d.id <> mine.id
                AND (d.state = 'delivered' AND d.delivered_at > $3
                     OR d.state = 'sending' AND (d.due_at, d.id) < (mine.due_at, mine.id))
            )
            """,
            lane.workspace_id,
            one.recipient,
            now - span,
            one.id,
        )
    )
