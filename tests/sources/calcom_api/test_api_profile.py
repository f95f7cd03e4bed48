"""Whose key it is, what can be booked, and when (IN8; reference: Cal.com 9.4)."""

from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from showup.clock import system_clock
from showup.sources.calcom.api import Calcom
from showup.sources.calcom.api_faults import CalcomAway
from showup.sources.calcom.api_values import EventType, Me, Slot
from tests.sources.calcom_api.far import KEY, Answer, FarCalcom, ok

START, END = datetime(2026, 3, 4, 9, tzinfo=UTC), datetime(2026, 3, 4, 10, tzinfo=UTC)


async def test_whose_key_it_is(calcom: Calcom, far: FarCalcom) -> None:
    olivia = {"id": 7, "username": "olivia", "email": "O@acme.example", "name": "Olivia", "timeZone": "Europe/Berlin"}
    far.will_say(ok(olivia | {"organizationId": None}))
    assert await calcom.me() == Me(
        id=7, username="olivia", email="o@acme.example", name="Olivia", time_zone="Europe/Berlin"
    )
    assert (far.asked[0].path, far.asked[0].version) == ("/v2/me", None)


async def test_with_the_clock_and_the_chance_of_the_process(client: httpx2.AsyncClient, far: FarCalcom) -> None:
    far.will_say(ok({"id": 7}))
    assert await Calcom(client, url=far.url, key=f" {KEY}\n", clock=system_clock).me() == Me(id=7)
    assert far.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert far.asked[0].headers["user-agent"] == "showup/1.2.3"


@pytest.mark.parametrize("answer", [ok({}), ok([7]), ok({"id": "7"}), Answer(200, b'{"id": 7}')])
async def test_nobodys_key_is_no_answer(calcom: Calcom, far: FarCalcom, answer: Answer) -> None:
    far.will_say(answer)
    with pytest.raises(CalcomAway, match="not in the shape"):
        await calcom.me()


async def test_event_types(calcom: Calcom, far: FarCalcom) -> None:
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
    far.will_say(ok([intro, {"id": 51, "slug": "bare"}, {"id": 52}, 3]), ok([]))
    assert await calcom.event_types() == [
        EventType(
            id=50,
            slug="intro",
            title="Intro",
            description="Half an hour",
            duration=30,
            durations=(15, 30),
            hidden=True,
            booking_url="https://cal.example/olivia/intro",
        ),
        EventType(id=51, slug="bare"),
    ]
    assert await calcom.event_types("olivia") == []
    assert [one.query for one in far.asked] == [{}, {"username": "olivia"}]
    assert {(one.path, one.version) for one in far.asked} == {("/v2/event-types", "2024-06-14")}


async def test_event_types_in_another_shape_are_no_empty_list(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(ok({"eventTypeGroups": []}))
    with pytest.raises(CalcomAway, match="no list"):
        await calcom.event_types()


SHAPES: list[Any] = [
    {"start": "2026-03-04T10:00:00.000+01:00", "end": "2026-03-04T10:30:00.000+01:00"},
    {"start": "2026-03-04T10:00:00.000+01:00"},
    {"time": "2026-03-04T09:00:00Z"},
    "2026-03-04T09:00:00Z",
]


@pytest.mark.parametrize("shape", SHAPES)
async def test_slots(calcom: Calcom, far: FarCalcom, shape: Any) -> None:
    far.will_say(ok({"2026-03-04": [shape, {"start": "soon"}, 5], "2026-03-05": []}))
    found = await calcom.slots(start=START, end=END, event_type_id=50, time_zone="Europe/Berlin")
    end = datetime(2026, 3, 4, 9, 30, tzinfo=UTC) if "end" in shape else None
    assert found == {"2026-03-04": [Slot(start=START, end=end)], "2026-03-05": []}
    assert far.asked[0].version == "2024-09-04"
    assert far.asked[0].query == {
        "start": "2026-03-04T09:00:00.000Z",
        "end": "2026-03-04T10:00:00.000Z",
        "eventTypeId": "50",
        "timeZone": "Europe/Berlin",
        "format": "range",
    }


async def test_slots_by_slug(calcom: Calcom, far: FarCalcom) -> None:
    far.will_say(ok({}))
    assert await calcom.slots(start=START, end=END, event_type_slug="intro", username="olivia") == {}
    assert far.asked[0].query.items() >= {"eventTypeSlug": "intro", "username": "olivia"}.items()
    assert "eventTypeId" not in far.asked[0].query
