"""What we were told of the bookings on a page of Cal.com's: their stories, out of the log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.events import News, SeatMoved, departure, names
from showup.inbox import rules
from showup.inbox.reading import Log
from showup.pipeline.rules import RuleBook
from showup.reconcile.account import AskedAccount
from showup.reconcile.healing import Known
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.translate import Translated, translate

_LOG: Final = Log()
_MOST: Final = 500


class Told(Struct, frozen=True, kw_only=True):
    """What is known of one booking, and the rules of the workspace that it is in, or would be in."""

    known: Known
    rules: RuleBook


async def told_of(connection: asyncpg.Connection, account: AskedAccount, bookings: Sequence[ApiBooking]) -> list[Told]:
    """For each of these bookings, in their order."""
    wanted = [_names(one, account.id) for one in bookings]
    refs = await _refs(connection, account, {name for pair in wanted for name in pair if name})
    stories = await _LOG.of_bookings(connection, {booking_id for booking_id, _ in refs.values()})
    places = {account.workspace_id, *(workspace_id for _, workspace_id in refs.values())}
    books = {one: await rules.in_force(connection, one) for one in places}
    beside = {one: await _beside(connection, one, [name for name, _ in wanted]) for one in places}
    return [
        Told(
            known=Known(
                news=(*_story(refs, stories, name), *_leaving(beside, refs, account, name)),
                before=_story(refs, stories, before),
                waiting=tuple(beside[_place(refs, account, name)].get(name, ())),
            ),
            rules=books[_place(refs, account, name)],
        )
        for name, before in wanted
    ]


def _names(one: ApiBooking, account_id: UUID) -> tuple[str, str | None]:
    """The booking's name, and that of the one it took the place of."""
    name = f"uid:{one.uid}" if one.uid is not None else f"id:{account_id}:{one.id}"
    return name, f"uid:{one.rescheduled_from_uid}" if one.rescheduled_from_uid is not None else None


async def _refs(
    connection: asyncpg.Connection, account: AskedAccount, wanted: Iterable[str]
) -> dict[str, tuple[UUID, UUID]]:
    """By name, the booking and its workspace: of this account, or of another one that shares the workspace."""
    rows = await connection.fetch(
        """
        SELECT r.ref, b.id, b.workspace_id FROM booking_refs r JOIN bookings b ON b.id = r.booking_id
        WHERE r.ref = ANY($1::text[]) AND (b.account_id = $2 OR b.workspace_id = $3 OR b.workspace_id IN (
            SELECT workspace_id FROM routes WHERE account_id = $2))
        ORDER BY b.account_id = $2 NULLS FIRST
        """,
        list(wanted),
        account.id,
        account.workspace_id,
    )
    return {row["ref"]: (row["id"], row["workspace_id"]) for row in rows}


async def _beside(
    connection: asyncpg.Connection, workspace_id: UUID, wanted: Sequence[str]
) -> Mapping[str, list[News]]:
    found: dict[str, list[News]] = {}
    for name, news in await _LOG.of_names(connection, workspace_id, wanted):
        found.setdefault(name, []).append(news)
    return found


def _story(
    refs: Mapping[str, tuple[UUID, UUID]], stories: Mapping[UUID, list[News]], name: str | None
) -> tuple[News, ...]:
    return () if name is None or name not in refs else tuple(stories.get(refs[name][0], ()))


def _leaving(
    beside: Mapping[UUID, Mapping[str, list[News]]],
    refs: Mapping[str, tuple[UUID, UUID]],
    account: AskedAccount,
    name: str,
) -> tuple[News, ...]:
    """Seats of this booking that were left for another one: that news stands in the other one's story."""
    return tuple(
        replace(one, event=left)
        for one in beside[_place(refs, account, name)].get(name, ())
        if isinstance(one.event, SeatMoved) and name in names(left := departure(one.event), one.account_id)
    )


def _place(refs: Mapping[str, tuple[UUID, UUID]], account: AskedAccount, name: str) -> UUID:
    return refs[name][1] if name in refs else account.workspace_id


async def newest_unapplied(
    connection: asyncpg.Connection, account_id: UUID, until: datetime | None = None
) -> datetime | None:
    """When the newest came in (until then) that this account sent and is not applied yet; None where all is."""
    newest: datetime | None = await connection.fetchval(
        """
        SELECT max(received_at) FROM calcom_events
        WHERE account_id = $1 AND state = 'kept' AND received_at <= coalesce($2::timestamptz, 'infinity')
        """,
        account_id,
        until,
    )
    return newest


async def names_of_failed(connection: asyncpg.Connection, account_id: UUID) -> frozenset[str]:
    """The names of bookings whose news could not be applied so far: what stands of them is not all that we know."""
    rows = await connection.fetch(
        "SELECT body FROM calcom_events WHERE account_id = $1 AND state = 'failed' LIMIT $2", account_id, _MOST
    )
    said = [translate(row["body"]) for row in rows]
    return frozenset(name for one in said if isinstance(one, Translated) for name in names(one.event, account_id))


async def awaited(connection: asyncpg.Connection, account_id: UUID, since: datetime, until: datetime) -> list[str]:
    """The uids of bookings that nobody has told of, and of which something came in this span."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT uid FROM calcom_events
        WHERE account_id = $1 AND state = 'waiting' AND uid IS NOT NULL AND received_at > $2 AND received_at <= $3
        ORDER BY uid LIMIT $4
        """,
        account_id,
        since,
        until,
        _MOST,
    )
    return [row["uid"] for row in rows]


async def new_bodies(connection: asyncpg.Connection, account_id: UUID, digests: Sequence[bytes]) -> frozenset[bytes]:
    """Those of these digests that the account's log does not have."""
    rows = await connection.fetch(
        "SELECT digest FROM calcom_events WHERE account_id = $1 AND digest = ANY($2::bytea[])", account_id, digests
    )
    return frozenset(digests) - {row["digest"] for row in rows}


def is_named(one: ApiBooking, account_id: UUID, among: frozenset[str]) -> bool:
    """Whether the booking is one of those names."""
    return _names(one, account_id)[0] in among
