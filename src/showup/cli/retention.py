"""Implements `showup retention`: deletes what is older than `[retention]` of showup.toml says."""

from typing import TYPE_CHECKING, Annotated

import typer

from showup.cli.output import print_json, print_table
from showup.cli.runner import run_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from showup.container import Container
    from showup.privacy.retention import Expired


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be deleted.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Delete contents that are older than `[retention]` of showup.toml says. The worker does it every hour too.

    Example: showup retention --dry-run
    """

    async def work(container: "Container") -> "Sequence[Expired]":
        from showup.privacy.retention import Retention

        found = Retention(container.engine, container.clock, container.settings.policy.retention.keep())
        return await (found.count() if dry_run else found.run())

    done = run_command(work)
    if json:
        print_json({"dry_run": dry_run, "kinds": done})
        return
    rows = [{"kind": one.kind, "would delete" if dry_run else "deleted": one.rows} for one in done]
    print_table(rows, empty_message="Everything is kept: showup.toml has no [retention].")
    if not all(one.is_complete for one in done):
        print("One run deletes a limited number: the next one continues.")
