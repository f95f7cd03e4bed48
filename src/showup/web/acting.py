"""What a route needs to do something for somebody: who they are, one transaction, and the moment at which they act."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access import workspaces_store
from showup.access.permit import Permit
from showup.access.workspace import DEFAULT, Workspace
from showup.database.engine import raw
from showup.inbox.act import Acted, act, hold
from showup.reads.anchors import Anchor
from showup.sources.hand.command import Command
from showup.web.auth import Admin, Writer
from showup.web.ground import OnGround, Writing
from showup.web.idempotency import Key, claim
from showup.web.problems import Refusal, refused_field

Named = TypeVar("Named", bound=Anchor)


class Hand(Struct, frozen=True, kw_only=True):
    """Somebody's hand on the pipeline; everything that it does in one request is done, or none of it."""

    permit: Permit
    tx: AsyncConnection
    at: datetime

    @property
    def signed(self) -> dict[str, Any]:
        """What every command says of its giving: when, and by whom."""
        return {"at": self.at, "actor": self.permit.actor}

    async def does(self, workspace_id: UUID, *commands: Command) -> Sequence[UUID]:
        """Gives the commands; the ids of their events. Refuses, for all of them, what the rules refuse of one."""
        acted = await self.tries(workspace_id, *commands)
        if acted.refused is not None:
            raise Refusal("refused-by-rules", acted.refused)
        return acted.event_ids

    async def tries(self, workspace_id: UUID, *commands: Command) -> Acted:
        """Gives the commands, and says what became of them."""
        return await act(await raw(self.tx), workspace_id, commands, self.at)

    async def home(self) -> Workspace:
        """Where something new is made: the workspace of the key or the query, else the only one, or `default`.

        Nobody else changes it until the transaction ends: what is found missing in it stays so.
        """
        found = await home_of(self.tx, self.permit)
        await hold(await raw(self.tx), found.id)
        return found


async def home_of(tx: AsyncConnection, permit: Permit) -> Workspace:
    """The workspace that a request without a thing is about: the permit's, else the only one, or `default`."""
    every = await workspaces_store.list_workspaces(tx)
    if permit.workspace_id is not None:
        return next(one for one in every if one.id == permit.workspace_id)
    found = every[0] if len(every) == 1 else next((one for one in every if one.slug == DEFAULT), None)
    if found is None:
        known = ", ".join(one.slug for one in every)
        raise refused_field("workspace", "query", f"The key opens several workspaces: name one of {known}.")
    return found


async def _writer(request: Request, permit: Writer, ground: OnGround, tx: Writing, key: Key = None) -> Hand:
    await claim(request, tx, permit, key, ground.clock)
    return Hand(permit=permit, tx=tx, at=ground.clock())


async def _admin(request: Request, permit: Admin, ground: OnGround, tx: Writing, key: Key = None) -> Hand:
    return await _writer(request, permit, ground, tx, key)


# They end with the transaction under them, before the answer leaves.
WritingHand = Annotated[Hand, Depends(_writer, scope="function")]
AdminHand = Annotated[Hand, Depends(_admin, scope="function")]


def standing(found: Named | None, noun: str) -> Named:
    """What the path names. Refuses with 404 when there is none that the key may see."""
    if found is None:
        raise Refusal("not-found", f"There is no {noun} with this id that the key may see.")
    return found


def named(found: Named | None, field: str, noun: str) -> Named:
    """What a field of the body names. Refuses the field when there is none in the workspace in question."""
    if found is None:
        raise refused_field(field, "body", f"There is no {noun} with this id in the workspace.")
    return found
