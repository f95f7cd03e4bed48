"""TE13: a meeting's reminders are flow runs of a deployment: scheduled, re-timed, cancelled, and never doubled."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from showup.destinations.contract import Attempt, CannotRender, Delivered, GaveUp, NothingToSend, TryAgain
from showup.destinations.prefect.health import KIND
from showup.destinations.prefect.render import render
from showup.destinations.prefect.steps import (
    CANCELLED_BY_SHOWUP,
    CancelRun,
    CreateRun,
    FlowRun,
    RetimeRun,
    RunState,
    UpdateRun,
    decide_steps,
    tags_of,
)
from tests.destinations.conformance.case import DELIVERY, NOW, START
from tests.destinations.fake_vendors.prefect import FakePrefect
from tests.destinations.prefect.prefect_connection import OFFSETS, PrefectConnection, booking

LATER = START + timedelta(days=3)


def times(fake: FakePrefect) -> list[object]:
    return [one.at for one in fake.waiting]


async def test_each_reminder_is_a_flow_run_with_the_meetings_values(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    outcome = await connection.send("booking.created")
    assert isinstance(outcome, Delivered)
    assert times(fake) == [START - before for before in OFFSETS]
    first = fake.waiting[0]
    assert first.name == "Reminder 72h before: Intro call"
    assert first.parameters["email"] == "ann@acme.example"
    assert first.parameters["meeting_time"] == "2026-09-12T09:00:00Z"
    # Anyone who knows a booking's uid can cancel it, and the link of the meeting contains it.
    assert first.parameters["meeting_url"] is None
    assert "ann@acme.example" not in " ".join(first.tags)


async def test_a_new_time_moves_the_same_flow_runs(connection: PrefectConnection, fake: FakePrefect) -> None:
    await connection.send("booking.created")
    ids = {one.id for one in fake.waiting}
    await connection.send("booking.rescheduled", LATER)
    assert times(fake) == [LATER - before for before in OFFSETS]
    assert {one.id for one in fake.waiting} == ids
    assert {one.parameters["meeting_time"] for one in fake.waiting} == {"2026-09-15T09:00:00Z"}
    # An older event whose delivery comes late changes nothing.
    await connection.send("booking.created", superseded=True)
    assert times(fake) == [LATER - before for before in OFFSETS]


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        ("booking.cancelled", {"status": "CANCELLED"}),
        ("booking.rejected", {"status": "REJECTED"}),
        ("booking.requested", {"status": "PENDING"}),
    ],
)
async def test_a_meeting_that_is_off_has_none_even_where_the_deployment_is_gone(
    connection: PrefectConnection, fake: FakePrefect, kind: str, state: dict[str, str]
) -> None:
    await connection.send("booking.created")
    fake.deployment = None
    assert isinstance(await connection.send(kind, **state), Delivered)
    assert not fake.waiting
    assert {one.message for one in fake.runs.values()} == {CANCELLED_BY_SHOWUP}


async def test_a_meeting_that_is_on_again_gets_its_flow_runs_back(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    await connection.send("booking.created")
    await connection.send("booking.cancelled", status="CANCELLED")
    await connection.send("booking.created")
    assert times(fake) == [START - before for before in OFFSETS]
    assert len(fake.runs) == 3


async def test_what_a_person_cancelled_or_what_has_run_stays_so(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    await connection.send("booking.created")
    by_person, has_run, _ = fake.waiting
    by_person.state, has_run.state = "CANCELLED", "COMPLETED"
    await connection.send("booking.location_changed", organizer_name="Cleo Host")
    assert (by_person.state, has_run.state, len(fake.runs)) == ("CANCELLED", "COMPLETED", 3)
    assert [one.parameters["organizer_name"] for one in fake.waiting] == ["Cleo Host"]
    # A new time is a new reminder: the one that ran is sent again, before the meeting that takes place.
    await connection.send("booking.rescheduled", LATER)
    assert times(fake) == [LATER - before for before in OFFSETS]


async def test_a_near_meeting_gets_the_reminders_that_are_ahead(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    await connection.send("booking.created", NOW + timedelta(hours=5))
    assert times(fake) == [NOW + timedelta(hours=3)]
    with pytest.raises(NothingToSend, match="no reminder is planned"):
        await connection.send("booking.created", NOW + timedelta(hours=1))
    await connection.send("booking.rescheduled", NOW + timedelta(hours=1))
    assert not fake.waiting


async def test_a_reminder_that_became_due_meanwhile_is_created_until_the_next_one_is_due(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    destination = connection.build()
    content = destination.render(booking("booking.created", START, NOW))
    connection.now = START - timedelta(hours=30)
    assert isinstance(await destination.send(Attempt(delivery_id=DELIVERY, content=content)), Delivered)
    assert times(fake) == [START - before for before in OFFSETS]


async def test_a_flow_gets_the_parameters_that_it_declares_or_those_that_are_named(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    fake.schema = {"properties": {"email": {}, "customer": {}}, "required": ["email"]}
    await connection.send("booking.created")
    assert {tuple(one.parameters) for one in fake.waiting} == {("email",)}
    connection.settings["parameters"] = "customer = name, email=email"
    await connection.send("booking.reassigned")
    assert fake.waiting[0].parameters == {"customer": "Ann Acme", "email": "ann@acme.example"}


async def test_a_deployment_that_does_not_exist_makes_the_deliveries_wait(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    fake.deployment = None
    outcome = await connection.send("booking.created")
    assert isinstance(outcome, TryAgain)
    assert outcome.fault == "destination"
    assert "no deployment reminder/production" in outcome.because
    fake.deployment, fake.schema = "6d1f2f4e-58c4-4f0c-9d0e-0f4a5a1c0099", {"required": ["who"]}
    refused = await connection.send("booking.created")
    assert isinstance(refused, GaveUp)
    assert "'who' is a required property" in refused.because


async def test_a_state_that_prefect_does_not_change_is_tried_again(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    await connection.send("booking.created")
    fake.refuses_states = True
    outcome = await connection.send("booking.cancelled", status="CANCELLED")
    assert isinstance(outcome, TryAgain)
    assert "already terminated" in outcome.because


@pytest.mark.parametrize("key", [None, "admin:secret pass", "pnu_abc"])
async def test_a_server_without_a_key_with_a_password_and_with_a_token(
    connection: PrefectConnection, fake: FakePrefect, key: str | None
) -> None:
    fake.is_open, fake.key = key is None, key or ""
    connection.key = key
    assert await connection.check_health() == []
    connection.key = "wrong:password"
    assert (await connection.check_health() == []) is (key is None)


async def test_the_health_check_names_parameters_that_do_not_fit(
    connection: PrefectConnection, fake: FakePrefect
) -> None:
    fake.schema = {"properties": {"email": {}, "template": {}}, "required": ["email", "template"]}
    assert "requires the parameters template" in (await connection.check_health())[0]
    fake.defaults = {"template": "short"}
    assert await connection.check_health() == []
    connection.settings["parameters"] = {"email": "email", "when": "meeting_time"}
    assert await connection.check_health() == ["the flow has no parameters when: correct `parameters`"]
    connection.settings["deployment"] = "reminder"
    assert "names of the flow and of the deployment" in (await connection.check_health())[0]
    connection.settings |= {"deployment": "reminder/staging", "parameters": {}}
    assert "Prefect has no deployment reminder/staging" in (await connection.check_health())[0]


@pytest.mark.parametrize("settings", [{}, {"deployment": "a/b", "secret": 1}])
def test_invalid_settings_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="prefect"):
        KIND.parse_settings(settings)


def test_other_events_are_refused() -> None:
    with pytest.raises(CannotRender, match="does not receive"):
        render(booking("booking.showed", START, NOW), {})


CHANGES = st.lists(st.sampled_from([("at", 4), ("at", 6), ("at", 9), ("off", 0)]), min_size=1, max_size=6)


@given(changes=CHANGES, cuts=st.lists(st.integers(0, 6), min_size=6, max_size=6))
def test_after_any_changes_and_any_ends_between_two_steps_each_reminder_has_one_flow_run(
    changes: list[tuple[str, int]], cuts: list[int]
) -> None:
    """Each attempt is cut off after some steps, then made again; the last one is made to its end."""
    runs: dict[str, FlowRun] = {}
    for version, ((what, days), cut) in enumerate(zip(changes, cuts, strict=False)):
        event = booking("booking.rescheduled", NOW + timedelta(days=days), NOW, seed=version)
        schedule = render(event, {}).runs if what == "at" else ()
        for limit in (cut, 20):
            for step in decide_steps(list(runs.values()), schedule, NOW)[:limit]:
                perform(runs, step)
        waiting = [one for one in runs.values() if one.is_waiting]
        assert sorted(str(one.next_scheduled_start_time) for one in waiting) == [str(one.due_at) for one in schedule]
        assert decide_steps(list(runs.values()), schedule, NOW) == []


def perform(runs: dict[str, FlowRun], step: object) -> None:
    """Does what Prefect does."""
    match step:
        case CreateRun(run):
            new = FlowRun(
                id=run.reminder,
                state_type="SCHEDULED",
                next_scheduled_start_time=run.due_at,
                tags=tuple(tags_of(run)),
                parameters=run.parameters,
            )
            runs.setdefault(new.id, new)
        case RetimeRun(flow_run, run):
            runs[flow_run.id] = replace(
                runs[flow_run.id], state_type="SCHEDULED", next_scheduled_start_time=run.due_at, state=RunState()
            )
        case UpdateRun(flow_run, run):
            tags = tuple(tags_of(run, flow_run.tags))
            runs[flow_run.id] = replace(runs[flow_run.id], tags=tags, parameters=run.parameters)
        case CancelRun(flow_run):
            runs[flow_run.id] = replace(
                runs[flow_run.id], state_type="CANCELLED", state=RunState(message=CANCELLED_BY_SHOWUP)
            )
