"""`showup accounts route` and `routes`: which of an account's bookings belong to another workspace."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.accounts_store import StoredAccount
    from showup.access.route import Route
    from showup.assembly import House

Name = Annotated[str, typer.Argument(help="The account.")]
_CONDITIONS = ("event_type", "team_id", "organizer_domain")


def route(
    name: Name,
    to: Annotated[str, typer.Option(help="The workspace that these bookings belong to.")],
    event_type: Annotated[str | None, typer.Option(help="The slug of the event type at Cal.com.")] = None,
    team_id: Annotated[int | None, typer.Option(min=1, help="The id of the team at Cal.com.")] = None,
    organizer_domain: Annotated[str | None, typer.Option(help="What follows the @ of the organizer's email.")] = None,
) -> None:
    """Send those of an account's bookings that agree with all that is said here to a workspace.

    Routes are tried in the order in which they were made, and the first one that agrees decides.

    Example: showup accounts route agency --event-type demo --organizer-domain acme.com --to acme
    """
    conditions = _conditions(event_type, team_id, organizer_domain)

    async def work(house: "House") -> int:
        from showup.access import routes_store
        from showup.access.route import Route
        from showup.database.engine import transaction

        async with transaction(house.engine) as tx:
            account = await _held(tx, name)
            before = await routes_store.of_account(tx, account.id)
            made = Route(workspace_id=(await workspace_named(tx, to)).id, **conditions)
            _refuse_unreachable(before, made, name)
            await routes_store.replace(tx, account.id, [*before, made])
            return len(before) + 1

    print(
        f"Made route {inside(work)} of the account {name}, to {to}. It decides about webhooks that arrive from now on."
    )


def routes(
    name: Name,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove them all.")] = False,
) -> None:
    """List an account's routes in the order in which they are tried, or remove them.

    Bookings that were sent to a workspace stay there, and so does what is told of them later.

    Example: showup accounts routes agency --json
    """
    rows = inside(lambda house: _left(house, name, clear=clear))
    if json:
        as_json(rows)
    else:
        as_table(rows, nothing=f"The account {name} has no routes: all its bookings belong to its own workspace.")


async def _left(house: "House", name: str, *, clear: bool) -> list[dict[str, object]]:
    from showup.access import routes_store, workspaces_store
    from showup.database.engine import transaction

    async with transaction(house.engine) as tx:
        account = await _held(tx, name)
        if clear:
            await routes_store.replace(tx, account.id, [])
        slugs = {workspace.id: workspace.slug for workspace in await workspaces_store.list_workspaces(tx)}
        return [
            {**{said: getattr(kept, said) for said in _CONDITIONS}, "to": slugs[kept.workspace_id]}
            for kept in await routes_store.of_account(tx, account.id)
        ]


async def _held(tx: "AsyncConnection", name: str) -> "StoredAccount":
    from showup.access import accounts_store

    account = await accounts_store.find_to_change(tx, name)
    if account is None:
        raise Refused(f"There is no account {name!r}: `showup accounts list` shows them.")
    return account


def _conditions(event_type: str | None, team_id: int | None, organizer_domain: str | None) -> dict[str, Any]:
    domain = None if organizer_domain is None else organizer_domain.strip().lower().removeprefix("@")
    if domain is not None and (not domain or "@" in domain):
        raise Refused(f"{organizer_domain!r} is not a domain: give what follows the @, such as acme.com.")
    slug = None if event_type is None else event_type.strip()
    given = zip(_CONDITIONS, (slug, team_id, domain), strict=True)
    if not (said := {condition: value for condition, value in given if value}):
        raise Refused("Say which bookings: --event-type, --team-id or --organizer-domain, or several of them.")
    return said


def _refuse_unreachable(before: "Sequence[Route]", made: "Route", name: str) -> None:
    for place, kept in enumerate(before, 1):
        if all(getattr(kept, said) in (None, getattr(made, said)) for said in _CONDITIONS):
            raise Refused(
                f"Route {place} agrees with all of these bookings already, and comes first: "
                f"`showup accounts routes {name}` shows it, and --clear removes them all."
            )
