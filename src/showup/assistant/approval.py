"""An approval: a change that an assistant asked for, the exact difference, and what became of it. Values."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias, get_args
from uuid import UUID

from msgspec import Struct

ApprovalState: TypeAlias = Literal["pending", "done", "denied", "expired", "outdated", "refused"]
STATES: Final[tuple[ApprovalState, ...]] = get_args(ApprovalState)
LIFETIME: Final = timedelta(hours=24)
MAX_PENDING: Final = 50
"""Changes of one key or teammate that may wait at a time."""


class Approval(Struct, frozen=True, kw_only=True):
    """A change that waits for a person, or what became of it. `digest` identifies the difference that was shown."""

    id: UUID
    workspace_id: UUID
    workspace: str
    tool: str
    arguments: dict[str, Any]
    difference: dict[str, Any]
    requested_by: str
    state: ApprovalState
    created_at: datetime
    expires_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    because: str | None
    event_ids: Sequence[UUID]
    undone_by: str | None
    undone_at: datetime | None
    undo: dict[str, Any] | None

    @property
    def digest(self) -> str:
        """Return what identifies the difference that the person saw."""
        return str(self.difference["digest"])

    def is_waiting(self, now: datetime) -> bool:
        """Return whether a person can still grant it."""
        return self.state == "pending" and self.expires_at > now

    @property
    def can_undo(self) -> bool:
        """Return whether it was done, and not undone."""
        return self.state == "done" and self.undone_at is None


class ApprovalRefused(Exception):
    """A decision is refused; `approval` is as it is now, with the new difference. The text says why."""

    def __init__(self, because: str, approval: Approval | None = None) -> None:
        super().__init__(because)
        self.approval = approval
