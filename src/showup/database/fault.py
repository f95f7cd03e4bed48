"""What a fault of the database is: an outage, which passes, or a mistake of ours; and what logs may say of it."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

# Classes of SQLSTATE: connection, authorization, no such database, rolled back by a rival (deadlock, serialization),
# resources (disk full, too many connections), the operator's doing, system; and a lock that wasn't to be had in time.
_AWAY = ("08", "28", "3D", "40", "53", "57", "58", "55P03", "25P03")

_SAID = ("table_name", "column_name", "constraint_name")

# While connecting, SQLAlchemy lets the driver's own errors through.
MAY_MEAN_AWAY = (
    DBAPIError,
    PoolExhausted,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def is_away(fault: BaseException) -> bool:
    """Whether PostgreSQL can't be reached or can't work now, so that trying again helps."""
    if isinstance(fault, DBAPIError) and fault.connection_invalidated:
        return True
    found = cause(fault)
    match found:
        case PoolExhausted() | OSError() | asyncpg.InternalClientError():
            # The driver's own confusion is over a query on a connection whose end was told, and not seen yet.
            return True
        case asyncpg.InterfaceError():
            # Those that are a ValueError too refuse a value or an address of ours, which no other try makes right.
            return not isinstance(found, ValueError)
        case _:
            return _state(found).startswith(_AWAY)


def shown(fault: BaseException) -> str:
    """A fault for logs and for `because`: its type, its SQLSTATE, and the names of table, column and constraint.

    Never its text, which repeats values: people's names and addresses, or a whole webhook.
    """
    found = cause(fault)
    names = (f"{what.removesuffix('_name')} {name}" for what in _SAID if (name := getattr(found, what, None)))
    said = [state] if (state := _state(found)) else []
    details = ", ".join([*said, *names]) if isinstance(found, asyncpg.PostgresError) else ""
    return f"{type(found).__name__} ({details})" if details else type(found).__name__


def cause(fault: BaseException) -> BaseException:
    """The driver's own error inside SQLAlchemy's; any other fault as it is."""
    # SQLAlchemy wraps its adapter's error, which was raised from the driver's own.
    wrapped = fault.orig if isinstance(fault, DBAPIError) else None
    return (wrapped and wrapped.__cause__) or wrapped or fault


def _state(fault: BaseException) -> str:
    return str(getattr(fault, "sqlstate", None) or "")
