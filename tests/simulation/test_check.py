"""`--check` reads the API and reports the differences."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from showup.simulation.api_reader import ApiReader, ApiReadError, wait_until_processed
from showup.simulation.compare import TruthDifference, find_differences
from showup.simulation.run import check_run, is_loopback, outgoing_webhooks, send_all, target_endpoint
from showup.simulation.sender import SendOptions, SendSummary
from showup.simulation.truth import Truth, truth_of
from showup.simulation.world import make_world
from tests.simulation.fake_showup import KEY, SECRET, FakeShowup

WORLD = make_world(5, datetime(2026, 9, 15, 12, 0, tzinfo=UTC), 60)
TRUTH = truth_of(WORLD.webhooks)


def to_api_lists(truth: Truth) -> dict[str, list[dict[str, Any]]]:
    """Returns the lists of an API that has exactly `truth`, and a company of another run."""
    deal_ids = {uid: f"d{n}" for n, deal in enumerate(truth.deals) for uid in deal.bookings}
    bookings = [
        {
            **asdict(item),
            "id": f"b{number}",
            "start_time": item.start_time.isoformat().replace("+00:00", "Z"),
            "end_time": item.end_time.isoformat().replace("+00:00", "Z"),
            "attendance": {"state": item.state, "evidence": item.evidence},
            "person": {"email": item.person} if item.person else None,
            "company": {"domain": item.company} if item.company else None,
            "deal_id": deal_ids.get(item.calcom_uid),
            "attendees": [_attendee(who, attended) for who, attended in item.attendees.items()],
        }
        for number, item in enumerate(truth.bookings.values())
    ]
    deals = [
        {**asdict(item), "id": f"d{number}", "company": {"domain": item.company}, "bookings": None}
        for number, item in enumerate(truth.deals)
    ]
    people = [
        {"email": item.email, "name": item.name, "company": {"domain": item.company} if item.company else None}
        for item in truth.people.values()
    ]
    companies = [{"domain": domain, "name": name} for domain, name in truth.companies.items()]
    other = {"domain": "fjord-zzzzzz.example", "name": "Of another run"}
    return {"bookings": bookings, "deals": deals, "people": people, "companies": [*companies, other]}


def _attendee(who: str, attended: bool | None) -> dict[str, Any]:
    email, phone = (who, None) if "@" in who else (None, who)
    return {"email": email, "phone": phone, "attended": attended, "cancelled_at": None}


async def check_differences(fake_showup: FakeShowup, summary: SendSummary | None = None) -> list[TruthDifference]:
    found = await check_run(fake_showup.url, KEY, WORLD, summary or SendSummary(), time_limit=0)
    return found.differences


async def test_an_api_with_the_expected_data_has_no_differences(fake_showup: FakeShowup) -> None:
    fake_showup.lists = to_api_lists(TRUTH)
    assert await check_differences(fake_showup) == []


@pytest.mark.parametrize(
    ("noun", "field", "wrong"),
    [
        ("bookings", "status", "LOST"),
        ("bookings", "reschedule_count", 17),
        ("bookings", "meeting_url", None),
        ("deals", "stage", "proposal"),
        ("deals", "owner_email", "nobody@example.com"),
        ("companies", "name", "Wrong"),
        ("people", "name", "Wrong"),
    ],
)
async def test_each_wrong_field_is_reported(fake_showup: FakeShowup, noun: str, field: str, wrong: object) -> None:
    fake_showup.lists = to_api_lists(TRUTH)
    fake_showup.lists[noun][0][field] = wrong
    (found,) = await check_differences(fake_showup)
    assert (found.field, found.found) == (field, str(wrong or ""))


async def test_missing_and_extra_records_are_reported(fake_showup: FakeShowup) -> None:
    fake_showup.lists = to_api_lists(TRUTH)
    removed = fake_showup.lists["people"].pop()
    fake_showup.lists["companies"].append({"domain": f"sellers1-{WORLD.tag}.example", "name": "The organizer's"})
    assert {(item.noun, item.key, item.found) for item in await check_differences(fake_showup)} == {
        ("person", removed["email"], "missing"),
        ("company", f"sellers1-{WORLD.tag}.example", "there"),
    }


def test_a_deal_that_lost_a_booking_is_reported() -> None:
    with_two = next(deal for deal in TRUTH.deals if len(deal.bookings) > 1)
    others = tuple(deal for deal in TRUTH.deals if deal is not with_two)
    poorer = replace(with_two, bookings=frozenset(sorted(with_two.bookings)[1:]))
    found = replace(TRUTH, deals=(*others, poorer))
    assert [item.field for item in find_differences(TRUTH, found)] == ["bookings"]


async def test_the_check_waits_for_the_runs_own_events_only(fake_showup: FakeShowup) -> None:
    fake_showup.unprocessed = [["e1", "of another"], ["e1"], ["of another"]]
    async with httpx2.AsyncClient(base_url=fake_showup.url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        remaining = await wait_until_processed(ApiReader(client), {"e1", "e2"}, time_limit=60, poll_interval=0)
    assert remaining == set()
    assert fake_showup.unprocessed == []


async def test_events_that_stay_unprocessed_are_counted(fake_showup: FakeShowup) -> None:
    fake_showup.lists = to_api_lists(TRUTH)
    fake_showup.unprocessed = [["e1"]] * 3
    found = await check_run(fake_showup.url, KEY, WORLD, SendSummary(event_ids={"e1", "e2"}), time_limit=0)
    assert found.unprocessed == 1


async def test_a_refused_request_is_reported_with_its_path(fake_showup: FakeShowup) -> None:
    with pytest.raises(ApiReadError, match="/api/events: answered 401"):
        await check_run(fake_showup.url, "wrong", WORLD, SendSummary(), time_limit=0)


async def test_a_run_reaches_both_endpoints(fake_showup: FakeShowup) -> None:  # AP6
    endpoints = [target_endpoint(fake_showup.url, name, SECRET) for name in ("simulated-1", "simulated-2")]
    outgoing = outgoing_webhooks(WORLD, endpoints, chaos=True)
    summary = await send_all(outgoing, SendOptions(rate=0), lambda _: None)
    assert summary.accepted == len(outgoing) > len(WORLD.webhooks)
    assert fake_showup.paths == {"/webhooks/calcom/simulated-1", "/webhooks/calcom/simulated-2"}


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/below", True),
        ("http://[::1]:8000", True),
        ("https://showup.example.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.7", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, is_local: bool) -> None:
    assert is_loopback(url) is is_local
