"""Two imports that call a lead differently: the newest file wins, and what it replaced stays visible (CA1)."""

from uuid import UUID

import pytest

from showup.campaigns.lead import Lead
from showup.campaigns.lead_names import KnownLead, rename
from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import attendee

ANN = "ann@acme.example"
FIRST, SECOND = UUID(int=1), UUID(int=2)


def lead(**values: str) -> Lead:
    """Returns a lead as a file gives it: without a full name, the parts are joined to one."""
    joined = " ".join(values[part] for part in ("first_name", "last_name") if part in values)
    return Lead(email=ANN, **({"name": joined} if joined else {}) | values)


@pytest.mark.parametrize(
    ("known", "newer", "expected", "replaced"),
    [
        ({"first_name": "Ann"}, {"last_name": "Lee"}, {"first_name": "Ann", "last_name": "Lee"}, {}),
        ({"first_name": "An"}, {"first_name": "Ann"}, {"first_name": "Ann"}, {"first_name": "An"}),
        ({"company": "Acme"}, {"first_name": "Ann"}, {"first_name": "Ann", "company": "Acme"}, {}),
        ({"company": "Acme"}, {"company": "Globex"}, {"company": "Globex"}, {"company": "Acme"}),
        # A full name is complete, and parts that it repeats stay.
        (
            {"first_name": "Ann", "last_name": "Lee"},
            {"name": "Bea Kim"},
            {"name": "Bea Kim"},
            {"first_name": "Ann", "last_name": "Lee"},
        ),
        ({"first_name": "Ann", "last_name": "Lee"}, {"name": "Ann Lee"}, {"first_name": "Ann", "last_name": "Lee"}, {}),
        ({"name": "Ann Lee"}, {"first_name": "Bea"}, {"first_name": "Bea"}, {"name": "Ann Lee"}),
        ({"first_name": "Ann", "name": "Ann L"}, {"first_name": "Ann"}, {"first_name": "Ann", "name": "Ann L"}, {}),
    ],
)
def test_what_a_newer_file_says_wins(
    known: dict[str, str], newer: dict[str, str], expected: dict[str, str], replaced: dict[str, str]
) -> None:
    found = rename(KnownLead(lead=lead(**known), names_from=FIRST), lead(**newer), SECOND, is_source=False)
    assert (found.lead, found.names_from, found.replaced) == (lead(**expected), SECOND, replaced)


@pytest.mark.parametrize(
    ("names_from", "import_id", "is_source", "wins"),
    [
        (FIRST, FIRST, False, False),
        (FIRST, SECOND, False, True),
        (FIRST, SECOND, True, False),
        (FIRST, FIRST, True, True),
    ],
    ids=["the same file repeats a lead", "a newer file", "EmailBison after a file", "EmailBison corrects itself"],
)
def test_who_may_replace_a_name(names_from: UUID, import_id: UUID, is_source: bool, wins: bool) -> None:
    known = KnownLead(lead=lead(first_name="An"), names_from=names_from)
    found = rename(known, lead(first_name="Ann", company="Acme"), import_id, is_source=is_source)
    assert (found.lead.first_name, found.lead.company) == ("Ann" if wins else "An", "Acme")


async def test_the_newest_file_names_a_lead_and_the_earlier_names_stay_visible(scenario: CampaignScenario) -> None:
    await scenario.import_rows("Old", [{"email": ANN, "first_name": "Hannah", "last_name": "Lee", "company": "Acme"}])
    # Its second row repeats the lead: it fills what the first leaves empty, and replaces nothing.
    rows = [{"email": ANN, "last_name": "Leigh"}, {"email": ANN, "last_name": "Other", "company": "Acme Ltd"}]
    await scenario.import_rows("New", rows)
    await scenario.import_rows("Addresses", [{"email": ANN}])
    async with open_api(scenario.engine, scenario.clock) as client:
        (found,) = (await get(client, "/api/leads"))["items"]
    assert (found["first_name"], found["last_name"], found["company"], found["simulated"]) == (
        "Hannah",
        "Leigh",
        "Acme Ltd",
        False,
    )
    (earlier,) = found["earlier_names"]
    assert earlier | {"until": None} == {
        "first_name": None,
        "last_name": "Lee",
        "name": None,
        "company": "Acme",
        "until": None,
    }


async def test_matches_follow_the_name(scenario: CampaignScenario) -> None:
    row = {"email": ANN, "first_name": "Henrietta", "company": "Vantor Logistics"}
    await scenario.book("one", attendee("h@okonkwo.example", "Henrietta Okonkwo"), company="Vantor Logistics")
    await scenario.import_rows("Old", [row | {"last_name": "Okonkwo"}])
    assert len(await scenario.pairs()) == 1
    await scenario.import_rows("New", [row | {"last_name": "Novak"}])
    assert await scenario.pairs() == []
    await scenario.import_rows("Newest", [row | {"last_name": "Okonkwo"}])
    assert len(await scenario.pairs()) == 1
    assert await scenario.rebuild_differences() == []
