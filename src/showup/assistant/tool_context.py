"""What the assistant needs of its process, and who is asking."""

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from showup.access import key_owners_store, workspaces_store
from showup.access.permission import Permission
from showup.access.secrets_at_rest import Seal
from showup.access.teammate import Teammate
from showup.access.workspace import DEFAULT, Workspace
from showup.clock import Clock
from showup.dispatch.destination_context import Clients
from showup.inbox.apply import EventHandlers
from showup.reads.record_timeline import ASSISTANT_PREFIX
from showup.sources.calcom.rate_limiter import RateLimiter
from showup.values.time_zone import zone_of

_READ_TIMEOUT: Final = "5s"
_LOCK_TIMEOUT: Final = "5s"


class ToolFailed(Exception):
    """A tool can't answer; the text says what happened, why, and what to do. It contains no text from outside."""


class OAuthClient(Struct, frozen=True, kw_only=True):
    """Showup as an OAuth client of Cal.com: CALCOM_CLIENT_ID and CALCOM_CLIENT_SECRET."""

    id: str
    secret: str


class ModelAccess(Struct, frozen=True, kw_only=True):
    """The language model of the chat: its API key, the model's name, and the API's address (None: Anthropic's)."""

    key: str | None = None
    url: str | None = None
    model: str = "claude-sonnet-5-5"


class AssistantServices(Struct, frozen=True, kw_only=True):
    """What the tools use of their process.

    `limiters` count the calls of each Cal.com token, `running` the calls of tools that run now, by workspace.
    `answering` are those for whom an answer is being written: a workspace, and whose assistant it is.
    """

    engine: AsyncEngine
    clock: Clock
    seal: Seal
    handlers: EventHandlers
    open_clients: Callable[[], AbstractAsyncContextManager[Clients]]
    calcom_url: str
    public_url: str
    oauth: OAuthClient | None = None
    model: ModelAccess = ModelAccess()
    limiters: dict[bytes, RateLimiter] = field(default_factory=dict)
    running: Counter[UUID] = field(default_factory=Counter)
    answering: set[tuple[UUID, str]] = field(default_factory=set)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads, sees one snapshot, and ends slow statements."""
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        async with self.engine.execution_options(**options).connect() as tx:
            await tx.exec_driver_sql(f"SET LOCAL statement_timeout = '{_READ_TIMEOUT}'")
            yield tx

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction for changes, which commits at the end."""
        async with self.engine.begin() as tx:
            await tx.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
            yield tx


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks: a permission in one workspace, and the teammate whose calendar it is; None for a key of nobody's."""

    permission: Permission
    workspace: Workspace
    teammate: Teammate | None = None

    @property
    def actor(self) -> str:
        """Return who asks, as in the audit log: `key:NAME` or `teammate:EMAIL`."""
        return self.permission.actor

    @property
    def assistant(self) -> str:
        """Return the actor of what the assistant does."""
        return assistant_of(self.actor)

    @property
    def zone(self) -> ZoneInfo:
        """Return whose clock "tomorrow" means."""
        return zone_of(self.teammate.time_zone if self.teammate else None, self.workspace.time_zone)

    @property
    def reading(self) -> Permission:
        """Return the permission of reads: a model gets no uid, which could cancel meetings, whatever its key may do."""
        return replace(self.permission, scope="read")


class ToolContext(Struct, frozen=True, kw_only=True):
    """What one call of a tool gets."""

    services: AssistantServices
    caller: Caller
    now: datetime


def no_clients() -> AbstractAsyncContextManager[Clients]:
    """Stand in for the HTTP clients of a process that calls no other system. Raises ToolFailed."""
    raise ToolFailed("This process calls no other system.")


def assistant_of(actor: str) -> str:
    """Return the name of somebody's assistant in the audit log."""
    return f"{ASSISTANT_PREFIX}{actor}"


async def find_caller(tx: AsyncConnection, permission: Permission) -> Caller:
    """Return who asks with this permission. Raises ToolFailed if it is for several workspaces and names none."""
    workspaces = await workspaces_store.list_workspaces(tx)
    wanted = [one for one in workspaces if permission.can_see(one.id)]
    workspace = wanted[0] if len(wanted) == 1 else next((one for one in wanted if one.slug == DEFAULT), None)
    if workspace is None:
        names = ", ".join(one.slug for one in wanted[:20])
        raise ToolFailed(
            f"The key is for several workspaces. Add ?workspace=NAME to the address, with one of: {names}."
        )
    return Caller(
        permission=permission.limited_to(workspace.id),
        workspace=workspace,
        teammate=await key_owners_store.find_owner(tx, permission.actor),
    )
