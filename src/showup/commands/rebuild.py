"""`showup rebuild`: folds the log again, and compares what it makes with what stands."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from showup.commands.inside import inside, workspace_named
from showup.commands.refusal import Refused

if TYPE_CHECKING:
    from showup.assembly import House
    from showup.inbox.rebuild.run import Rebuilt
    from showup.inbox.rebuild.wish import Wish
    from showup.policy import Policy

Check = Annotated[bool, typer.Option("--check", help="Compare only, the default; exit code 1 on a difference.")]
Apply = Annotated[bool, typer.Option("--apply", help="Put right what differs. Nobody is told anything.")]
RulesFile = Annotated[Path | None, typer.Option("--rules", metavar="FILE", help="A showup.toml whose rules to try.")]
AsOf = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what had reached us by then (UTC unless it says).")
]
Workspace = Annotated[str | None, typer.Option(help="One workspace by its slug (else all).")]


def rebuild(
    check: Check = False,
    apply: Apply = False,
    rules: RulesFile = None,
    as_of: AsOf = None,
    workspace: Workspace = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Fold the whole log anew beside what stands, and say where the two differ.

    Everything but --apply changes nothing, while all else goes on. With --apply, nothing is applied until it is over.
    With --rules only what FILE says is tried, for the whole history, and the rest stays as it is in force.

    Example: showup rebuild --check
    """
    if sum((check, apply, rules is not None, as_of is not None)) > 1:
        raise Refused("Give one of --check, --apply, --rules and --as-of.")
    changes = {} if rules is None else _changes(rules)
    moment = None if as_of is None else _moment(as_of)

    async def work(house: "House") -> "Rebuilt":
        from showup.commands.rebuild_shown import progress
        from showup.inbox.rebuild.run import rebuild as run

        wish = await _wish(house, workspace, changes, moment, applied=apply)
        with progress() as (begun, told):
            return await run(house.engine, wish, begun=begun, told=told)

    found = inside(work)
    from showup.commands import rebuild_shown as shown

    manner = shown.Manner(applied=apply, tried=rules is not None, as_of=moment)
    (shown.in_json if json else shown.in_text)(found, manner)
    if found.differing and manner.checked:
        raise typer.Exit(1)


async def _wish(
    house: "House", slug: str | None, changes: Mapping[str, Any], moment: datetime | None, *, applied: bool
) -> "Wish":
    from showup.access import workspaces_store
    from showup.database.engine import transaction
    from showup.inbox.rebuild.wish import Wish

    async with transaction(house.engine) as tx:
        chosen = [await workspace_named(tx, slug)] if slug else await workspaces_store.list_workspaces(tx)
    return Wish(workspace_ids=[one.id for one in chosen], rules=changes, as_of=moment, applied=applied)


def _moment(text: str) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f"--as-of {text!r} is no moment such as 2026-11-21T09:30Z.") from None
    return given if given.tzinfo is not None else given.replace(tzinfo=UTC)


def _changes(path: Path) -> Mapping[str, Any]:
    """The rules that the file names, with the values that it gives them."""
    import tomllib

    from msgspec import to_builtins
    from pydantic import ValidationError

    from showup.policy import Policy

    try:
        policy = Policy.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as fault:
        raise Refused(f"{path} can't be read ({fault.strerror}).") from None
    except ValidationError as fault:
        found = fault.errors(include_input=False, include_url=False)
        raise Refused("\n".join(f"{path}: {'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)) from None
    except ValueError as fault:
        raise Refused(f"{path} is not TOML: {fault}.") from None
    named = {name: to_builtins(value, order="sorted") for name, value in _named(policy)}
    if not named:
        raise Refused(f"{path} names no rule: there is nothing to try.")
    return named


def _named(policy: "Policy") -> Iterator[tuple[str, object]]:
    from showup.pipeline.rules import Rules

    written = {"fresh_for": "fresh_for_hours"}
    for rule in Rules.__struct_fields__:
        if written.get(rule, rule) in policy.pipeline.model_fields_set:
            yield rule, getattr(policy.pipeline, rule)
    if "offsets_before" in policy.reminders.model_fields_set:
        yield "remind_before", policy.reminders.offsets_before
    if "guests" in policy.email.model_fields_set:
        yield "tell_guests", policy.email.guests
    for field in type(policy.no_show_follow_up).model_fields:
        if field in policy.no_show_follow_up.model_fields_set:
            rule = "follow_up" if field == "enabled" else f"follow_up_{field}"
            yield rule, getattr(policy.no_show_follow_up, field)
