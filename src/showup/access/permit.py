"""What somebody may do, decided once at the door and handed to every question and every change."""

from typing import Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

Scope: TypeAlias = Literal["read", "write", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""From the least to the most: each one includes those before it."""


class Permit(Struct, frozen=True, kw_only=True):
    """`actor` is the name that the journal shows, such as `key:NAME`; no `workspace_id` opens all of them."""

    actor: str
    scope: Scope
    workspace_id: UUID | None

    def allows(self, scope: Scope) -> bool:
        """Whether this permit covers what asks for `scope`."""
        return SCOPES.index(self.scope) >= SCOPES.index(scope)

    def sees(self, workspace_id: UUID) -> bool:
        """Whether this permit opens the workspace."""
        return self.workspace_id in (None, workspace_id)

    def within(self, workspace_id: UUID) -> "Permit":
        """The same permit for one workspace alone; the caller has made sure that it `sees` it."""
        return replace(self, workspace_id=workspace_id)
