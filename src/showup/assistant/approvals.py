"""Changes of assistants: asked for, granted or denied by a person, done once, and undone (AS2).

A change is done in the transaction that marks its approval as done, so it happens once, also when it is granted twice
or the process dies. It does exactly what the person saw: the difference is computed again, under the workspace's lock.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
import structlog
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.assistant import approvals_store as store
from showup.assistant import slack_notices, usage_store
from showup.assistant.approval import LIFETIME, MAX_PENDING, Approval, ApprovalRefused
from showup.assistant.planned_changes import CHANGES, PlannedChange
from showup.assistant.tool import Arguments
from showup.assistant.tool_context import AssistantServices, ToolContext, ToolFailed, assistant_of
from showup.commands.dry_run import Difference, dry_run
from showup.commands.unit_of_work import UnitOfWork
from showup.events.manual import ManualEvent
from showup.reads.deals import find_deal
from showup.reads.rows import Item
from showup.sources.manual.translate import encode, translate

_WAITING: Final = (
    "Nothing is changed yet: a person must grant it at /assistant/approvals. Tell the user so, and don't ask again."
)
_FINAL: Final = {
    "denied": "A person denied this change",
    "expired": "Nobody granted this change in time",
    "outdated": "This change is outdated",
    "refused": "The rules of the pipeline refused this change",
}
_log = structlog.get_logger()


async def ask(context: ToolContext, tool: str, arguments: Any) -> Item:
    """Ask for a change: return the difference, and the approval that waits for a person. Raises ToolFailed."""
    services, caller, now = context.services, context.caller, context.now
    wanted = arguments.model_dump(mode="json", exclude={"dry_run"}, exclude_none=True)
    async with services.write() as tx:
        settings = await usage_store.require_on(tx, caller.workspace.id)
        unit_of_work = _unit_of_work(services, caller.permission, caller.actor, tx, now)
        planned = await CHANGES[tool].plan(unit_of_work, arguments)
        difference = await dry_run(unit_of_work, caller.workspace.id, *planned.events)
        if difference.refused is not None:
            return {"refused": difference.refused, "note": "The rules refuse this change. Nothing was asked for."}
        shown = _to_json(difference)
        if difference.is_empty:
            return {"difference": shown, "note": "This would change nothing: the pipeline is so already."}
        if arguments.dry_run:
            return {"difference": shown, "note": "This is a dry run: nothing was changed or asked for."}
        known = await store.find_pending(tx, caller.workspace.id, caller.actor, tool, wanted, now)
        if known is not None and known.digest == difference.digest:
            return _pending(known)
        await usage_store.spend(tx, settings, caller.workspace.id, caller.actor, now, changes=1)
        if await store.count_pending(tx, caller.workspace.id, caller.actor, now) >= MAX_PENDING:
            raise ToolFailed(f"{MAX_PENDING} changes wait for a person already. Ask the user to decide on them first.")
        approval = await _add(tx, context, tool, wanted, shown)
        granted_by = await store.find_grant(tx, caller.workspace.id, caller.actor, tool)
        if granted_by is not None and CHANGES[tool].is_reversible:
            done = await _do(tx, services, approval, planned, decided_by=granted_by, now=now)
            return {"approval_id": done.id, "state": done.state, "difference": shown, "note": "The change is done."}
        await slack_notices.notify_asked(tx, approval, f"{services.public_url.rstrip('/')}/assistant/approvals", now)
        return _pending(approval)


async def grant(
    services: AssistantServices, permission: Permission, approval_id: UUID, *, digest: str, for_good: bool = False
) -> Approval:
    """Do the change that a person saw (`digest`), once. `for_good`: allow it to this assistant from now on.

    Raises ApprovalRefused: it expired, the state has moved on, or it is not theirs to grant; LookupError: none is
    visible.
    """
    now = services.clock()
    async with services.write() as tx:
        approval = await _lock(tx, permission, approval_id)
        if approval.state == "done":
            return approval
        outcome = await _decide(tx, services, permission, approval, digest=digest, now=now)
        if isinstance(outcome, Approval):
            if for_good and CHANGES[approval.tool].is_reversible:
                await store.allow_for_good(
                    tx,
                    approval.workspace_id,
                    approval.requested_by,
                    approval.tool,
                    granted_by=permission.actor,
                    now=now,
                )
            _log.info("approval granted", approval_id=str(approval.id), tool=approval.tool, actor=permission.actor)
            return outcome
        current = await store.find(tx, permission, approval_id)
    # The refusal is recorded with the new difference, so it is raised after the transaction has ended.
    raise ApprovalRefused(outcome, current)


async def deny(services: AssistantServices, permission: Permission, approval_id: UUID) -> Approval:
    """Deny a change: it is never done. Raises ApprovalRefused if it was decided before; LookupError."""
    async with services.write() as tx:
        approval = await _lock(tx, permission, approval_id)
        if approval.state not in ("pending", "denied"):
            raise ApprovalRefused(f"The change was decided before: it is {approval.state}", approval)
        if approval.state == "pending":
            now = services.clock()
            await _record(tx, approval, now, state="denied", decided_by=permission.actor, decided_at=now)
        return await _found(tx, permission, approval_id)


async def undo(services: AssistantServices, permission: Permission, approval_id: UUID) -> Approval:
    """Undo a change that was done. Raises ApprovalRefused if it can't be undone any more; LookupError."""
    now = services.clock()
    async with services.write() as tx:
        approval = await _lock(tx, permission, approval_id)
        if approval.undone_at is not None:
            return approval
        if approval.state != "done" or approval.undo is None:
            raise ApprovalRefused("Only a change that was done can be undone", approval)
        unit_of_work = UnitOfWork(permission=permission, tx=tx, at=now, handlers=services.handlers)
        await unit_of_work.lock(approval.workspace_id)
        if (because := await _moved_on(unit_of_work, approval.undo)) is not None:
            raise ApprovalRefused(because, approval)
        result = await unit_of_work.try_execute(approval.workspace_id, *_events_of(approval.undo))
        if result.refused is None:
            await _record(tx, approval, now, undone_by=permission.actor, undone_at=now)
            return await _found(tx, permission, approval_id)
    raise ApprovalRefused(f"The rules refuse to undo it: {result.refused}", approval)


async def _decide(  # the person, what they saw, and when
    tx: AsyncConnection,
    services: AssistantServices,
    permission: Permission,
    approval: Approval,
    *,
    digest: str,
    now: datetime,
) -> Approval | str:
    """Do the change and return its approval; or record why not, and return the reason."""
    # Of one that expired, the new difference is recorded too.
    if approval.state not in ("pending", "expired"):
        return _FINAL[approval.state]
    if (because := await _not_theirs(tx, permission, approval)) is not None:
        return because
    try:
        await usage_store.require_on(tx, approval.workspace_id)
        arguments: Arguments = CHANGES[approval.tool].arguments.model_validate(approval.arguments)
        unit_of_work = _unit_of_work(services, permission, approval.requested_by, tx, now)
        planned = await CHANGES[approval.tool].plan(unit_of_work, arguments)
    except ToolFailed as failed:
        return str(failed)
    difference = await dry_run(unit_of_work, approval.workspace_id, *planned.events)
    if difference.refused is not None:
        await _record(tx, approval, now, state="refused", because=difference.refused, decided_at=now)
        return f"{_FINAL['refused']}: {difference.refused}"
    shown = _to_json(difference)
    if approval.expires_at <= now:
        await _record(tx, approval, now, state="expired", difference=shown, decided_at=now)
        return f"{_FINAL['expired']}. Ask the assistant for it again."
    if difference.digest != approval.digest:
        state = "outdated" if difference.is_empty else "pending"
        await _record(tx, approval, now, state=state, difference=shown)
        return "The pipeline has changed since then, so the change would do something else now. Look at it again."
    if digest != approval.digest:
        return "The change is not the one that you saw. Look at it again."
    return await _do(tx, services, approval, planned, decided_by=permission.actor, now=now)


async def _not_theirs(tx: AsyncConnection, permission: Permission, approval: Approval) -> str | None:
    """Return why this caller can't grant it; None if they may."""
    if permission.actor == approval.requested_by and permission.actor.startswith("key:"):
        return "A key can't grant what it asked for itself: a person must, at /assistant/approvals"
    if not await store.may_still_write(tx, approval.workspace_id, approval.requested_by):
        return "The one who asked for the change may not change this workspace any more"
    return None


async def _do(  # what, by whom, and when
    tx: AsyncConnection,
    services: AssistantServices,
    approval: Approval,
    planned: PlannedChange,
    *,
    decided_by: str,
    now: datetime,
) -> Approval:
    """Execute the commands and mark the approval as done, in one transaction."""
    permission = Permission(actor=approval.requested_by, scope="write", workspace_id=approval.workspace_id)
    unit_of_work = _unit_of_work(services, permission, approval.requested_by, tx, now)
    event_ids = await unit_of_work.execute(approval.workspace_id, *planned.events)
    undo_events = [msgspec.json.decode(encode(one, at=now, actor="")) for one in planned.undo(event_ids)]
    values = {
        "state": "done",
        "decided_by": decided_by,
        "decided_at": now,
        "event_ids": list(event_ids),
        "undo": {"events": undo_events, "deal": await _deal_now(unit_of_work, planned.deal_id)},
    }
    await _record(tx, approval, now, **values)
    return await _found(tx, permission, approval.id)


async def _record(tx: AsyncConnection, approval: Approval, now: datetime, **values: Any) -> None:
    """Record what became of the change, and show it where it was asked."""
    await store.change(tx, approval.id, **values)
    await slack_notices.notify_result(tx, approval.workspace_id, approval.id, now)


async def _moved_on(unit_of_work: UnitOfWork, undo_plan: dict[str, Any]) -> str | None:
    expected = undo_plan["deal"]
    if expected is None or await _deal_now(unit_of_work, UUID(expected["id"])) == expected:
        return None
    return "The deal was moved again since then: move it by hand to where it belongs"


async def _deal_now(unit_of_work: UnitOfWork, deal_id: UUID | None) -> dict[str, str] | None:
    deal = None if deal_id is None else await find_deal(unit_of_work.tx, unit_of_work.permission, deal_id)
    return None if deal is None else {"id": str(deal["id"]), "status": deal["status"], "stage": deal["stage"]}


def _events_of(undo_plan: dict[str, Any]) -> Sequence[ManualEvent]:
    events = []
    for stored in undo_plan["events"]:
        translated = translate(msgspec.json.encode(stored))
        event = getattr(translated, "event", None)
        assert isinstance(event, ManualEvent), "Showup stored the event itself"
        events.append(event)
    return events


def _unit_of_work(
    services: AssistantServices, permission: Permission, requested_by: str, tx: AsyncConnection, now: datetime
) -> UnitOfWork:
    """Return the unit of work of somebody's assistant: its actor in the audit log."""
    of_assistant = replace(permission, actor=assistant_of(requested_by))
    return UnitOfWork(permission=of_assistant, tx=tx, at=now, handlers=services.handlers)


def _to_json(difference: Difference) -> dict[str, Any]:
    shown: dict[str, Any] = msgspec.to_builtins(difference)
    return shown | {"digest": difference.digest}


async def _add(tx: AsyncConnection, context: ToolContext, tool: str, wanted: Item, shown: Item) -> Approval:
    caller = context.caller
    approval_id = await store.add(
        tx,
        workspace_id=caller.workspace.id,
        tool=tool,
        arguments=wanted,
        difference=shown,
        requested_by=caller.actor,
        created_at=context.now,
        expires_at=context.now + LIFETIME,
    )
    return await _found(tx, caller.permission, approval_id)


def _pending(approval: Approval) -> Item:
    return {
        "approval_id": approval.id,
        "state": approval.state,
        "expires_at": approval.expires_at,
        "difference": approval.difference,
        "note": _WAITING,
    }


async def _lock(tx: AsyncConnection, permission: Permission, approval_id: UUID) -> Approval:
    approval = await store.lock(tx, permission, approval_id)
    if approval is None:
        raise LookupError(approval_id)
    return approval


async def _found(tx: AsyncConnection, permission: Permission, approval_id: UUID) -> Approval:
    approval = await store.find(tx, permission, approval_id)
    assert approval is not None, "the transaction has locked it"
    return approval
