"""Doing something to see what it does: what stands before and after is compared, and a dry run is taken back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, Field

from showup.database.engine import raw
from showup.reads import difference
from showup.reads.difference import SHOWN_AT_MOST
from showup.web.acting import Hand

NOTHING: Final = {noun: {"added": 0, "removed": 0, "changed": 0} for noun in difference.NOUNS}


class Counts(BaseModel):
    """How many came, went, and stand otherwise."""

    added: int
    removed: int
    changed: int


class Difference(BaseModel):
    """One thing that stands otherwise; `change` holds `[before, after]` by field, and `words` says it in words."""

    noun: str
    id: UUID
    name: str
    change: dict[str, Any]
    words: str


class Consequence(BaseModel):
    """What became otherwise."""

    counts: dict[str, Counts] = Field(description="Of bookings, deals, people, companies and deliveries.")
    examples: list[Difference] = Field(description=f"The first {SHOWN_AT_MOST} of them.")


class Seen:
    """Where the effect is found after what has it."""

    effect: Consequence


@asynccontextmanager
async def effect_of(hand: Hand, workspace_id: UUID, *, keep: bool) -> AsyncIterator[Seen]:
    """Sees what the block does to the workspace; unless it is to be kept, it leaves no trace, even if it fails."""
    connection = await raw(hand.tx)
    part = None if keep else connection.transaction()
    if part is not None:
        await part.start()
    seen = Seen()
    try:
        await difference.picture(connection, workspace_id)
        yield seen
        seen.effect = _shown(await difference.difference(connection, workspace_id))
    finally:
        if part is not None:
            await part.rollback()


def _shown(effect: difference.Consequence) -> Consequence:
    counts = {
        noun: Counts(added=each.added, removed=each.removed, changed=each.changed)
        for noun, each in effect.counts.items()
    }
    examples = [
        Difference(noun=each.noun, id=each.id, name=each.name, change=each.change, words=_words(each))
        for each in effect.examples
    ]
    return Consequence(counts=counts, examples=examples)


def _words(each: difference.Difference) -> str:
    changes = ", ".join(f"{field} {_word(before)} → {_word(after)}" for field, (before, after) in each.change.items())
    return f"{difference.NOUNS[each.noun]} {each.name}: {changes}"


def _word(value: Any) -> str:
    return "none" if value is None else str(value)
