"""`/api/bookings` (AP1): filters, and the fields of a booking."""

import httpx2
import pytest

from showup.campaigns.campaign import FIRST_OWN_ID
from tests.web.conftest import ClientFactory
from tests.web.sample_data import id_of


async def list_titles(reader: httpx2.AsyncClient, query: str) -> list[str]:
    response = await reader.get(f"/api/bookings?{query}")
    assert response.status_code == 200, response.text
    return [item["title"].removeprefix("Meeting ") for item in response.json()["items"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["demo", "intro", "silent", "stood_up", "missed", "called_off"]),
        ("sort=start_time&limit=2", ["called_off", "missed"]),
        ("status=CANCELLED", ["called_off"]),
        ("attended=true", ["intro"]),
        ("attended=false", ["missed"]),
        ("attended=null", ["demo", "silent", "stood_up", "called_off"]),
        ("outcome=showed", ["intro"]),
        ("outcome=no_show&outcome=host_absent", ["stood_up", "missed"]),
        ("outcome=open", ["demo", "silent"]),
        ("outcome=assumed", []),
        (f"campaign_id={FIRST_OWN_ID}", ["intro"]),
        (f"campaign_id={FIRST_OWN_ID + 1}", []),
        ("email=BOB@acme.com", ["intro"]),
        ("organizer=Dana@brand.example&attended=true", ["intro"]),
        ("organizer=nobody@brand.example", []),
        (f"company_id={id_of('ours.acme')}", ["demo", "intro"]),
        ("from=2026-03-11", ["demo", "intro"]),
        ("from=2026-03-10T10:00:00Z&to=2026-03-11T15:00:00Z", ["silent"]),
        ("from=2026-03-11T17:00:00%2B02:00&to=2026-03-12", ["intro"]),
        ("uid=uid-intro", ["intro"]),
        ("uid=before-intro", ["intro"]),
        ("uid=unknown", []),
    ],
)
async def test_filters(reader: httpx2.AsyncClient, query: str, expected: list[str]) -> None:
    assert await list_titles(reader, query) == expected


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("dem", ["demo"]),
        ("sarah", ["demo", "intro"]),
        ("CHEN intro", ["intro"]),
        ("bob", ["intro"]),
        ("globex call", ["called_off"]),
        ("ema", []),
        ("  ", ["demo", "intro", "silent", "stood_up", "missed", "called_off"]),
        ("'); DROP TABLE bookings; --", []),
    ],
)
async def test_each_word_begins_a_word_of_title_person_or_company(
    reader: httpx2.AsyncClient, q: str, expected: list[str]
) -> None:
    response = await reader.get("/api/bookings", params={"q": q})
    assert [item["title"].removeprefix("Meeting ") for item in response.json()["items"]] == expected


async def test_attendance_shows_its_evidence(reader: httpx2.AsyncClient) -> None:
    """PI5: an absent host is not the guest's no-show, and without a report the attendance is unreported."""
    items = (await reader.get("/api/bookings")).json()["items"]
    states = {item["title"].removeprefix("Meeting "): item["attendance"] for item in items}
    assert states["intro"] == {"state": "showed", "evidence": "reported"}
    assert states["missed"] == {"state": "no_show", "evidence": "reported"}
    assert states["stood_up"] == {"state": "host_absent", "evidence": None}
    assert states["silent"] == {"state": "unreported", "evidence": None}


async def test_an_item_has_the_promised_fields(reader: httpx2.AsyncClient) -> None:
    (item,) = (await reader.get("/api/bookings?uid=uid-intro")).json()["items"]
    promised = (
        "id calcom_uid calcom_booking_id title start_time end_time booked_at status attended attendance"
        " show_time person company deal_id organizer_email reschedule_count cancellation_reason"
        " meeting_url notes notification_sent_at created_at workspace simulated source source_details"
    )
    assert set(item) == set(promised.split())
    assert item["person"]["email"] == "sarah.chen@acme.com"
    assert item["company"]["domain"] == "acme.com"
    assert item["start_time"] == "2026-03-11T15:00:00Z"
    assert item["notification_sent_at"] == "2026-03-02T09:00:00Z"


async def test_a_booking_includes_its_related_records(client_as: ClientFactory) -> None:
    booking = (await client_as("writer").get(f"/api/bookings/{id_of('ours.intro')}")).json()
    seats = [(seat["email"], seat["attendance"]["state"]) for seat in booking["attendees"]]
    assert seats == [("sarah.chen@acme.com", "showed"), ("bob@acme.com", "no_show")]
    assert booking["deal"]["stage"] == "met"
    (match,) = booking["matches"]
    assert (match["attendee"], match["lead"]["email"], match["campaign"]["name"]) == (
        "sarah.chen@acme.com",
        "sarah.chen@acme.com",
        "Founders",
    )
    assert (match["method"], match["score"]) == ("email", 1.0)
    assert len(booking["deliveries"]) == 2
    assert booking["uids"][0]["uid"] == "uid-intro"


async def test_a_merged_bookings_history_continues_in_the_surviving_booking(
    client_as: ClientFactory,
) -> None:
    stayed = (await client_as("writer").get(f"/api/bookings/{id_of('ours.intro')}")).json()
    merged = (await client_as("writer").get(f"/api/bookings/{id_of('ours.twin')}")).json()
    assert merged == stayed
    assert [line["what"] for line in stayed["timeline"]] == ["booking.made", "booking.rescheduled"]
    assert stayed["timeline"][0]["change"]["uid"] == [None, "uid-intro"]
