"""Decodes responses of Cal.com's API: an invalid item is left out, and the rest of its page is kept."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from showup.sources.calcom.api_errors import UnexpectedCalcomResponse
from showup.sources.calcom.api_values import (
    ApiAttendee,
    ApiBooking,
    ApiEventType,
    ApiHost,
    CalcomEventType,
    CalcomUser,
    FreeSlot,
)
from showup.sources.calcom.payload import (
    TEXT_LENGTH,
    URL_LENGTH,
    Json,
    NotATime,
    email,
    flag,
    identifier,
    instant,
    integer,
    mapping,
    objects,
    read_answer,
    text,
    url,
)


def decode_me(data: Json) -> CalcomUser:
    """Returns the key's owner. Raises `UnexpectedCalcomResponse` where there is none."""
    user_id = integer(data.get("id"))
    if user_id is None:
        raise unexpected_shape("/me has no id")
    return CalcomUser(
        id=user_id,
        username=text(data.get("username")),
        email=email(data.get("email")),
        name=text(data.get("name")),
        time_zone=text(data.get("timeZone")),
        organization_id=integer(data.get("organizationId")),
    )


def decode_event_types(data: Any) -> list[CalcomEventType]:
    """Returns all event types that have an id and a slug."""
    return [found for item in objects(data) if (found := _decode_event_type(item)) is not None]


def _decode_event_type(item: Json) -> CalcomEventType | None:
    type_id, slug = integer(item.get("id")), identifier(item.get("slug"))
    if type_id is None or slug is None:
        return None
    offered = item.get("lengthInMinutesOptions")
    lengths = (integer(length) for length in offered) if isinstance(offered, list) else ()
    return CalcomEventType(
        id=type_id,
        slug=slug,
        title=text(item.get("title")),
        description=text(item.get("description"), TEXT_LENGTH),
        duration=integer(item.get("lengthInMinutes")),
        durations=tuple(length for length in lengths if length is not None),
        hidden=flag(item.get("hidden")) is True,
        booking_url=url(item.get("bookingUrl")),
    )


def decode_slots(data: Json) -> dict[str, list[FreeSlot]]:
    """Returns free slots by day, as YYYY-MM-DD in the requested time zone."""
    return {day: list(_decode_slots(listed)) for day, listed in data.items() if isinstance(listed, list)}


def _decode_slots(listed: list[Any]) -> Iterable[FreeSlot]:
    for item in listed:
        # Without ranges, a slot is its start only, as text or under a key.
        fields = mapping(item) or {"start": item}
        try:
            start = instant(fields, "start") or instant(fields, "time")
            end = instant(fields, "end")
        except NotATime:
            continue
        if start is not None:
            yield FreeSlot(start=start, end=end)


def decode_bookings(listed: Iterable[Any]) -> tuple[tuple[ApiBooking, ...], int]:
    """Returns the readable bookings, and the number of unreadable ones."""
    decoded = [decode_booking(mapping(item)) for item in listed]
    items = tuple(one for one in decoded if one is not None)
    return items, len(decoded) - len(items)


def decode_booking(fields: Json) -> ApiBooking | None:
    """Returns the booking; None if a time is unreadable, or the uid, status or start is missing."""
    uid, status = identifier(fields.get("uid")), text(fields.get("status"))
    try:
        start, end, created_at, updated_at = (
            instant(fields, name) for name in ("start", "end", "createdAt", "updatedAt")
        )
    except NotATime:
        return None
    if uid is None or status is None or start is None:
        return None
    return ApiBooking(
        id=integer(fields.get("id")),
        uid=uid,
        status=status.lower(),
        start=start,
        end=end,
        duration=integer(fields.get("duration")),
        title=text(fields.get("title")),
        description=text(fields.get("description"), TEXT_LENGTH),
        hosts=tuple(_host(item) for item in objects(fields.get("hosts"))),
        attendees=tuple(_attendee(item) for item in objects(fields.get("attendees"))),
        guests=_guests(fields.get("guests")),
        event_type=_named_event_type(fields),
        location=text(fields.get("location"), URL_LENGTH),
        meeting_url=url(fields.get("meetingUrl")),
        absent_host=flag(fields.get("absentHost")),
        cancellation_reason=text(fields.get("cancellationReason"), TEXT_LENGTH),
        cancelled_by_email=email(fields.get("cancelledByEmail")),
        rescheduling_reason=text(fields.get("reschedulingReason"), TEXT_LENGTH),
        rescheduled_by_email=email(fields.get("rescheduledByEmail")),
        rescheduled_from_uid=identifier(fields.get("rescheduledFromUid")),
        rescheduled_to_uid=identifier(fields.get("rescheduledToUid")),
        recurring_booking_uid=identifier(fields.get("recurringBookingUid")),
        created_at=created_at,
        updated_at=updated_at,
        ics_uid=text(fields.get("icsUid")),
        metadata=mapping(fields.get("metadata")),
        booking_fields_responses=mapping(fields.get("bookingFieldsResponses")),
    )


def _host(item: Json) -> ApiHost:
    return ApiHost(
        id=integer(item.get("id")),
        name=text(item.get("name")),
        email=email(item.get("email")),
        display_email=email(item.get("displayEmail")),
        username=text(item.get("username")),
        time_zone=text(item.get("timeZone")),
    )


def _attendee(item: Json) -> ApiAttendee:
    return ApiAttendee(
        name=text(read_answer(item.get("name"))),
        email=email(item.get("email")),
        display_email=email(item.get("displayEmail")),
        time_zone=text(item.get("timeZone")),
        language=text(item.get("language")),
        absent=flag(item.get("absent")),
        phone_number=text(item.get("phoneNumber")),
        seat_uid=identifier(item.get("seatUid")),
        booking_fields_responses=mapping(item.get("bookingFieldsResponses")),
    )


def _named_event_type(fields: Json) -> ApiEventType:
    named = mapping(fields.get("eventType"))
    type_id = integer(named.get("id"))
    return ApiEventType(
        id=integer(fields.get("eventTypeId")) if type_id is None else type_id, slug=identifier(named.get("slug"))
    )


def _guests(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(found for item in listed if (found := email(item)) is not None)


def format_time(moment: datetime) -> str:
    """Formats a time for Cal.com's API: in UTC, with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unexpected_shape(detail: str) -> UnexpectedCalcomResponse:
    """Returns the error for a response with an unexpected shape."""
    return UnexpectedCalcomResponse(f"unexpected response from Cal.com: {detail}")
