"""Implements `showup rebuild`: replays the log, and compares the result with current data."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.cli.errors import CliError
from showup.cli.runner import get_workspace, run_command

if TYPE_CHECKING:
    from showup.container import Container
    from showup.inbox.rebuild.options import RebuildOptions
    from showup.inbox.rebuild.run import RebuildResult

Check = Annotated[bool, typer.Option("--check", help="Only compare (the default). Exit with code 1 on a difference.")]
Apply = Annotated[bool, typer.Option("--apply", help="Repair the differences, without sending any notifications.")]
RulesFile = Annotated[Path | None, typer.Option("--rules", metavar="FILE", help="Try the rules of this showup.toml.")]
AsOf = Annotated[
    str | None, typer.Option(metavar="TIME", help="Use only events received by then. Default time zone: UTC.")
]
Workspace = Annotated[str | None, typer.Option(help="Only this workspace, by its slug. Default: all.")]


def rebuild(
    check: Check = False,
    apply: Apply = False,
    rules: RulesFile = None,
    as_of: AsOf = None,
    workspace: Workspace = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Replay the log and compare the result with current data.

    Only --apply changes data. While it runs, no new events are applied; a comparison blocks nothing.
    With --rules, try the rules in FILE for the whole history; all other rules stay active.

    Example: showup rebuild --check
    """
    if sum((check, apply, rules is not None, as_of is not None)) > 1:
        raise CliError("Use only one of --check, --apply, --rules and --as-of.")
    changes = {} if rules is None else _read_rule_changes(rules)
    cutoff = None if as_of is None else _parse_time(as_of)

    async def work(container: "Container") -> "RebuildResult":
        from showup.cli.rebuild_output import progress
        from showup.inbox.rebuild.run import rebuild as rebuild_workspaces

        request = await _build_request(container, workspace, changes, cutoff, applied=apply)
        with progress() as (on_start, on_progress):
            return await rebuild_workspaces(container.engine, request, on_start=on_start, on_progress=on_progress)

    result = run_command(work)
    from showup.cli import rebuild_output as output

    mode = output.RebuildMode(applied=apply, is_trial=rules is not None, as_of=cutoff)
    (output.print_report_json if json else output.print_report)(result, mode)
    if result.differing and mode.is_check:
        raise typer.Exit(1)


async def _build_request(
    container: "Container", slug: str | None, changes: Mapping[str, Any], cutoff: datetime | None, *, applied: bool
) -> "RebuildOptions":
    from showup.access import workspaces_store
    from showup.database.engine import transaction
    from showup.inbox.rebuild.options import RebuildOptions

    async with transaction(container.engine) as tx:
        workspaces = [await get_workspace(tx, slug)] if slug else await workspaces_store.list_workspaces(tx)
    return RebuildOptions(
        workspace_ids=[workspace.id for workspace in workspaces], rules=changes, as_of=cutoff, applied=applied
    )


def _parse_time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--as-of {text!r} is not a time. Use the form 2026-11-21T09:30Z.") from None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _read_rule_changes(path: Path) -> Mapping[str, Any]:
    """Returns the rules that the file names, with their values."""
    import tomllib

    from msgspec import to_builtins
    from pydantic import ValidationError

    from showup.policy import Policy
    from showup.settings import policy_faults

    try:
        policy = Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise CliError(f"{path} can't be read ({fault.strerror}).") from None
    except ValidationError as fault:
        raise CliError("\n".join(policy_faults(fault, str(path)))) from None
    except ValueError as fault:
        raise CliError(f"{path} is not TOML: {fault}.") from None
    values = to_builtins(policy.rules(), order="sorted")
    changes = {name: values[name] for name in sorted(policy.configured_rules())}
    if not changes:
        raise CliError(f"{path} contains no rules, so there is nothing to compare.")
    return changes
