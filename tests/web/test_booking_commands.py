"""Report the outcome of a meeting (AP2), and move a booking to another deal or company (PI12)."""

from typing import Any

import httpx2
import pytest

from tests.web.conftest import ClientFactory
from tests.web.scenario import Scenario


async def report_outcome(writer: httpx2.AsyncClient, scenario: Scenario, uid: str, **fields: Any) -> httpx2.Response:
    return await writer.post(f"/api/bookings/{await scenario.booking_id(uid)}/outcome", json=fields)


async def move_booking(writer: httpx2.AsyncClient, scenario: Scenario, uid: str, **destination: Any) -> httpx2.Response:
    return await writer.post(f"/api/bookings/{await scenario.booking_id(uid)}/move", json=destination)


@pytest.mark.parametrize(
    ("outcome", "attendance", "data"),
    [
        ("showed", {"state": "showed", "evidence": "reported"}, "met"),
        ("no_show", {"state": "no_show", "evidence": "reported"}, "booked"),
        ("host_absent", {"state": "host_absent", "evidence": None}, "booked"),
        ("rescheduled", {"state": "unreported", "evidence": None}, "met"),
    ],
)
async def test_a_reported_outcome_is_stored_and_moves_the_deal(
    writer: httpx2.AsyncClient, scenario: Scenario, outcome: str, attendance: dict[str, Any], data: str
) -> None:
    response = await report_outcome(
        writer, scenario, "met", outcome=outcome, notes="They like it.", next_step="Call again."
    )
    assert response.status_code == 200, response.text
    booking = response.json()
    assert (booking["outcome"], booking["outcome_notes"]) == (outcome, "They like it.")
    assert (booking["next_step"], booking["attendance"]) == ("Call again.", attendance)
    assert booking["deal"]["stage"] == data
    (line,) = (line for line in booking["timeline"] if line["what"] == "outcome.reported")
    assert line["actor"] == "key:writer"


async def test_outcome_and_deal_are_one_step(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    deal = {"stage": "proposal", "amount": 4000, "currency": "EUR"}
    booking = (await report_outcome(writer, scenario, "globex", outcome="showed", deal=deal)).json()
    assert booking["attendance"]["state"] == "showed"
    assert {name: booking["deal"][name] for name in deal} == deal
    assert [event["state"] for event in await scenario.commands()] == ["applied", "applied"]


async def test_if_the_deal_cannot_be_changed_nothing_is_reported(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    response = await report_outcome(writer, scenario, "globex", outcome="showed", deal={"status": "lost"})
    assert (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    booking = (await writer.get(f"/api/bookings/{await scenario.booking_id('globex')}")).json()
    assert (booking["outcome"], booking["attended"]) == (None, None)
    assert [(event["trigger"], event["state"]) for event in await scenario.commands()] == [
        ("outcome_reported", "refused"),
        ("deal_changed", "refused"),
    ]


async def test_submitting_twice_changes_nothing_twice(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    """AP2: the second identical report has no effect."""
    fields: dict[str, Any] = {"outcome": "showed", "notes": "n", "deal": {"status": "won"}}
    first = (await report_outcome(writer, scenario, "met", **fields)).json()
    again = (await report_outcome(writer, scenario, "met", **fields)).json()
    assert again == first | {"as_of": again["as_of"]}
    assert first["deal"]["status"] == "won"


async def test_attendees_are_reported_one_by_one_and_taken_back(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"/api/bookings/{await scenario.booking_id('globex')}/attendee"
    fields = {"attendee": "GINA@globex.co.uk", "attendance": "no_show"}
    headers = {"Idempotency-Key": "report-1"}
    reported = await writer.post(path, json=fields, headers=headers)
    assert reported.status_code == 200, reported.text
    assert reported.json()["attendance"] == {"state": "no_show", "evidence": "reported"}
    again = await writer.post(path, json=fields, headers=headers)
    assert again.json() == reported.json()
    assert len(await scenario.commands()) == 1
    taken_back = (await writer.post(path, json=fields | {"attendance": "unreported"})).json()
    assert [one["attended"] for one in taken_back["attendees"]] == [None]
    stranger = await writer.post(path, json=fields | {"attendee": "nobody@globex.co.uk"})
    assert (stranger.status_code, "is not among the attendees" in stranger.json()["detail"]) == (409, True)


async def test_the_next_step_is_changed_and_done(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    path = f"/api/bookings/{await scenario.booking_id('met')}/next-step"
    assert (await writer.post(path, json={"next_step": "Send 8 seats."})).json()["next_step"] == "Send 8 seats."
    assert (await writer.post(path, json={"next_step": ""})).json()["next_step"] is None
    assert [event["trigger"] for event in await scenario.commands()] == ["next_step_changed"] * 2
    assert (await writer.post(path, json={})).status_code == 422


async def test_a_cancelled_meeting_has_no_outcome(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await report_outcome(writer, scenario, "off", outcome="showed")
    assert response.status_code == 409
    assert "CANCELLED" in response.json()["detail"]


async def test_a_booking_without_a_deal_has_none_to_change(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await report_outcome(writer, scenario, "private", outcome="showed", deal={"stage": "met"})
    assert response.status_code == 409
    assert "no deal" in response.json()["detail"]
    alone = await report_outcome(writer, scenario, "private", outcome="showed")
    assert alone.status_code == 200, alone.text


async def test_an_invalid_report_is_refused_by_field(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    invalid: list[tuple[dict[str, Any], str]] = [
        ({}, "outcome"),
        ({"outcome": "came"}, "outcome"),
        ({"outcome": "showed", "notes": "x" * 10_001}, "notes"),
        ({"outcome": "showed", "notes": "\0"}, "notes"),
        ({"outcome": "showed", "deal": {"amount": "1"}}, "deal.amount"),
        ({"outcome": "showed", "deal": {"stagee": "met"}}, "deal.stagee"),
        ({"outcome": "showed", "deal": None}, "deal"),
        ({"outcome": "showed", "note": "x"}, "note"),
    ]
    for fields, field in invalid:
        response = await report_outcome(writer, scenario, "met", **fields)
        assert response.status_code == 422, fields
        assert [error["field"] for error in response.json()["errors"]] == [field]
    nested = await report_outcome(writer, scenario, "met", outcome="showed", deal={"stagee": "met"})
    assert "Did you mean 'stage'?" in nested.json()["errors"][0]["detail"]
    assert not await scenario.commands()


async def test_a_booking_moves_to_another_companys_deal(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    deal = await scenario.deal_id("met")
    response = await move_booking(writer, scenario, "globex", deal_id=str(deal))
    assert response.status_code == 200, response.text
    assert response.json()["deal_id"] == str(deal)
    assert response.json()["company"]["domain"] == "acme.com"
    seen = (await writer.get(f"/api/deals/{deal}")).json()
    assert {event["id"] for event in seen["bookings"]} >= {str(await scenario.booking_id("globex"))}


async def test_a_booking_moves_to_another_company(writer: httpx2.AsyncClient, scenario: Scenario) -> None:
    response = await move_booking(writer, scenario, "private", company_id=str(scenario.company_id("acme.com")))
    assert response.status_code == 200, response.text
    assert response.json()["company"]["domain"] == "acme.com"
    assert response.json()["deal_id"] == str(await scenario.deal_id("met"))


async def test_a_move_needs_one_known_destination(
    writer: httpx2.AsyncClient, scenario: Scenario, scenario_client_as: ClientFactory
) -> None:
    ours, theirs = str(scenario.company_id("acme.com")), str(scenario.company_id("acme.com", "theirs"))
    deal = str(await scenario.deal_id("met"))
    for destination in ({}, {"company_id": ours, "deal_id": deal}, {"company_id": theirs}, {"deal_id": ours}):
        assert (await move_booking(writer, scenario, "globex", **destination)).status_code == 422, destination
    # Not even with a key for both workspaces.
    assert (
        await move_booking(scenario_client_as("everywhere"), scenario, "globex", company_id=theirs)
    ).status_code == 422
    assert not await scenario.commands()


@pytest.mark.parametrize("outcome", ["showed", "no_show", "host_absent"])
async def test_m10_a_meeting_has_no_outcome_before_it_starts(
    writer: httpx2.AsyncClient, scenario: Scenario, outcome: str
) -> None:
    """M10: nobody knows it yet. That it gets another time may be known ahead."""
    response = await report_outcome(writer, scenario, "ahead", outcome=outcome)
    assert (response.status_code, response.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    assert "the meeting starts at 2026-09-15 12:00 UTC" in response.json()["detail"]
    assert (await report_outcome(writer, scenario, "ahead", outcome="rescheduled")).status_code == 200
