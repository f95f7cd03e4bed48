"""Telling an outage of the database, which passes, from a mistake of ours, which stays."""

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolExhausted

# Classes of SQLSTATE: connection, authorization, no such database, resources, the operator's doing, system.
_AWAY = ("08", "28", "3D", "53", "57", "58")

# While connecting, SQLAlchemy lets the driver's own errors through.
MAY_MEAN_AWAY = (DBAPIError, PoolExhausted, OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


def is_away(error: BaseException) -> bool:
    """Whether PostgreSQL can't be reached or can't work now, so that trying again helps."""
    match error:
        case InterfaceError() | PoolExhausted() | OSError() | asyncpg.InterfaceError():
            return True
        case DBAPIError():
            return error.connection_invalidated or _state(error.orig).startswith(_AWAY)
        case _:
            return _state(error).startswith(_AWAY)


def _state(error: object) -> str:
    return str(getattr(error, "sqlstate", None) or "")
