"""Sample bookings as Cal.com's API returns them."""

from typing import Any

BOOKING: dict[str, Any] = {
    "id": 123,
    "uid": "bookinguid1",
    "title": "Intro between Olivia and Jürgen",
    "description": "About prices",
    "hosts": [
        {
            "id": 7,
            "name": "Olivia",
            "email": "Olivia@acme.example",
            "displayEmail": "olivia@acme.example",
            "username": "olivia",
            "timeZone": "Europe/Berlin",
        }
    ],
    "status": "ACCEPTED",
    "cancellationReason": "ill",
    "cancelledByEmail": "j@client.example",
    "reschedulingReason": "busy",
    "rescheduledByEmail": "j@client.example",
    "rescheduledFromUid": "bookinguid0",
    "rescheduledToUid": "bookinguid2",
    "start": "2026-03-04T15:00:00.000Z",
    "end": "2026-03-04T15:30:00.000Z",
    "duration": 30,
    "eventTypeId": 50,
    "eventType": {"id": 50, "slug": "intro"},
    "location": "integrations:daily",
    "meetingUrl": "https://meet.example/1",
    "absentHost": False,
    "createdAt": "2026-03-01T08:00:00.000Z",
    "updatedAt": None,
    "metadata": {"showup": "simulated"},
    "icsUid": "abc@Cal.com",
    "attendees": [
        {
            "name": "Jürgen Groß",
            "email": "j@client.example",
            "displayEmail": "j@client.example",
            "timeZone": "Europe/Zurich",
            "language": "de",
            "absent": True,
            "phoneNumber": "+41440000000",
            "seatUid": "seat-1",
            "bookingFieldsResponses": {"notes": "hello"},
        }
    ],
    "guests": ["guest@client.example"],
    "bookingFieldsResponses": {"company": "Groß AG"},
    "recurringBookingUid": "series1",
}
LAST: dict[str, Any] = {"nextCursor": None, "hasMore": False}


def api_booking(uid: str, **changes: Any) -> dict[str, Any]:
    return BOOKING | {"uid": uid} | changes
