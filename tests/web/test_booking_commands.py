"""What people say of a meeting (AP2), and where a booking belongs (PI12)."""

from typing import Any

import httpx2
import pytest

from tests.web.conftest import Asking
from tests.web.scene import Scene


async def reported(writer: httpx2.AsyncClient, scene: Scene, uid: str, **said: Any) -> httpx2.Response:
    return await writer.post(f"/api/bookings/{await scene.booking(uid)}/outcome", json=said)


async def moved(writer: httpx2.AsyncClient, scene: Scene, uid: str, **to: Any) -> httpx2.Response:
    return await writer.post(f"/api/bookings/{await scene.booking(uid)}/move", json=to)


@pytest.mark.parametrize(
    ("outcome", "attendance", "stage"),
    [
        ("showed", {"state": "showed", "evidence": "reported"}, "met"),
        ("no_show", {"state": "no_show", "evidence": "reported"}, "booked"),
        ("host_absent", {"state": "host_absent", "evidence": None}, "booked"),
        ("rescheduled", {"state": "unreported", "evidence": None}, "met"),
    ],
)
async def test_what_is_reported_stands_and_moves_the_deal(
    writer: httpx2.AsyncClient, scene: Scene, outcome: str, attendance: dict[str, Any], stage: str
) -> None:
    answer = await reported(writer, scene, "met", outcome=outcome, notes="They like it.", next_step="Call again.")
    assert answer.status_code == 200, answer.text
    booking = answer.json()
    assert (booking["outcome"], booking["outcome_notes"]) == (outcome, "They like it.")
    assert (booking["next_step"], booking["attendance"]) == ("Call again.", attendance)
    assert booking["deal"]["stage"] == stage
    (line,) = (line for line in booking["timeline"] if line["what"] == "outcome.reported")
    assert line["actor"] == "key:writer"


async def test_outcome_and_deal_are_one_step(writer: httpx2.AsyncClient, scene: Scene) -> None:
    deal = {"stage": "proposal", "amount": 4000, "currency": "EUR"}
    booking = (await reported(writer, scene, "globex", outcome="showed", deal=deal)).json()
    assert booking["attendance"]["state"] == "showed"
    assert {name: booking["deal"][name] for name in deal} == deal
    assert [one["state"] for one in await scene.commands()] == ["applied", "applied"]


async def test_if_the_deal_cannot_be_changed_nothing_is_reported(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await reported(writer, scene, "globex", outcome="showed", deal={"status": "lost"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:showup:problem:refused-by-rules")
    booking = (await writer.get(f"/api/bookings/{await scene.booking('globex')}")).json()
    assert (booking["outcome"], booking["attended"]) == (None, None)
    assert [(one["trigger"], one["state"]) for one in await scene.commands()] == [
        ("report_outcome", "refused"),
        ("change_deal", "refused"),
    ]


async def test_submitting_twice_changes_nothing_twice(writer: httpx2.AsyncClient, scene: Scene) -> None:
    """AP2."""
    said: dict[str, Any] = {"outcome": "showed", "notes": "n", "deal": {"status": "won"}}
    first = (await reported(writer, scene, "met", **said)).json()
    assert (await reported(writer, scene, "met", **said)).json() == first
    assert first["deal"]["status"] == "won"


async def test_a_meeting_that_was_called_off_has_no_outcome(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await reported(writer, scene, "off", outcome="showed")
    assert answer.status_code == 409
    assert "CANCELLED" in answer.json()["detail"]


async def test_a_booking_without_a_deal_has_none_to_change(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await reported(writer, scene, "private", outcome="showed", deal={"stage": "met"})
    assert answer.status_code == 409
    assert "no deal" in answer.json()["detail"]
    alone = await reported(writer, scene, "private", outcome="showed")
    assert alone.status_code == 200, alone.text


async def test_a_report_that_cannot_be_meant_is_refused_by_its_name(writer: httpx2.AsyncClient, scene: Scene) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "outcome"),
        ({"outcome": "came"}, "outcome"),
        ({"outcome": "showed", "notes": "x" * 10_001}, "notes"),
        ({"outcome": "showed", "notes": "\0"}, "notes"),
        ({"outcome": "showed", "deal": {"amount": "1"}}, "deal.amount"),
        ({"outcome": "showed", "deal": {"stagee": "met"}}, "deal.stagee"),
        ({"outcome": "showed", "deal": None}, "deal"),
        ({"outcome": "showed", "note": "x"}, "note"),
    ]
    for said, field in wrong:
        answer = await reported(writer, scene, "met", **said)
        assert answer.status_code == 422, said
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    nested = await reported(writer, scene, "met", outcome="showed", deal={"stagee": "met"})
    assert "Did you mean 'stage'?" in nested.json()["errors"][0]["detail"]
    assert not await scene.commands()


async def test_a_booking_moves_to_another_companys_deal(writer: httpx2.AsyncClient, scene: Scene) -> None:
    deal = await scene.deal_of("met")
    answer = await moved(writer, scene, "globex", deal_id=str(deal))
    assert answer.status_code == 200, answer.text
    assert answer.json()["deal_id"] == str(deal)
    assert answer.json()["company"]["domain"] == "acme.com"
    seen = (await writer.get(f"/api/deals/{deal}")).json()
    assert {one["id"] for one in seen["bookings"]} >= {str(await scene.booking("globex"))}


async def test_a_booking_moves_to_another_company(writer: httpx2.AsyncClient, scene: Scene) -> None:
    answer = await moved(writer, scene, "private", company_id=str(scene.company("acme.com")))
    assert answer.status_code == 200, answer.text
    assert answer.json()["company"]["domain"] == "acme.com"
    assert answer.json()["deal_id"] == str(await scene.deal_of("met"))


async def test_a_move_needs_one_place_that_is_known(writer: httpx2.AsyncClient, scene: Scene, acting: Asking) -> None:
    ours, theirs = str(scene.company("acme.com")), str(scene.company("acme.com", "theirs"))
    deal = str(await scene.deal_of("met"))
    for to in ({}, {"company_id": ours, "deal_id": deal}, {"company_id": theirs}, {"deal_id": ours}):
        assert (await moved(writer, scene, "globex", **to)).status_code == 422, to
    # Not even for somebody who may see both.
    assert (await moved(acting("everywhere"), scene, "globex", company_id=theirs)).status_code == 422
    assert not await scene.commands()
