"""What Today asks a person to decide: which lead an attendee is, and whether refused webhooks are theirs (CA3, IN5)."""

from datetime import timedelta

import httpx2

from showup.container import event_handlers
from showup.database import tables
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import TODAY, Scenario, ticking_clock
from tests.web.test_leads import post

PAT_LEAD = b"email,first_name,company\npat@acme.com,Pat,Acme\n"


def browser_of(scenario: Scenario, name: str) -> Browser:
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    return Browser(with_middleware(app, cors_origins=[]), name)


async def test_today_asks_which_lead_an_attendee_is_until_somebody_says(
    writer: httpx2.AsyncClient, scenario: Scenario
) -> None:
    member = browser_of(scenario, "member")
    assert "Which lead is" not in (await member.get("/?who=team")).text, "without a campaign there is no question"
    await post(writer, PAT_LEAD)
    page = (await member.get("/?who=team")).text
    asked, page = page.partition("Which lead is Pat?")[1:]
    assert asked
    path = "/unmatched/" + page.partition('action="./unmatched/')[2].partition('"')[0]
    lead = page.partition('name="lead" value="')[2].partition('"')[0]
    assert "No campaign brought Pat" in (await member.post(path, headers={"HX-Request": "true"}, lead="")).text
    assert "Which lead is Pat?" not in (await member.get("/?who=team")).text
    assert (await member.post(path, restore="yes")).status_code == 303
    assert (await member.post(path, lead="no id")).status_code == 404
    assert (await member.post(path, lead=lead)).status_code == 303
    [match] = [row for row in await scenario.rows("matches", attendee="pat@gmail.com") if row["state"] == "matched"]
    assert (match["lead_email"], match["method"], match["actor"]) == (
        "pat@acme.com",
        "manual",
        "teammate:member@ours.example",
    )


async def test_admins_hear_of_repeated_wrong_signatures_of_their_own_account(scenario: Scenario) -> None:
    refusal = {"kind": "calcom", "name": "ours-calcom", "reason": "wrong_signature", "count": 7, "sources": {}}
    times = {"first_at": TODAY - timedelta(hours=3), "last_at": TODAY - timedelta(minutes=5)}
    async with scenario.engine.begin() as tx:
        await tx.execute(tables.webhook_refusals.insert().values(**refusal, **times))
    words = "7 webhooks were refused: the signature is wrong or missing"
    found = {
        name: words in (await browser_of(scenario, name).get("/")).text for name in ("admin", "member", "stranger")
    }
    assert found == {"admin": True, "member": False, "stranger": False}
