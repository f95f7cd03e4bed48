"""AS2: changes of assistants are granted in Slack, by users who are linked with a teammate who may."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from showup.access import slack_users_store, teammates_store
from showup.access.permission import Permission
from showup.access.slack_users_store import SlackUser
from showup.access.teammate import Role
from showup.assistant import approvals, slack_links
from showup.assistant.call import call_tool
from showup.assistant.cleanup import AssistantCleanup
from showup.assistant.tool_context import find_caller
from showup.database import tables
from showup.deals.deal import DealChange
from showup.destinations.contract import Notification
from showup.destinations.slack.render import render
from showup.events.deal import DealChanged
from tests.destinations.fake_vendors.slack import Message
from tests.destinations.fake_vendors.slack_interactions import ANN, BEN, press, signed
from tests.destinations.slack.scenario import ACTIONS, SlackScenario, booked
from tests.execute import execute

DANA, RIA = "dana@ours.example", "ria@ours.example"
GRANT, DENY, LINK = "approval:grant", "approval:deny", "link_teammate"
APPROVALS = ["approval.asked", "approval.decided"]


@pytest.fixture
async def team(scenario: SlackScenario) -> SlackScenario:
    """Dana may change the workspace, Ria may read it; both are in Slack, where their app may write to people."""
    scenario.slack.scopes = ("chat:write", "channels:history", "users:read.email", "im:write")
    scenario.slack.members = {DANA: ANN["id"], RIA: BEN["id"]}
    for member in (ANN, BEN):
        scenario.slack.add(member["id"])
    await scenario.connect_slack(notices=APPROVALS)
    await scenario.receive(booked())
    roles: dict[str, Role] = {DANA: "member", RIA: "read_only"}
    async with scenario.engine.begin() as tx:
        for email, role in roles.items():
            teammate_id = await teammates_store.add(tx, email=email, name=email, now=scenario.now)
            assert teammate_id is not None
            await teammates_store.set_role(tx, teammate_id, scenario.workspace, role)
    return scenario


async def deliver(scenario: SlackScenario) -> None:
    """Slack takes one message a second."""
    for _ in range(3):
        await scenario.deliver_due(seconds=2)


async def rows(scenario: SlackScenario, table: str) -> list[dict[str, Any]]:
    async with scenario.engine.connect() as tx:
        return [dict(row) for row in (await tx.execute(select(tables.metadata.tables[table]))).mappings()]


async def stage(scenario: SlackScenario) -> str:
    ((deal),) = await rows(scenario, "deals")
    return str(deal["stage"])


async def wanted(scenario: SlackScenario) -> Message:
    """Let Dana's assistant ask for a move, and return its message."""
    permission = Permission(actor=f"teammate:{DANA}", scope="write", workspace_id=scenario.workspace)
    async with scenario.assistant.read() as tx:
        caller = await find_caller(tx, permission)
    ((deal),) = await rows(scenario, "deals")
    arguments = {"deal_id": str(deal["id"]), "stage": "met"}
    answer = await call_tool(scenario.assistant, caller, "move_deal", arguments)
    assert answer.content["result"]["state"] == "pending"
    await deliver(scenario)
    return scenario.slack.messages()[-1]


async def ask_link(scenario: SlackScenario, email: str) -> Message:
    async with scenario.engine.begin() as tx:
        teammate = await teammates_store.find(tx, email)
        assert teammate is not None
        await slack_links.ask(tx, scenario.assistant, scenario.workspace, teammate)
    await deliver(scenario)
    return scenario.slack.messages(f"D{scenario.slack.members[email][1:]}")[-1]


async def link(scenario: SlackScenario, email: str, user: dict[str, Any]) -> None:
    await scenario.press_button(await ask_link(scenario, email), LINK, user=user)
    await deliver(scenario)


def direct_messages(scenario: SlackScenario, user: dict[str, Any]) -> list[str]:
    return [one.words for one in scenario.slack.messages(user["id"])]


async def test_a_linked_teammate_grants_and_the_message_shows_the_result(team: SlackScenario) -> None:
    message = await wanted(team)
    assert "Move" in message.words
    assert "Deal moved, Stage: booked → *met*" in message.words
    await link(team, DANA, ANN)
    assert "You are linked with dana@ours.example" in direct_messages(team, ANN)[0]
    pressed = press(message, GRANT, team.now, ANN)
    for _ in range(2):  # Slack may send a press again.
        assert (await team.send_interaction(pressed)).status_code == 200
    await deliver(team)
    assert await stage(team) == "met"
    assert len(await team.command_log()) == 1
    (row,) = await rows(team, "approvals")
    assert (row["state"], row["decided_by"]) == ("done", f"teammate:{DANA}")
    assert message.buttons == {}
    assert "Done by dana@ours.example." in message.words
    permission = Permission(actor=f"teammate:{DANA}", scope="write", workspace_id=team.workspace)
    await approvals.undo(team.assistant, permission, row["id"])
    await deliver(team)
    assert "Undone by dana@ours.example." in message.words
    assert len(team.slack.messages()) == 1


async def test_who_is_not_linked_or_may_not_gets_a_reply_and_changes_nothing(team: SlackScenario) -> None:
    message = await wanted(team)
    pressed = press(message, GRANT, team.now, BEN)
    for _ in range(2):
        assert (await team.send_interaction(pressed)).status_code == 200
    await deliver(team)
    (words,) = direct_messages(team, BEN)
    assert "Showup doesn't know who you are" in words
    # Ria is linked, and may only read.
    async with team.engine.begin() as tx:
        ria = await teammates_store.find(tx, RIA)
        assert ria is not None
        user = SlackUser(team="T0FAR", member=BEN["id"], name="ben")
        await slack_users_store.link(tx, team.workspace, user, ria.id, team.now)
    team.now += timedelta(seconds=1)
    await team.press_button(message, GRANT, user=BEN)
    await deliver(team)
    assert "you may read this workspace" in direct_messages(team, BEN)[1]
    assert await stage(team) == "booked"
    assert [one["state"] for one in await rows(team, "approvals")] == ["pending"]
    assert GRANT in message.buttons


async def test_a_request_that_slack_did_not_sign_now_decides_nothing(team: SlackScenario) -> None:
    message = await wanted(team)
    await link(team, DANA, ANN)
    pressed = press(message, GRANT, team.now, ANN)
    for headers in (signed(pressed, team.now - timedelta(minutes=6)), signed(pressed, team.now, "another secret")):
        async with team.http_client() as client:
            assert (await client.post(ACTIONS, content=pressed, headers=headers)).status_code == 401
    assert await stage(team) == "booked"


async def test_the_link_is_for_its_member_alone_and_ends(team: SlackScenario) -> None:
    asked = await ask_link(team, DANA)
    assert team.slack.messages() == []  # No channel sees the button.
    forged = Message(asked.channel, asked.ts, "", [], None)
    forged.blocks = [{"elements": [{"type": "button", "action_id": LINK, "value": "made-up"}]}]
    assert (await team.press_button(forged, LINK, user=BEN)).status_code == 200
    team.now += slack_links.VALID_FOR
    await team.press_button(asked, LINK, user=ANN)
    await deliver(team)
    assert await rows(team, "slack_users") == []
    assert "too old" in direct_messages(team, ANN)[0]
    # Who may only read has nothing to grant.
    await link(team, RIA, BEN)
    assert await rows(team, "slack_users") == []


async def test_after_the_state_moved_on_the_message_has_the_new_difference(team: SlackScenario) -> None:
    message = await wanted(team)
    await link(team, DANA, ANN)
    old = press(message, GRANT, team.now, ANN)
    moved = DealChanged(subject="uid:one", change=DealChange(stage="proposal"))
    await execute(team.engine, team.workspace, moved, at=team.now)
    team.now += timedelta(seconds=1)
    await team.send_interaction(old)
    await deliver(team)
    assert "something else now" in direct_messages(team, ANN)[-1]
    assert "Stage: proposal → *met*" in message.words
    assert await stage(team) == "proposal"
    await team.press_button(message, DENY, user=ANN)
    await deliver(team)
    assert "Denied. Nothing was changed by dana@ours.example." in message.words
    assert await stage(team) == "proposal"


async def test_a_change_that_nobody_granted_ends_in_slack_too(team: SlackScenario) -> None:
    message = await wanted(team)
    team.now += timedelta(hours=25)
    await AssistantCleanup(engine=team.engine, clock=team.clock).run()
    await deliver(team)
    assert "Nobody granted it in time." in message.words
    assert message.buttons == {}


def test_what_a_message_can_not_show_is_not_granted_there() -> None:
    field = {"what": "Outcome reported", "name": "Notes", "before": "–", "after": "x" * 5_000}
    details = {
        "approval_id": str(UUID(int=1)),
        "digest": "d",
        "state": "pending",
        "title": "<!channel> *Move* Acme?",
        "asked_by": "key",
        "expires_at": "2026-03-13T15:40:00Z",
        "url": "https://showup.example/assistant/approvals",
        "fields": [field],
        "effects": [],
        "omitted": 0,
    }
    notification = Notification(delivery_id=UUID(int=2), workspace="ours", kind="approval.asked", details=details)
    content = render(notification, "C0123456789")
    assert "<!channel>" not in str(content)
    actions = [
        one["action_id"] for block in content["blocks"] for one in block.get("elements", ()) if "action_id" in one
    ]
    assert actions == ["approval:open", DENY]
    whole = details | {"fields": [field | {"after": "x"}]}
    content = render(
        Notification(delivery_id=UUID(int=2), workspace="ours", kind="approval.asked", details=whole), "C0123456789"
    )
    assert "approval:grant" in str(content)
