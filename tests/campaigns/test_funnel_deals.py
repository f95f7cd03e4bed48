"""CA5: which campaign, which mail of it and which sender brought the deals that were won."""

from datetime import timedelta

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
