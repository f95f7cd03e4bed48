"""`showup deliveries`: what is told to the outside, and what became of it; try it again, or take it back."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.printing import as_json, as_table
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.permit import Permit
    from showup.assembly import House
    from showup.deliveries.by_hand import Retried
    from showup.reads.rows import Found

    Deed = Callable[[asyncpg.Connection, UUID], Coroutine[Any, Any, str | None]]

app = typer.Typer(no_args_is_help=True, help="What is told to the outside, and what became of it.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
State = Literal["scheduled", "sending", "delivered", "failed", "withdrawn", "skipped"]
OneWorkspace = Annotated[str | None, typer.Option(help="Of this workspace alone.")]

# As whom the command acts: nobody signs in at a terminal.
_ACTOR = "command line"


@app.command("list")
def list_some(
    state: Annotated[State | None, typer.Option(help="Only those that stand there.")] = None,
    destination: Annotated[str | None, typer.Option(help="Only those to it, such as email.")] = None,
    booking: Annotated[UUID | None, typer.Option(help="Only those about it, by its id.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only those to this address, or about whoever has it.")] = None,
    workspace: OneWorkspace = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    json: Json = False,
) -> None:
    """List deliveries, the latest first, each with the reason why it stands where it does.

    Example: showup deliveries list --state failed --recipient ann@example.com
    """
    from showup.reads.deliveries import DeliveryFilter
    from showup.reads.keyset import Ask

    written = None if recipient is None else recipient.strip().lower()
    wanted = DeliveryFilter(state=state, destination=destination, booking_id=booking, recipient=written)

    async def work(house: "House") -> "list[Found]":
        from showup.database.engine import transaction
        from showup.reads.deliveries import list_deliveries

        async with transaction(house.engine) as tx:
            permit = await _permit(tx, workspace)
            ask = Ask(sort="-created_at", limit=limit)
            return (await list_deliveries(tx, permit, wanted, ask, house.clock())).items

    found = inside(work)
    as_json(found) if json else as_table([_row(one) for one in found], nothing="There are no such deliveries.")


@app.command()
def retry(
    ids: Annotated[list[UUID] | None, typer.Argument(metavar="ID…", help="The deliveries.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed and are still worth telling.")] = False,
    workspace: OneWorkspace = None,
    json: Json = False,
) -> None:
    """Try deliveries again: what was rendered for them is sent as it is. All of them, or none.

    Example: showup deliveries retry --failed --workspace acme
    """
    if failed == bool(ids):
        raise Refused("Name deliveries by their ids, or give --failed: `showup deliveries list --state failed`.")
    if failed:
        done = inside(lambda house: _retry_failed(house, workspace))
        expired = f"; {done.expired} are not worth telling any more" if done.expired else ""
        as_json(done) if json else print(f"Tried again: {done.retried}{expired}.")
        return

    async def work(house: "House") -> None:
        from showup.deliveries import by_hand

        await _each(house, ids or (), workspace, lambda tx, one: by_hand.retry(tx, one, house.clock()))

    inside(work)
    _tell(ids or (), "tried again", json=json)


@app.command()
def withdraw(
    ids: Annotated[list[UUID], typer.Argument(metavar="ID…", help="The deliveries.")],
    workspace: OneWorkspace = None,
    json: Json = False,
) -> None:
    """Take back scheduled deliveries; nothing but a retry brings them back. All of them, or none.

    Example: showup deliveries withdraw 9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a
    """

    async def work(house: "House") -> None:
        from showup.deliveries import by_hand

        await _each(house, ids, workspace, lambda tx, one: by_hand.withdraw(tx, one, _ACTOR, house.clock()))

    inside(work)
    _tell(ids, "withdrawn", json=json)


async def _retry_failed(house: "House", workspace: str | None) -> "Retried":
    from showup.database.engine import raw, transaction
    from showup.deliveries.by_hand import Failed, retry_failed

    async with transaction(house.engine) as tx:
        permit = await _permit(tx, workspace)
        return await retry_failed(await raw(tx), Failed(workspace_id=permit.workspace_id), house.clock())


async def _each(house: "House", ids: "Sequence[UUID]", workspace: str | None, does: "Deed") -> None:
    from showup.database.engine import raw, transaction
    from showup.reads.deliveries import find_delivery

    async with transaction(house.engine) as tx:
        permit = await _permit(tx, workspace)
        # In the order in which everybody holds them, so that nobody waits in a ring.
        for one in sorted(set(ids)):
            if await find_delivery(tx, permit, one, house.clock()) is None:
                raise Refused(f"There is no delivery {one}: `showup deliveries list` shows them.")
            if (because := await does(await raw(tx), one)) is not None:
                raise Refused(f"Nothing was done, because of {one}: {because}.")


async def _permit(tx: "AsyncConnection", workspace: str | None) -> "Permit":
    from showup.access.permit import Permit

    workspace_id = (await workspace_named(tx, workspace)).id if workspace else None
    return Permit(actor=_ACTOR, scope="admin", workspace_id=workspace_id)


def _tell(ids: "Sequence[UUID]", done: str, *, json: bool) -> None:
    every = sorted(set(ids))
    said = f"{len(every)} {'is' if len(every) == 1 else 'are'} {done}."
    as_json({"ids": every, "done": done}) if json else print(said)


def _row(found: "Found") -> dict[str, object]:
    return {
        "id": found["id"],
        "due": found["due_at"],
        "kind": found["kind"],
        "to": found["recipient"],
        "by": found["destination"],
        "tries": found["attempts"],
        "state": found["state"],
        "because": found["because"],
    }
