"""F03, F05, F07, F16, F17, F19: what a webhook says reaches the mail, through the database."""

import json
from typing import Any

import pytest
from sqlalchemy import text

from showup.database.engine import driver_connection, transaction
from showup.destinations.contract import Meeting
from showup.destinations.email.destination import Mail
from showup.destinations.email.samples import sample_notification
from showup.reads.meetings import load_meetings
from tests.deliveries.scenario import DeliveryScenario
from tests.destinations.email.rendered_mail import renderer

API = "https://cal.own-server.example/api/v2"


def webhook(trigger: str = "BOOKING_CREATED", **changes: Any) -> bytes:
    fields = {
        "uid": "fl1",
        "bookingId": 7,
        "type": "discovery",
        "title": "Discovery",
        "startTime": "2026-10-01T15:00:00.000Z",
        "endTime": "2026-10-01T15:30:00.000Z",
        "status": "ACCEPTED",
        "organizer": {"email": "hanna@host.example", "name": "Hanna Host", "username": "hanna"},
        "attendees": [{"email": "dora@guest.example", "name": "Dora", "language": {"locale": "pt-BR"}}],
        "iCalUID": "fl1@Cal.com",
        "location": "integrations:zoom",
    }
    body = {"triggerEvent": trigger, "createdAt": "2026-09-07T09:00:00.000Z", "payload": fields | changes}
    return json.dumps(body).encode()


async def load(scenario: DeliveryScenario, email: str, api_url: str | None = API) -> Meeting:
    async with transaction(scenario.engine) as tx:
        booking_id = (await tx.execute(text("SELECT id FROM bookings"))).scalar_one()
        key = (booking_id, email)
        return (await load_meetings(await driver_connection(tx), [key], calcom_api_url=api_url))[key]


def confirmation(meeting: Meeting) -> Mail:
    return renderer().render(sample_notification("confirmation", "default", meeting))


async def test_choices_of_the_event_type_reach_the_mail(scenario: DeliveryScenario) -> None:
    """F03, F17."""
    planned = [{"integration": "google_calendar"}]
    hidden = {"hideOrganizerEmail": True, "customReplyToEmail": "desk@host.example", "disableCancelling": True}
    await scenario.receive(webhook(**hidden, destinationCalendar=planned, bookerUrl="https://cal.com"))
    meeting = await load(scenario, "dora@guest.example")
    sent = confirmation(meeting)
    assert (sent.reply_to, sent.calendar) == ("desk@host.example", None)
    assert "hanna@host.example" not in sent.text + sent.html
    assert "https://cal.com/reschedule/fl1" in sent.text
    assert "cancel=true" not in sent.text
    assert (meeting.guest.locale, meeting.location_kind) == ("pt-BR", "online")


@pytest.mark.parametrize(
    ("reported", "reschedule"),
    [
        (
            {
                "platformClientId": "c",
                "platformRescheduleUrl": "https://p.example/change",
                "bookerUrl": "https://cal.com",
            },
            "https://p.example/change/fl1?slug=discovery&username=hanna&reschedule=true",
        ),
        ({"platformRescheduleUrl": "", "bookerUrl": "https://cal.com"}, "https://cal.com/reschedule/fl1"),
        ({}, "https://cal.own-server.example/reschedule/fl1"),
    ],
)
async def test_links_lead_to_the_site_that_knows_the_booking(
    scenario: DeliveryScenario, reported: dict[str, Any], reschedule: str
) -> None:
    """F05: the platform's page, the booking page's host, else the connected instance's."""
    await scenario.receive(webhook(**reported))
    assert reschedule in confirmation(await load(scenario, "dora@guest.example")).text.split()


async def test_an_account_has_its_own_instance(scenario: DeliveryScenario) -> None:
    """F05: its setting comes before CALCOM_API_URL; without any, there is no link."""
    await scenario.receive(webhook())
    assert "/reschedule/" not in confirmation(await load(scenario, "dora@guest.example", api_url=None)).text
    async with transaction(scenario.engine) as tx:
        settings = json.dumps({"api_url": "https://api.cal.eu/v2"})
        await tx.execute(text("UPDATE connections SET settings = CAST(:s AS jsonb)"), {"s": settings})
    assert "https://app.cal.eu/reschedule/fl1" in confirmation(await load(scenario, "dora@guest.example")).text


async def test_a_person_known_by_the_form_gets_the_mail(scenario: DeliveryScenario) -> None:
    """F07: person, company, deal and mail depend on the address, which only the form has."""
    form = {"email": {"label": "email_address", "value": "ivo@willow-desk.example"}}
    row = {"email": "34600111222@sms.cal.com", "name": "Ivo", "phoneNumber": "+34600111222"}
    await scenario.receive(webhook(attendees=[row], responses=form))
    meeting = await load(scenario, "ivo@willow-desk.example")
    assert (meeting.guest.phone, meeting.company_domain) == ("+34600111222", "willow-desk.example")
    assert meeting.deal_id is not None
    assert [one["recipient"] for one in await scenario.rows(kind="confirmation")] == ["ivo@willow-desk.example"]


async def test_a_reason_has_no_mark(scenario: DeliveryScenario) -> None:
    """F19."""
    moved = {"uid": "fl2", "rescheduleUid": "fl1", "startTime": "2026-10-02T15:00:00.000Z"}
    reason = {"cancellationReason": "$RCH$school run", "createdAt": "2026-09-07T09:01:00.000Z"}
    await scenario.receive(webhook(), webhook("BOOKING_RESCHEDULED", **moved, **reason))
    assert (await load(scenario, "dora@guest.example")).reschedule_reason == "school run"


async def test_a_booking_without_uid_is_moved_and_cancelled(scenario: DeliveryScenario) -> None:
    """M07: so its reminders stop."""
    nameless = {"uid": None, "bookingId": None}
    moved = {"startTime": "2026-10-02T15:00:00.000Z", "rescheduleStartTime": "2026-10-01T15:00:00.000Z"}
    await scenario.receive(webhook(**nameless), webhook("BOOKING_RESCHEDULED", **nameless, **moved))
    assert f"{(await load(scenario, 'dora@guest.example')).start_time:%d}" == "02"
    await scenario.receive(webhook("BOOKING_CANCELLED", **nameless, startTime=moved["startTime"]))
    assert (await load(scenario, "dora@guest.example")).status == "CANCELLED"
    assert {row["state"] for row in await scenario.rows(kind="reminder")} <= {"withdrawn"}
