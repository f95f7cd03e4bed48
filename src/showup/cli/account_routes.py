"""Implements `showup accounts route` and `routes`, which assign an account's bookings to workspaces."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.accounts_store import StoredAccount
    from showup.access.route import Route
    from showup.container import Container

Name = Annotated[str, typer.Argument(help="The account's name.")]
_CONDITIONS = ("event_type", "team_id", "organizer_domain")


def route(
    name: Name,
    to: Annotated[str, typer.Option(help="The workspace for the matching bookings.")],
    event_type: Annotated[str | None, typer.Option(help="The slug of the event type in Cal.com.")] = None,
    team_id: Annotated[int | None, typer.Option(min=1, help="The id of the team in Cal.com.")] = None,
    organizer_domain: Annotated[str | None, typer.Option(help="The domain of the organizer's email address.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Route an account's bookings that match all given conditions to a workspace.

    Showup tries the routes in the order in which they were added and uses the first match.

    Example: showup accounts route agency --event-type demo --organizer-domain acme.com --to acme
    """
    conditions = _conditions(event_type, team_id, organizer_domain)

    async def work(container: "Container") -> int:
        from showup.access import routes_store
        from showup.access.route import Route
        from showup.database.engine import transaction

        async with transaction(container.engine) as tx:
            account = await _get_account(tx, name)
            existing = await routes_store.list_routes(tx, account.id)
            new_route = Route(workspace_id=(await get_workspace(tx, to)).id, **conditions)
            _check_reachable(existing, new_route, name)
            await routes_store.replace_routes(tx, account.id, [*existing, new_route])
            return len(existing) + 1

    position = run_command(work)
    if json:
        print_json({"account": name, "position": position, "to": to, **conditions})
    else:
        print(
            f"Created route {position} of the account {name}, to {to}. It applies to webhooks that arrive from now on."
        )


def routes(
    name: Name,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all routes of the account.")] = False,
) -> None:
    """List an account's routes in the order in which they are tried, or remove them.

    Bookings that were already routed stay in their workspace, and so do their later events.

    Example: showup accounts routes agency --json
    """
    rows = run_command(lambda container: _list_routes(container, name, clear=clear))
    if json:
        print_json(rows)
    else:
        print_table(
            rows, empty_message=f"The account {name} has no routes: all its bookings belong to its own workspace."
        )


async def _list_routes(container: "Container", name: str, *, clear: bool) -> list[dict[str, object]]:
    from showup.access import routes_store, workspaces_store
    from showup.database.engine import transaction

    async with transaction(container.engine) as tx:
        account = await _get_account(tx, name)
        if clear:
            await routes_store.replace_routes(tx, account.id, [])
        slugs = {workspace.id: workspace.slug for workspace in await workspaces_store.list_workspaces(tx)}
        return [
            {
                **{condition: getattr(stored_route, condition) for condition in _CONDITIONS},
                "to": slugs[stored_route.workspace_id],
            }
            for stored_route in await routes_store.list_routes(tx, account.id)
        ]


async def _get_account(tx: "AsyncConnection", name: str) -> "StoredAccount":
    from showup.access import accounts_store

    account = await accounts_store.find_for_update(tx, name)
    if account is None:
        raise CliError(f"There is no account {name!r}. List the accounts with `showup accounts list`.")
    return account


def _conditions(event_type: str | None, team_id: int | None, organizer_domain: str | None) -> dict[str, Any]:
    from showup.values.domain_name import parse_domain
    from showup.values.invalid_value import InvalidValue

    try:
        domain = None if organizer_domain is None else parse_domain(organizer_domain.strip().removeprefix("@"))
    except InvalidValue:
        raise CliError(f"{organizer_domain!r} is not a domain. Use the part after the @, such as acme.com.") from None
    slug = None if event_type is None else event_type.strip()
    values = zip(_CONDITIONS, (slug, team_id, domain), strict=True)
    if not (named := {condition: value for condition, value in values if value}):
        raise CliError(
            "A route needs a condition. Use --event-type, --team-id or --organizer-domain, or several of them."
        )
    return named


def _check_reachable(existing: "Sequence[Route]", new_route: "Route", name: str) -> None:
    for position, earlier_route in enumerate(existing, 1):
        if all(getattr(earlier_route, condition) in (None, getattr(new_route, condition)) for condition in _CONDITIONS):
            raise CliError(
                f"Route {position} comes first and matches all of these bookings. The new route would have no effect. "
                f"List the routes with `showup accounts routes {name}`; --clear removes all of them."
            )
