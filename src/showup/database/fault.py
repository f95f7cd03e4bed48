"""Classify database errors: an outage, which passes, or a programming error; and describe them safely for logs."""

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

# Classes of SQLSTATE: connection, authorization, no such database, rolled back by a concurrent transaction (deadlock,
# serialization), resources (disk full, too many connections), operator intervention, system; and a lock not available
# in time.
_OUTAGE_STATES = ("08", "28", "3D", "40", "53", "57", "58", "55P03", "25P03")

_DETAIL_FIELDS = ("table_name", "column_name", "constraint_name")

# While connecting, SQLAlchemy does not wrap the driver's own errors.
POSSIBLE_OUTAGES = (
    DBAPIError,
    PoolExhausted,
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def is_outage(error: BaseException) -> bool:
    """Return whether PostgreSQL is unreachable or cannot work now, so that a retry helps."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    driver_error = driver_error_of(error)
    match driver_error:
        case asyncpg.InvalidCachedStatementError():
            # Another version has changed a table: the next attempt prepares the statement anew.
            return True
        case PoolExhausted() | OSError() | asyncpg.InternalClientError():
            # The driver raises its own internal error for a query on a connection whose end it has not noticed yet.
            return True
        case asyncpg.InterfaceError():
            # Errors that are also a ValueError reject a value or an address, which no retry can fix.
            return not isinstance(driver_error, ValueError)
        case _:
            return _state(driver_error).startswith(_OUTAGE_STATES)


def describe_error(error: BaseException) -> str:
    """Describe an error for logs and for `because`: type, SQLSTATE, and names of table, column and constraint.

    Its text is never included, because it repeats values: people's names and addresses, or a whole webhook.
    """
    driver_error = driver_error_of(error)
    names = (
        f"{field.removesuffix('_name')} {name}"
        for field in _DETAIL_FIELDS
        if (name := getattr(driver_error, field, None))
    )
    states = [state] if (state := _state(driver_error)) else []
    details = ", ".join([*states, *names]) if isinstance(driver_error, asyncpg.PostgresError) else ""
    return f"{type(driver_error).__name__} ({details})" if details else type(driver_error).__name__


def driver_error_of(error: BaseException) -> BaseException:
    """Return the driver's own error inside SQLAlchemy's; any other error unchanged."""
    # SQLAlchemy wraps its adapter's error, which was raised from the driver's own.
    wrapped = error.orig if isinstance(error, DBAPIError) else None
    return (wrapped and wrapped.__cause__) or wrapped or error


def _state(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", None) or "")
