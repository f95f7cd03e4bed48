"""CA5: which campaign, which mail of it and which sender brought the deals that were won."""

from datetime import timedelta

from showup.events.workspace import Merged, MergeUndone
from tests.campaigns.funnel_client import get, open_api
from tests.campaigns.scenario import CampaignScenario
from tests.histories.webhooks import MONDAY


async def test_one_request_says_which_mail_of_which_campaign_and_sender_brought_the_deals_of_a_quarter(
    scenario: CampaignScenario,
) -> None:
    """The example of docs/FUNNEL.md."""
    eva, tom = {"sender_email": "eva@mail.example"}, {"sender_email": "tom@mail.example"}
    await scenario.import_rows(
        "Founders NL",
        [
            {"email": "ann@acme.example", "emails_sent": "3", "step": "2", **eva},
            {"email": "abe@acme.example", "emails_sent": "1", "step": "", **tom},
            {"email": "dora@delta.example", "emails_sent": "2", "step": "", **eva},
            {"email": "finn@foxtrot.example", "emails_sent": "2", "step": "", **eva},
        ],
    )
    await scenario.import_rows("CFO outreach", [{"email": "carl@carbon.example", "emails_sent": "1", **tom}])
    await scenario.book("first", "ann@acme.example")
    # A colleague joins later: the deal stays with the lead who came first.
    await scenario.book("second", "abe@acme.example", at=MONDAY + timedelta(days=1))
    for name in ("dora@delta", "carl@carbon", "finn@foxtrot", "nobody@unknown"):
        await scenario.book(name, f"{name}.example", at=MONDAY + timedelta(hours=len(name)))
    won = [("first", 18_000, 10), ("carl@carbon", 7_500, 11), ("dora@delta", 9_000, 40), ("nobody@unknown", 1, 10)]
    async with open_api(scenario.engine, scenario.clock) as client:
        for uid, amount, days in won:
            scenario.now = MONDAY + timedelta(days=days)
            (booking,) = (await get(client, "/api/bookings", uid=uid))["items"]
            change = {"status": "won", "amount": amount, "currency": "EUR"}
            assert (await client.patch(f"/api/deals/{booking['deal_id']}", json=change)).status_code == 200
        quarter = {"from": "2026-07-01", "to": "2026-10-01"}
        funnel = await get(client, "/api/funnel", group_by="campaign,step,sender", **quarter)
    brought = [one for one in funnel["items"] if one["deals"]["won"]]
    assert [
        (one["group"]["campaign"]["name"], one["group"]["step"], one["group"]["sender"], one["deals"])
        for one in brought
    ] == [
        ("Founders NL", 2, "eva@mail.example", {"won": 1, "value": {"EUR": 18000.0}}),
        ("CFO outreach", 1, "tom@mail.example", {"won": 1, "value": {"EUR": 7500.0}}),
    ]
    assert funnel["deals"] == {"won": 2, "value": {"EUR": 25500.0}}


async def test_two_leads_of_one_merged_person_count_once_until_the_merge_is_undone(scenario: CampaignScenario) -> None:
    """PI12, CA5: a merge of people joins their leads, whichever of their mailbox's spellings booked."""
    rows = [{"email": one, "replied": "true", "emails_sent": "2"} for one in ("ann@acme.example", "ann@gmail.com")]
    await scenario.import_rows("Founders", rows)
    await scenario.book("one", "ann+cal@acme.example")
    await scenario.book("two", "ann@gmail.com")
    merged = await scenario.execute(Merged(kind="people", gone="ann@gmail.com", stays="ann+cal@acme.example"))
    async with open_api(scenario.engine, scenario.clock) as client:
        for query in ({}, {"group_by": "campaign"}):
            funnel = await get(client, "/api/funnel", **query)
            assert (funnel["sent"], funnel["replied"], funnel["booked"]) == (4, 1, 1)
        funnel = await get(client, "/api/funnel", **{"from": "2026-01-01"})
        assert (funnel["undated"]["replied"], funnel["booked"]) == (1, 1)
        assert await scenario.rebuild_differences() == []
        await scenario.execute(MergeUndone(merge=merged.event_ids[0]))
        funnel = await get(client, "/api/funnel")
    assert (funnel["replied"], funnel["booked"]) == (2, 2)
    assert await scenario.rebuild_differences() == []


async def test_a_lead_that_comes_after_the_merge_is_the_same_person(scenario: CampaignScenario) -> None:
    await scenario.book("one", "ann@acme.example")
    await scenario.book("two", "bea@gmail.com")
    await scenario.execute(Merged(kind="people", gone="ann@acme.example", stays="bea@gmail.com"))
    await scenario.import_rows("Founders", [{"email": "ann@acme.example"}, {"email": "bea@gmail.com"}])
    assert len(await scenario.pairs()) == 2
    async with open_api(scenario.engine, scenario.clock) as client:
        assert (await get(client, "/api/funnel"))["booked"] == 1
