"""`showup calcom register` and `status`: the webhook at Cal.com, made, put right, looked at."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.commands.inside import inside
from showup.commands.printing import as_json
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import House

Account = Annotated[str, typer.Option("--account", help="The account.")]
Accounts = Annotated[str | None, typer.Option("--account", help="Only this account.")]
EventType = Annotated[int | None, typer.Option(help="Only of this event type (its number at Cal.com).")]
Team = Annotated[int | None, typer.Option(help="The team of that event type.")]
Organization = Annotated[int | None, typer.Option(help="Of a whole organization; its key must be an admin's.")]
Wait = Annotated[
    int, typer.Option(min=0, max=3600, metavar="SECONDS", help="Wait for Cal.com's own ping test so long.")
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
    """Make the webhook at Cal.com, or put it right: every trigger, our address, a fresh secret; then try it out.

    Example: showup calcom register --account acme --wait 120
    """
    if team is not None and event_type is None:
        raise Refused("Cal.com has webhooks of a team's event types, not of teams: add --event-type.")

    async def work(house: "House") -> dict[str, Any]:
        from showup.commands.calcom_asking import asking
        from showup.sources.calcom.api_webhooks import WebhookScope

        of = WebhookScope(event_type_id=event_type, team_id=team, organization_id=organization)
        async with asking(house, account, of) as calcom:
            return await calcom.register(timedelta(seconds=wait), say=_say if not json else _silent)

    found = inside(work)
    if json:
        as_json(found)
    if found["faults"]:
        raise Refused(" ".join(f"{fault}." for fault in found["faults"]))


def status(
    account: Accounts = None,
    event_type: EventType = None,
    team: Team = None,
    organization: Organization = None,
    json: Json = False,
) -> None:
    """Say how the webhook stands at Cal.com, what it lacks and what to do, and how the bookings there compare.

    Example: showup calcom status --account acme
    """

    async def work(house: "House") -> list[dict[str, Any]]:
        from showup.commands.calcom_asking import statuses
        from showup.sources.calcom.api_webhooks import WebhookScope

        of = WebhookScope(event_type_id=event_type, team_id=team, organization_id=organization)
        return await statuses(house, account, of)

    rows = inside(work)
    if json:
        as_json(rows)
    else:
        for row in rows:
            _tell(row)
    if any(row["faults"] for row in rows):
        raise typer.Exit(1)


def _say(text: str) -> None:
    print(text, flush=True)


def _silent(_text: str) -> None:
    """Programs read the JSON at the end."""


def _tell(row: dict[str, Any]) -> None:
    print(f"{row['account']}: {row['url']}")
    print(f"  key          {row['key']}")
    print(f"  webhook      {row['webhook']}")
    print(f"  last heard   {row['last_heard']}")
    print(f"  bookings     {row['bookings']}")
    for fault in row["faults"]:
        print(f"  to do        {fault}")
