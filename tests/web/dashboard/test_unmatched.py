"""CA3, AP4: people review bookings without a lead: link, dismiss, undo, with the consequence said first."""

import re

import pytest
from sqlalchemy import text
from starlette.types import ASGIApp

from showup.container import event_handlers
from showup.web.app import create_app
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser, BrowserFactory
from tests.web.sample_data import ADMIN_KEY
from tests.web.scenario import Scenario, ticking_clock

PAT = "pat@gmail.com"
LEADS = b"""email,first_name,last_name,company,interested_at
pat@acme.com,Pat,,Acme,2026-09-07T06:00:00Z
pat@other.example,Pat,,Other,
zoe@far.example,Zoe,Far,Far Away,
"""


@pytest.fixture
async def app(scenario: Scenario) -> ASGIApp:
    """The scenario's app, with leads of which two have the name of an attendee."""
    app = create_app(
        engine=scenario.engine,
        clock=ticking_clock(),
        admin_key=ADMIN_KEY,
        version="0",
        event_handlers=event_handlers(),
    )
    csv = {"Content-Type": "text/csv"}
    imported = await client_of(app, "writer").post("/api/leads/import?campaign=Founders", content=LEADS, headers=csv)
    assert imported.status_code == 200, imported.text
    return app


@pytest.fixture
def member(app: ASGIApp) -> Browser:
    return Browser(app, "member")


async def path_of(member: Browser, attendee: str = PAT) -> str:
    page = (await member.get("/unmatched")).text
    row = re.search(rf'href="\./(unmatched/[0-9a-f-]+)"(?:(?!<li).)*{re.escape(attendee)}', page, re.DOTALL)
    assert row is not None, page
    return f"/{row[1]}"


def lead_in(page: str) -> str:
    found = re.search(r'name="lead_id" value="([0-9a-f-]+)"', page)
    assert found is not None, page
    return found[1]


async def booked(app: ASGIApp) -> int:
    (group,) = (await client_of(app, "writer").get("/api/funnel?group_by=campaign")).json()["items"]
    return int(group["booked"])


async def test_the_surest_pair_is_a_question_and_says_what_linking_does_before(app: ASGIApp, member: Browser) -> None:
    page = (await member.get(await path_of(member))).text
    assert "Is <span" in page
    assert "the lead that <span" in page
    assert "<mark>@gmail.com</mark>" in page
    assert "only before the @" in page
    assert "1 more" in page, "two leads have this name"
    assert "0 → 1" in page
    assert await booked(app) == 0
    linked = await member.post(f"{await path_of(member)}/link", lead_id=lead_in(page))
    assert linked.status_code == 303
    assert await booked(app) == 1, "as the page said"


async def test_a_link_is_undone_and_the_next_pair_follows(member: Browser, scenario: Scenario) -> None:
    path, other = await path_of(member), await path_of(member, "gina@globex.co.uk")
    lead = lead_in((await member.get(path)).text)
    linked = await member.post(f"{path}/link", lead_id=lead, next=other.rpartition("/")[2])
    following = linked.headers["location"].removeprefix("../..")
    assert following.startswith(f"{other}?linked=")
    page = (await member.get(following)).text
    assert f"Linked {PAT} to Founders." in page
    undo = re.search(r'action="\.\./(unmatched/matches/[0-9a-f-]+/undo)"', page)
    assert undo is not None
    assert (await member.post(f"/{undo[1]}")).status_code == 303
    assert [row["state"] for row in await scenario.rows("matches")] == ["undone"]
    assert (await member.post(f"/{undo[1]}")).status_code == 404, "it is undone already"


async def test_a_dismissal_is_undone(member: Browser) -> None:
    path = await path_of(member)
    dismissed = await member.post(f"{path}/dismiss")
    page = (await member.get(dismissed.headers["location"].removeprefix("../.."))).text
    assert f"No campaign brought {PAT}." in page
    assert path.removeprefix("/") + '"' not in page, "it left the queue"
    assert (await member.post(f"{path}/restore")).status_code == 303
    assert await path_of(member) == path


async def test_another_lead_is_found_by_name_and_by_address(member: Browser) -> None:
    path = await path_of(member)
    for words in ("Zoe Far", "ZOE@far.example"):
        page = (await member.get(f"{path}?q={words}")).text
        assert "zoe@far.example" in page
    assert "No lead has this address" in (await member.get(f"{path}?q=xyzzy")).text
    lead = re.search(r'lead=([0-9a-f-]+)"><b dir="auto">Zoe', page)
    assert lead is not None
    assert "another address" in (await member.get(f"{path}?lead={lead[1]}")).text


async def test_somebody_without_a_candidate_can_be_dismissed_or_searched(member: Browser) -> None:
    page = (await member.get(await path_of(member, "gina@globex.co.uk"))).text
    assert "Which lead is" in page
    assert 'name="lead_id"' not in page
    assert 'class="other" open' in page


async def test_who_may_only_read_sees_the_pair_without_answers(app: ASGIApp) -> None:
    page = (await Browser(app, "read_only").get("/unmatched")).text
    assert "the lead that <span" in page
    assert "Yes, link them" not in page
    assert 'method="post" action="./unmatched' not in page


async def test_an_empty_queue_says_so(app: ASGIApp, member: Browser) -> None:
    client = client_of(app, "writer")
    for item in (await client.get("/api/unmatched")).json()["items"]:
        await client.post(f"/api/unmatched/{item['id']}/dismiss")
    page = (await member.get("/unmatched")).text
    assert "Every booking has its lead" in page


async def test_without_any_lead_the_page_says_how_leads_come(scenario: Scenario, teammate_of: BrowserFactory) -> None:
    page = (await teammate_of("member").get("/unmatched")).text
    assert "There are no leads yet." in page
    assert "showup leads import FILE.csv" in page
    async with scenario.engine.begin() as tx:
        await tx.execute(text("UPDATE bookings SET simulated = true"))
    assert '<span class="badge">Sample</span>' in (await teammate_of("member").get("/unmatched")).text
