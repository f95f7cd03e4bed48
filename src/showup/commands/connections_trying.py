"""Trying a connection out: whether its credentials are taken, and what its settings name is there."""

from typing import TYPE_CHECKING, Any

from showup.commands.inside import workspace_named
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.connection import Connection
    from showup.assembly import House


async def try_out(house: "House", workspace: str, kind: str, name: str) -> str:
    """What the other system says of the connection, where it can be asked; refused where something is wrong."""
    from showup.access import connections_store
    from showup.access.connection import CALCOM
    from showup.database.engine import transaction
    from showup.destinations.catalogue import KINDS

    async with transaction(house.engine) as tx:
        workspace_id = (await workspace_named(tx, workspace)).id
        found = await connections_store.find(tx, workspace_id=workspace_id, kind=kind, name=name)
        if found is None:
            raise Refused(f"{workspace} has no connection {kind} {name}: `showup connections list` shows all.")
        secrets = await connections_store.credentials(tx, house.seal, found.id) or {}
    if kind in KINDS:
        if faults := await faults_of(house, found):
            raise Refused("\n".join(f"{kind} {name}: {fault}." for fault in faults))
        return f"{kind} takes the credentials, and has what the settings name."
    if kind != CALCOM:
        return "Its credentials can be opened." if secrets else "It has no credentials."
    return await _ask_calcom(house, found, secrets)


async def _ask_calcom(house: "House", account: "Connection", secrets: dict[str, Any]) -> str:
    import httpx2

    from showup.access.account import DEFAULT

    given = house.settings.calcom_api_key
    key = secrets.get("api_key") or (given.get_secret_value() if given and account.name == DEFAULT else None)
    if key is None:
        return "It takes webhooks. It has no API key, so Cal.com can't be asked anything."
    # A key is shown to nobody but the instance that it is of.
    url = str(account.settings.get("api_url") or house.settings.calcom_api_url).rstrip("/")
    try:
        async with httpx2.AsyncClient(timeout=10) as client:
            answer = await client.get(
                f"{url}/me",
                headers={"Authorization": f"Bearer {key}", "cal-api-version": "2024-06-14"},
            )
    except httpx2.HTTPError as fault:
        raise Refused(f"Cal.com's API does not answer ({type(fault).__name__}): try again later.") from None
    if answer.status_code in (401, 403):
        raise Refused("Cal.com refuses the API key: make another one there, and set it here.")
    if answer.is_error:
        raise Refused(f"Cal.com's API answers {answer.status_code}: try again later.")
    return "Cal.com accepts the API key."


async def faults_of(house: "House", connection: "Connection") -> list[str]:
    """What is to be put right of a connection whose kind is in the catalogue, a sentence each."""
    from showup.assembly import http_clients
    from showup.deliveries import examining

    async with http_clients(house) as clients:
        return await examining.faults_of(house.engine, house.seal, clients, connection, house.clock)
