"""Changes of assistants wait for a person, are done once and exactly as shown, and can be undone (AS2)."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from showup.access.permission import Permission
from showup.assistant import approvals, approvals_store, chat_store, conversations_store, usage_store
from showup.assistant.approval import LIFETIME, Approval, ApprovalRefused
from showup.assistant.chat_store import ChatMessage
from showup.assistant.cleanup import AssistantCleanup
from showup.assistant.tool_context import AssistantServices
from showup.assistant.usage_store import AssistantSettings
from showup.deals.deal import DealChange
from showup.events.deal import DealChanged
from showup.privacy.retention import Retention
from tests.execute import execute
from tests.web.assistant.conftest import MEMBER, MovableClock, app_over, ask, at_once, caller_of, result_of
from tests.web.conftest import client_of
from tests.web.sample_data import id_of
from tests.web.scenario import Scenario
from tests.web.test_leads import post as import_leads

PERSON = Permission(actor="teammate:admin@ours.example", scope="admin", workspace_id=id_of("ours"))


async def facts(scenario: Scenario) -> dict[str, Any]:
    """Return what people see of the pipeline: everything but times of changes."""
    deals = await scenario.rows("deals")
    bookings = await scenario.rows("bookings")
    matches = await scenario.rows("matches", state="matched")
    return {
        "deals": {one["id"]: (one["status"], one["stage"], one["lost_reason"], one["amount"]) for one in deals},
        "bookings": {
            one["id"]: (one["status"], one["attended"], one["outcome"], one["outcome_notes"], one["next_step"])
            for one in bookings
        },
        "matches": {(one["booking_id"], one["attendee"], one["lead_id"]) for one in matches},
    }


async def wanted(services: AssistantServices, name: str, **arguments: Any) -> Approval:
    """Ask for a change, and return its pending approval."""
    result = await result_of(services, name, **arguments)
    async with services.read() as tx:
        found = await approvals_store.find(tx, PERSON, UUID(result["approval_id"]))
    assert found is not None
    assert found.state == "pending"
    return found


async def granted(services: AssistantServices, approval: Approval, **more: Any) -> Approval:
    return await approvals.grant(services, PERSON, approval.id, digest=approval.digest, **more)


async def outcome(services: AssistantServices, scenario: Scenario, **more: Any) -> Approval:
    arguments = {"booking_id": str(await scenario.booking_id("globex")), "outcome": "no_show"} | more
    return await wanted(services, "record_outcome", **arguments)


async def test_a_change_without_a_grant_changes_nothing(services: AssistantServices, scenario: Scenario) -> None:
    before, log = await facts(scenario), await scenario.commands()
    approval = await outcome(services, scenario)
    assert await facts(scenario) == before
    assert await scenario.commands() == log
    assert approval.requested_by == MEMBER
    assert [one["what"] for one in approval.difference["changes"]] == ["outcome.reported"]


async def test_a_dry_run_returns_the_difference_that_is_then_made(
    services: AssistantServices, scenario: Scenario
) -> None:
    deal = str(await scenario.deal_id("met"))
    result = await result_of(services, "move_deal", deal_id=deal, stage="proposal", dry_run=True)
    assert await scenario.rows("approvals") == []
    ((change),) = result["difference"]["changes"]
    assert change["change"] == {"stage": [{"outside_text": "met"}, {"outside_text": "proposal"}]} or change[
        "change"
    ] == {"stage": ["met", "proposal"]}
    await granted(services, await wanted(services, "move_deal", deal_id=deal, stage="proposal"))
    assert (await facts(scenario))["deals"][UUID(deal)][1] == "proposal"


async def test_a_granted_change_is_done_by_the_assistant_in_the_log(
    services: AssistantServices, scenario: Scenario
) -> None:
    done = await granted(services, await outcome(services, scenario))
    assert (done.state, done.decided_by) == ("done", PERSON.actor)
    (line,) = await scenario.rows("audit_log", what="outcome.reported", event_id=done.event_ids[0])
    assert line["actor"] == f"assistant for {MEMBER}"


async def test_a_change_granted_twice_at_once_is_done_once(services: AssistantServices, scenario: Scenario) -> None:
    approval = await outcome(services, scenario)
    log = len(await scenario.commands())
    both = await at_once(granted(services, approval), granted(services, approval), granted(services, approval))
    assert {one.state for one in both} == {"done"}
    assert len(await scenario.commands()) == log + 1


async def test_a_change_asked_for_twice_waits_once(services: AssistantServices, scenario: Scenario) -> None:
    assert (await outcome(services, scenario)).id == (await outcome(services, scenario)).id
    assert len(await scenario.rows("approvals")) == 1


async def test_a_denied_change_is_never_done(services: AssistantServices, scenario: Scenario) -> None:
    approval = await outcome(services, scenario)
    before = await facts(scenario)
    for _ in range(2):
        assert (await approvals.deny(services, PERSON, approval.id)).state == "denied"
    with pytest.raises(ApprovalRefused, match="denied"):
        await granted(services, approval)
    assert await facts(scenario) == before


async def test_after_its_end_a_change_is_refused(
    services: AssistantServices, scenario: Scenario, clock: MovableClock
) -> None:
    approval = await outcome(services, scenario)
    before = await facts(scenario)
    clock.ahead = LIFETIME + timedelta(seconds=1)
    with pytest.raises(ApprovalRefused, match="in time") as refused:
        await granted(services, approval)
    assert refused.value.approval is not None
    assert refused.value.approval.state == "expired"
    assert refused.value.approval.difference["changes"]
    assert await facts(scenario) == before


async def test_after_the_state_moved_on_it_is_refused_with_the_new_difference(
    services: AssistantServices, scenario: Scenario, clock: MovableClock
) -> None:
    deal = await scenario.deal_id("met")
    approval = await wanted(services, "move_deal", deal_id=str(deal), stage="proposal")
    moved = DealChanged(subject="uid:met", change=DealChange(stage="booked"))
    await execute(scenario.engine, id_of("ours"), moved, at=clock())
    with pytest.raises(ApprovalRefused, match="something else now") as refused:
        await granted(services, approval)
    current = refused.value.approval
    assert current is not None
    assert [one["change"]["stage"] for one in current.difference["changes"]] == [["booked", "proposal"]]
    # What the person has not seen is not done, however often they press the button.
    with pytest.raises(ApprovalRefused, match="not the one that you saw"):
        await granted(services, approval)
    assert (await facts(scenario))["deals"][deal][1] == "booked"
    assert (await granted(services, current)).state == "done"


async def test_what_the_rules_refuse_is_not_asked_for(services: AssistantServices, scenario: Scenario) -> None:
    result = await result_of(
        services, "record_outcome", booking_id=str(await scenario.booking_id("ahead")), outcome="showed"
    )
    assert "the meeting starts at" in result["refused"]["outside_text"]
    assert await scenario.rows("approvals") == []


async def test_a_key_cannot_grant_what_it_asked_for(services: AssistantServices, scenario: Scenario) -> None:
    writer = await caller_of(services, "key:writer")
    booking = str(await scenario.booking_id("globex"))
    answer = await ask(services, "record_outcome", caller=writer, booking_id=booking, outcome="no_show")
    approval_id = UUID(answer.content["result"]["approval_id"])
    digest = (await scenario.rows("approvals"))[0]["difference"]["digest"]
    with pytest.raises(ApprovalRefused, match="a person must"):
        await approvals.grant(services, writer.permission, approval_id, digest=digest)


async def test_a_revoked_key_gets_nothing_done(services: AssistantServices, scenario: Scenario) -> None:
    writer = await caller_of(services, "key:writer")
    booking = str(await scenario.booking_id("globex"))
    await ask(services, "record_outcome", caller=writer, booking_id=booking, outcome="no_show")
    (row,) = await scenario.rows("approvals")
    async with scenario.engine.begin() as tx:
        await tx.exec_driver_sql("UPDATE api_keys SET revoked_at = now() WHERE name = 'writer'")
    with pytest.raises(ApprovalRefused, match="may not change this workspace"):
        await approvals.grant(services, PERSON, row["id"], digest=row["difference"]["digest"])


async def test_a_foreign_workspace_cannot_grant(services: AssistantServices, scenario: Scenario) -> None:
    approval = await outcome(services, scenario)
    stranger = replace(PERSON, workspace_id=id_of("theirs"))
    with pytest.raises(LookupError):
        await approvals.grant(services, stranger, approval.id, digest=approval.digest)


async def test_a_change_allowed_for_good_needs_no_further_grant(
    services: AssistantServices, scenario: Scenario
) -> None:
    await granted(services, await outcome(services, scenario), for_good=True)
    booking = str(await scenario.booking_id("globex"))
    result = await result_of(services, "record_outcome", booking_id=booking, outcome="showed")
    assert result["state"] == "done"
    # It holds for this assistant and this tool alone.
    moved = await result_of(services, "move_deal", deal_id=str(await scenario.deal_id("met")), stage="proposal")
    assert moved["state"] == "pending"
    async with services.write() as tx:
        assert await approvals_store.withdraw_grant(tx, id_of("ours"), MEMBER, "record_outcome")
    again = await result_of(services, "record_outcome", booking_id=booking, outcome="no_show")
    assert again["state"] == "pending"


async def switch(services: AssistantServices, **values: Any) -> None:
    async with services.write() as tx:
        await usage_store.save_settings(tx, id_of("ours"), AssistantSettings(changed_by="x", **values))


async def test_the_kill_switch_holds_at_once(services: AssistantServices, scenario: Scenario) -> None:
    approval = await outcome(services, scenario)
    await switch(services, is_on=False, changed_at=services.clock())
    answer = await ask(services, "today")
    assert answer.is_error
    assert "switched off" in answer.content["note"]
    with pytest.raises(ApprovalRefused, match="switched off"):
        await granted(services, approval)
    await switch(services, is_on=True, changed_at=services.clock())
    assert (await granted(services, approval)).state == "done"


async def test_the_budget_of_calls_is_each_callers_own_and_begins_again_each_day(
    services: AssistantServices, clock: MovableClock
) -> None:
    await switch(services, calls_per_day=2, changed_at=services.clock())
    assert [(await ask(services, "today")).is_error for _ in range(3)] == [False, False, True]
    other = await caller_of(services, "key:writer")
    assert not (await ask(services, "today", caller=other)).is_error
    clock.ahead = timedelta(days=1)
    assert not (await ask(services, "today")).is_error


async def test_the_budget_of_changes_ends(services: AssistantServices, scenario: Scenario) -> None:
    await switch(services, changes_per_day=1, changed_at=services.clock())
    await outcome(services, scenario)
    deal = str(await scenario.deal_id("met"))
    answer = await ask(services, "move_deal", deal_id=deal, stage="proposal")
    assert answer.is_error
    assert "budget of 1 changes" in answer.content["note"]


async def test_an_undone_change_restores_the_state_and_the_log_shows_both(
    services: AssistantServices, scenario: Scenario
) -> None:
    before = await facts(scenario)
    done = await granted(services, await outcome(services, scenario, notes="nobody came"))
    assert await facts(scenario) != before
    for _ in range(2):
        assert (await approvals.undo(services, PERSON, done.id)).undone_by == PERSON.actor
    assert await facts(scenario) == before
    booking = await scenario.booking_id("globex")
    lines = {one["what"]: one["actor"] for one in await scenario.rows("audit_log", booking_id=booking)}
    assert lines["command.void"] == f"assistant for {MEMBER}"
    assert lines["command.undone"] == PERSON.actor


async def test_a_move_is_not_undone_after_somebody_moved_on(
    services: AssistantServices, scenario: Scenario, clock: MovableClock
) -> None:
    done = await granted(
        services, await wanted(services, "move_deal", deal_id=str(await scenario.deal_id("met")), stage="proposal")
    )
    moved = DealChanged(subject="uid:met", change=DealChange(status="won"))
    await execute(scenario.engine, id_of("ours"), moved, at=clock())
    with pytest.raises(ApprovalRefused, match="moved again"):
        await approvals.undo(services, PERSON, done.id)


OUTCOMES = st.tuples(
    st.just("record_outcome"),
    st.sampled_from(["met", "globex", "private"]),
    st.fixed_dictionaries(
        {"outcome": st.sampled_from(["showed", "no_show", "host_absent", "rescheduled"])},
        optional={"notes": st.text("ab ", max_size=5), "next_step": st.just("call")},
    ),
)
MOVES = st.tuples(
    st.just("move_deal"),
    st.sampled_from(["met", "globex", "off"]),
    st.one_of(
        st.fixed_dictionaries({"stage": st.sampled_from(["booked", "met", "proposal"])}),
        st.fixed_dictionaries({"status": st.sampled_from(["active", "won", "cancelled"])}),
        st.just({"status": "lost", "lost_reason": "price"}),
    ),
)


# The scenario has one lead, and two attendees without one.
LINKS = st.tuples(st.just("link_booking"), st.sampled_from([0, 1]), st.just({}))


async def link_arguments(services: AssistantServices, scenario: Scenario, place: int) -> dict[str, str] | None:
    """Return the arguments of a link of the attendee at the place; None if there is no such attendee any more."""
    unmatched = (await result_of(services, "list_unmatched_bookings"))["unmatched"]
    (lead,) = await scenario.rows("leads", workspace_id=id_of("ours"))
    ids = sorted(one["id"] for one in unmatched)
    return None if place >= len(ids) else {"unmatched_id": ids[place], "lead_id": str(lead["id"])}


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(OUTCOMES, MOVES, LINKS), min_size=2, max_size=3), LINKS)
async def test_undo_restores_the_state_of_any_changes(
    services: AssistantServices, scenario: Scenario, steps: list[tuple[str, Any, dict[str, str]]], link: Any
) -> None:
    writer = client_of(app_over(services, services.clock), "writer")  # type: ignore[arg-type]  # it is the movable one
    await import_leads(writer)
    done: list[tuple[Approval, dict[str, Any]]] = []
    for tool, uid, arguments in (link, *steps):
        if tool == "link_booking":
            target = await link_arguments(services, scenario, uid)
            if target is None:
                continue
        elif tool == "move_deal":
            target = {"deal_id": str(await scenario.deal_id(uid))}
        else:
            target = {"booking_id": str(await scenario.booking_id(uid))}
        before = await facts(scenario)
        result = await result_of(services, tool, **target, **arguments)
        if result.get("state") == "pending":
            async with services.read() as tx:
                approval = await approvals_store.find(tx, PERSON, UUID(result["approval_id"]))
            assert approval is not None
            done.append((await granted(services, approval), before))
    assert "link_booking" in {approval.tool for approval, _ in done}
    for approval, before in reversed(done):
        await approvals.undo(services, PERSON, approval.id)
        assert await facts(scenario) == before


async def test_the_cleanup_ends_what_nobody_granted_and_the_retention_deletes_the_old(
    services: AssistantServices, scenario: Scenario, clock: MovableClock
) -> None:
    """Chats and changes are kept for as long as showup.toml says; what waits is kept until it expires."""
    await granted(services, await outcome(services, scenario))
    waiting = await wanted(services, "move_deal", deal_id=str(await scenario.deal_id("met")), stage="proposal")
    messages = [ChatMessage(role="user", content=[{"type": "text", "text": "Hello"}])]
    async with services.write() as tx:
        answered = await conversations_store.begin(tx, id_of("ours"), MEMBER, "Hello", clock())
        await chat_store.append(tx, id_of("ours"), answered.id, messages, clock())
        empty = await conversations_store.begin(tx, id_of("ours"), MEMBER, "Hello?", clock())
        await chat_store.add_question(tx, id_of("ours"), MEMBER, empty.id, "Hello?", clock())
    cleanup = AssistantCleanup(engine=scenario.engine, clock=clock)
    retention = Retention(scenario.engine, clock, {"chat": timedelta(days=3), "approvals": timedelta(days=5)})

    async def run() -> list[int]:
        for task in (retention, cleanup):
            await task.run()
        return [len(await scenario.rows(one)) for one in ("conversations", "chat_questions", "approvals")]

    assert await run() == [2, 1, 2]
    clock.ahead = timedelta(days=2)
    # A question that got no answer goes, with its empty chat.
    assert await run() == [1, 0, 2]
    states = {one["id"]: one["state"] for one in await scenario.rows("approvals")}
    assert states[waiting.id] == "expired"
    with pytest.raises(ApprovalRefused, match="in time"):
        await granted(services, waiting)
    clock.ahead = timedelta(days=4)
    assert await run() == [0, 0, 2]
    clock.ahead = timedelta(days=6)
    assert await run() == [0, 0, 0]
    # What was done stays in the log.
    assert await scenario.rows("audit_log", actor=f"assistant for {MEMBER}")
