"""What --check reads back and how it tells what differs."""

from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from showup.simulation.compare import Difference, differences
from showup.simulation.reading import CannotRead, Reader, caught_up
from showup.simulation.run import compare, door, is_loopback, play, webhooks
from showup.simulation.sender import Pace, Summary
from showup.simulation.truth import Truth, truth_of
from showup.simulation.world import make_world
from tests.simulation.house import KEY, SECRET, House

WORLD = make_world(5, datetime(2026, 9, 15, 12, 0, tzinfo=UTC), 60)
TRUTH = truth_of(WORLD.news)


def as_api(truth: Truth) -> dict[str, list[dict[str, Any]]]:
    """The lists of an API in which exactly `truth` stands, beside another run's company."""
    deal_ids = {uid: f"d{n}" for n, deal in enumerate(truth.deals) for uid in deal.bookings}
    bookings = [
        {
            **asdict(one),
            "id": f"b{number}",
            "start_time": one.start_time.isoformat().replace("+00:00", "Z"),
            "end_time": one.end_time.isoformat().replace("+00:00", "Z"),
            "attendance": {"state": one.state, "evidence": one.evidence},
            "person": {"email": one.person} if one.person else None,
            "company": {"domain": one.company} if one.company else None,
            "deal_id": deal_ids.get(one.calcom_uid),
            "attendees": [_attendee(who, came) for who, came in one.attendees.items()],
        }
        for number, one in enumerate(truth.bookings.values())
    ]
    deals = [
        {**asdict(one), "id": f"d{number}", "company": {"domain": one.company}, "bookings": None}
        for number, one in enumerate(truth.deals)
    ]
    people = [
        {"email": one.email, "name": one.name, "company": {"domain": one.company} if one.company else None}
        for one in truth.people.values()
    ]
    companies = [{"domain": domain, "name": name} for domain, name in truth.companies.items()]
    other = {"domain": "fjord-zzzzzz.example", "name": "Of another run"}
    return {"bookings": bookings, "deals": deals, "people": people, "companies": [*companies, other]}


def _attendee(who: str, came: bool | None) -> dict[str, Any]:
    email, phone = (who, None) if "@" in who else (None, who)
    return {"email": email, "phone": phone, "attended": came, "cancelled_at": None}


async def checked(house: House, summary: Summary | None = None) -> list[Difference]:
    found = await compare(house.url, KEY, WORLD, summary or Summary(), within_for=0)
    return found.differences


async def test_an_api_that_says_the_truth_differs_in_nothing(house: House) -> None:
    house.lists = as_api(TRUTH)
    assert await checked(house) == []


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
async def test_each_wrong_field_is_told(house: House, noun: str, field: str, wrong: object) -> None:
    house.lists = as_api(TRUTH)
    house.lists[noun][0][field] = wrong
    (found,) = await checked(house)
    assert (found.field, found.found) == (field, str(wrong or ""))


async def test_what_is_missing_and_what_is_too_much_is_told(house: House) -> None:
    house.lists = as_api(TRUTH)
    gone = house.lists["people"].pop()
    house.lists["companies"].append({"domain": f"sellers1-{WORLD.tag}.example", "name": "The organizer's"})
    assert {(one.noun, one.key, one.found) for one in await checked(house)} == {
        ("person", gone["email"], "missing"),
        ("company", f"sellers1-{WORLD.tag}.example", "there"),
    }


def test_a_deal_that_lost_a_booking_is_told() -> None:
    with_two = next(deal for deal in TRUTH.deals if len(deal.bookings) > 1)
    others = tuple(deal for deal in TRUTH.deals if deal is not with_two)
    poorer = replace(with_two, bookings=frozenset(sorted(with_two.bookings)[1:]))
    found = replace(TRUTH, deals=(*others, poorer))
    assert [one.field for one in differences(TRUTH, found)] == ["bookings"]


async def test_the_check_waits_for_the_runs_own_events_only(house: House) -> None:
    house.kept = [["e1", "of another"], ["e1"], ["of another"]]
    async with httpx2.AsyncClient(base_url=house.url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        left = await caught_up(Reader(client), {"e1", "e2"}, within_for=60, poll_for=0)
    assert left == set()
    assert house.kept == []


async def test_events_that_never_settle_are_counted(house: House) -> None:
    house.lists = as_api(TRUTH)
    house.kept = [["e1"]] * 3
    found = await compare(house.url, KEY, WORLD, Summary(event_ids={"e1", "e2"}), within_for=0)
    assert found.unsettled == 1


async def test_an_api_that_refuses_says_where(house: House) -> None:
    with pytest.raises(CannotRead, match="/api/events: answered 401"):
        await compare(house.url, "wrong", WORLD, Summary(), within_for=0)


async def test_a_run_reaches_both_doors(house: House) -> None:  # AP6
    doors = [door(house.url, name, SECRET) for name in ("simulated-1", "simulated-2")]
    outgoing = webhooks(WORLD, doors, chaos=True)
    summary = await play(outgoing, Pace(rate=0), lambda _: None)
    assert summary.accepted == len(outgoing) > len(WORLD.news)
    assert set(house.paths) == {"/webhooks/calcom/simulated-1", "/webhooks/calcom/simulated-2"}


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000/below", True),
        ("http://[::1]:8000", True),
        ("https://showup.example.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("http://10.0.0.7", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here
