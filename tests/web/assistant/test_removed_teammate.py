"""AP6: who was removed leaves neither chats nor permissions of their assistant behind."""

from typing import Final

import pytest

from showup.access import teammates_store
from showup.assistant import approvals_store, chat_store, conversations_store
from showup.assistant.chat_store import ChatMessage
from showup.assistant.tool_context import AssistantServices
from tests.web.assistant.conftest import MEMBER
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario

_OTHER: Final = "teammate:admin@ours.example"
_QUESTION: Final = ChatMessage(role="user", content=[{"type": "text", "text": "Hello"}])


@pytest.mark.parametrize("workspace", ["ours", None])
async def test_a_removed_teammate_leaves_no_chats_and_no_permissions(
    services: AssistantServices, scenario: Scenario, workspace: str | None
) -> None:
    now = services.clock()
    async with services.write() as tx:
        for actor in (MEMBER, _OTHER):
            begun = await conversations_store.begin(tx, id_of("ours"), actor, "Hello", now)
            await chat_store.append(tx, id_of("ours"), begun.id, [_QUESTION], now)
            await approvals_store.allow_for_good(tx, id_of("ours"), actor, "move_deal", granted_by=_OTHER, now=now)
    async with services.write() as tx:
        member = await teammates_store.find(tx, MEMBER.removeprefix("teammate:"))
        assert member is not None
        await teammates_store.remove(tx, member.id, None if workspace is None else id_of(workspace))
    for table in ("conversations", "tool_grants"):
        assert [row["actor"] for row in await scenario.rows(table)] == [_OTHER]
    assert len(await scenario.rows("chat_messages")) == 1
