"""Asks the other system of a connection whether it works, for the pages of connections."""

import asyncio
from collections.abc import Awaitable
from typing import Final

from showup.access.connection import Connection
from showup.access.teammate import Session
from showup.web.dashboard.action_result import ActionResult
from showup.web.dashboard.operations.system_names import system_name
from showup.web.http.app_state import AppState
from showup.web.http.problems import Refusal

# Longer than the time limits of all that it asks.
_TIMEOUT_SECONDS: Final = 30.0


async def ask_connection(state: AppState, connection: Connection) -> ActionResult:
    """Ask the other system, as the API and `showup doctor` do."""
    if state.check_connection is None:
        raise Refusal("conflict", "This process can't reach other systems. Run `showup serve`.")
    result = await state.check_connection(connection)
    if result.faults:
        sentences = (f"{one[:1].upper()}{one[1:].rstrip('.')}." for one in result.faults)
        return ActionResult(text=" ".join(sentences), is_fault=True)
    return ActionResult(text=f"{result.message[:1].upper()}{result.message[1:].rstrip('.')}.")


async def in_time(connection: Connection, asked: Awaitable[ActionResult]) -> ActionResult:
    """Return what came of it, or that the other system did not answer."""
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            return await asked
    except TimeoutError:
        text = f"{system_name(connection.kind)} did not answer within {_TIMEOUT_SECONDS:.0f} seconds. Try again later."
        return ActionResult(text=text, is_fault=True)


def limit_tests(session: Session, state: AppState) -> None:
    """Refuse what calls another system too often."""
    if (seconds := state.connection_tests.retry_after(session.workspace.id)) is not None:
        raise Refusal("too-many-tests", headers={"Retry-After": str(seconds)})
