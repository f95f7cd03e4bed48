"""What Slack shows of a change: the question when it is asked, and in the same message what became of it (AS2).

The notices are written in the transaction that asks or decides, so none is lost and none is made up.
"""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.permission import Permission
from showup.assistant import approvals_store
from showup.assistant.approval import Approval
from showup.assistant.approval_words import asked_by, record_of, title_of
from showup.assistant.shown_difference import show
from showup.database.engine import driver_connection
from showup.outbox.delivery import DestinationQueue
from showup.outbox.system_notifications import SystemNotification, notify_destination, notify_subscribers
from showup.reads.named_records import names_of_records

ASKED: Final = "approval.asked"
DECIDED: Final = "approval.decided"
_SLACK: Final = "slack"


async def notify_asked(tx: AsyncConnection, approval: Approval, url: str, now: datetime) -> None:
    """Ask the subscribers for a decision; `url` is the page with the change."""
    details = await _details(tx, approval, url)
    notification = SystemNotification(
        kind=ASKED, key=f"{ASKED}:{approval.id}", details=details, expires_at=approval.expires_at
    )
    await notify_subscribers(await driver_connection(tx), approval.workspace_id, [notification], now)


async def notify_result(
    tx: AsyncConnection, workspace_id: UUID, approval_id: UUID, now: datetime, *, again: str = ""
) -> None:
    """Show in the message of the question how the change is now. `again`: also if that was shown before."""
    permission = Permission(actor="showup", scope="read", workspace_id=workspace_id)
    approval = await approvals_store.find(tx, permission, approval_id)
    assert approval is not None, "the transaction has changed it"
    connection = await driver_connection(tx)
    asked_key = f"{_SLACK}/{ASKED}:{approval_id}"
    asked = await connection.fetchrow(_ASKED, workspace_id, asked_key)
    if asked is None:
        return
    if approval.state != "pending":
        await connection.execute(_WITHDRAW, workspace_id, asked_key, now)
    await connection.execute(_WITHDRAW_OLDER, workspace_id, DECIDED, str(approval_id), now)
    url = msgspec.json.decode(asked["details"])["url"]
    key = f"{DECIDED}:{approval.id}:{approval.state}:{approval.digest[:8]}:{approval.undone_by or ''}:{again}"
    notification = SystemNotification(kind=DECIDED, key=key, details=await _details(tx, approval, url))
    await notify_subscribers(connection, workspace_id, [notification], now)


async def notify_member(
    tx: AsyncConnection, workspace_id: UUID, member: str, text: str, *, key: str, now: datetime
) -> None:
    """Tell one Slack user something, in a direct message; once for each key."""
    notification = SystemNotification(kind="approval.reply", key=key, details={"member": member, "text": text})
    queue = DestinationQueue(workspace_id=workspace_id, destination=_SLACK)
    await notify_destination(await driver_connection(tx), queue, notification, now)


async def _details(tx: AsyncConnection, approval: Approval, url: str) -> dict[str, Any]:
    permission = Permission(actor="showup", scope="read", workspace_id=approval.workspace_id)
    record = record_of(approval)
    names = {} if record is None else await names_of_records(tx, permission, [record[1]])
    name = "" if record is None else names.get(record[1], "")
    difference = show(approval.difference)
    return {
        "approval_id": str(approval.id),
        "digest": approval.digest,
        "state": approval.state,
        "title": title_of(approval, name, is_question=approval.state == "pending"),
        "asked_by": asked_by(approval),
        "decided_by": _name(approval.decided_by),
        "undone_by": _name(approval.undone_by),
        "expires_at": f"{approval.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        "url": url,
        "fields": [
            {one: getattr(field, one) for one in ("what", "name", "before", "after")} for field in difference.fields
        ],
        "effects": list(difference.effects),
        "omitted": difference.omitted,
    }


def _name(actor: str | None) -> str | None:
    return None if actor is None else actor.removeprefix("teammate:")


_ASKED: Final = "SELECT details::text AS details FROM deliveries WHERE workspace_id = $1 AND key = $2"
# A question that was not posted yet needs no posting any more.
_WITHDRAW: Final = """
    UPDATE deliveries SET state = 'withdrawn', because = 'it was decided meanwhile', updated_at = $3
    WHERE workspace_id = $1 AND key = $2 AND state = 'scheduled'
"""
# Nor does an older result, which could otherwise arrive after the newer one.
_WITHDRAW_OLDER: Final = """
    UPDATE deliveries SET state = 'withdrawn', because = 'it was decided meanwhile', updated_at = $4
    WHERE workspace_id = $1 AND state = 'scheduled' AND event_id IS NULL AND kind = $2
    AND details->>'approval_id' = $3
"""
