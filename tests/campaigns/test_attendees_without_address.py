"""CA2, CA3, CA4: an attendee with a phone number only is a lead by name and company, or is reviewed as any other."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import START, CampaignScenario
from tests.histories.webhooks import MONDAY, attendee, ended_body

PHONE = "+31612345678"
LEAD = "henrietta@vantor.example"
NAME, COMPANY = "Henrietta Okonkwo", "Vantor Logistics"
ROW = {"email": LEAD, "first_name": "Henrietta", "last_name": "Okonkwo", "company": COMPANY}


@pytest.fixture
async def client(scenario: CampaignScenario) -> AsyncIterator[httpx2.AsyncClient]:
    async with open_api(scenario.engine, scenario.clock) as client:
        yield client


async def book(scenario: CampaignScenario, uid: str = "one", *, phone: str = PHONE, company: str | None) -> None:
    await scenario.book(uid, attendee("", NAME, phone=phone), company=company)


@pytest.mark.parametrize("is_imported_first", [True, False])
async def test_a_sure_match_by_name_and_company_counts_in_the_funnel(
    scenario: CampaignScenario, client: httpx2.AsyncClient, is_imported_first: bool
) -> None:
    if is_imported_first:
        await scenario.import_rows("Founders", [ROW])
    await book(scenario, company=COMPANY)
    if not is_imported_first:
        await scenario.import_rows("Founders", [ROW])
    assert await scenario.pairs() == [(PHONE, LEAD, "Founders", "name")]
    assert (await get(client, "/api/unmatched"))["items"] == []
    funnel = await get(client, "/api/funnel", group_by="source", source=["csv", "unknown"])
    assert [(item["group"]["source"], item["booked"]) for item in funnel["items"]] == [("csv", 1)]
    (row,) = (await get(client, f"/api/clients/{scenario.workspace}/bookings"))["bookings"]
    assert (row["campaign_name"], row["lead_email"]) == ("Founders", LEAD)
    (booking,) = (await get(client, "/api/bookings"))["items"]
    assert booking["source"] == "campaign"
    assert await scenario.rebuild_differences() == []


async def test_one_whose_company_is_unknown_is_reviewed_linked_and_undone(
    scenario: CampaignScenario, client: httpx2.AsyncClient
) -> None:
    await scenario.import_rows("Founders", [ROW])
    await book(scenario, company=None)
    assert await scenario.matches() == []
    (item,) = (await get(client, "/api/unmatched"))["items"]
    assert (item["attendee"], item["email"], item["phone"], item["name"]) == (PHONE, None, PHONE, NAME)
    (candidate,) = item["candidates"]
    path = f"/api/unmatched/{item['id']}"
    linked = await client.post(f"{path}/link", json={"lead_id": candidate["lead"]["id"]})
    assert (linked.status_code, linked.json()["attendee"]) == (201, PHONE), linked.text
    # Later events neither replace what a person said, nor make it again once it is undone.
    await book(scenario, company=COMPANY)
    assert [row[1:] for row in await scenario.pairs()] == [(LEAD, "Founders", "manual")]
    assert (await client.delete(f"/api/matches/{linked.json()['id']}")).status_code == 200
    await book(scenario, company=COMPANY)
    (item,) = (await get(client, "/api/unmatched"))["items"]
    assert item["candidates"] == []
    assert (await client.post(f"{path}/dismiss")).status_code == 200
    assert (await get(client, "/api/unmatched"))["items"] == []
    assert (await client.post(f"{path}/restore")).json()["dismissed"] is False
    assert len((await get(client, "/api/unmatched"))["items"]) == 1
    assert await scenario.rebuild_differences() == []


async def test_a_number_is_one_attendee_however_it_is_written(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Founders", [ROW])
    await book(scenario, phone="+31 6 1234-5678", company=COMPANY)
    # MEETING_ENDED has no answers of the form: the number is in the address that Cal.com made from it.
    listed = [attendee("31612345678@sms.cal.com", NAME)]
    await scenario.receive([ended_body("one", int.from_bytes(b"one"), START, listed, MONDAY)])
    assert await scenario.pairs() == [(PHONE, LEAD, "Founders", "name")]
    query = """
        SELECT a.phone, a.attended FROM booking_attendees a JOIN bookings b ON b.id = a.booking_id
        WHERE b.workspace_id = $1
    """
    assert await scenario.rows(query) == [("+31612345678", True)]


async def test_two_of_one_name_are_two_attendees(scenario: CampaignScenario) -> None:
    """CA4: each attendee on its own; only the booker answered which company they are from."""
    await scenario.import_rows("Founders", [ROW])
    await scenario.book(
        "one", attendee("", NAME, phone=PHONE), attendee("", NAME, phone="+31687654321"), company=COMPANY, at=MONDAY
    )
    assert await scenario.pairs() == [(PHONE, LEAD, "Founders", "name")]
    assert set(await scenario.candidates()) == {"+31687654321"}
