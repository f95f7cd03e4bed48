"""The unit of work of a teammate's form."""

from sqlalchemy.ext.asyncio import AsyncConnection

from showup.access.teammate import Session
from showup.commands.unit_of_work import UnitOfWork
from showup.web.http.app_state import AppState


def unit_of_work_of(session: Session, state: AppState, tx: AsyncConnection) -> UnitOfWork:
    """Return the unit of work in which the teammate's commands run."""
    return UnitOfWork(permission=session.permission, tx=tx, at=state.clock(), handlers=state.event_handlers)
