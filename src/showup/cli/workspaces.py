"""Implements `showup workspaces`: one workspace for each client, who sees only its own data."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.access.workspace import Workspace
    from showup.container import Container

app = typer.Typer(no_args_is_help=True, help="Manage the workspaces: one for each client, isolated from the others.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    slug: Annotated[str, typer.Argument(help="The slug in URLs: lower-case letters, digits, hyphens.")],
    name: Annotated[str | None, typer.Option(help="The name shown on pages. Default: the slug.")] = None,
    time_zone: Annotated[str, typer.Option(help="An IANA time zone, such as Europe/Berlin.")] = "UTC",
    json: Json = False,
) -> None:
    """Add a workspace.

    Example: showup workspaces add acme --name "Acme Inc." --time-zone America/New_York
    """
    _check_arguments(slug, time_zone)

    async def work(container: "Container") -> "Workspace | None":
        from showup.commands.workspaces import add_workspace
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            return await add_workspace(tx, slug=slug, name=name or slug, time_zone=time_zone, now=container.clock())

    workspace = run_command(work)
    if workspace is None:
        raise CliError(f"There is already a workspace {slug!r}. Choose another slug.")
    print_json(workspace) if json else print(f"Added the workspace {workspace.slug}.")


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the workspaces.

    Example: showup workspaces list
    """

    async def work(container: "Container") -> "list[Workspace]":
        from showup.access import workspaces_store
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            return await workspaces_store.list_workspaces(tx)

    workspaces = run_command(work)
    if json:
        print_json(workspaces)
    else:
        rows = [
            {"slug": workspace.slug, "name": workspace.name, "time zone": workspace.time_zone}
            for workspace in workspaces
        ]
        print_table(rows, empty_message="There are no workspaces.")


def _check_arguments(slug: str, time_zone: str) -> None:
    from showup.commands.workspaces import slug_fault
    from showup.values.invalid_value import InvalidValue
    from showup.values.time_zone import check_time_zone

    if (fault := slug_fault(slug)) is not None:
        raise CliError(fault)
    try:
        check_time_zone(time_zone)
    except InvalidValue as error:
        raise CliError(f"{time_zone!r} is not a time zone. Use {error.expected}.") from None
