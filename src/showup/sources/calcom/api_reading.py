"""Values out of the answers of Cal.com's API: what is odd or missing in one of them costs that one, not its page."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from showup.sources.calcom.api_faults import CalcomStrange
from showup.sources.calcom.api_values import (
    ApiAttendee,
    ApiBooking,
    ApiEventType,
    ApiHost,
    EventType,
    Me,
    Slot,
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
    text,
    url,
)


def me(data: Json) -> Me:
    """Whose key it is; raises `CalcomStrange` where it is nobody's."""
    found = integer(data.get("id"))
    if found is None:
        raise strange("/me has no id")
    return Me(
        id=found,
        username=text(data.get("username")),
        email=email(data.get("email")),
        name=text(data.get("name")),
        time_zone=text(data.get("timeZone")),
        organization_id=integer(data.get("organizationId")),
    )


def event_types(data: Any) -> list[EventType]:
    """All that have an id and a slug."""
    return [found for item in objects(data) if (found := _event_type(item)) is not None]


def _event_type(item: Json) -> EventType | None:
    found, slug = integer(item.get("id")), identifier(item.get("slug"))
    if found is None or slug is None:
        return None
    offered = item.get("lengthInMinutesOptions")
    lengths = (integer(length) for length in offered) if isinstance(offered, list) else ()
    return EventType(
        id=found,
        slug=slug,
        title=text(item.get("title")),
        description=text(item.get("description"), TEXT_LENGTH),
        duration=integer(item.get("lengthInMinutes")),
        durations=tuple(length for length in lengths if length is not None),
        hidden=flag(item.get("hidden")) is True,
        booking_url=url(item.get("bookingUrl")),
    )


def slots(data: Json) -> dict[str, list[Slot]]:
    """Free times by the day on which they are, as YYYY-MM-DD in the time zone that was asked for."""
    return {day: list(_slots(listed)) for day, listed in data.items() if isinstance(listed, list)}


def _slots(listed: list[Any]) -> Iterable[Slot]:
    for item in listed:
        # Without ranges a slot is its start alone, as text or under a name.
        fields = mapping(item) or {"start": item}
        try:
            start = instant(fields, "start") or instant(fields, "time")
            end = instant(fields, "end")
        except NotATime:
            continue
        if start is not None:
            yield Slot(start=start, end=end)


def bookings(listed: Iterable[Any]) -> tuple[tuple[ApiBooking, ...], int]:
    """Those that can be read, and how many can't."""
    found = [booking(mapping(item)) for item in listed]
    items = tuple(one for one in found if one is not None)
    return items, len(found) - len(items)


def booking(fields: Json) -> ApiBooking | None:
    """The booking; None where one of its times can't be read, or it lacks its uid, its status or its start."""
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
        name=text(item.get("name")),
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
    found = integer(named.get("id"))
    return ApiEventType(
        id=integer(fields.get("eventTypeId")) if found is None else found, slug=identifier(named.get("slug"))
    )


def _guests(value: Any) -> tuple[str, ...]:
    listed = value if isinstance(value, list) else []
    return tuple(found for item in listed if (found := email(item)) is not None)


def written(moment: datetime) -> str:
    """A time as Cal.com's API wants it: in UTC, with thousandths."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def strange(what: str) -> CalcomStrange:
    """The fault for an answer that is not in its shape."""
    return CalcomStrange(f"Cal.com's answer is not in the shape that was asked for: {what}")
