"""Track the impact of a change: compare the data before and after it, and roll back a dry run."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from showup.commands.unit_of_work import UnitOfWork
from showup.database.engine import driver_connection, rolled_back
from showup.reads import impact
from showup.reads.impact import MAX_EXAMPLES, Impact, ImpactTotals

NO_CHANGES: Final = {noun: {"added": 0, "removed": 0, "changed": 0} for noun in impact.NOUNS}


class ImpactCountsResponse(BaseModel):
    """Number of records created, removed and changed."""

    added: int
    removed: int
    changed: int


class ImpactChangeResponse(BaseModel):
    """One changed record; `change` holds `[before, after]` by field, and `words` describes it in a sentence."""

    noun: str
    id: UUID
    name: str
    change: dict[str, Any]
    words: str


class ImpactResponse(BaseModel):
    """The effect of a change."""

    counts: dict[str, ImpactCountsResponse] = Field(
        description="Counts for bookings, deals, people, companies and deliveries."
    )
    examples: list[ImpactChangeResponse] = Field(description=f"The first {MAX_EXAMPLES} changes.")


class ImpactResult:
    """Holds the impact after the tracked block has ended: as the API returns it, and as it was found."""

    impact: ImpactResponse
    found: Impact
    totals: ImpactTotals


@asynccontextmanager
async def track_impact(unit_of_work: UnitOfWork, workspace_id: UUID, *, commit: bool) -> AsyncIterator[ImpactResult]:
    """Track how the block changes the workspace. Without `commit`, its changes are rolled back, even if it fails."""
    connection = await driver_connection(unit_of_work.tx)
    result = ImpactResult()
    async with nullcontext() if commit else rolled_back(connection):
        await impact.take_snapshot(connection, workspace_id)
        yield result
        result.found = await impact.compare_snapshot(connection, workspace_id)
        result.totals = await impact.count_totals(connection, workspace_id)
        result.impact = _to_response(result.found)


def _to_response(found: impact.Impact) -> ImpactResponse:
    counts = {
        noun: ImpactCountsResponse(added=item.added, removed=item.removed, changed=item.changed)
        for noun, item in found.counts.items()
    }
    examples = [
        ImpactChangeResponse(
            noun=item.noun, id=item.id, name=item.name, change=item.changes, words=_describe_change(item)
        )
        for item in found.examples[:MAX_EXAMPLES]
    ]
    return ImpactResponse(counts=counts, examples=examples)


def _describe_change(item: impact.ImpactChange) -> str:
    changes = ", ".join(
        f"{field} {_format_value(before)} → {_format_value(after)}" for field, (before, after) in item.changes.items()
    )
    return f"{impact.NOUNS[item.noun]} {item.name}: {changes}"


def _format_value(value: Any) -> str:
    return "none" if value is None else str(value)
