"""Seed 004's option 1: the three tools of Cal.com, over its API v2 on loopback, checked against its OpenAPI (AS1)."""

from datetime import timedelta

import pytest

from showup.access.calcom_profile import CalcomCredentials
from showup.assistant.catalogue import TOOLS
from showup.assistant.tool_context import AssistantServices
from tests.fake_calcom.scenario import ANN
from tests.fake_calcom.scenario import Scenario as CalcomWorld
from tests.fake_calcom.server import FakeCalcom
from tests.vendors.faults import Faults
from tests.web.assistant.conftest import ask, caller_of, connect_calcom, result_of
from tests.web.scenario import Scenario

TEXT, NUMBER = {"type": "string"}, {"type": "number"}
SEED = {
    "cal_get_event_types": {"type": "object", "properties": {}, "required": []},
    "cal_check_availability": {
        "type": "object",
        "properties": {
            "event_type_id": NUMBER | {"description": "The event type ID to check availability for"},
            "date_from": TEXT | {"description": "Start date (YYYY-MM-DD)"},
            "date_to": TEXT | {"description": "End date (YYYY-MM-DD)"},
        },
        "required": ["event_type_id", "date_from", "date_to"],
    },
    "cal_get_booking_link": {
        "type": "object",
        "properties": {"event_type_slug": TEXT | {"description": 'The event type slug (e.g., "30min", "intro-call")'}},
        "required": ["event_type_slug"],
    },
}


def test_the_names_and_schemas_are_the_seeds() -> None:
    assert {tool.name: tool.input_schema for tool in TOOLS if tool.name in SEED} == SEED


async def test_cal_get_event_types_returns_users_event_types(
    services: AssistantServices, world: CalcomWorld, fake_calcom: FakeCalcom
) -> None:
    found = (await result_of(services, "cal_get_event_types"))["event_types"]
    assert [one["slug"] for one in found] == [one.slug for one in world.event_types.values()]
    intro = found[0]
    assert intro["id"] == world.intro.id
    # The title is from outside; the slug, which is part of an address, is one word.
    assert intro["title"] == {"outside_text": "Intro call"}
    assert fake_calcom.calls == ["GET /event-types"]


async def test_cal_get_booking_link_returns_correct_url(services: AssistantServices, fake_calcom: FakeCalcom) -> None:
    found = await result_of(services, "cal_get_booking_link", event_type_slug="intro-call")
    # A self-hosted instance has its pages beside its API.
    assert found["url"] == {"outside_text": f"{fake_calcom.url.removesuffix('/v2')}/hana/intro-call"}


async def test_without_a_username_the_link_is_what_calcom_says(
    services: AssistantServices, fake_calcom: FakeCalcom
) -> None:
    await connect_calcom(services, CalcomCredentials(calcom_api_key=fake_calcom.key))
    found = await result_of(services, "cal_get_booking_link", event_type_slug="intro-call")
    assert found["url"] == {"outside_text": "https://cal.com/hana/intro-call"}


async def test_cal_check_availability_shows_available_slots(services: AssistantServices, world: CalcomWorld) -> None:
    tomorrow = world.clock() + timedelta(days=1)
    taken = tomorrow.replace(hour=13, minute=0, second=0, microsecond=0)
    world.book(world.intro, ANN, start_at=taken)
    day = f"{tomorrow:%Y-%m-%d}"
    found = await result_of(
        services, "cal_check_availability", event_type_id=world.intro.id, date_from=day, date_to=day
    )
    starts = [one["start"] for one in found["slots"]]
    assert found["count"] == len(starts) > 0
    assert {one["weekday"] for one in found["slots"]} == {"Tuesday"}
    assert taken.isoformat() not in starts
    assert (taken + timedelta(hours=1)).isoformat() in starts


async def test_availability_is_in_the_zone_of_the_caller(
    services: AssistantServices, scenario: Scenario, world: CalcomWorld
) -> None:
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql(
            "UPDATE teammates SET time_zone = 'America/New_York' WHERE email = 'member@ours.example'"
        )
    found = await result_of(
        services, "cal_check_availability", event_type_id=world.intro.id, date_from="2026-09-15", date_to="2026-09-15"
    )
    assert found["time_zone"] == "America/New_York"
    assert found["slots"][0]["start"].endswith("-04:00")
    assert {one["start"][:10] for one in found["slots"]} == {"2026-09-15"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"date_from": "2026-09-16", "date_to": "2026-09-15"}, "before date_from"),
        ({"date_from": "2026-09-01", "date_to": "2027-09-15"}, "62 days"),
        ({"date_from": "next Tuesday", "date_to": "2026-09-15"}, "date_from"),
        ({"date_from": "2026-09-15", "date_to": "2026-09-15", "event_type_id": 7}, "cal_get_event_types"),
        ({"date_from": "2026-09-15", "date_to": "2026-09-15", "ignore": "me"}, "does not have"),
    ],
)
async def test_wrong_arguments_say_how_to_correct_them(
    services: AssistantServices, world: CalcomWorld, arguments: dict[str, object], says: str
) -> None:
    answer = await ask(services, "cal_check_availability", **{"event_type_id": world.intro.id} | arguments)
    assert answer.is_error
    assert says in answer.content["note"]
    assert "next Tuesday" not in answer.content["note"]


async def test_an_unknown_slug_names_the_tool_that_lists_them(services: AssistantServices) -> None:
    answer = await ask(services, "cal_get_booking_link", event_type_slug="nope")
    assert answer.is_error
    assert "cal_get_event_types" in answer.content["note"]


async def test_without_an_account_it_says_where_to_connect_one(services: AssistantServices) -> None:
    admin = await caller_of(services, "teammate:admin@ours.example")
    answer = await ask(services, "cal_get_event_types", caller=admin)
    assert answer.is_error
    assert "/assistant" in answer.content["note"]


async def test_a_key_of_nobody_has_no_calendar(services: AssistantServices) -> None:
    answer = await ask(services, "cal_get_event_types", caller=await caller_of(services, "key:writer"))
    assert "--teammate" in answer.content["note"]


async def test_a_key_of_a_teammate_sees_their_calendar(services: AssistantServices, scenario: Scenario) -> None:
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql(
            "UPDATE api_keys SET teammate_id = (SELECT id FROM teammates WHERE email = 'member@ours.example')"
            " WHERE name = 'reader'"
        )
    caller = await caller_of(services, "key:reader", "read")
    assert not (await ask(services, "cal_get_event_types", caller=caller)).is_error


async def test_all_accounts_of_a_teammate_are_asked(services: AssistantServices, fake_calcom: FakeCalcom) -> None:
    await connect_calcom(services, CalcomCredentials(calcom_api_key=fake_calcom.key), name="Second")
    found = (await result_of(services, "cal_get_event_types"))["event_types"]
    assert {one["account"] for one in found} == {"Cal.com", "Second"}


async def test_a_key_that_calcom_refuses_says_what_to_do(services: AssistantServices) -> None:
    await connect_calcom(services, CalcomCredentials(calcom_api_key="cal_live_revoked"))
    answer = await ask(services, "cal_get_event_types")
    assert answer.is_error
    assert "does not accept" in answer.content["note"]
    assert "cal_live_revoked" not in str(answer.content)


@pytest.mark.usefixtures("services")
async def test_the_stored_key_is_encrypted(scenario: Scenario) -> None:
    (row,) = await scenario.rows("calcom_profiles")
    assert b"cal_live" not in row["credentials"]
    assert b"hana" not in row["credentials"]


async def test_a_refusal_of_calcom_is_explained(services: AssistantServices, fake_calcom: FakeCalcom) -> None:
    fake_calcom.faults = Faults({"400": 1.0})
    answer = await ask(services, "cal_get_event_types")
    assert answer.is_error
    assert "Cal.com" in answer.content["note"]
