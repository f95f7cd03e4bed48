"""Links a Slack user with a teammate: asked by the signed-in teammate, answered by the user in their own messages.

The session says who the teammate is. The button goes to the direct messages of the member with the teammate's address,
and Slack signs who pressed it. So neither can link somebody else. The token is sealed and works for 15 minutes.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import slack_users_store
from showup.access.link_tokens import make_link_token, read_link_token
from showup.access.secrets_at_rest import Seal
from showup.access.slack_users_store import SlackUser
from showup.access.teammate import Teammate
from showup.assistant import slack_notices
from showup.assistant.tool_context import AssistantServices
from showup.database.engine import driver_connection
from showup.outbox.delivery import DestinationQueue
from showup.outbox.system_notifications import SystemNotification, notify_destination
from showup.sources.slack.translate import LinkPress

VALID_FOR: Final = timedelta(minutes=15)
_PURPOSE: Final = b"slack link "


class _Request(Struct, frozen=True, array_like=True):
    workspace_id: UUID
    teammate_id: UUID
    expires_at: datetime


_decoder: Final = msgspec.msgpack.Decoder(_Request)


async def ask(tx: AsyncConnection, services: AssistantServices, workspace_id: UUID, teammate: Teammate) -> None:
    """Ask the Slack user with the teammate's address whether they are the teammate."""
    now = services.clock()
    request = _Request(workspace_id, teammate.id, now + VALID_FOR)
    token = make_link_token(services.seal, _PURPOSE, msgspec.msgpack.encode(request))
    notification = SystemNotification(
        kind="slack.link",
        key=f"slack.link:{uuid4()}",
        details={"email": teammate.email, "token": token, "expires_at": f"{request.expires_at:%Y-%m-%dT%H:%M:%SZ}"},
        expires_at=request.expires_at,
    )
    queue = DestinationQueue(workspace_id=workspace_id, destination="slack")
    await notify_destination(await driver_connection(tx), queue, notification, now)


async def finish(services: AssistantServices, press: LinkPress, workspace_ids: Collection[UUID]) -> None:
    """Link the user who pressed the button; a token that is wrong or too old changes nothing, and the user is told."""
    now = services.clock()
    request = _read(services.seal, press.token)
    async with services.write() as tx:
        # The app of another workspace vouches for nothing here.
        if request is None or request.workspace_id not in workspace_ids:
            return
        permission = await slack_users_store.permission_of(tx, request.workspace_id, request.teammate_id)
        if request.expires_at <= now:
            reply = "The button is too old. Ask for a new one in Showup, under Settings, Assistants."
        elif permission is None or not permission.allows("write"):
            reply = "You may not change this workspace, so there is nothing to link."
        else:
            user = SlackUser(team=press.member.team, member=press.member.id, name=press.member.name)
            await slack_users_store.link(tx, request.workspace_id, user, request.teammate_id, now)
            name = permission.actor.removeprefix("teammate:")
            reply = f"You are linked with {name}. You can grant here what assistants ask for."
        key = f"approval.reply:{press.id}"
        await slack_notices.notify_member(tx, request.workspace_id, press.member.id, reply, key=key, now=now)


def _read(seal: Seal, token: str) -> _Request | None:
    payload = read_link_token(seal, _PURPOSE, token)
    return None if payload is None else _decoder.decode(payload)
