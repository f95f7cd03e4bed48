"""`/deals/new`: a deal for a company or a person whom no booking brought (AP4)."""

from urllib.parse import urlencode

import pytest

from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.scenario import Scenario


@pytest.fixture
def member(teammate_of: BrowserFactory) -> Browser:
    return teammate_of("member")


@pytest.mark.parametrize(
    ("who", "domain", "person"),
    [
        ("Hooli", None, None),
        ("newco.com", "newco.com", None),
        ("Mia@NewCo.com", "newco.com", "mia@newco.com"),
        ("initech.com", "initech.com", None),
    ],
)
async def test_a_deal_is_opened_for_whom_one_names(
    scenario: Scenario, member: Browser, who: str, domain: str | None, person: str | None
) -> None:
    opened = await member.post("/deals/new", who=who, stage="proposal", amount="12,000", currency="eur")
    assert opened.status_code == 303, opened.text
    [deal] = await scenario.rows("deals", id=opened.headers["location"].rpartition("/")[2])
    assert (deal["stage"], str(deal["amount"]), deal["currency"]) == ("proposal", "12000.00", "EUR")
    [company] = await scenario.rows("companies", id=deal["company_id"])
    assert company["domain"] == domain
    if person is not None:
        [row] = await scenario.rows("people", email=person)
        assert row["company_id"] == company["id"]
    again = await member.post("/deals/new", who=who)
    assert (again.status_code, f"deals/{deal['id']}" in again.text) == (409, True)


async def test_a_wrong_form_says_what_to_write_and_keeps_it(scenario: Scenario, member: Browser) -> None:
    for who, words in {
        "": "Write the company",
        "jo@gmail.com": "gmail.com is a personal domain",
        "jo@": "Write the address as in",
    }.items():
        shown = await member.post("/deals/new", who=who, amount="a lot")
        assert shown.status_code == 422
        assert words in shown.text
        assert "Write an amount such as" in shown.text
        assert f'value="{who}"' in shown.text
    hostile = '"><script>alert(1)</script>'
    assert "<script>alert" not in (await member.get(f"/deals/new?{urlencode({'who': hostile})}")).text
    assert not await scenario.commands()


async def test_only_who_may_change_deals_sees_the_form(teammate_of: BrowserFactory) -> None:
    reader = teammate_of("read_only")
    assert (await reader.get("/deals/new")).status_code == 403
    for page in ("/pipeline", "/deals", "/"):
        assert "deals/new" not in (await reader.get(page)).text
