"""Convert a PostgreSQL address as operators write it into the driver's arguments."""

import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from showup.database.keepalive import SERVER_SETTINGS, KeptAliveConnection

_TRANSACTION_POOLER_PORT = 6543

SCHEMA = "showup"
"""The schema of all Showup tables. Not `public`, which hosts such as Supabase publish over an API."""

# Parameters for other drivers or poolers: the server would reject them as unknown settings.
_CLIENT_OPTIONS = frozenset(
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


_SERVER_SETTINGS = {"timezone": "UTC", "application_name": "showup"}


class AddressError(ValueError):
    """An address cannot be used; the text says why, without the password."""


def driver_arguments(url: str) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect` for `url`: `dsn`, with `ssl` and statement cache where needed.

    `postgresql://` and `postgres://` are the same. Raises AddressError.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise AddressError("The database's address should begin with postgresql://")
    query = dict(parse_qsl(parts.query, keep_blank_values=False))
    server_options = {name: value for name, value in query.items() if name not in _CLIENT_OPTIONS}
    dsn = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(server_options, quote_via=quote), ""))
    arguments = {
        "dsn": dsn,
        "server_settings": _SERVER_SETTINGS,
        "connection_class": KeptAliveConnection,
    } | _tls(server_options)
    if _is_transaction_pooler(parts.port, query):
        return arguments | _WITHOUT_PREPARED_STATEMENTS
    return arguments | {"server_settings": _SERVER_SETTINGS | SERVER_SETTINGS | {"search_path": SCHEMA}}


def asyncpg_arguments(url: str) -> dict[str, Any]:
    """Return the arguments for asyncpg alone, without those that only SQLAlchemy understands."""
    return {name: value for name, value in driver_arguments(url).items() if not name.startswith("prepared_")}


def redact(url: str) -> str:
    """Return host, port and database of `url`, safe for logs and messages: no user, no password."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    host = query.get("host") or parts.netloc.rpartition("@")[2] or "localhost"
    return f"{host}{parts.path}"


def _tls(query: Mapping[str, str]) -> dict[str, Any]:
    # A request for a verified server without a certificate means the certificates this system trusts.
    if query.get("sslmode") == "verify-full" and "sslrootcert" not in query:
        return {"ssl": ssl.create_default_context()}
    return {}


def is_transaction_pooler(url: str) -> bool:
    """Return whether `url` points to a pooler that may change the server connection for each transaction."""
    parts = urlsplit(url)
    return _is_transaction_pooler(parts.port, dict(parse_qsl(parts.query)))


def _is_transaction_pooler(port: int | None, query: Mapping[str, str]) -> bool:
    uses_pooler_port = str(port or query.get("port")) == str(_TRANSACTION_POOLER_PORT)
    return uses_pooler_port or query.get("pgbouncer") == "true"


# Such a pooler loses prepared statements, and rejects a `search_path` at the start of a connection.
_WITHOUT_PREPARED_STATEMENTS: dict[str, Any] = {
    "statement_cache_size": 0,
    "prepared_statement_cache_size": 0,
    "prepared_statement_name_func": str,
}
