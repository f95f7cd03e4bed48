"""Bookings through API v1, for old self-hosted instances (seed 002, Cal.com API Integration)."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from showup.sources.calcom.api_errors import CalcomRefused, CalcomUnavailable
from showup.sources.calcom.api_values import ApiAttendee, ApiBooking, ApiEventType, ApiHost
from showup.sources.calcom.client_v1 import CalcomV1Client
from tests.sources.calcom_api.scripted_calcom import KEY, FakeTime, ScriptedCalcom, error_response
from tests.vendors.faults import VendorResponse

FROM, TO = datetime(2025, 11, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC)
# As in seed 002.
BOOKING: dict[str, Any] = {
    "id": 12345,
    "title": "Discovery Call",
    "startTime": "2025-11-20T15:00:00Z",
    "endTime": "2025-11-20T15:30:00Z",
    "status": "accepted",
    "attendees": [{"email": "lead@acme.com", "name": "John Doe", "timeZone": "America/New_York"}],
}
READ = ApiBooking(
    id=12345,
    uid=None,
    status="accepted",
    title="Discovery Call",
    start=datetime(2025, 11, 20, 15, tzinfo=UTC),
    end=datetime(2025, 11, 20, 15, 30, tzinfo=UTC),
    attendees=(ApiAttendee(email="lead@acme.com", name="John Doe", time_zone="America/New_York"),),
)


def bookings_response(*bookings: Any) -> VendorResponse:
    return VendorResponse(200, json.dumps({"bookings": bookings}).encode())


async def test_successful_booking_fetch(calcom_v1: CalcomV1Client, fake_calcom: ScriptedCalcom) -> None:
    """Seed 002: "Successful booking fetch", in the format of v1."""
    fake_calcom.script(bookings_response(BOOKING, {"title": "odd"}, BOOKING | {"startTime": "soon"}))
    assert await calcom_v1.bookings() == [READ]


async def test_query_parameter_construction(calcom_v1: CalcomV1Client, fake_calcom: ScriptedCalcom) -> None:
    """Seed 002: "Query parameter construction", in the format of v1."""
    fake_calcom.script(bookings_response(), bookings_response())
    await calcom_v1.bookings(678, FROM, TO)
    await calcom_v1.bookings()
    asked = {"eventTypeId": "678", "dateFrom": "2025-11-01T00:00:00.000Z", "dateTo": "2025-12-01T00:00:00.000Z"}
    assert [one.query for one in fake_calcom.requests] == [asked, {}]
    assert {(one.path, one.headers["authorization"]) for one in fake_calcom.requests} == {
        ("/v1/bookings", f"Bearer {KEY}")
    }


async def test_additional_v1_fields_are_read(calcom_v1: CalcomV1Client, fake_calcom: ScriptedCalcom) -> None:
    attendee = {"email": "j@client.example", "name": "Jürgen", "timeZone": "UTC", "locale": "de", "noShow": True}
    complete = BOOKING | {
        "uid": "uid1",
        "status": "CANCELLED",
        "attendees": [attendee],
        "user": {"email": "olivia@acme.example", "name": "Olivia", "timeZone": "Europe/Berlin"},
        "eventTypeId": 678,
        "fromReschedule": "uid0",
        "recurringEventId": "series1",
        "iCalUID": "uid1@Cal.com",
        "noShowHost": True,
        "responses": {"company": "Groß AG"},
        "createdAt": "2025-11-01T00:00:00Z",
        "updatedAt": "2025-12-01T00:00:00Z",
    }
    fake_calcom.script(bookings_response(complete))
    [booking] = await calcom_v1.bookings()
    assert booking == ApiBooking(
        id=12345,
        uid="uid1",
        status="cancelled",
        title="Discovery Call",
        start=READ.start,
        end=READ.end,
        attendees=(ApiAttendee(email="j@client.example", name="Jürgen", time_zone="UTC", language="de", absent=True),),
        hosts=(ApiHost(email="olivia@acme.example", name="Olivia", time_zone="Europe/Berlin"),),
        event_type=ApiEventType(id=678),
        rescheduled_from_uid="uid0",
        recurring_booking_uid="series1",
        ics_uid="uid1@Cal.com",
        absent_host=True,
        booking_fields_responses={"company": "Groß AG"},
        created_at=FROM,
        updated_at=TO,
    )


async def test_api_error_handling(calcom_v1: CalcomV1Client, fake_calcom: ScriptedCalcom, time: FakeTime) -> None:
    """Seed 002: "API error handling". Hosted Cal.com has removed v1, and reports so."""
    fake_calcom.script(VendorResponse(410, b'{"message": "API v1 has been decommissioned"}'))
    with pytest.raises(CalcomRefused, match=r"API v1 has been decommissioned.*must end in /v2"):
        await calcom_v1.bookings()
    fake_calcom.script(error_response(500), bookings_response(BOOKING))
    assert await calcom_v1.bookings() == [READ]
    assert time.paused == [1.0]


async def test_an_unexpected_shape_is_an_error(calcom_v1: CalcomV1Client, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(VendorResponse(200, b'{"status": "success", "data": []}'))
    with pytest.raises(CalcomUnavailable, match="no list of bookings"):
        await calcom_v1.bookings()
