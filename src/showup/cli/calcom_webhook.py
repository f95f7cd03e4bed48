"""Implements `showup calcom register` and `status`: creates, repairs and shows the webhook at Cal.com."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from showup.container import Container

Account = Annotated[str, typer.Option("--account", help="The account's name.")]
Accounts = Annotated[str | None, typer.Option("--account", help="Only this account.")]
EventType = Annotated[int | None, typer.Option(help="Only this event type, by its id in Cal.com.")]
Team = Annotated[int | None, typer.Option(help="The id of the event type's team.")]
Organization = Annotated[int | None, typer.Option(help="The id of a whole organization. Requires an admin's API key.")]
Wait = Annotated[
    int, typer.Option(min=0, max=3600, metavar="SECONDS", help="How many seconds to wait for Cal.com's ping test.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(
    account: Account = "default",
    event_type: EventType = None,
    team: Team = None,
    organization: Organization = None,
    wait: Wait = 0,
    json: Json = False,
) -> None:
    """Create or repair the webhook at Cal.com, with every trigger, this Showup's URL and a new secret; then test it.

    Example: showup calcom register --account acme --wait 120
    """
    if team is not None and event_type is None:
        raise CliError("Cal.com registers webhooks for a team's event types, not for teams. Add --event-type.")

    async def work(container: "Container") -> dict[str, Any]:
        from showup.cli.calcom_session import open_session
        from showup.sources.calcom.api_webhooks import WebhookScope

        scope = WebhookScope(event_type_id=event_type, team_id=team, organization_id=organization)
        async with open_session(container, account, scope) as session:
            return await session.register(timedelta(seconds=wait), report=_print_line if not json else _ignore_line)

    result = run_command(work)
    if json:
        print_json(result)
    if result["faults"]:
        raise CliError(" ".join(f"{fault}." for fault in result["faults"]))


def status(
    account: Accounts = None,
    event_type: EventType = None,
    team: Team = None,
    organization: Organization = None,
    json: Json = False,
) -> None:
    """Show whether Cal.com's webhook and bookings match Showup's, and how to correct each fault.

    Example: showup calcom status --account acme
    """

    async def work(container: "Container") -> list[dict[str, Any]]:
        from showup.cli.calcom_session import statuses
        from showup.sources.calcom.api_webhooks import WebhookScope

        scope = WebhookScope(event_type_id=event_type, team_id=team, organization_id=organization)
        return await statuses(container, account, scope)

    rows = run_command(work)
    if json:
        print_json(rows)
    else:
        for row in rows:
            _print_status(row)
    if any(row["faults"] for row in rows):
        raise typer.Exit(1)


def _print_line(text: str) -> None:
    print(text, flush=True)


def _ignore_line(_text: str) -> None:
    """Ignores progress lines: programs read the JSON at the end."""


def _print_status(row: dict[str, Any]) -> None:
    print(f"{row['account']}: {row['url']}")
    print(f"  key            {row['key']}")
    print(f"  webhook        {row['webhook']}")
    print(f"  last received  {row['last_received']}")
    print(f"  bookings       {row['bookings']}")
    for fault in row["faults"]:
        print(f"  to do          {fault}")
