"""M04, PI12: a person whom somebody put into a company is there for later bookings too, whatever their address says."""

import itertools
from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from showup.database.engine import driver_connection, transaction
from tests.histories.calcom_week import GUEST, GUS, LEE, SARAH, Meeting, SeatedMeeting, Week
from tests.histories.hypothesis_settings import history_settings
from tests.histories.operator_commands import ACME, GLOBEX, Operator
from tests.histories.rebuild_check import rebuild_differences
from tests.histories.table_contents import apply_history, table_contents
from tests.histories.webhooks import ANN, BEN

LEE_ADDRESS = LEE.lower()


async def fetch(engine: AsyncEngine, query: str) -> list[asyncpg.Record]:
    async with transaction(engine) as tx:
        return list(await (await driver_connection(tx)).fetch(query))


async def companies_of_bookings(engine: AsyncEngine) -> dict[str, tuple[Any, ...]]:
    """Returns the company and the deal's status of each booking, by uid."""
    rows = await fetch(
        engine,
        """
        SELECT b.calcom_uid, c.key, d.status FROM bookings b LEFT JOIN companies c ON c.id = b.company_id
        LEFT JOIN deals d ON d.id = b.deal_id
        """,
    )
    return {row["calcom_uid"]: (row["key"], row["status"]) for row in rows}


async def reasons(engine: AsyncEngine, what: str) -> list[str]:
    rows = await fetch(engine, f"SELECT because FROM audit_log WHERE what = '{what}' ORDER BY order_key")  # noqa: S608
    return [row["because"] for row in rows]


def book(week: Week, uid: str, *emails: str) -> Meeting:
    meeting = Meeting(week, uid, list(emails), 3)
    meeting.create()
    return meeting


def _assigned_then_books(week: Week) -> dict[str, Any]:
    Operator(week).record_person(GUS, company=ACME)
    book(week, "alpha", GUS)
    return {"alpha": ACME}


def _books_and_is_assigned_and_books(week: Week) -> dict[str, Any]:
    """Nothing was known of the first booking's company, so it gets the first one that somebody names."""
    book(week, "alpha", GUS)
    Operator(week).record_person(GUS, company=ACME)
    book(week, "beta", GUS)
    return {"alpha": ACME, "beta": ACME}


def _assigned_elsewhere_later(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.record_person(GUS, company=ACME)
    book(week, "alpha", GUS)
    operator.record_person(GUS, company=GLOBEX)
    book(week, "beta", GUS)
    return {"alpha": ACME, "beta": GLOBEX}


def _business_address_of_another_company(week: Week) -> dict[str, Any]:
    book(week, "alpha", LEE)
    Operator(week).record_person(LEE_ADDRESS, company=ACME)
    book(week, "beta", LEE)
    return {"alpha": GLOBEX, "beta": ACME}


def _guest(week: Week) -> dict[str, Any]:
    Operator(week).record_person(GUS, company=ACME)
    book(week, "alpha", "other@gmail.com", GUS)
    return {"alpha": ACME}


def _assigned_booker_and_a_business_guest(week: Week) -> dict[str, Any]:
    Operator(week).record_person(GUS, company=ACME)
    book(week, "alpha", GUS, LEE)
    return {"alpha": ACME}


def _host(week: Week) -> dict[str, Any]:
    """The organizer is no prospect, whatever somebody recorded about them."""
    Operator(week).record_person(BEN.email, company=ACME)
    book(week, "alpha", BEN.email, "other@gmail.com")
    return {"alpha": None}


def _merged_into_a_colleague(week: Week) -> dict[str, Any]:
    book(week, "alpha", SARAH)
    Operator(week).merge("people", GUS, SARAH)
    book(week, "beta", GUS)
    return {"alpha": ACME, "beta": ACME}


def _merged_into_an_assigned_person(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.record_person("gus@home.example", company=GLOBEX)
    operator.merge("people", GUS, "gus@home.example")
    book(week, "alpha", GUS)
    return {"alpha": GLOBEX}


def _undone_merge(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.merge("people", GUS, SARAH)
    book(week, "alpha", GUS)
    operator.undo_merge(operator.merge_ids[0])
    book(week, "beta", GUS)
    return {"alpha": None, "beta": None}


def _company_merged(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.record_person(GUS, company=ACME)
    operator.merge("companies", ACME, GLOBEX)
    book(week, "alpha", GUS)
    return {"alpha": GLOBEX}


def _company_merged_and_separated(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.record_person(GUS, company=ACME)
    operator.merge("companies", ACME, GLOBEX)
    book(week, "alpha", GUS)
    operator.undo_merge(operator.merge_ids[0])
    return {"alpha": ACME}


def _company_without_a_domain(week: Week) -> dict[str, Any]:
    operator = Operator(week)
    operator.record_company(None, "The Corner Shop")
    (event_id,) = operator.recorded_companies
    operator.record_person(GUS, company=f"company:{event_id}")
    book(week, "alpha", GUS)
    return {"alpha": f"company:{event_id}"}


def _attached_booking(week: Week) -> dict[str, Any]:
    """What a person says of one booking wins over what they say of its booker."""
    operator = Operator(week)
    operator.record_person(GUS, company=ACME)
    book(week, "alpha", GUS)
    operator.move_booking("uid:alpha", GLOBEX, None)
    return {"alpha": GLOBEX}


def _rescheduled(week: Week) -> dict[str, Any]:
    """A reschedule is no new booking: it stays with its company."""
    operator = Operator(week)
    operator.record_person(GUS, company=ACME)
    meeting = book(week, "alpha", GUS)
    operator.record_person(GUS, company=GLOBEX)
    meeting.reschedule()
    return {"alpha-1": ACME}


def _seat(week: Week) -> dict[str, Any]:
    Operator(week).record_person(GUS, company=ACME)
    SeatedMeeting(week, "class", 2).take_seat(GUS)
    return {"class": ACME}


SCENARIOS = (
    _assigned_then_books,
    _books_and_is_assigned_and_books,
    _assigned_elsewhere_later,
    _business_address_of_another_company,
    _guest,
    _assigned_booker_and_a_business_guest,
    _host,
    _merged_into_a_colleague,
    _merged_into_an_assigned_person,
    _undone_merge,
    _company_merged,
    _company_merged_and_separated,
    _company_without_a_domain,
    _attached_booking,
    _rescheduled,
    _seat,
)


@pytest.mark.parametrize("build_history", SCENARIOS)
async def test_an_assignment_holds_for_later_bookings_in_any_order(
    engine: AsyncEngine, build_history: Callable[[Week], dict[str, Any]]
) -> None:
    """M04."""
    week = Week()
    expected = build_history(week)
    in_order = week.received_bodies([])
    await apply_history(engine, in_order)
    found = await companies_of_bookings(engine)
    assert found == {uid: (key, None if key is None else "active") for uid, key in expected.items()}
    assert await rebuild_differences(engine) == []
    contents = await table_contents(engine)
    for shuffled in itertools.islice(itertools.permutations(in_order), 1, None):
        await apply_history(engine, shuffled)
        assert await table_contents(engine) == contents
    await apply_history(engine, in_order, [len(in_order)])
    assert await table_contents(engine) == contents


_BOOKERS = ([GUS], [LEE], ["other@gmail.com", GUS])
_STEPS = st.lists(st.sampled_from(["book", "assign", "cancel", "reschedule", "relocate"]), min_size=2, max_size=8)


@given(steps=_STEPS, data=st.data())
@history_settings(batches=10)
async def test_each_booking_has_the_company_assigned_before_it(
    engine: AsyncEngine, steps: list[str], data: st.DataObject
) -> None:
    """M04, M01: whatever arrives late, even the booking itself."""
    week = Week()
    operator, meetings, assigned = Operator(week), dict[str, Meeting](), list[tuple[int, str, str]]()
    for number, step in enumerate(steps):
        if step == "assign":
            email, company = data.draw(st.sampled_from([GUS, LEE_ADDRESS])), data.draw(st.sampled_from([ACME, GLOBEX]))
            operator.record_person(email, company=company)
            assigned.append((number, email, company))
        elif step == "book":
            meetings[f"m{number}"] = book(week, f"m{number}", *data.draw(st.sampled_from(_BOOKERS)))
        elif meetings:
            getattr(meetings[data.draw(st.sampled_from(sorted(meetings)))], step)()
    await apply_history(engine, data.draw(st.permutations(week.received_bodies([]))))
    found = await companies_of_bookings(engine)
    for name, meeting in meetings.items():
        email, number = meeting.emails[-1].lower(), int(name[1:])
        known = [(at, company) for at, who, company in assigned if who == email]
        before = [company for at, company in known if at < number]
        first = GLOBEX if email == LEE_ADDRESS else known[0][1] if known else None
        assert found[meeting.uid][0] == (before[-1] if before else first), name


async def test_a_later_booking_joins_the_active_deal_and_the_timeline_says_why(engine: AsyncEngine) -> None:
    """M04."""
    week = Week()
    book(week, "alpha", SARAH)
    Operator(week).record_person(GUS, company=ACME)
    book(week, "beta", GUS)
    await apply_history(engine, week.received_bodies([]))
    assert await companies_of_bookings(engine) == {"alpha": (ACME, "active"), "beta": (ACME, "active")}
    assert len(await fetch(engine, "SELECT FROM deals")) == 1
    assert await reasons(engine, "booking.assigned") == ["a person assigned gus@gmail.com to acme.example"]
    assert await reasons(engine, "deal.none") == []


async def test_a_team_member_is_no_prospect_even_if_assigned(engine: AsyncEngine) -> None:
    """M04."""
    week = Week()
    operator = Operator(week)
    operator.change_rules({"team_emails": [ANN.email]}, None)
    operator.record_person(ANN.email, company=ACME)
    book(week, "alpha", ANN.email, "other@gmail.com")
    await apply_history(engine, week.received_bodies([]))
    assert await companies_of_bookings(engine) == {"alpha": (None, None)}
    assert await rebuild_differences(engine) == []


async def test_an_answer_of_an_assigned_person_does_not_rename_the_company(engine: AsyncEngine) -> None:
    """M04: the form of Cal.com asks for a company; its answer names the company of the booker's address only."""
    week = Week()
    Operator(week).record_person(GUS, company=ACME)
    Operator(week).record_person(SARAH, company=ACME)
    book(week, "alpha", GUS)
    await apply_history(engine, week.received_bodies([]))
    assert [row["name"] for row in await fetch(engine, "SELECT name FROM companies")] == ["acme.example"]
    book(week, "beta", SARAH)
    await apply_history(engine, week.received_bodies([]))
    assert [row["name"] for row in await fetch(engine, "SELECT name FROM companies")] == ["Firm beta"]


async def test_a_company_loses_the_name_that_a_booking_without_its_booker_gave(engine: AsyncEngine) -> None:
    """M04, PI10: a person attached the booking to a third company, so its own company stays the same."""
    week = Week()
    book(week, "beta", SARAH)
    meeting = book(week, "alpha", SARAH, GUEST)
    Operator(week).move_booking("uid:alpha", "domain:initech.example", None)
    meeting.emails = [GUEST]
    meeting.relocate()
    await apply_history(engine, week.received_bodies([]))
    names = await fetch(engine, "SELECT key, name FROM companies ORDER BY key")
    assert [*map(tuple, names)] == [
        (ACME, "Firm beta"),
        (GLOBEX, "Firm alpha"),
        ("domain:initech.example", "initech.example"),
    ]
    assert await rebuild_differences(engine) == []
