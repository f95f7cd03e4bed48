"""Store the bookings of a workspace in PostgreSQL, with their attendees and the names that sources use for them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from showup.bookings.booking import Attendee, Booking, effective_source
from showup.database import bulk
from showup.database.tables import booking_aliases, booking_attendees, booking_refs, bookings
from showup.values.email_address import match_key

# Booking fields that are stored as columns without conversion. To save a new field, add it to both the struct and the
# table.
_SAME_NAME_FIELDS = tuple(
    name for name in Booking.__struct_fields__ if name in bookings.c and name not in ("uids", "source")
)


class StoredBooking(Struct, frozen=True, kw_only=True):
    """A booking with its ids and times in the database; `person_ids` by the attendee's email.

    `dismissed` are the keys of attendees whom nobody has to review. `name_keys` are the keys by which attendees and
    leads of the same name or company find each other, by the attendee's email; who has none is matched by address only.
    `seat_company_id` is the company of the seats that remain, if none of the booking's own company does (M02).
    `is_matched`: an attendee is a lead of a campaign.
    """

    id: UUID
    account_id: UUID
    booking: Booking
    company_id: UUID | None
    seat_company_id: UUID | None
    deal_id: UUID | None
    person_ids: Mapping[str, UUID]
    dismissed: Collection[str] = ()
    name_keys: Mapping[str, Sequence[str]] = {}
    is_matched: bool = False
    created_at: datetime
    updated_at: datetime


class BookingRow(Struct, frozen=True, kw_only=True):
    """The data a batch needs of a stored booking: its references.

    `emails` are its people's addresses, `company_keys` the companies of its attendees.
    """

    id: UUID
    account_id: UUID
    company_id: UUID | None
    deal_id: UUID | None
    emails: frozenset[str]
    company_keys: frozenset[str]


async def sibling_names(connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]) -> dict[str, UUID]:
    """Return all names of every booking in the workspace that has one of these names, with the booking's id."""
    rows = await connection.fetch(
        """
        SELECT beside.ref, beside.booking_id
        FROM booking_refs found JOIN booking_refs beside ON beside.booking_id = found.booking_id
        WHERE found.workspace_id = $1 AND found.ref = ANY($2::text[])
        """,
        workspace_id,
        list(names),
    )
    return {row["ref"]: row["booking_id"] for row in rows}


async def names_of(connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[str, UUID]:
    """Return all names of these bookings, each with its booking's id."""
    rows = await connection.fetch(
        "SELECT ref, booking_id FROM booking_refs WHERE booking_id = ANY($1::uuid[])", list(booking_ids)
    )
    return {row["ref"]: row["booking_id"] for row in rows}


async def load_rows(connection: asyncpg.Connection, booking_ids: Iterable[UUID]) -> dict[UUID, BookingRow]:
    """Return the stored bookings among those requested."""
    rows = await connection.fetch(
        """
        SELECT b.id, b.account_id, b.company_id, b.deal_id,
               array(SELECT a.email FROM booking_attendees a
                     WHERE a.booking_id = b.id AND a.person_id IS NOT NULL) AS emails,
               array(SELECT a.company_key FROM booking_attendees a
                     WHERE a.booking_id = b.id AND a.company_key IS NOT NULL) AS company_keys
        FROM bookings b WHERE b.id = ANY($1::uuid[])
        """,
        list(booking_ids),
    )
    return {
        row["id"]: BookingRow(
            id=row["id"],
            account_id=row["account_id"],
            company_id=row["company_id"],
            deal_id=row["deal_id"],
            emails=frozenset(row["emails"]),
            company_keys=frozenset(row["company_keys"]),
        )
        for row in rows
    }


async def of_people(connection: asyncpg.Connection, workspace_id: UUID, emails: Iterable[str]) -> set[UUID]:
    """Return the bookings that list one of these people, by email."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT b.id FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1 AND a.email = ANY($2::text[])
        """,
        workspace_id,
        list(emails),
    )
    return {row["id"] for row in rows}


async def of_companies(
    connection: asyncpg.Connection, workspace_id: UUID, company_ids: Iterable[UUID | None], keys: Iterable[str]
) -> set[UUID]:
    """Return the bookings of these companies, and those that list a person who works there.

    A person may work elsewhere than an attendee of theirs says, so the companies' `keys` are looked up too.
    """
    rows = await connection.fetch(
        """
        SELECT id FROM bookings WHERE company_id = ANY($1::uuid[])
        UNION
        SELECT a.booking_id FROM people p JOIN booking_attendees a ON a.person_id = p.id
        WHERE p.company_id = ANY($1::uuid[])
        UNION
        SELECT a.booking_id FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $2 AND a.company_key = ANY($3::text[])
        """,
        list(company_ids),
        workspace_id,
        list(keys),
    )
    return {row["id"] for row in rows}


async def ids_by_name(connection: asyncpg.Connection, workspace_id: UUID, names: Iterable[str]) -> dict[str, UUID]:
    """Return the id of the workspace's booking for each of these names."""
    rows = await connection.fetch(
        "SELECT ref, booking_id FROM booking_refs WHERE workspace_id = $1 AND ref = ANY($2::text[])",
        workspace_id,
        list(names),
    )
    return {row["ref"]: row["booking_id"] for row in rows}


async def deals_of(connection: asyncpg.Connection, company_ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    """Return the deal of every booking of these companies, by the booking's id."""
    rows = await connection.fetch(
        "SELECT id, deal_id FROM bookings WHERE company_id = ANY($1::uuid[])", list(company_ids)
    )
    return {row["id"]: row["deal_id"] for row in rows}


async def save(connection: asyncpg.Connection, workspace_id: UUID, stored: Sequence[StoredBooking]) -> None:
    """Write new and changed bookings with their attendees."""
    await bulk.upsert(connection, bookings, [_row(workspace_id, one) for one in stored], key=("id",))
    rows = [
        _attendee_row(one, position, attendee)
        for one in stored
        for position, attendee in enumerate(one.booking.attendees)
    ]
    await connection.execute(
        """
        DELETE FROM booking_attendees a USING unnest($1::uuid[], $2::int[]) AS remaining(booking_id, many)
        WHERE a.booking_id = remaining.booking_id AND a.position >= remaining.many
        """,
        [one.id for one in stored],
        [len(one.booking.attendees) for one in stored],
    )
    await bulk.upsert(connection, booking_attendees, rows, key=("booking_id", "position"))


async def save_deals(connection: asyncpg.Connection, deal_of: Mapping[UUID, UUID | None]) -> None:
    """Set the deals of these bookings."""
    await connection.execute(
        """
        UPDATE bookings b SET deal_id = changed.deal_id
        FROM unnest($1::uuid[], $2::uuid[]) AS changed(id, deal_id) WHERE b.id = changed.id
        """,
        list(deal_of),
        list(deal_of.values()),
    )


async def save_names(
    connection: asyncpg.Connection, workspace_id: UUID, names: Mapping[str, UUID], won: Collection[str] = ()
) -> None:
    """Save the names that sources use for the bookings. Another booking may have had those in `won` so far."""
    rows = [{"workspace_id": workspace_id, "ref": ref, "booking_id": booking_id} for ref, booking_id in names.items()]
    await bulk.insert_new(connection, booking_refs, rows)
    won_rows = [row for row in rows if row["ref"] in won]
    await bulk.upsert(connection, booking_refs, won_rows, key=("workspace_id", "ref"))


async def merge(connection: asyncpg.Connection, workspace_id: UUID, into: Mapping[UUID, UUID]) -> None:
    """Merge bookings that turned out to be one: `into` maps each removed id to the remaining one."""
    merged_ids, surviving_ids = list(into), list(into.values())
    for table in ("booking_refs", "booking_aliases"):
        await connection.execute(
            f"""
            UPDATE {table} t SET booking_id = moved.stays
            FROM unnest($1::uuid[], $2::uuid[]) AS moved(gone, stays) WHERE t.booking_id = moved.gone
            """,  # noqa: S608  # fixed names
            merged_ids,
            surviving_ids,
        )
    await connection.execute("DELETE FROM booking_attendees WHERE booking_id = ANY($1::uuid[])", merged_ids)
    await connection.execute("DELETE FROM deal_events WHERE stream_id = ANY($1::uuid[])", merged_ids)
    await connection.execute("DELETE FROM bookings WHERE id = ANY($1::uuid[])", merged_ids)
    aliases = [
        {"alias_id": alias_id, "booking_id": booking_id, "workspace_id": workspace_id}
        for alias_id, booking_id in into.items()
    ]
    await bulk.upsert(connection, booking_aliases, aliases, key=("alias_id",))


def _row(workspace_id: UUID, stored: StoredBooking) -> dict[str, Any]:
    booking = stored.booking
    contact = booking.contact
    row = {name: getattr(booking, name) for name in _SAME_NAME_FIELDS}
    row.update(
        id=stored.id,
        workspace_id=workspace_id,
        account_id=stored.account_id,
        calcom_uid=booking.uid,
        person_id=stored.person_ids.get(contact.email) if contact is not None and contact.email else None,
        company_id=stored.company_id,
        seat_company_id=stored.seat_company_id,
        deal_id=stored.deal_id,
        attended=booking.attended,
        attendance_evidence=booking.evidence,
        show_time=booking.start_time if booking.attended else None,
        uids=msgspec.to_builtins(booking.uids),
        source=effective_source(booking.source, is_matched=stored.is_matched),
        source_details=msgspec.to_builtins(booking.source),
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )
    return row


def _attendee_row(stored: StoredBooking, position: int, attendee: Attendee) -> dict[str, Any]:
    return {
        "booking_id": stored.id,
        "position": position,
        "person_id": stored.person_ids.get(attendee.email) if attendee.is_person and attendee.email else None,
        "email": attendee.email,
        "match_key": match_key(attendee.email) if attendee.is_person and attendee.email else None,
        "attendee_key": attendee.key if attendee.is_guest else None,
        "company_key": attendee.company_key,
        "name": attendee.name,
        "time_zone": attendee.time_zone,
        "phone": attendee.phone,
        "first_name": attendee.first_name,
        "locale": attendee.locale,
        "company_answer": attendee.company_answer,
        "name_keys": stored.name_keys.get(attendee.key),
        "calcom_seat_uid": attendee.seat_uid,
        "attended": attendee.attended,
        "attendance_evidence": attendee.evidence,
        "booked_at": attendee.joined_at,
        "confirmed_at": attendee.confirmed_at,
        "cancelled_at": attendee.left_at,
        "dismissed": attendee.key in stored.dismissed,
    }
