"""CA2, CA3: attendees whose address finds no lead are matched by name and company if that is sure, else suggested."""

from datetime import timedelta
from typing import Any

import pytest

from showup.events.booking import AttendeeDismissed, MatchUndone
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import MONDAY, attendee

LEAD = "henrietta@vantor.example"
OTHER = "h.okonkwo@okonkwo-advisory.example"
PRIVATE = "henrietta.okonkwo@gmail.com"
NAME, COMPANY = "Henrietta Okonkwo", "Vantor Logistics"


def lead(email: str = LEAD, name: str = NAME, company: str = COMPANY) -> dict[str, object]:
    first, _, last = name.partition(" ")
    return {"email": email, "first_name": first, "last_name": last, "company": company}


async def book(
    scenario: CampaignScenario, email: str = OTHER, name: str = NAME, company: str | None = COMPANY, **more: Any
) -> None:
    await scenario.book("one", attendee(email, name), company=company, **more)


async def test_a_sure_match_says_method_score_and_evidence(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [lead()])
    await book(scenario, name="OKONKWO, Henrietta", company="Vantor Logistics Ltd.")
    ((_, attendee_email, email, campaign, method, score, evidence),) = await scenario.matches()
    assert (attendee_email, email, campaign, method) == (OTHER, LEAD, "Founders", "name")
    assert 0.9 < score < 0.97, "a match by address is surer"
    assert "“OKONKWO, Henrietta” and “Henrietta Okonkwo”: the same name" in evidence
    assert "“Vantor Logistics Ltd.” and “Vantor Logistics”: the same company" in evidence
    assert await scenario.rebuild_differences() == []


@pytest.mark.parametrize(
    ("name", "company", "email"),
    [
        ("henrietta okonkwo", "VANTOR LOGISTICS GMBH", OTHER),
        ("Dr. Henrieta Okonkwo", COMPANY, OTHER),
        ("Henrietta Okonkwo", None, "ho@vantorlogistics.example"),
        ("Henrietta", None, "okonkwo@vantor.example"),
    ],
)
async def test_names_are_compared_as_people_type_them(
    scenario: CampaignScenario, name: str, company: str | None, email: str
) -> None:
    await book(scenario, email, name, company)
    await scenario.import_rows("Founders", [lead()])
    assert await scenario.pairs() == [(email, LEAD, "Founders", "name")]


@pytest.mark.parametrize(
    ("name", "company", "email"),
    [
        (NAME, "Brightwell", OTHER),
        (NAME, None, OTHER),
        ("Obi Okonkwo", COMPANY, OTHER),
        ("H. Okonkwo", COMPANY, "hello@okonkwo-advisory.example"),
        (NAME, COMPANY, PRIVATE),
        (NAME, COMPANY, "info@okonkwo-advisory.example"),
    ],
    ids=["namesake elsewhere", "no company", "relative", "initial", "personal address", "shared mailbox"],
)
async def test_what_is_not_sure_is_only_suggested(
    scenario: CampaignScenario, name: str, company: str | None, email: str
) -> None:
    await scenario.import_rows("Founders", [lead()])
    await book(scenario, email, name, company)
    assert await scenario.matches() == []
    (candidate,) = (await scenario.candidates())[email]
    assert candidate["lead"]["email"] == LEAD
    assert 0 < candidate["score"] < 0.97
    assert candidate["evidence"].keys() == {"name", "company"}


async def test_an_agreement_on_a_rare_name_counts_more(scenario: CampaignScenario) -> None:
    rare, common = lead(company=""), lead("ann@acme.example", "Ann Smith", "")
    smiths = [
        lead(f"p{number}@c{number}.example", f"{'Ann' if number < 9 else 'Eve'} Smith", "") for number in range(40)
    ]
    await scenario.import_rows("Founders", [rare, common, *smiths])
    await scenario.book("one", attendee(PRIVATE, NAME))
    await scenario.book("two", attendee("ann.smith@gmail.com", "Ann Smith"))
    found = await scenario.candidates()
    assert found[PRIVATE][0]["score"] > 5 * found["ann.smith@gmail.com"][0]["score"]
    assert len(found["ann.smith@gmail.com"]) == 5


@pytest.mark.parametrize("is_later", [False, True])
async def test_two_equal_leads_are_no_unique_winner(scenario: CampaignScenario, is_later: bool) -> None:
    twin = lead("okonkwo.h@vantor.example")
    await scenario.import_rows("Founders", [lead()] if is_later else [lead(), twin])
    await book(scenario)
    if is_later:
        assert len(await scenario.matches()) == 1
        await scenario.import_rows("More", [twin])
    assert await scenario.matches() == []
    assert {one["lead"]["email"] for one in (await scenario.candidates())[OTHER]} == {LEAD, "okonkwo.h@vantor.example"}
    assert await scenario.rebuild_differences() == []


async def test_a_lead_whose_name_comes_with_a_later_file_matches_then(scenario: CampaignScenario) -> None:
    await book(scenario)
    await scenario.import_rows("Addresses", [{"email": LEAD}])
    await scenario.import_rows("Companies", [{"email": LEAD, "company": COMPANY}])
    assert await scenario.matches() == []
    await scenario.import_rows("Names", [{"email": LEAD, "first_name": "Henrietta", "last_name": "Okonkwo"}])
    assert await scenario.pairs() == [(OTHER, LEAD, "Addresses", "name")]


async def test_a_match_by_address_replaces_one_by_name(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [lead()])
    await book(scenario)
    await scenario.import_rows("Later", [{"email": OTHER}])
    assert await scenario.pairs() == [(OTHER, OTHER, "Later", "email")]


async def test_an_undone_match_by_name_is_neither_made_nor_suggested_again(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [lead(), lead("obi@vantor.example", "Obi Okonkwo")])
    await book(scenario)
    undone = MatchUndone(subject="uid:one", attendee=OTHER, lead=LEAD)
    assert (await scenario.execute(undone)).refused is None
    await scenario.import_rows("More", [lead() | {"interested": "true"}])
    await book(scenario, at=MONDAY + timedelta(hours=1), trigger="BOOKING_RESCHEDULED")
    assert await scenario.matches() == []
    assert [one["lead"]["email"] for one in (await scenario.candidates())[OTHER]] == ["obi@vantor.example"]


@pytest.mark.parametrize("is_first", [False, True])
async def test_who_was_dismissed_is_not_matched_by_name(scenario: CampaignScenario, is_first: bool) -> None:
    await book(scenario)
    dismissed = AttendeeDismissed(subject="uid:one", attendee=OTHER)
    if is_first:
        await scenario.execute(dismissed)
    await scenario.import_rows("Founders", [lead()])
    if not is_first:
        await scenario.execute(dismissed)
    assert await scenario.matches() == []
    assert await scenario.rebuild_differences() == []


async def test_each_guest_is_matched_by_their_own_name_and_not_by_the_bookers_answer(
    scenario: CampaignScenario,
) -> None:
    guest = attendee("guest@elsewhere.example", "Marek Novak")
    await scenario.import_rows("Founders", [lead(), lead("marek@vantor.example", "Marek Novak")])
    await scenario.book("one", attendee(OTHER, NAME), guest, company=COMPANY)
    assert await scenario.pairs() == [(OTHER, LEAD, "Founders", "name")]
