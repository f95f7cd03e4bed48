"""Tests a connection: whether its credentials work, and whether everything that its settings name exists."""

from typing import TYPE_CHECKING, Any

from showup.cli.errors import CliError
from showup.cli.runner import get_workspace

if TYPE_CHECKING:
    from showup.access.connection import Connection
    from showup.container import Container


async def test_connection(container: "Container", workspace: str, kind: str, name: str) -> str:
    """Returns the result as a sentence; calls the other system's API if it has one. Raises CliError on a fault."""
    from showup.access import connections_store
    from showup.access.connection import CALCOM
    from showup.connections.catalogue import KINDS
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        workspace_id = (await get_workspace(tx, workspace)).id
        connection = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if connection is None:
            raise CliError(f"{workspace} has no connection {kind} {name}. List them with `showup connections list`.")
        credentials = await connections_store.credentials(tx, container.seal, connection.id) or {}
    if kind in KINDS:
        if faults := await connection_faults(container, connection):
            raise CliError("\n".join(f"{kind} {name}: {fault}." for fault in faults))
        return f"{kind} accepts the credentials, and everything that the settings name exists."
    if kind != CALCOM:
        return "Its credentials can be decrypted." if credentials else "It has no credentials."
    return await _test_calcom(container, connection, credentials)


async def _test_calcom(container: "Container", account: "Connection", credentials: dict[str, Any]) -> str:
    import httpx2

    from showup.access.account import DEFAULT
    from showup.container import open_http_clients
    from showup.destinations.public_http import PrivateAddress

    environment_key = container.settings.calcom_api_key
    key = credentials.get("api_key") or (
        environment_key.get_secret_value() if environment_key and account.name == DEFAULT else None
    )
    if key is None:
        return "The account receives webhooks. It has no API key, so Showup can't call Cal.com's API."
    # A key is sent only to the Cal.com instance that it belongs to.
    own_url = account.settings.get("api_url")
    url = str(own_url or container.settings.calcom_api_url).rstrip("/")
    try:
        async with open_http_clients(container) as clients:
            response = await clients.client_to(is_untrusted=bool(own_url)).get(
                f"{url}/me",
                headers={"Authorization": f"Bearer {key}", "cal-api-version": "2024-06-14"},
            )
    except PrivateAddress as refusal:
        raise CliError(f"Cal.com's API can't be called: {refusal}.") from None
    except httpx2.HTTPError as fault:
        raise CliError(f"Cal.com's API did not respond ({type(fault).__name__}). Try again later.") from None
    if response.status_code in (401, 403):
        raise CliError(
            "Cal.com rejects the API key. Create another key there, and set it with `showup connections set`."
        )
    if response.is_error:
        raise CliError(f"Cal.com's API responded with status {response.status_code}. Try again later.")
    return "Cal.com accepts the API key."


async def connection_faults(container: "Container", connection: "Connection") -> list[str]:
    """Returns one sentence for each fault of a connection whose kind is in the catalogue."""
    from showup.container import open_http_clients
    from showup.dispatch import connection_health

    async with open_http_clients(container) as clients:
        return await connection_health.check_connection(
            container.engine, container.seal, clients, connection, container.clock
        )
