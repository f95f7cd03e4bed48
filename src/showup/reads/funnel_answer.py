"""Describes a funnel for the API and the pages: names, rates, comparisons, and whether its sources are up to date."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import combinations
from typing import Final, Literal, TypeAlias
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from showup.campaigns.funnel import HELD_PEOPLE, RATES, UNITS, difference, funnel_item
from showup.database.tables import campaigns, workspaces
from showup.reads.funnel import Funnel, FunnelGroup, read_funnel, undated
from showup.reads.funnel_filter import Dimension, FunnelFilter, keys_of
from showup.reads.rows import Item
from showup.reads.sync_state import CALCOM_SYNC, EMAILBISON_SYNC, source_health

Comparison: TypeAlias = Literal["previous", "groups"]
"""With the period before of the same length, or of the first groups among each other."""

Describe: TypeAlias = Callable[[FunnelGroup], Item]

MAX_COMPARED: Final = 10
DEFINITIONS: Final[Item] = {
    "units": dict(UNITS),
    "divides": {
        **{name: f"{part} / {total}" for name, (part, total) in RATES.items()},
        "held_rate": HELD_PEOPLE,
    },
}


class FunnelRequest(Struct, frozen=True, kw_only=True):
    """A funnel to describe; `limit` is the most groups that are returned."""

    wanted: FunnelFilter
    dimensions: Sequence[Dimension] = ()
    compare: Comparison | None = None
    limit: int = 200


async def describe_funnel(tx: AsyncConnection, request: FunnelRequest, now: datetime) -> Item:
    """Returns the total, its groups, and what the request compares. Raises TooManyGroups."""
    wanted, dimensions = request.wanted, request.dimensions
    funnel = await read_funnel(tx, wanted, dimensions, now)
    groups = funnel.groups
    names = await _names(tx, groups[: max(request.limit, MAX_COMPARED)], dimensions)
    items = [{"group": names(one), **_item(one)} for one in groups[: request.limit]]
    return {
        **_item(funnel.total),
        "group_by": dimensions,
        "basis": wanted.basis,
        "from": wanted.since,
        "to": wanted.until,
        "items": items,
        "omitted": max(len(groups) - request.limit, 0),
        "undated": await undated(tx, wanted, now),
        "previous": await _previous(tx, request, funnel, now) if request.compare == "previous" else None,
        "differences": _differences(groups, names) if request.compare == "groups" else None,
        "definitions": DEFINITIONS,
        "calcom": await source_health(tx, CALCOM_SYNC, wanted.workspace_id, now),
        "emailbison": await source_health(tx, EMAILBISON_SYNC, wanted.workspace_id, now),
    }


def _item(group: FunnelGroup) -> Item:
    return {**funnel_item(group.counts), "deals": {"won": group.deals.won, "value": group.deals.value}}


async def _names(tx: AsyncConnection, groups: Sequence[FunnelGroup], dimensions: Sequence[Dimension]) -> Describe:
    """Return a function that describes the key of a group."""
    keys = keys_of(dimensions)
    ids = {group.key[keys.index("workspace")] for group in groups} if "workspace" in keys else set()
    slugs = await _slugs(tx, ids)
    numbers = {group.key[keys.index("campaign")] for group in groups} - {None} if "campaign" in keys else set()
    known = await _campaigns(tx, ids, numbers)

    def describe(group: FunnelGroup) -> Item:
        values = dict(zip(keys, group.key, strict=True))
        item: Item = {key: values[key] for key in dimensions}
        if "workspace" in values:
            item["workspace"] = slugs.get(values["workspace"])
        if "campaign" in values:
            item["campaign"] = known.get((values["workspace"], values["campaign"]))
        return item

    return describe


async def _slugs(tx: AsyncConnection, ids: Collection[UUID]) -> dict[UUID, str]:
    rows = await tx.execute(select(workspaces.c.id, workspaces.c.slug).where(workspaces.c.id.in_(ids)))
    return {row.id: row.slug for row in rows}


async def _campaigns(
    tx: AsyncConnection, workspace_ids: Collection[UUID], numbers: Collection[int]
) -> dict[tuple[UUID, int], Item]:
    c = campaigns.c
    rows = await tx.execute(
        select(c.workspace_id, c.id, c.name, c.source).where(c.workspace_id.in_(workspace_ids), c.id.in_(numbers))
    )
    return {(row.workspace_id, row.id): {"id": row.id, "name": row.name, "source": row.source} for row in rows}


async def _previous(tx: AsyncConnection, request: FunnelRequest, funnel: Funnel, now: datetime) -> Item | None:
    """Return the total of the period before, and how the rates changed; None without a whole period."""
    wanted = request.wanted
    if wanted.since is None or wanted.until is None:
        return None
    before = replace(wanted, since=wanted.since - (wanted.until - wanted.since), until=wanted.since)
    total = (await read_funnel(tx, before, (), now)).total
    changes = {name: difference(funnel.total.counts.proportion(name), total.counts.proportion(name)) for name in RATES}
    held = difference(funnel.total.held(), total.held())
    return {"from": before.since, "to": before.until, **_item(total), "changes": {**changes, "held_rate": held}}


def _differences(groups: Sequence[FunnelGroup], names: Describe) -> list[Item]:
    """Return the differences of held rates between the first groups."""
    found = []
    for first, second in combinations(groups[:MAX_COMPARED], 2):
        between = difference(first.held(), second.held())
        if between is not None:
            found.append({"first": names(first), "second": names(second), "held_rate": between})
    return found
