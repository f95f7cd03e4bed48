"""Implements `showup teammates`: the people who sign in to the pages."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.sign_in_log_store import SignInEvent
    from showup.access.teammate import Role, Teammate
    from showup.access.teammates_store import TeammateRow
    from showup.container import Container

app = typer.Typer(no_args_is_help=True, help="Manage the teammates, who sign in to the pages.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Email = Annotated[str, typer.Argument(help="The teammate's email address.")]
OfWorkspace = Annotated[str | None, typer.Option("--workspace", help="Only this workspace. Default: all workspaces.")]
_ACTOR = "showup teammates"


class TeammateRole(StrEnum):
    """What a teammate may do; each role may do all that the next one may."""

    admin = "admin"
    member = "member"
    read_only = "read_only"


@app.command()
def add(
    email: Email,
    name: Annotated[str | None, typer.Option(help="The name shown on pages. Default: from the address.")] = None,
    role: Annotated[TeammateRole, typer.Option(help="What they may do.")] = TeammateRole.member,
    workspace: OfWorkspace = None,
    json: Json = False,
) -> None:
    """Add a teammate, or give one another role, and print a link with which they sign in and choose a password.

    Example: showup teammates add ola@example.com --name "Ola Lind" --role member --workspace acme
    """
    address = _normalize(email)
    role_value: Role = role.value

    async def work(container: "Container") -> str:
        from showup.access import sign_in_links_store, teammates_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            now = container.clock()
            workspace_id = (await get_workspace(tx, workspace)).id if workspace else None
            teammate_id = await teammates_store.add(tx, email=address, name=name or address.partition("@")[0], now=now)
            if teammate_id is None:
                teammate_id = (await _get(tx, address)).id
            await teammates_store.set_role(tx, teammate_id, workspace_id, role_value)
            await _log(tx, container, address, "invited")
            token = await sign_in_links_store.create(tx, "invitation", teammate_id, now=now)
        return f"{container.settings.public_url}/signin/{token}"

    link = run_command(work)
    if json:
        print_json({"email": address, "role": role_value, "workspace": workspace, "link": link})
    else:
        print(f"{link}\n\nSend this link to {address}. It works once, within 7 days.")


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the teammates, with their role in each workspace.

    Example: showup teammates list --json
    """

    async def work(container: "Container") -> "Sequence[TeammateRow]":
        from showup.access import teammates_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            return await teammates_store.list_teammates(tx)

    found = run_command(work)
    if json:
        print_json(found)
        return
    rows = [
        {
            "email": one.email,
            "name": one.name,
            "role": one.role,
            "workspace": one.workspace or "(all)",
            "last seen": one.seen_at,
        }
        for one in found
    ]
    print_table(rows, empty_message="There are no teammates. `showup serve` prints a link to create the first one.")


@app.command()
def link(email: Email, json: Json = False) -> None:
    """Print a new sign-in link for a teammate, for when mail does not arrive or the password is lost.

    Example: showup teammates link ola@example.com
    """
    address = _normalize(email)

    async def work(container: "Container") -> str:
        from showup.access import sign_in_links_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            teammate = await _get(tx, address)
            await _log(tx, container, address, "link_created")
            token = await sign_in_links_store.create(tx, "sign_in", teammate.id, now=container.clock())
        return f"{container.settings.public_url}/signin/{token}"

    created = run_command(work)
    print_json({"email": address, "link": created}) if json else print(f"{created}\n\nIt works once, within an hour.")


@app.command()
def remove(email: Email, workspace: OfWorkspace = None, json: Json = False) -> None:
    """Remove a teammate, or only their access to one workspace. Their sessions end at once.

    Example: showup teammates remove ola@example.com
    """
    address = _normalize(email)

    async def work(container: "Container") -> None:
        from showup.access import teammates_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            teammate = await _get(tx, address)
            workspace_id = (await get_workspace(tx, workspace)).id if workspace else None
            await teammates_store.remove(tx, teammate.id, workspace_id)
            await _log(tx, container, address, "removed")

    run_command(work)
    print_json({"email": address, "done": "removed"}) if json else print(f"Removed {address}.")


def _normalize(email: str) -> str:
    from showup.values.email_address import is_email, normalize_email

    if not is_email(email):
        raise CliError(f"{email[:80]!r} is not an email address.")
    return normalize_email(email)


async def _get(tx: "AsyncConnection", email: str) -> "Teammate":
    from showup.access import teammates_store

    teammate = await teammates_store.find(tx, email)
    if teammate is None:
        raise CliError(f"There is no teammate {email!r}. List them with `showup teammates list`.")
    return teammate


async def _log(tx: "AsyncConnection", container: "Container", email: str, what: "SignInEvent") -> None:
    from showup.access import sign_in_log_store
    from showup.access.sign_in_log_store import SignInLogEntry

    entry = SignInLogEntry(at=container.clock(), email=email, what=what, actor=_ACTOR, source_address=None)
    await sign_in_log_store.add(tx, entry)
