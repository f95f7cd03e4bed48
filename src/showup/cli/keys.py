"""Implements `showup keys`: the keys for the API."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.keys_store import ApiKey
    from showup.access.permission import Scope as ScopeOf
    from showup.container import Container

app = typer.Typer(no_args_is_help=True, help="Manage the API keys.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class KeyScope(StrEnum):
    """The scope of a key's permission; each scope includes those before it."""

    read = "read"
    write = "write"
    admin = "admin"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="The key's name, which the audit log shows as the actor.")],
    scope: Annotated[KeyScope, typer.Option(help="The key's permission.")],
    workspace: Annotated[
        str | None, typer.Option(help="Limit the key to this workspace. Default: all workspaces.")
    ] = None,
    teammate: Annotated[
        str | None, typer.Option(help="Email of the teammate whose calendar an assistant with this key sees.")
    ] = None,
    json: Json = False,
) -> None:
    """Create an API key and print it. The key is shown only once.

    Example: showup keys create reporting --scope read --workspace acme
    """
    from showup.access.keys import is_key_name

    if not is_key_name(name):
        raise CliError(
            f"{name[:80]!r} can't be the name of a key. Use at most 63 letters (a-z), digits, spaces and . _ @ + -, "
            "beginning with a letter or digit."
        )
    scope_value: ScopeOf = scope.value

    async def work(container: "Container") -> str:
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            workspace_id = (await get_workspace(tx, workspace)).id if workspace else None
            return await keys_store.create(
                tx,
                name=name,
                scope=scope_value,
                workspace_id=workspace_id,
                now=container.clock(),
                teammate_id=None if teammate is None else await _find_teammate(tx, teammate),
            )

    key = run_command(work)
    if json:
        print_json({"name": name, "scope": scope_value, "workspace": workspace, "key": key})
    else:
        print(f"{key}\n\nSend it as `Authorization: Bearer KEY`. It is not shown again.")


async def _find_teammate(tx: "AsyncConnection", email: str) -> "UUID":
    from showup.access import teammates_store
    from showup.values.email_address import normalize_email

    found = await teammates_store.find(tx, normalize_email(email))
    if found is None:
        raise CliError(f"There is no teammate {email[:254]!r}. List the teammates with `showup teammates list`.")
    return found.id


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the API keys. The keys themselves are shown only when they are created.

    Example: showup keys list
    """

    async def work(container: "Container") -> "list[ApiKey]":
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            return await keys_store.list_keys(tx)

    keys = run_command(work)
    if json:
        print_json(keys)
        return
    rows = [
        {
            "name": key.name,
            "scope": key.scope,
            "workspace": key.workspace or "(all)",
            "created": key.created_at,
            "revoked": key.revoked_at,
        }
        for key in keys
    ]
    print_table(rows, empty_message="There are no keys. Create one with `showup keys create NAME --scope read`.")


@app.command()
def revoke(name: Annotated[str, typer.Argument(help="The key's name.")], json: Json = False) -> None:
    """Revoke an API key. It stops working within seconds.

    Example: showup keys revoke reporting
    """

    async def work(container: "Container") -> bool:
        from showup.access import keys_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            return await keys_store.revoke(tx, name, now=container.clock())

    if not run_command(work):
        raise CliError(f"There is no active key {name!r}. List the keys with `showup keys list`.")
    print_json({"name": name, "done": "revoked"}) if json else print(f"Revoked the key {name}.")
