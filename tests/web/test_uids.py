"""S09: who knows a uid can cancel the meeting at Cal.com, so a key that may only read gets none, in any form."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.bookings.uids import redact
from showup.destinations.clickup.render import render as render_for_clickup
from showup.destinations.contract import Guest, Meeting, Notification
from showup.destinations.slack.render import render as render_for_slack
from showup.destinations.webhook.render import content as render_for_webhook
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of

UID, FORMER, SEAT = "bFJeNb2uX8ANpT3JL5EfXw", "fkP5h9QpE7cX2vN8sL3wRt", "seat-7c1b9a8e2b6f4d5c"
SECRETS = (UID, FORMER, SEAT)
ROOM = f"https://app.cal.com/video/{UID}"


async def put_uids_everywhere(engine: AsyncEngine) -> None:
    """Gives a booking uids in every field that Cal.com or a person may fill."""
    async with engine.begin() as tx:
        await tx.execute(
            text(
                "UPDATE showup.bookings SET calcom_uid = :uid, meeting_url = :room, location = :room, "
                "uids = jsonb_build_array(jsonb_build_object('uid', cast(:former AS text)), "
                "jsonb_build_object('uid', cast(:uid AS text))), title = :title, "
                "notes = :notes, cancellation_reason = :notes, outcome_notes = :notes, next_step = :notes "
                "WHERE id = :id"
            ),
            {
                "uid": UID,
                "room": ROOM,
                "former": FORMER,
                "title": f"Call {FORMER}",
                "notes": f"To move it: https://cal.com/reschedule/{SEAT}, or {ROOM}.",
                "id": id_of("ours.intro"),
            },
        )
        await tx.execute(
            text("UPDATE showup.booking_attendees SET calcom_seat_uid = :seat WHERE booking_id = :id AND position = 0"),
            {"seat": SEAT, "id": id_of("ours.intro")},
        )
        await tx.execute(
            text(
                "UPDATE showup.audit_log SET change = jsonb_build_object('uid', jsonb_build_array(null, "
                "cast(:uid AS text)), 'meeting_url', jsonb_build_array(cast(:room AS text), null)) "
                "WHERE booking_id = :id"
            ),
            {"uid": FORMER, "room": ROOM, "id": id_of("ours.intro")},
        )
        await tx.execute(
            text(
                "UPDATE showup.inbox_events SET uid = :uid, because = :uid, body = convert_to(:body, 'UTF8') "
                "WHERE id = :id"
            ),
            {"uid": UID, "body": f'{{"payload": {{"uid": "{UID}"}}}}', "id": id_of("ours.made")},
        )


READS = (
    "/api/bookings",
    "/api/bookings?q=meeting",
    f"/api/bookings/{id_of('ours.intro')}",
    f"/api/deals/{id_of('ours.acme_deal')}",
    f"/api/people/{id_of('ours.sarah')}",
    f"/api/companies/{id_of('ours.acme')}",
    "/api/events",
    f"/api/events/{id_of('ours.made')}",
    f"/api/events/{id_of('ours.made')}/body",
    "/api/deliveries",
    "/api/attention",
)


@pytest.mark.usefixtures("own_sample_database")
async def test_s09_no_read_gives_a_uid_to_a_key_of_scope_read(
    sample_engine: AsyncEngine, client_as: ClientFactory
) -> None:
    await put_uids_everywhere(sample_engine)
    reader, writer = client_as("reader"), client_as("writer")
    seen = ""
    for path in READS:
        response = await reader.get(path)
        assert response.status_code == (403 if path.endswith("/body") else 200), response.text
        assert not [uid for uid in SECRETS if uid in response.text], path
        seen += (await writer.get(path)).text
    assert all(uid in seen for uid in SECRETS), "a key of scope write sees them"


@pytest.mark.usefixtures("own_sample_database")
async def test_s09_a_booking_keeps_its_other_texts(sample_engine: AsyncEngine, reader: httpx2.AsyncClient) -> None:
    await put_uids_everywhere(sample_engine)
    booking = (await reader.get(f"/api/bookings/{id_of('ours.intro')}")).json()
    assert (booking["calcom_uid"], booking["meeting_url"], booking["uids"]) == (None, None, [])
    assert booking["notes"] == "To move it: https://cal.com/reschedule/[uid], or https://app.cal.com/video/[uid]."
    event = (await reader.get(f"/api/events/{id_of('ours.made')}")).json()
    assert (event["body"], event["body_base64"]) == (None, None)


def meeting(**fields: Any) -> Meeting:
    at = datetime(2026, 9, 14, 12, tzinfo=UTC)
    guest = Guest(email="sarah@acme.com", name="Sarah")
    required: dict[str, Any] = {"booking_id": uuid4(), "version": 1, "status": "ACCEPTED", "title": "Call"}
    times = {"guest": guest, "start_time": at, "end_time": None}
    return Meeting(uid=UID, seat_uid=SEAT, other_uids=(FORMER,), **required | times | fields)


def rendered_everywhere(booking: Meeting, kind: str, details: dict[str, Any]) -> Sequence[str]:
    notification = Notification(delivery_id=uuid4(), workspace="ours", kind=kind, details=details, meeting=booking)
    return [
        repr(render_for_clickup(notification)),
        repr(render_for_slack(notification, "C1")),
        repr(render_for_webhook(notification)),
    ]


@given(
    secret=st.sampled_from(SECRETS),
    field=st.sampled_from(("location", "meeting_url", "notes", "title", "cancellation_reason", "reschedule_reason")),
    form=st.sampled_from(("{}", "https://app.cal.com/video/{}", "Join https://cal.com/booking/{}?cancel=true now")),
    kind=st.sampled_from(("booking.created", "booking.rescheduled", "booking.cancelled", "booking.showed")),
)
def test_s09_no_destination_but_the_attendees_gets_a_uid(secret: str, field: str, form: str, kind: str) -> None:
    details = {"old_location": form.format(secret)}
    for message in rendered_everywhere(meeting(**{field: form.format(secret)}), kind, details):
        assert not [uid for uid in SECRETS if uid in message]


def test_s09_a_link_without_a_uid_stays() -> None:
    """TE5: the task has the meeting's link."""
    for message in rendered_everywhere(meeting(meeting_url="https://meet.example/abc"), "booking.created", {}):
        assert "https://meet.example/abc" in message


def test_s09_a_short_uid_is_hidden_in_links_only() -> None:
    assert redact({"title": "We met.", "meeting_url": "https://x.example/met"}, ["met", None]) == {
        "title": "We met.",
        "meeting_url": None,
    }
    assert redact("See https://x.example/met, not /metal", ["met"]) == "See https://x.example/[uid], not /metal"
