"""`showup workspaces`: the clients, each of whom sees only its own."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.commands.inside import inside
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.access.workspace import Workspace
    from showup.assembly import House

app = typer.Typer(no_args_is_help=True, help="The workspaces: one for each client, closed to the others.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    slug: Annotated[str, typer.Argument(help="Its name in addresses: lower-case letters, digits, hyphens.")],
    name: Annotated[str | None, typer.Option(help="Its name on pages (else the slug).")] = None,
    time_zone: Annotated[str, typer.Option(help="An IANA name, such as Europe/Berlin.")] = "UTC",
    json: Json = False,
) -> None:
    """Make a workspace.

    Example: showup workspaces add acme --name "Acme Inc." --time-zone America/New_York
    """
    _refuse_unusable(slug, time_zone)

    async def work(house: "House") -> "Workspace | None":
        from showup.access import workspaces_store
        from showup.database.engine import raw, transaction
        from showup.inbox.adopt import adopt_as_elsewhere

        async with transaction(house.engine) as tx:
            made = await workspaces_store.add(tx, slug=slug, name=name or slug, time_zone=time_zone)
            if made is not None:
                await adopt_as_elsewhere(await raw(tx), made.id, house.clock())
            return made

    made = inside(work)
    if made is None:
        raise Refused(f"There is a workspace {slug!r} already: choose another slug.")
    as_json(made) if json else print(f"Made the workspace {made.slug}.")


@app.command("list")
def list_all(json: Json = False) -> None:
    """List the workspaces.

    Example: showup workspaces list
    """

    async def work(house: "House") -> "list[Workspace]":
        from showup.access import workspaces_store
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            return await workspaces_store.list_workspaces(tx)

    found = inside(work)
    if json:
        as_json(found)
    else:
        rows = [{"slug": one.slug, "name": one.name, "time zone": one.time_zone} for one in found]
        as_table(rows, nothing="There are no workspaces.")


def _refuse_unusable(slug: str, time_zone: str) -> None:
    from zoneinfo import available_timezones

    from showup.access.workspace import is_slug

    if not is_slug(slug):
        raise Refused(f"{slug!r} can't be a slug: use lower-case letters, digits and hyphens.")
    if time_zone not in available_timezones():
        raise Refused(f"{time_zone!r} is not a time zone: use an IANA name, such as Europe/Berlin.")
