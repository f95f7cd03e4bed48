"""Reads a booking's attendees: the rows that list them, joined with what the booker answered on the form."""

import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from showup.events.details import AttendeeDetails
from showup.sources.calcom.booking_details.answers import Answers, booker_email, booker_name, booker_phone
from showup.sources.calcom.payload import (
    Json,
    flag,
    identifier,
    mapping,
    number_of_invented_email,
    objects,
    own_email,
    phone,
    read_answer,
    text,
)

_MAX_ATTENDEES: Final = 1_000
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")


class _Booker(Struct, frozen=True, kw_only=True):
    """What the form says about the booker; a host who booked on their own page has no `email` here."""

    is_host: bool
    email: str | None
    phone: str | None
    name: str | None
    first_name: str | None


def read_attendees(
    fields: Json, answers: Answers, hosts: Collection[str], *, seated: bool
) -> tuple[AttendeeDetails, ...]:
    """Returns the attendees in the body's order; without rows, the booker whom the form names."""
    name, first_name = booker_name(answers)
    address = booker_email(answers, fields, hosts)
    booker = _Booker(
        is_host=address is None and booker_email(answers, fields, ()) is not None,
        email=address,
        phone=booker_phone(answers, fields),
        name=name,
        first_name=first_name,
    )
    items = objects(fields.get("attendees"))[:_MAX_ATTENDEES]
    if not items and (booker.email or booker.phone):
        # Some relays drop the attendees and keep the form, which also names the booker.
        items = [{}]
    rows = [_attendee(item) for item in items]
    position = _booker_position(rows, booker, hosts, seated=seated)
    if position is not None:
        rows[position] = _joined(rows[position], booker)
    seat = identifier(fields.get("attendeeSeatId"))
    if seat is not None and len(rows) == 1:
        rows = [replace(rows[0], seat_uid=seat)]
    numbers = (number_of_invented_email(item.get("email")) for item in items)
    return tuple(_unique(replace(row, phone=row.phone or number) for row, number in zip(rows, numbers, strict=True)))


def _attendee(item: Json) -> AttendeeDetails:
    first, last = text(item.get("firstName"), 100), text(item.get("lastName"), 100)
    name = item.get("name")
    return AttendeeDetails(
        email=own_email(item.get("email")),
        name=text(read_answer(name)) or text(" ".join(filter(None, (first, last)))),
        first_name=first or text(mapping(name).get("firstName"), 100),
        locale=_locale(item),
        time_zone=text(item.get("timeZone"), 64),
        phone=phone(item.get("phoneNumber")),
        seat_uid=identifier(mapping(item.get("bookingSeat")).get("referenceUid")),
        no_show=flag(item.get("noShow")),
        attended=flag(item.get("attended")),
    )


def _locale(item: Json) -> str | None:
    """Returns the language that the attendee booked with: an object in webhooks, text in the API and in rows."""
    language: Any = item.get("language")
    for value in (mapping(language).get("locale"), language, item.get("locale")):
        found = (text(value, 35) or "").replace("_", "-")
        if _LOCALE.fullmatch(found):
            return found
    return None


def _booker_position(
    rows: Sequence[AttendeeDetails], booker: _Booker, hosts: Collection[str], *, seated: bool
) -> int | None:
    """Returns the index of the booker's row: the row with their address, else the first that may be theirs.

    The answers of a booking with seats may be another attendee's, and a host who books on their own page is no guest:
    there a row with another address is not joined.
    """
    emails = [row.email for row in rows]
    if booker.email is not None and booker.email in emails:
        return emails.index(booker.email)
    guests = [position for position, email in enumerate(emails) if email not in hosts]
    unnamed = [position for position in guests if emails[position] is None]
    if unnamed and booker.email is not None:
        return unnamed[0]
    if booker.is_host:
        guests = unnamed
    return None if not guests or (seated and booker.email is not None) else guests[0]


def _joined(row: AttendeeDetails, booker: _Booker) -> AttendeeDetails:
    return replace(
        row,
        email=row.email or booker.email,
        phone=row.phone or booker.phone,
        name=row.name or booker.name,
        first_name=row.first_name or booker.first_name,
    )


def _unique(rows: Iterable[AttendeeDetails]) -> Iterable[AttendeeDetails]:
    seen_keys: set[str] = set()
    for attendee in rows:
        if attendee.key and attendee.key not in seen_keys:
            seen_keys.add(attendee.key)
            yield attendee
