"""A PostgreSQL address as operators write it, made into what the driver takes."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

_TRANSACTION_POOLER_PORT = 6543
# Said for other drivers or other poolers: the server would refuse them as settings it doesn't know.
_NOT_FOR_THE_SERVER = frozenset(
    {
        "pgbouncer",
        "prepared_statements",
        "connection_limit",
        "pool_timeout",
        "connect_timeout",
        "channel_binding",
        "gssencmode",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "client_encoding",
        "schema",
    }
)


class AddressError(ValueError):
    """An address can't be used; the text says why, without the password."""


def driver_arguments(url: str) -> dict[str, Any]:
    """What `asyncpg.connect` takes for `url`: `dsn`, with `ssl` and the statement cache where they matter.

    `postgresql://` and `postgres://` are the same. Raises AddressError.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise AddressError("The database's address should begin with postgresql://")
    query = dict(parse_qsl(parts.query, keep_blank_values=False))
    kept = {name: value for name, value in query.items() if name not in _NOT_FOR_THE_SERVER}
    dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(kept, quote_via=quote), ""))
    return {"dsn": dsn} | _tls(kept) | _unprepared(parts.port, query)


def own_arguments(url: str) -> dict[str, Any]:
    """The same for asyncpg alone: what only SQLAlchemy's way of using it understands is left out."""
    return {name: value for name, value in driver_arguments(url).items() if not name.startswith("prepared_")}


def shown(url: str) -> str:
    """Host, port and database of `url`, fit for logs and people: no user, no password."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.get("host") or parts.netloc.rpartition("@")[2] or "localhost"
    return f"{host}{parts.path}"


def _tls(query: Mapping[str, str]) -> dict[str, Any]:
    # Whoever asks for a verified server and names no certificate means the ones this system trusts.
    if query.get("sslmode") == "verify-full" and "sslrootcert" not in query:
        return {"ssl": ssl.create_default_context()}
    return {}


def _unprepared(port: int | None, query: Mapping[str, str]) -> dict[str, Any]:
    # A pooler that hands out another server connection for each transaction loses prepared statements.
    named = str(port or query.get("port")) == str(_TRANSACTION_POOLER_PORT)
    if not named and query.get("pgbouncer") != "true":
        return {}
    return {
        "statement_cache_size": 0,
        "prepared_statement_cache_size": 0,
        "prepared_statement_name_func": str,
    }
