"""F11: an address in letters and its ASCII form, from the webhook to the mail."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from showup.access.permission import Permission
from showup.database import tables
from showup.database.engine import driver_connection, transaction
from showup.outbox import suppressions
from showup.outbox.suppressions import Suppression
from showup.reads.bookings import BookingFilter, list_bookings
from showup.reads.companies import CompanyFilter, list_companies
from showup.reads.keyset import PageRequest
from showup.reads.people import PersonFilter, list_people
from tests.deliveries.scenario import DeliveryScenario
from tests.histories.webhooks import MONDAY, body, payload

START = MONDAY + timedelta(days=5)
ADMIN = Permission(actor="key:test", scope="admin", workspace_id=None)
LETTERS, ASCII = "Info@Bäckerei-Stern.example", "info@xn--bckerei-stern-bfb.example"


def booked(uid: str, number: int, email: str) -> bytes:
    return body("BOOKING_CREATED", MONDAY + timedelta(seconds=number), payload(uid, number, START, [email]))


async def test_two_spellings_are_one_person_one_company_and_one_deal(scenario: DeliveryScenario) -> None:
    """F11: the ASCII form is the identity and goes to the provider of mail; the company is named in letters."""
    await scenario.receive(booked("one", 1, LETTERS), booked("two", 2, ASCII))
    await scenario.deliver_due()
    async with scenario.engine.connect() as tx:
        assert (await tx.execute(select(tables.people.c.email))).scalars().all() == [ASCII]
        companies = (await tx.execute(select(tables.companies.c.domain, tables.companies.c.name))).all()
        assert companies == [("xn--bckerei-stern-bfb.example", "bäckerei-stern.example")]
        assert len((await tx.execute(select(tables.deals.c.id))).all()) == 1
    assert {content["to"] for _, content in scenario.fake_destination.sent} == {ASCII}


@pytest.mark.parametrize("suppressed", [LETTERS, ASCII])
@pytest.mark.parametrize("booker", [LETTERS, ASCII])
async def test_a_suppression_stops_mail_to_both_spellings(
    scenario: DeliveryScenario, suppressed: str, booker: str
) -> None:
    """F11: whichever spelling bounced."""
    async with transaction(scenario.engine) as tx:
        suppression = Suppression(scope="all", reason="bounced", because="there is no such mailbox")
        await suppressions.add(
            await driver_connection(tx), scenario.workspace, suppressed, suppression, at=scenario.now
        )
    await scenario.receive(booked("one", 1, booker))
    await scenario.deliver_due()
    assert scenario.fake_destination.sent == []


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("bäckerei", True),
        ("Bäcker", True),
        ("ba\u0308ckerei stern", True),
        ("info bäckerei-stern.example", True),
        (LETTERS, True),
        (ASCII, True),
        ("xn--bckerei", True),
        ("stern", True),
        ("bäckerin", False),
        ("müller", False),
        ("東京", False),
    ],
)
async def test_search_in_letters_finds_the_ascii_form(scenario: DeliveryScenario, q: str, found: bool) -> None:
    """F11: addresses and domains are stored in ASCII, and people type letters."""
    await scenario.receive(booked("one", 1, ASCII), booked("two", 2, "info@xn--1lqs71d.example"))
    page = PageRequest(sort="created_at", limit=10)
    async with scenario.engine.connect() as tx:
        people = await list_people(tx, ADMIN, PersonFilter(q=q), page)
        companies = await list_companies(tx, ADMIN, CompanyFilter(q=q), page)
        bookings = await list_bookings(tx, ADMIN, BookingFilter(q=q), PageRequest(sort="start_time", limit=10))
    assert (ASCII in {person["email"] for person in people.items}) is found
    assert len(bookings.items) == len(people.items)
    if "info" not in q.lower():
        assert len(companies.items) == len(people.items)


@pytest.mark.parametrize(
    "domain", ["ä" * 300, "[10.0.0.1]", "[IPv6:::1]", "localhost", "a\u202eb.example", "xn--\ud7ff"]
)
async def test_an_impossible_address_makes_no_person(scenario: DeliveryScenario, domain: str) -> None:
    """F11, M10: the booking is kept, with nobody to mail."""
    await scenario.receive(booked("one", 1, f"ann@{domain}"))
    async with scenario.engine.connect() as tx:
        assert len((await tx.execute(select(tables.bookings.c.id))).all()) == 1
        for table in (tables.people, tables.companies, tables.deals):
            assert (await tx.execute(select(table.c.id))).all() == []
        states = (await tx.execute(select(tables.inbox_events.c.state))).scalars().all()
    assert states == ["applied"]
