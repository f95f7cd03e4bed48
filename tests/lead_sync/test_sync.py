"""CA1: campaigns, statistics, leads and replies of EmailBison are read, in parts and only what is new."""

import asyncio
from datetime import date, timedelta

import pytest

from tests.destinations.fake_vendors.emailbison import FakeEmailBison
from tests.lead_sync.conftest import AGENCIES, FOUNDERS
from tests.lead_sync.scenario import KEY, NOON, LeadSyncScenario

HOUR = timedelta(hours=1)


async def test_all_that_the_workspace_has_is_stored(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    ann = fake.workspace.add_lead("Ann@ACME.example", [FOUNDERS, AGENCIES])
    bea = fake.workspace.add_lead("bea@acme.example", [FOUNDERS], first_name="there", last_name=None)
    eve = fake.workspace.add_lead("eve@acme.example", [FOUNDERS])
    fake.workspace.reply(ann, FOUNDERS, NOON - HOUR, interested=True)
    fake.workspace.reply(bea, FOUNDERS, NOON - HOUR, folder="Bounced", type="Bounced")
    fake.workspace.unsubscribe(eve, NOON - HOUR)
    await bison.sync()
    assert await bison.memberships() == [
        ("ann@acme.example", FOUNDERS, 1, True, True, NOON - HOUR, False, False),
        ("ann@acme.example", AGENCIES, 1, False, False, None, False, False),
        ("bea@acme.example", FOUNDERS, 1, False, False, None, True, False),
        ("eve@acme.example", FOUNDERS, 1, False, False, None, False, True),
    ]
    leads = {row["email"]: (row["name"], row["company"]) for row in await bison.table("leads")}
    assert leads["ann@acme.example"] == ("Ann Acme", "Acme")
    assert leads["bea@acme.example"] == (None, "Acme")
    campaigns = [(row["id"], row["name"], row["source"]) for row in await bison.table("campaigns")]
    assert sorted(campaigns) == [(FOUNDERS, "Founders NL", "emailbison"), (AGENCIES, "Agencies", "emailbison")]


async def test_statistics_by_campaign_and_day(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    founders = fake.workspace.campaigns[FOUNDERS]
    founders.add("Sent", date(2026, 9, 1), 40)
    founders.add("Sent", date(2026, 9, 14), 2)
    founders.add("Bounced", date(2026, 9, 2), 3)
    await bison.sync()
    [totals] = [row for row in await bison.table("campaign_totals") if row["campaign_id"] == FOUNDERS]
    assert (totals["sent"], totals["bounced"], totals["read_at"]) == (42, 3, NOON)
    days = [(row["day"], row["sent"], row["bounced"]) for row in await bison.table("campaign_days")]
    assert sorted(days) == [(date(2026, 9, 1), 40, 0), (date(2026, 9, 2), 0, 3), (date(2026, 9, 14), 2, 0)]


async def test_the_api_lists_campaigns_with_their_statistics(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    fake.workspace.campaigns[FOUNDERS].add("Sent", date(2026, 9, 1), 40)
    fake.workspace.campaigns[FOUNDERS].add("Bounced", date(2026, 9, 2), 3)
    ann = fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
    fake.workspace.reply(ann, FOUNDERS, NOON - HOUR, interested=True)
    await bison.sync()
    await bison.import_rows("From a file", [{"email": "lee@globex.example"}])
    items = (await bison.web.get("/api/campaigns", headers={"Authorization": f"Bearer {KEY}"})).json()["items"]
    statistics = {item["name"]: item["statistics"] for item in items}
    assert statistics["From a file"] is None
    assert statistics["Founders NL"] == {
        "sent": 40,
        "bounced": 3,
        "delivered": 37,
        "contacted": 1,
        "replied": 1,
        "interested": 1,
        "unsubscribed": 0,
        "leads": 1,
        "read_at": "2026-09-14T12:00:00Z",
    }


async def test_later_runs_read_the_statistics_of_changed_campaigns_only(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    fake.workspace.campaigns[FOUNDERS].add("Sent", date(2026, 9, 14), 2)
    await bison.sync()
    await bison.wait(minutes=15)
    fake.workspace.campaigns[FOUNDERS].add("Sent", date(2026, 9, 14), 3)
    bison.asked()
    await bison.sync()
    assert bison.asked().count("GET /campaign-events/stats") == 1
    [day] = await bison.table("campaign_days")
    assert (day["day"], day["sent"]) == (date(2026, 9, 14), 5)


async def test_a_new_name_of_a_campaign(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    await bison.sync()
    fake.workspace.campaigns[FOUNDERS].name = "Founders\0 \x07 BE " + "x" * 300
    fake.workspace.campaigns[AGENCIES].name = "Founders NL"
    await bison.wait(minutes=15)
    await bison.sync()
    names = {row["id"]: row["name"] for row in await bison.table("campaigns")}
    assert names == {FOUNDERS: f"EmailBison campaign {FOUNDERS}", AGENCIES: "Founders NL"}


async def test_a_run_that_finds_nothing_new_makes_four_calls(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    for number in range(40):
        fake.workspace.add_lead(f"lead{number}@acme.example", [FOUNDERS])
    await bison.sync()
    await bison.wait(minutes=15)
    bison.asked()
    await bison.sync()
    assert bison.asked() == ["GET /users", "GET /campaigns", "GET /replies", "GET /leads"]
    assert len(await bison.emails()) == 40


async def test_new_leads_and_replies_are_read_and_known_ones_not_again(
    bison: LeadSyncScenario, fake: FakeEmailBison
) -> None:
    leads = [fake.workspace.add_lead(f"lead{number}@acme.example", [FOUNDERS]) for number in range(40)]
    await bison.sync()
    new = [fake.workspace.add_lead(f"new{number}@acme.example", [AGENCIES]) for number in range(20)]
    fake.workspace.reply(leads[0], FOUNDERS, NOON + timedelta(minutes=5), interested=True)
    await bison.wait(minutes=15)
    bison.asked()
    await bison.sync()
    assert bison.asked().count("GET /leads") == 3
    assert len(await bison.emails()) == len(leads) + len(new)
    first = next(row for row in await bison.memberships() if row[0] == leads[0].email)
    assert first[3:6] == (True, True, NOON + timedelta(minutes=5))


async def test_what_changed_without_a_webhook_is_read_once_a_day(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    ann = fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
    await bison.sync()
    ann.campaigns[FOUNDERS].emails_sent = 4
    ann.updated_at = NOON + HOUR
    await bison.wait(hours=2)
    await bison.sync()
    assert (await bison.memberships())[0][2] == 1
    await bison.wait(hours=23)
    await bison.sync()
    assert (await bison.memberships())[0][2] == 4


async def test_a_booking_that_came_before_its_lead_is_matched(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    """Seed 002, edge case 4."""
    await bison.book("one", "ann@acme.example")
    fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
    assert await bison.matches() == []
    await bison.sync()
    assert await bison.pairs() == [("ann@acme.example", "ann@acme.example", "Founders NL", "email")]
    assert await bison.rebuild_differences() == []


async def test_processes_do_not_read_the_same_at_once(bison: LeadSyncScenario, fake: FakeEmailBison) -> None:
    fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
    await asyncio.gather(*(bison.sync() for _ in range(3)))
    assert bison.asked().count("GET /users") == 1
    await bison.sync()
    assert bison.asked() == []


async def test_a_connection_that_is_not_to_be_read_is_left_alone(bison: LeadSyncScenario) -> None:
    await bison.sync()
    bison.asked()
    await bison.connect(import_leads="false")
    await bison.wait(hours=2)
    await bison.sync()
    assert bison.asked() == []
    assert await bison.rows("SELECT 1 FROM syncs WHERE $1::uuid IS NOT NULL") == []


@pytest.mark.parametrize("change", ["address", "workspace"])
async def test_another_workspace_of_emailbison_is_read_from_its_beginning(
    bison: LeadSyncScenario, fake: FakeEmailBison, change: str
) -> None:
    fake.workspace.add_lead("ann@acme.example", [FOUNDERS])
    await bison.sync()
    fake.workspace.leads.clear()
    fake.workspace.add_lead("bea@acme.example", [FOUNDERS])
    if change == "workspace":
        fake.team = {"id": 2, "name": "Another"}
    else:
        await bison.connect(api_url=fake.url.replace("127.0.0.1", "localhost"))
    await bison.wait(minutes=15)
    await bison.sync()
    assert await bison.emails() == ["ann@acme.example", "bea@acme.example"]
