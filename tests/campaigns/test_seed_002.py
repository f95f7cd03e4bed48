"""Seed 002: its edge cases 1 and 2, and its success criterion of matching, on a simulated campaign."""

import random
from dataclasses import replace
from datetime import timedelta

from showup.simulation.models import SimulatedAttendee
from showup.simulation.population import Population, SimulatedCompany
from tests.campaigns.scenario import START, CampaignScenario
from tests.histories.webhooks import MONDAY, attendee, body, payload

AMARA = "amara@acme.example"
COMPANIES = 45
REQUIRED_ACCURACY = 0.95


async def test_edge_case_1_multiple_bookings_per_lead(scenario: CampaignScenario) -> None:
    """ "Lead books, cancels, rebooks. Count latest booking only": one accepted booking is matched to the lead (CA4)."""
    await scenario.import_rows("Founders", [{"email": AMARA}])
    await scenario.book("one", AMARA)
    await scenario.book("one", AMARA, at=MONDAY + timedelta(hours=1), trigger="BOOKING_CANCELLED")
    await scenario.book("two", AMARA, at=MONDAY + timedelta(hours=2))
    accepted = await scenario.rows(
        """
        SELECT b.calcom_uid, m.lead_email FROM matches m JOIN bookings b ON b.id = m.booking_id
        WHERE m.workspace_id = $1 AND m.state = 'matched' AND b.status = 'ACCEPTED'
        """
    )
    assert accepted == [("two", AMARA)]
    assert await scenario.rows("SELECT attendee FROM unmatched_bookings WHERE workspace_id = $1") == []


async def test_edge_case_2_attendee_email_different_from_lead_email(scenario: CampaignScenario) -> None:
    """ "Lead uses personal email for booking. Store as unmatched, require manual review": it is only suggested."""
    await scenario.import_rows(
        "Founders", [{"email": AMARA, "first_name": "Amara", "last_name": "Okafor", "company": "Acme"}]
    )
    await scenario.book("one", attendee("amara.okafor@gmail.com", "Amara Okafor"), company="Acme")
    assert await scenario.matches() == []
    (candidate,) = (await scenario.candidates())["amara.okafor@gmail.com"]
    assert (candidate["lead"]["email"], candidate["evidence"]["name"]) == (
        AMARA,
        "“Amara Okafor” and “Amara Okafor”: the same name",
    )


async def test_lead_matching_accurate_above_95_percent(scenario: CampaignScenario) -> None:
    """ "Lead matching accurate (>95%)": each attendee is matched to their lead, or is in review, or is a stranger."""
    rng = random.Random(2)  # noqa: S311  # repeatable chance, not secrecy
    population = Population(rng, "t")
    companies = [population.new_company() for _ in range(COMPANIES)]
    await scenario.import_rows("Founders", [row_of(person, one) for one in companies for person in one.people])
    seats = [
        seat for number, company in enumerate(companies) for seat in seats_of(company, population, kind=number % 5)
    ]
    await scenario.receive(
        body("BOOKING_CREATED", MONDAY, payload(f"b{number:03}", number, START, [booker], company=company))
        for number, (booker, company, _, _) in enumerate(seats)
    )
    matched = {row[1]: row[2] for row in await scenario.matches()}
    suggested = {
        email: {one["lead"]["email"] for one in found} for email, found in (await scenario.candidates()).items()
    }
    right = 0
    for booker, _, lead, is_reviewed in seats:
        email = booker.email.lower()
        found = matched.get(email)
        right += found is None and lead in suggested[email] if is_reviewed else found == lead
    assert right / len(seats) > REQUIRED_ACCURACY
    assert await scenario.rebuild_differences() == []


def row_of(person: SimulatedAttendee, company: SimulatedCompany) -> dict[str, object]:
    first, _, last = person.name.partition(" ")
    return {"email": person.email, "first_name": first, "last_name": last, "company": company.name}


def seats_of(
    company: SimulatedCompany, population: Population, kind: int
) -> list[tuple[SimulatedAttendee, str, str | None, bool]]:
    """Returns a company's bookers, what they answer, their lead (None for a stranger) and if a person has to decide."""
    if kind == 0:
        stranger = population.new_private_person()
        return [(stranger, "Own company", None, False)]
    seats: list[tuple[SimulatedAttendee, str, str | None, bool]] = []
    for number, person in enumerate(company.people):
        lead, own = person.email.lower(), f"p{number}.{company.domain.replace('.', '-')}"
        if kind == 1:
            seats.append((replace(person, email=f"{own}@another-{company.domain}"), f"{company.name} Ltd", lead, False))
        elif kind == 2:
            seats.append((replace(person, email=f"{own}@gmail.com"), company.name, lead, True))
        else:
            seats.append((population.vary_spelling(person), company.name, lead, False))
    return seats
