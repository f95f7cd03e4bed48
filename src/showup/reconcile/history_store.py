"""Reads the histories of the bookings on one of Cal.com's pages from the log."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct
from msgspec.structs import replace

from showup.events.booking import SeatMoved, booking_names, seat_left_event
from showup.events.envelope import BookingRecord, is_booking_record
from showup.events.translation import Translated
from showup.inbox import rules
from showup.inbox.translation import InboxLog
from showup.pipeline.rules import RuleBook
from showup.reconcile.account import ReconciledAccount
from showup.reconcile.repairs import KnownHistory
from showup.sources.calcom.api_values import ApiBooking
from showup.sources.calcom.translate import translate

_LOG: Final = InboxLog()
_MAX_ROWS: Final = 500


class BookingHistory(Struct, frozen=True, kw_only=True):
    """The known history of one booking, and the rules of the workspace that it is in or would be in."""

    known: KnownHistory
    rules: RuleBook


async def load_histories(
    connection: asyncpg.Connection, account: ReconciledAccount, bookings: Sequence[ApiBooking]
) -> list[BookingHistory]:
    """Returns a history for each of these bookings, in their order."""
    name_pairs = [_names(one, account.id) for one in bookings]
    refs = await _refs(connection, account, {name for name_pair in name_pairs for name in name_pair if name})
    records_by_booking = await _LOG.of_bookings(connection, {booking_id for booking_id, _ in refs.values()})
    workspace_ids = {account.workspace_id, *(workspace_id for _, workspace_id in refs.values())}
    rule_books = {one: await rules.in_force(connection, one) for one in workspace_ids}
    waiting = {one: await _load_waiting(connection, one, [name for name, _ in name_pairs]) for one in workspace_ids}
    return [
        BookingHistory(
            known=KnownHistory(
                records=(
                    *_booking_records(refs, records_by_booking, name),
                    *_seat_departures(waiting, refs, account, name),
                ),
                previous_records=_booking_records(refs, records_by_booking, previous_name),
                waiting_records=tuple(waiting[_workspace_id(refs, account, name)].get(name, ())),
            ),
            rules=rule_books[_workspace_id(refs, account, name)],
        )
        for name, previous_name in name_pairs
    ]


def _names(one: ApiBooking, account_id: UUID) -> tuple[str, str | None]:
    """Returns the booking's name, and that of the booking it replaces."""
    name = f"uid:{one.uid}" if one.uid is not None else f"id:{account_id}:{one.id}"
    return name, f"uid:{one.rescheduled_from_uid}" if one.rescheduled_from_uid is not None else None


async def _refs(
    connection: asyncpg.Connection, account: ReconciledAccount, names: Iterable[str]
) -> dict[str, tuple[UUID, UUID]]:
    """Returns booking and workspace by name, of this account or of another one that shares the workspace."""
    rows = await connection.fetch(
        """
        SELECT r.ref, b.id, b.workspace_id FROM booking_refs r JOIN bookings b ON b.id = r.booking_id
        WHERE r.ref = ANY($1::text[]) AND (b.account_id = $2 OR b.workspace_id = $3 OR b.workspace_id IN (
            SELECT workspace_id FROM routes WHERE account_id = $2))
        ORDER BY b.account_id = $2 NULLS FIRST
        """,
        list(names),
        account.id,
        account.workspace_id,
    )
    return {row["ref"]: (row["id"], row["workspace_id"]) for row in rows}


async def _load_waiting(
    connection: asyncpg.Connection, workspace_id: UUID, names: Sequence[str]
) -> Mapping[str, list[BookingRecord]]:
    found: dict[str, list[BookingRecord]] = {}
    for name, record in await _LOG.of_names(connection, workspace_id, names):
        if is_booking_record(record):
            found.setdefault(name, []).append(record)
    return found


def _booking_records(
    refs: Mapping[str, tuple[UUID, UUID]], records_by_booking: Mapping[UUID, list[BookingRecord]], name: str | None
) -> tuple[BookingRecord, ...]:
    return () if name is None or name not in refs else tuple(records_by_booking.get(refs[name][0], ()))


def _seat_departures(
    waiting: Mapping[UUID, Mapping[str, list[BookingRecord]]],
    refs: Mapping[str, tuple[UUID, UUID]],
    account: ReconciledAccount,
    name: str,
) -> tuple[BookingRecord, ...]:
    """Returns the events that moved seats from this booking to another: they are in the other one's history."""
    return tuple(
        replace(one, event=departed)
        for one in waiting[_workspace_id(refs, account, name)].get(name, ())
        if isinstance(one.event, SeatMoved)
        and name in booking_names(departed := seat_left_event(one.event), one.account_id)
    )


def _workspace_id(refs: Mapping[str, tuple[UUID, UUID]], account: ReconciledAccount, name: str) -> UUID:
    return refs[name][1] if name in refs else account.workspace_id


async def newest_unapplied(
    connection: asyncpg.Connection, account_id: UUID, until: datetime | None = None
) -> datetime | None:
    """Returns when the account's newest unapplied event arrived, up to a time; None where all are applied."""
    newest: datetime | None = await connection.fetchval(
        """
        SELECT max(received_at) FROM inbox_events
        WHERE account_id = $1 AND state = 'pending' AND received_at <= coalesce($2::timestamptz, 'infinity')
        """,
        account_id,
        until,
    )
    return newest


async def list_failed_names(connection: asyncpg.Connection, account_id: UUID) -> frozenset[str]:
    """Returns the names of bookings with events that failed: their current data is incomplete."""
    rows = await connection.fetch(
        "SELECT body FROM inbox_events WHERE account_id = $1 AND state = 'failed' LIMIT $2", account_id, _MAX_ROWS
    )
    translations = [translate(row["body"]) for row in rows]
    return frozenset(
        name for one in translations if isinstance(one, Translated) for name in booking_names(one.event, account_id)
    )


async def list_awaited_uids(
    connection: asyncpg.Connection, account_id: UUID, since: datetime, until: datetime
) -> list[str]:
    """Returns the uids of unknown bookings that received an event in this span."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT uid FROM inbox_events
        WHERE account_id = $1 AND state = 'waiting' AND uid IS NOT NULL AND received_at > $2 AND received_at <= $3
        ORDER BY uid LIMIT $4
        """,
        account_id,
        since,
        until,
        _MAX_ROWS,
    )
    return [row["uid"] for row in rows]


async def find_new_digests(
    connection: asyncpg.Connection, account_id: UUID, digests: Sequence[bytes]
) -> frozenset[bytes]:
    """Returns those of these digests that the account's log does not have."""
    rows = await connection.fetch(
        "SELECT digest FROM inbox_events WHERE account_id = $1 AND digest = ANY($2::bytea[])", account_id, digests
    )
    return frozenset(digests) - {row["digest"] for row in rows}


def is_named(one: ApiBooking, account_id: UUID, among: frozenset[str]) -> bool:
    """Returns whether the booking has one of these names."""
    return _names(one, account_id)[0] in among
