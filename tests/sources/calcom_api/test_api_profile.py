"""The key's owner, event types and free slots (IN8; reference: Cal.com 9.4)."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from showup.clock import system_clock
from showup.sources.calcom.api_errors import CalcomUnavailable
from showup.sources.calcom.api_values import CalcomEventType, CalcomUser, FreeSlot
from showup.sources.calcom.client import CalcomClient
from tests.sources.calcom_api.scripted_calcom import KEY, ScriptedCalcom, success_response, version_of
from tests.vendors.faults import VendorResponse

START, END = datetime(2026, 3, 4, 9, tzinfo=UTC), datetime(2026, 3, 4, 10, tzinfo=UTC)


async def test_me_returns_the_key_owner(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    olivia = {"id": 7, "username": "olivia", "email": "O@acme.example", "name": "Olivia", "timeZone": "Europe/Berlin"}
    fake_calcom.script(success_response(olivia | {"organizationId": None}))
    assert await calcom.me() == CalcomUser(
        id=7, username="olivia", email="o@acme.example", name="Olivia", time_zone="Europe/Berlin"
    )
    assert (fake_calcom.requests[0].path, version_of(fake_calcom.requests[0])) == ("/v2/me", None)


async def test_default_clock_and_jitter(client: httpx2.AsyncClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(success_response({"id": 7}))
    assert await CalcomClient(client, url=fake_calcom.url, key=f" {KEY}\n", clock=system_clock).me() == CalcomUser(id=7)
    assert fake_calcom.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert fake_calcom.requests[0].headers["user-agent"] == "showup/1.2.3"


@pytest.mark.parametrize(
    "answer",
    [success_response({}), success_response([7]), success_response({"id": "7"}), VendorResponse(200, b'{"id": 7}')],
)
async def test_me_without_an_id_is_an_error(
    calcom: CalcomClient, fake_calcom: ScriptedCalcom, answer: VendorResponse
) -> None:
    fake_calcom.script(answer)
    with pytest.raises(CalcomUnavailable, match="unexpected response"):
        await calcom.me()


async def test_event_types(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    intro = {
        "id": 50,
        "slug": "intro",
        "title": "Intro",
        "description": "Half an hour",
        "lengthInMinutes": 30,
        "lengthInMinutesOptions": [15, 30, "x"],
        "hidden": True,
        "bookingUrl": "https://cal.example/olivia/intro",
    }
    fake_calcom.script(success_response([intro, {"id": 51, "slug": "bare"}, {"id": 52}, 3]), success_response([]))
    assert await calcom.event_types() == [
        CalcomEventType(
            id=50,
            slug="intro",
            title="Intro",
            description="Half an hour",
            duration=30,
            durations=(15, 30),
            hidden=True,
            booking_url="https://cal.example/olivia/intro",
        ),
        CalcomEventType(id=51, slug="bare"),
    ]
    assert await calcom.event_types("olivia") == []
    assert [one.query for one in fake_calcom.requests] == [{}, {"username": "olivia"}]
    assert {(one.path, version_of(one)) for one in fake_calcom.requests} == {("/v2/event-types", "2024-06-14")}


async def test_unexpected_event_types_are_an_error(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(success_response({"eventTypeGroups": []}))
    with pytest.raises(CalcomUnavailable, match="not a list"):
        await calcom.event_types()


SHAPES: list[Any] = [
    {"start": "2026-03-04T10:00:00.000+01:00", "end": "2026-03-04T10:30:00.000+01:00"},
    {"start": "2026-03-04T10:00:00.000+01:00"},
    {"time": "2026-03-04T09:00:00Z"},
    "2026-03-04T09:00:00Z",
]


@pytest.mark.parametrize("shape", SHAPES)
async def test_slots(calcom: CalcomClient, fake_calcom: ScriptedCalcom, shape: Any) -> None:
    fake_calcom.script(success_response({"2026-03-04": [shape, {"start": "soon"}, 5], "2026-03-05": []}))
    found = await calcom.slots(start=START, end=END, event_type_id=50, time_zone="Europe/Berlin")
    end = datetime(2026, 3, 4, 9, 30, tzinfo=UTC) if "end" in shape else None
    assert found == {"2026-03-04": [FreeSlot(start=START, end=end)], "2026-03-05": []}
    assert version_of(fake_calcom.requests[0]) == "2024-09-04"
    assert fake_calcom.requests[0].query == {
        "start": "2026-03-04T09:00:00.000Z",
        "end": "2026-03-04T10:00:00.000Z",
        "eventTypeId": "50",
        "timeZone": "Europe/Berlin",
        "format": "range",
    }


async def test_slots_by_slug(calcom: CalcomClient, fake_calcom: ScriptedCalcom) -> None:
    fake_calcom.script(success_response({}))
    assert await calcom.slots(start=START, end=END, event_type_slug="intro", username="olivia") == {}
    assert fake_calcom.requests[0].query.items() >= {"eventTypeSlug": "intro", "username": "olivia"}.items()
    assert "eventTypeId" not in fake_calcom.requests[0].query
