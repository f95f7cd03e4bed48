"""A decision that was made in Slack, by a user who is linked with a teammate who may (AS2)."""

from collections.abc import Collection
from uuid import UUID

import structlog

from showup.access import slack_users_store
from showup.access.permission import Permission
from showup.assistant import approvals, approvals_store, slack_notices
from showup.assistant.approval import ApprovalRefused
from showup.assistant.tool_context import AssistantServices
from showup.sources.slack.translate import ApprovalPress

_UNLINKED = (
    "Nothing was changed: Showup doesn't know who you are. Sign in there, and choose “Link my Slack user” under"
    " Settings, Assistants."
)
_NOT_ALLOWED = "Nothing was changed: you may read this workspace, and not change it. Ask an admin for the role member."
_log = structlog.get_logger()


async def decide(services: AssistantServices, press: ApprovalPress, workspace_ids: Collection[UUID]) -> None:
    """Grant or deny the change, as the linked teammate; `workspace_ids` are those whose app signed the press.

    A user who may not is told so, and nothing happens. The same press again changes nothing, and says nothing again.
    """
    async with services.read() as tx:
        approval = await approvals_store.find_in(tx, workspace_ids, press.approval_id)
        if approval is None:
            _log.info("Slack decision ignored", because="unknown change", approval_id=str(press.approval_id))
            return
        member = press.member
        permission = await slack_users_store.find_permission(tx, approval.workspace_id, member.team, member.id)
    because = await _decide(services, press, permission)
    if because is None and approval.state == "pending":
        return
    now = services.clock()
    async with services.write() as tx:
        # The message may be older than the decision, so it is brought up to date.
        if permission is not None:
            await slack_notices.notify_result(tx, approval.workspace_id, approval.id, now, again=press.id)
        if because is not None:
            key = f"approval.reply:{press.id}"
            await slack_notices.notify_member(tx, approval.workspace_id, member.id, because, key=key, now=now)


async def _decide(services: AssistantServices, press: ApprovalPress, permission: Permission | None) -> str | None:
    """Return why nothing was done; None if it was."""
    if permission is None:
        return _UNLINKED
    if not permission.allows("write"):
        return _NOT_ALLOWED
    try:
        if press.decision == "grant":
            await approvals.grant(services, permission, press.approval_id, digest=press.digest)
        else:
            await approvals.deny(services, permission, press.approval_id)
    except ApprovalRefused as refused:
        return f"Nothing was changed. {str(refused).rstrip('.')}."
    _log.info("decided in Slack", approval_id=str(press.approval_id), member=press.member.id, actor=permission.actor)
    return None
