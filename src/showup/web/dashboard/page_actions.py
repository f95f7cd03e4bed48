"""What forms of a deal's or booking's page share: their unit of work, and what the page says about the result."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import Struct, field
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.web.http.app_state import AppState


class FormResult(Struct, frozen=True, kw_only=True):
    """What a form did. A fault stands at the form named `form`, which keeps what was typed (`values`).

    `undo_path` and `undo_fields`: the form that takes it back. `other_deal`: the deal that stands in the way.
    """

    text: str
    is_fault: bool = False
    form: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    undo_path: str | None = None
    undo_fields: Mapping[str, str] = field(default_factory=dict)
    undo_words: str = "Undo"
    other_deal: UUID | None = None


def unit_of_work_of(session: Session, state: AppState, tx: AsyncConnection) -> UnitOfWork:
    """Return the unit of work of a teammate's form."""
    return UnitOfWork(permission=session.permission, tx=tx, at=state.clock(), handlers=state.event_handlers)
