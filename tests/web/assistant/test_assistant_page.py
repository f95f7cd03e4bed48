"""The page /assistant and the API: a person grants, denies and undoes, and switches assistants off (AS2)."""

import pytest
from starlette.types import ASGIApp

from showup.assistant.tool_context import AssistantServices
from tests.web.assistant.conftest import ask, caller_of, result_of
from tests.web.conftest import client_of
from tests.web.dashboard.conftest import Browser
from tests.web.scenario import Scenario


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
    page = (await member.get("/assistant")).text
    assert "Move a deal" in page
    assert "stage: met → proposal" in page
    path, digest = f"/assistant/approvals/{approval_id}", await digest_of(scenario)
    assert (await member.post(path, do="grant", digest="another")).status_code == 409
    assert (await member.post(path, do="grant", digest=digest)).status_code == 303
    assert (await scenario.rows("approvals"))[0]["state"] == "done"
    assert 'value="undo"' in (await member.get("/assistant")).text
    assert (await member.post(path, do="undo")).status_code == 303
    assert "Undone by teammate:member@ours.example" in (await member.get("/assistant")).text


async def test_a_person_denies_on_the_page(member: Browser, approval_id: str, scenario: Scenario) -> None:
    assert (await member.post(f"/assistant/approvals/{approval_id}", do="deny")).status_code == 303
    assert (await scenario.rows("approvals"))[0]["state"] == "denied"


async def test_an_admin_switches_assistants_off_and_allows_and_withdraws(
    assistant_app: ASGIApp, services: AssistantServices, approval_id: str, scenario: Scenario
) -> None:
    admin = Browser(assistant_app, "admin")
    granted = await admin.post(f"/assistant/approvals/{approval_id}", do="for_good", digest=await digest_of(scenario))
    assert granted.status_code == 303
    assert "is always allowed for" in (await admin.get("/assistant")).text
    withdrawn = {"do": "withdraw", "actor": "teammate:member@ours.example", "tool": "move_deal"}
    assert (await admin.post("/assistant/settings", **withdrawn)).status_code == 303
    assert await scenario.rows("tool_grants") == []
    assert (await admin.post("/assistant/settings", do="off")).status_code == 303
    assert (await ask(services, "today")).is_error
    assert "switched off" in (await admin.get("/assistant")).text


async def test_a_teammate_connects_and_removes_an_account(member: Browser, scenario: Scenario) -> None:
    connected = await member.post(
        "/assistant/calcom", do="key", name="Other", calcom_api_key="cal_live_1", calcom_username="hana"
    )
    assert connected.status_code == 303
    page = (await member.get("/assistant")).text
    assert "Other" in page
    assert "cal_live_1" not in page
    assert (await member.post("/assistant/calcom", do="remove", name="Other")).status_code == 303
    assert len(await scenario.rows("calcom_profiles")) == 1
    assert (await member.post("/assistant/calcom", do="key", calcom_api_key="")).status_code == 422


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
