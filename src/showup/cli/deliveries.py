"""Implements `showup deliveries`: lists deliveries with their outcomes, and retries or withdraws them."""

from typing import TYPE_CHECKING, Annotated, Literal, TypeVar
from uuid import UUID

import typer

from showup.cli.errors import CliError
from showup.cli.output import print_json, print_table
from showup.cli.runner import get_workspace, run_command
from showup.values.counted import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from typing import Any

    import asyncpg
    from sqlalchemy.ext.asyncio import AsyncConnection

    from showup.access.permission import Permission
    from showup.container import Container
    from showup.dispatch.manual_actions import RetryCount
    from showup.reads.rows import Item

    DeliveryAction = Callable[[asyncpg.Connection, UUID], Coroutine[Any, Any, str | None]]

Value = TypeVar("Value")

app = typer.Typer(no_args_is_help=True, help="List, retry and withdraw deliveries.")
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
State = Literal["scheduled", "sending", "delivered", "previewed", "failed", "withdrawn", "skipped"]
OneWorkspace = Annotated[str | None, typer.Option(help="Only this workspace.")]

# The actor of these commands: a terminal has no signed-in user.
_ACTOR = "command line"


@app.command("list")
def list_deliveries_command(
    state: Annotated[State | None, typer.Option(help="Only deliveries in this state.")] = None,
    destination: Annotated[str | None, typer.Option(help="Only deliveries to this destination, such as email.")] = None,
    booking: Annotated[UUID | None, typer.Option(help="Only deliveries about this booking, by its id.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only deliveries to or about this email address.")] = None,
    workspace: OneWorkspace = None,
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of deliveries.")] = 50,
    json: Json = False,
) -> None:
    """List deliveries, newest first, each with the reason for its state.

    Example: showup deliveries list --state failed --recipient ann@example.com
    """
    from showup.reads.deliveries import DeliveryFilter
    from showup.reads.keyset import PageRequest
    from showup.values.email_address import normalize_email

    address = None if recipient is None else normalize_email(recipient)
    delivery_filter = DeliveryFilter(
        state=_values(state), destination=_values(destination), booking_id=_values(booking), recipient=_values(address)
    )

    async def work(container: "Container") -> "list[Item]":
        from showup.database.engine import transaction
        from showup.reads.deliveries import list_deliveries

        async with transaction(container.engine) as tx:
            permission = await _command_permission(tx, workspace)
            page_request = PageRequest(sort="-created_at", limit=limit)
            return (await list_deliveries(tx, permission, delivery_filter, page_request, container.clock())).items

    deliveries = run_command(work)
    print_json(deliveries) if json else print_table(
        [_row(delivery) for delivery in deliveries], empty_message="There are no such deliveries."
    )


@app.command()
def retry(
    ids: Annotated[list[UUID] | None, typer.Argument(metavar="ID…", help="The ids of the deliveries.")] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Retry all failed deliveries that have not expired.")
    ] = False,
    workspace: OneWorkspace = None,
    json: Json = False,
) -> None:
    """Retry deliveries: send the same content again. If one can't be retried, none is.

    What waits for its next attempt is tried now.

    Example: showup deliveries retry --failed --workspace acme
    """
    if failed == bool(ids):
        raise CliError(
            "Use either the ids of deliveries or --failed. List them with `showup deliveries list --state failed`."
        )
    if failed:
        result = run_command(lambda container: _retry_failed(container, workspace))
        expired = f"; not retried because they expired: {result.expired}" if result.expired else ""
        print_json(result) if json else print(f"Retried deliveries: {result.retried}{expired}.")
        return

    async def work(container: "Container") -> None:
        from showup.dispatch import manual_actions

        await _apply_to_each(
            container,
            ids or (),
            workspace,
            lambda tx, delivery_id: manual_actions.retry(tx, delivery_id, container.clock()),
        )

    run_command(work)
    _print_result(ids or (), "retried", json=json)


@app.command()
def withdraw(
    ids: Annotated[list[UUID], typer.Argument(metavar="ID…", help="The ids of the deliveries.")],
    workspace: OneWorkspace = None,
    json: Json = False,
) -> None:
    """Withdraw scheduled deliveries. Only a retry restores them. If one can't be withdrawn, none is.

    Example: showup deliveries withdraw 9f8e7d6c-5b4a-5392-8170-6f5e4d3c2b1a
    """

    async def work(container: "Container") -> None:
        from showup.dispatch import manual_actions

        await _apply_to_each(
            container,
            ids,
            workspace,
            lambda tx, delivery_id: manual_actions.withdraw(tx, delivery_id, _ACTOR, container.clock()),
        )

    run_command(work)
    _print_result(ids, "withdrawn", json=json)


async def _retry_failed(container: "Container", workspace: str | None) -> "RetryCount":
    from showup.database.engine import driver_connection, transaction
    from showup.dispatch.manual_actions import FailedFilter, retry_failed

    async with transaction(container.engine) as tx:
        permission = await _command_permission(tx, workspace)
        return await retry_failed(
            await driver_connection(tx), FailedFilter(workspace_id=permission.workspace_id), container.clock()
        )


async def _apply_to_each(
    container: "Container", ids: "Sequence[UUID]", workspace: str | None, action: "DeliveryAction"
) -> None:
    from showup.database.engine import driver_connection, transaction
    from showup.reads.deliveries import find_delivery

    async with transaction(container.engine) as tx:
        permission = await _command_permission(tx, workspace)
        # Every transaction locks deliveries in the same order, to prevent deadlocks.
        for delivery_id in sorted(set(ids)):
            if await find_delivery(tx, permission, delivery_id, container.clock()) is None:
                raise CliError(
                    f"There is no delivery {delivery_id}. List the deliveries with `showup deliveries list`."
                )
            if (reason := await action(await driver_connection(tx), delivery_id)) is not None:
                raise CliError(f"Nothing was changed, because of delivery {delivery_id}: {reason}.")


async def _command_permission(tx: "AsyncConnection", workspace: str | None) -> "Permission":
    from showup.access.permission import Permission

    workspace_id = (await get_workspace(tx, workspace)).id if workspace else None
    return Permission(actor=_ACTOR, scope="admin", workspace_id=workspace_id)


def _print_result(ids: "Sequence[UUID]", outcome: str, *, json: bool) -> None:
    unique_ids = sorted(set(ids))
    message = f"{counted(len(unique_ids), 'delivery', 'deliveries')} {outcome}."
    print_json({"ids": unique_ids, "done": outcome}) if json else print(message)


def _values(option: Value | None) -> tuple[Value, ...]:
    return () if option is None else (option,)


def _row(delivery: "Item") -> dict[str, object]:
    return {
        "id": delivery["id"],
        "due": delivery["due_at"],
        "kind": delivery["kind"],
        "to": delivery["recipient"],
        "by": delivery["destination"],
        "attempts": delivery["attempts"],
        "state": delivery["state"],
        "because": delivery["because"],
    }
