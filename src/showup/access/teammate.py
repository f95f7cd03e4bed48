"""Teammates: the people who sign in, the workspaces that they may use, and what they may do there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

from showup.access.permission import Permission, Scope

Role: TypeAlias = Literal["admin", "member", "read_only"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
Theme: TypeAlias = Literal["system", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)
ClockFormat: TypeAlias = Literal["24h", "12h"]
SCOPE_OF_ROLE: Final[dict[Role, Scope]] = {"admin": "admin", "member": "write", "read_only": "read"}
ACTOR_PREFIX: Final = "teammate:"


class Teammate(Struct, frozen=True, kw_only=True):
    """A teammate. `time_zone` is an IANA name, None for the workspace's.

    `last_visit_ended_at`: the last page that they opened before this visit; None on the first one.
    """

    id: UUID
    email: str
    name: str
    time_zone: str | None
    clock: ClockFormat
    theme: Theme
    has_password: bool
    last_visit_ended_at: datetime | None
    seen_at: datetime | None

    @property
    def actor(self) -> str:
        """Return the teammate's name in the audit log."""
        return f"{ACTOR_PREFIX}{self.email}"


class WorkspaceAccess(Struct, frozen=True, kw_only=True):
    """A workspace that a teammate may use, and their role there."""

    id: UUID
    slug: str
    name: str
    time_zone: str
    role: Role


class Session(Struct, frozen=True, kw_only=True):
    """A signed-in teammate on one device. `workspaces` are all that they may use, `workspace` the one that is shown.

    `is_everywhere`: they are an admin of every workspace, so they may add teammates to any.
    """

    digest: bytes
    csrf_token: str
    teammate: Teammate
    workspace: WorkspaceAccess
    workspaces: Sequence[WorkspaceAccess]
    is_everywhere: bool

    @property
    def permission(self) -> Permission:
        """Return what the teammate may do in the workspace that is shown."""
        return Permission(
            actor=self.teammate.actor, scope=SCOPE_OF_ROLE[self.workspace.role], workspace_id=self.workspace.id
        )
