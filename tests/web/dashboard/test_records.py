"""AP4, PI12: the pages of people and companies, merging with undo, and what selected deals can do."""

import re
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from showup.container import event_handlers
from showup.web.app import create_app
from showup.web.http.middleware import with_middleware
from tests.web.dashboard.conftest import Browser
from tests.web.sample_data import ADMIN_KEY, id_of
from tests.web.scenario import Scenario, ticking_clock


@pytest.fixture
def scenario_app(scenario: Scenario) -> ASGIApp:
    clock = ticking_clock()
    app = create_app(
        engine=scenario.engine, clock=clock, admin_key=ADMIN_KEY, version="0", event_handlers=event_handlers()
    )
    return with_middleware(app, cors_origins=[])


async def selected(
    browser: Browser, *deals: Any, headers: dict[str, str] | None = None, **more: str
) -> httpx2.Response:
    return await browser.post("/deals", headers=headers, **{f"pick.{one}": "on" for one in deals}, **more)


async def test_selected_deals_move_together_and_back(scenario: Scenario, scenario_app: ASGIApp) -> None:
    member, part = Browser(scenario_app, "member"), {"HX-Request": "true"}
    deals = [await scenario.deal_id("met"), await scenario.deal_id("globex")]
    before = {row["id"]: row["stage"] for row in await scenario.rows("deals") if row["id"] in deals}
    assert len(set(before.values())) == 2, "one was met, and the other was not"
    moved = await selected(member, *deals, stage="proposal", query="status=active", headers=part)
    assert "Moved 2 deals." in moved.text
    assert moved.text.lstrip().startswith("<div"), "a part of the page"
    stages = {row["id"]: row["stage"] for row in await scenario.rows("deals") if row["id"] in deals}
    assert set(stages.values()) == {"proposal"}
    undo = re.findall(r'<input type="hidden" name="(do|pick\.[^"]+|to\.[^"]+)" value="([^"]*)">', moved.text)
    undone = await member.post("/deals", headers=part, query="status=active", **dict(undo))
    assert "Moved 2 deals." in undone.text
    assert {row["id"]: row["stage"] for row in await scenario.rows("deals") if row["id"] in deals} == before
    led = await selected(member, deals[0], owner="admin@ours.example", query="status=active")
    assert led.headers["location"] == "./deals?status=active"
    assert [row["owner_email"] for row in await scenario.rows("deals", id=deals[0])] == ["admin@ours.example"]


async def test_a_refused_move_says_which_and_why_and_changes_the_others(
    scenario: Scenario, scenario_app: ASGIApp
) -> None:
    member = Browser(scenario_app, "member")
    active, closed = await scenario.deal_id("met"), await scenario.deal_id("off")
    answer = await selected(member, active, closed, stage="negotiation")
    assert answer.status_code == 200
    refusal = re.search(r'role="alert">.*?</div></div>', answer.text, re.DOTALL)
    assert refusal is not None
    assert "Moved 1 deal." in refusal[0]
    assert "initech" in refusal[0].lower()
    assert [row["stage"] for row in await scenario.rows("deals", id=active)] == ["negotiation"]
    for wrong in ({"stage": ""}, {"owner": "nobody"}, {}):
        assert (await selected(member, active, **wrong)).status_code == 422
    assert (await selected(member, stage="met")).status_code == 422
    assert (await selected(member, "not-an-id", stage="met")).status_code == 422
    foreign = await scenario.deal_id("met", "theirs")
    assert (await selected(member, active, foreign, stage="booked")).status_code == 404
    assert [row["stage"] for row in await scenario.rows("deals", id=active)] == ["negotiation"], "all or nothing"


async def test_two_people_are_compared_merged_and_separated_again(scenario: Scenario, scenario_app: ASGIApp) -> None:
    member = Browser(scenario_app, "member")
    sarah, pat = scenario.person_id("sarah@acme.com"), scenario.person_id("pat@gmail.com")
    chosen = await member.post("/people", **{f"pick.{one}": "on" for one in (sarah, pat)})
    assert chosen.headers["location"] == f"./people/{sarah}/merge?with={pat}"
    compared = (await member.get(f"/people/{sarah}/merge?with={pat}")).text
    assert "<mark>sarah@acme.com</mark>" in compared
    assert "<mark>pat@gmail.com</mark>" in compared
    merged = await member.post(f"/people/{sarah}/merge", stays=str(sarah), gone=str(pat))
    path = merged.headers["location"].removeprefix("../..")
    page = (await member.get(path)).text
    assert "pat@gmail.com was merged into" in page
    assert "3</span>" in page.partition('id="history-h">Meetings')[2][:60], "the meetings of both"
    assert (await member.get(f"/people/{pat}")).text.count("sarah@acme.com") > 0, "the old address leads here"
    again = await member.post(f"/people/{sarah}/merge", stays=str(sarah), gone=str(pat))
    assert again.status_code == 422
    assert "Not merged" in again.text
    assert "one already" in (await member.get(f"/people/{sarah}/merge?with={pat}")).text
    (merge_id,) = set(re.findall(r"merges/([0-9a-f-]+)/undo", page))
    assert (await Browser(scenario_app, "stranger").post(f"/merges/{merge_id}/undo")).status_code == 404
    undone = await member.post(f"/merges/{merge_id}/undo")
    assert undone.headers["location"] == f"../../people/{pat}"
    assert "pat@gmail.com" in (await member.get(f"/people/{pat}")).text
    assert (await member.post(f"/merges/{merge_id}/undo")).status_code == 404


async def test_two_companies_are_merged_and_separated_again(scenario: Scenario, scenario_app: ASGIApp) -> None:
    member = Browser(scenario_app, "member")
    acme, globex = scenario.company_id("acme.com"), scenario.company_id("globex.co.uk")
    found = (await member.get(f"/companies/{acme}/merge?q=glob")).text
    assert f"companies/{acme}/merge?with={globex}" in found
    assert "Keep acme.com" in (await member.get(f"/companies/{acme}/merge?with={globex}")).text
    merged = await member.post(f"/companies/{acme}/merge", stays=str(globex), gone=str(acme))
    page = (await member.get(merged.headers["location"].removeprefix("../.."))).text
    assert "acme.com was merged into" in page
    assert "gina@globex.co.uk" in page
    assert "sarah@acme.com" in page
    (merge_id,) = set(re.findall(r"merges/([0-9a-f-]+)/undo", page))
    await member.post(f"/merges/{merge_id}/undo")
    assert "gina@" not in (await member.get(f"/companies/{acme}")).text
    foreign = scenario.company_id("acme.com", "theirs")
    assert (await member.get(f"/companies/{acme}/merge?with={foreign}")).status_code == 404
    assert (await member.post(f"/companies/{acme}/merge", stays=str(acme), gone=str(foreign))).status_code == 404
    other_page = await member.post(f"/companies/{acme}/merge", stays=str(globex), gone=str(globex))
    assert other_page.status_code == 422


async def test_a_person_says_why_no_mail_goes_out_and_who_may_change_it(
    scenario: Scenario, scenario_app: ASGIApp
) -> None:
    member, gina = Browser(scenario_app, "member"), scenario.person_id("gina@globex.co.uk")
    assert "No mails" in (await member.get(f"/people/{gina}")).text
    assert "Write again" not in (await Browser(scenario_app, "read_only").get(f"/people/{gina}")).text
    assert (await member.post(f"/people/{gina}/write-again")).headers["location"] == f"../../people/{gina}"
    assert "Mail allowed" in (await member.get(f"/people/{gina}")).text
    assert await scenario.rows("suppressions", workspace_id=id_of("ours")) == []


async def test_pages_say_what_is_known_and_hide_uids_from_readers(scenario: Scenario, scenario_app: ASGIApp) -> None:
    reader = Browser(scenario_app, "read_only")
    pat = (await reader.get(f"/people/{scenario.person_id('pat@gmail.com')}")).text
    assert "none: gmail.com " in pat, "why the domain makes no company"
    acme = (await reader.get(f"/companies/{scenario.company_id('acme.com')}")).text
    assert "No active deal" not in acme
    assert "sarah@acme.com" in acme
    initech = (await reader.get(f"/companies/{scenario.company_id('initech.com')}")).text
    assert "No active deal" in initech
    assert "1 past deal" in initech
    part = await reader.get(f"/companies/{scenario.company_id('acme.com')}", **{"HX-Request": "true"})
    assert part.text.lstrip().startswith("<div")
    assert 'hx-swap-oob="true"' in part.text
