"""Permissions: decided once per request at the API boundary and passed to every query and command."""

from typing import Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

Scope: TypeAlias = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""Scopes from least to most; each one includes those before it."""


class Permission(Struct, frozen=True, kw_only=True):
    """A permission. `actor` is its name in the audit log (`key:NAME`); no `workspace_id` means all workspaces."""

    actor: str
    scope: Scope
    workspace_id: UUID | None

    def allows(self, scope: Scope) -> bool:
        """Return whether this permission covers `scope`."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def can_see(self, workspace_id: UUID) -> bool:
        """Return whether this permission covers the workspace."""
        return self.workspace_id in (None, workspace_id)

    def limited_to(self, workspace_id: UUID) -> "Permission":
        """Return this permission limited to one workspace; the caller has checked it with `can_see`."""
        return replace(self, workspace_id=workspace_id)
