"""The pages of the assistant: a person grants, denies and undoes, and an admin sets what assistants may do (AS2)."""

import re

import pytest
from starlette.types import ASGIApp

from showup.assistant.tool_context import AssistantServices
from tests.web.assistant.conftest import ask, caller_of, result_of
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser
from tests.web.scenario import Scenario

LIST, SETTINGS = "/assistant/approvals", "/settings/assistant"


@pytest.fixture
def member(assistant_app: ASGIApp) -> Browser:
    return Browser(assistant_app, "member")


@pytest.fixture
async def approval_id(services: AssistantServices, scenario: Scenario) -> str:
    deal = str(await scenario.deal_id("met"))
    return str((await result_of(services, "move_deal", deal_id=deal, stage="proposal"))["approval_id"])


async def digest_of(scenario: Scenario) -> str:
    return str((await scenario.rows("approvals"))[0]["difference"]["digest"])


async def test_a_person_grants_and_undoes_on_the_page(member: Browser, approval_id: str, scenario: Scenario) -> None:
    page = (await member.get(LIST)).text
    assert "Move acme.com?" in page or "Move Acme?" in page
    assert re.search(r"Stage.*?met</td>.*?<b>proposal</b>", page, re.DOTALL)
    path, digest = f"{LIST}/{approval_id}", await digest_of(scenario)
    refused = await member.post(path, do="grant", digest="another")
    assert refused.status_code == 409
    assert "not the one that you saw" in refused.text
    part = await member.post(path, do="grant", digest=digest, headers={"HX-Request": "true"})
    assert (part.status_code, part.text.count("<article")) == (200, 1)
    assert (await scenario.rows("approvals"))[0]["state"] == "done"
    assert 'value="undo"' in (await member.get(LIST)).text
    assert (await member.post(path, do="undo")).status_code == 303
    assert "Undone by you." in (await member.get(LIST)).text


async def test_what_an_assistant_did_is_undone_from_the_timeline(
    member: Browser, approval_id: str, assistant_app: ASGIApp, scenario: Scenario
) -> None:
    await member.post(f"{LIST}/{approval_id}", do="grant", digest=await digest_of(scenario))
    deal = await scenario.deal_id("met")
    page = (await member.get(f"/deals/{deal}")).text
    assert "by your assistant" in page
    assert f'form="undo-{approval_id}"' in page
    assert "undo-" not in (await Browser(assistant_app, "read_only").get(f"/deals/{deal}")).text
    undone = await member.post(f"{LIST}/{approval_id}", do="undo", back=f"deals/{deal}")
    assert (undone.status_code, undone.headers["location"]) == (303, f"../../deals/{deal}")
    assert (await scenario.rows("deals", id=deal))[0]["stage"] == "met"
    # The log shows both, and what was undone can't be undone again.
    page = (await member.get(f"/deals/{deal}")).text
    assert "by your assistant" in page
    assert f"undo-{approval_id}" not in page


async def test_a_person_denies_on_the_page(member: Browser, approval_id: str, scenario: Scenario) -> None:
    denied = await member.post(f"{LIST}/{approval_id}", do="deny", back="//elsewhere.example")
    assert (denied.status_code, denied.headers["location"]) == (
        303,
        f"../../assistant/approvals#approval-{approval_id}",
    )
    assert (await scenario.rows("approvals"))[0]["state"] == "denied"


async def test_a_read_only_teammate_sees_the_changes_and_no_forms(
    assistant_app: ASGIApp, approval_id: str, scenario: Scenario
) -> None:
    reader, path = Browser(assistant_app, "read_only"), f"{LIST}/{approval_id}"
    for page in ("/assistant", LIST, SETTINGS):
        shown = (await reader.get(page)).text
        assert 'name="digest"' not in shown
        assert 'name="message"' not in shown
        assert 'value="limits"' not in shown
    assert (await reader.post(path, do="grant", digest=await digest_of(scenario))).status_code == 403


async def test_an_admin_allows_withdraws_and_switches_off(
    assistant_app: ASGIApp, services: AssistantServices, approval_id: str, scenario: Scenario
) -> None:
    admin, actor = Browser(assistant_app, "admin"), "teammate:member@ours.example"
    granted = await admin.post(f"{LIST}/{approval_id}", do="grant", for_good="yes", digest=await digest_of(scenario))
    assert granted.status_code == 303
    assert [one["actor"] for one in await scenario.rows("tool_grants")] == [actor]
    assert (await admin.post(SETTINGS, do="tiers", actor="key:writer", record_outcome="yes")).status_code == 303
    assert (await admin.post(SETTINGS, do="tiers", actor=actor)).status_code == 303
    assert [(one["actor"], one["tool"]) for one in await scenario.rows("tool_grants")] == [
        ("key:writer", "record_outcome")
    ]
    # A mail is no change that can be undone, and nobody can allow one.
    assert (await admin.post(SETTINGS, do="tiers", actor="key:writer", draft_mail="yes")).status_code == 303
    assert await scenario.rows("tool_grants") == []
    assert (await admin.post(SETTINGS, do="tiers", actor="key:reader", move_deal="yes")).status_code == 404
    assert (await admin.post(SETTINGS, do="off")).status_code == 303
    assert (await ask(services, "today")).is_error
    assert "switched off" in (await admin.get("/assistant")).text


async def test_an_admin_sets_budgets(assistant_app: ASGIApp, scenario: Scenario) -> None:
    admin = Browser(assistant_app, "admin")
    limits = {"calls_per_day": "5", "changes_per_day": "1", "tokens_per_day": "9"}
    wrong = await admin.post(SETTINGS, do="limits", **limits | {"tokens_per_day": "10000001"})
    assert wrong.status_code == 422
    assert "from 0 to 10,000,000" in wrong.text
    assert (await admin.post(SETTINGS, do="limits", **limits)).status_code == 303
    (row,) = await scenario.rows("assistant_settings")
    assert {name: str(row[name]) for name in limits} == limits
    assert row["changed_by"] == "teammate:admin@ours.example"


async def test_a_teammate_connects_and_removes_an_account(member: Browser, scenario: Scenario) -> None:
    path = f"{SETTINGS}/calcom"
    connected = await member.post(path, do="key", name="Other", calcom_api_key="cal_live_1", calcom_username="hana")
    assert connected.status_code == 303
    page = (await member.get(SETTINGS)).text
    assert "Other" in page
    assert "cal_live_1" not in page
    assert (await member.post(path, do="remove", name="Other")).status_code == 303
    assert len(await scenario.rows("calcom_profiles")) == 1
    assert (await member.post(path, do="key", calcom_api_key="")).status_code == 422


async def test_the_api_lists_and_decides(assistant_app: ASGIApp, approval_id: str, scenario: Scenario) -> None:
    admin = client_of(assistant_app, "admin")
    (item,) = (await admin.get("/api/approvals?state=pending")).json()["items"]
    assert item["id"] == approval_id
    path = f"/api/approvals/{approval_id}"
    wrong = await admin.post(f"{path}/grant", json={"digest": "another"})
    assert (wrong.status_code, wrong.json()["type"]) == (409, "urn:showup:problem:conflict")
    granted = await admin.post(f"{path}/grant", json={"digest": item["difference"]["digest"]})
    assert (granted.status_code, granted.json()["decided_by"]) == (200, "key:admin")
    assert (await admin.post(f"{path}/undo")).json()["undone_by"] == "key:admin"
    assert (await scenario.rows("deals", id=await scenario.deal_id("met")))[0]["stage"] == "met"


async def test_the_api_changes_budgets_and_the_switch(assistant_app: ASGIApp, services: AssistantServices) -> None:
    admin = client_of(assistant_app, "admin")
    changed = (await admin.patch("/api/assistant", json={"calls_per_day": 1})).json()
    assert (changed["calls_per_day"], changed["is_on"], changed["changed_by"]) == (1, True, "key:admin")
    caller = await caller_of(services, "key:writer")
    assert [(await ask(services, "today", caller=caller)).is_error for _ in range(2)] == [False, True]
    used = (await admin.get("/api/assistant")).json()["usage"]
    assert used == [{"actor": "key:writer", "calls": 1, "changes": 0, "tokens": 0}]
    assert (await admin.patch("/api/assistant", json={"is_on": False})).json()["is_on"] is False
    assert (await ask(services, "today")).is_error
