"""`showup keys`: who may use the API."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.keys_store import ApiKey
    from showup.access.permit import Scope as ScopeOf
    from showup.assembly import House

app = typer.Typer(no_args_is_help=True, help="The keys that open the API.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Scope(StrEnum):
    """What a key may do; each includes those before it."""

    read = "read"
    write = "write"
    admin = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the journal calls whoever uses it.")],
    scope: Annotated[Scope, typer.Option(help="What it may do.")],
    workspace: Annotated[str | None, typer.Option(help="The only workspace it opens (else all).")] = None,
    json: Json = False,
) -> None:
    """Make a key; it is printed this once.

    Example: showup keys create reporting --scope read --workspace acme
    """
    chosen: ScopeOf = scope.value

    async def work(house: "House") -> str:
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            workspace_id = (await workspace_named(tx, workspace)).id if workspace else None
            return await keys_store.create(tx, name=name, scope=chosen, workspace_id=workspace_id, now=house.clock())

    key = inside(work)
    if json:
        as_json({"name": name, "scope": chosen, "workspace": workspace, "key": key})
    else:
        print(f"{key}\n\nSend it as `Authorization: Bearer KEY`. It is not shown again.")


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the keys; what they are was shown when they were made.

    Example: showup keys list
    """

    async def work(house: "House") -> "list[ApiKey]":
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            return await keys_store.list_keys(tx)

    found = inside(work)
    if json:
        as_json(found)
        return
    rows = [
        {
            "name": key.name,
            "scope": key.scope,
            "workspace": key.workspace or "(all)",
            "created": key.created_at,
            "revoked": key.revoked_at,
        }
        for key in found
    ]
    as_table(rows, nothing="There are no keys: `showup keys create NAME --scope read` makes one.")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")]) -> None:
    """Close what a key opened, within seconds.

    Example: showup keys revoke reporting
    """

    async def work(house: "House") -> bool:
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            return await keys_store.revoke(tx, name, now=house.clock())

    if not inside(work):
        raise Refused(f"No key named {name!r} is in force: `showup keys list` shows them.")
    print(f"Revoked the key {name}.")
