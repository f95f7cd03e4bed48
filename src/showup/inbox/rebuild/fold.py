"""The log folded from its beginning, page by page, by the applier's own step."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import asyncpg
from msgspec import Struct

from showup.inbox import store
from showup.inbox.apply import Applied, Batch, apply_batch
from showup.inbox.reading import read
from showup.inbox.rebuild import shadow
from showup.inbox.store import RawEvent
from showup.sources.calcom.translate import Ignored, Unreadable

PAGE: Final = 1_000
# What was made of these changed nothing, so they are only read again.
_SET_ASIDE: Final[Mapping[str, type]] = {"ignored": Ignored, "unreadable": Unreadable}

Progress = Callable[[int], None]
"""Told how many events of the log were worked off since it was told last."""


class Statistics:
    """Says when the planner should look again: after the first page, and whenever the shadow has grown fourfold."""

    def __init__(self) -> None:
        self._done = 0
        self._next = 1

    async def grown(self, connection: asyncpg.Connection, by: int) -> None:
        """Takes stock if it is time."""
        self._done += by
        if self._done >= self._next:
            self._next = self._done * 4
            await shadow.take_stock(connection)


class Page(Struct, frozen=True, kw_only=True):
    """Events in a row: those to be folded, in the order of the feed, and those of which nothing came but a reading."""

    events: list[RawEvent]
    set_aside: list[tuple[str, RawEvent]]

    @property
    def size(self) -> int:
        """How many events of the log they are."""
        return len(self.events) + len(self.set_aside)


async def fold(
    connection: asyncpg.Connection,
    schema: str,
    workspace_id: UUID,
    statistics: Statistics,
    told: Progress,
    *,
    page: int,
) -> int:
    """Folds the workspace's events as they are lined up; how many of those set aside would be read otherwise today."""
    place, otherwise = 0, 0
    while (some := await _page(connection, schema, workspace_id, place, page)).size:
        if some.events:
            applied = await apply_batch(connection, workspace_id, Batch(some.events))
            await _settle(connection, applied)
        otherwise += sum(not isinstance(read(event)[0], _SET_ASIDE[state]) for state, event in some.set_aside)
        place += some.size
        await statistics.grown(connection, some.size)
        told(some.size)
    return otherwise


async def _page(connection: asyncpg.Connection, schema: str, workspace_id: UUID, after: int, most: int) -> Page:
    fields = RawEvent.__struct_fields__
    rows = await connection.fetch(
        f"""
        SELECT {", ".join(f"e.{name}" for name in fields)}, e.state
        FROM arrivals a JOIN {schema}.calcom_events e ON e.id = a.id
        WHERE a.workspace_id = $1 AND a.place > $2 AND a.place <= $2 + $3 ORDER BY e.number, e.id
        """,  # noqa: S608  # fields of our own and the quoted name of a schema
        workspace_id,
        after,
        most,
    )
    raw = [(row["state"], RawEvent(**{name: row[name] for name in fields})) for row in rows]
    return Page(
        events=[event for state, event in raw if state not in _SET_ASIDE],
        set_aside=[(state, event) for state, event in raw if state in _SET_ASIDE],
    )


async def _settle(connection: asyncpg.Connection, applied: Applied) -> None:
    """As the applier settles, but beside the log."""
    await connection.execute(
        "INSERT INTO settled (id, state, because, booking_id) "
        "SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[])",
        [one.event_id for one in applied.settlements],
        [one.state for one in applied.settlements],
        [one.because for one in applied.settlements],
        [one.booking_id for one in applied.settlements],
    )
    if applied.again:
        await connection.execute(
            """
            UPDATE settled s SET state = 'applied', because = given.because, booking_id = given.booking_id
            FROM unnest($1::uuid[], $2::text[], $3::uuid[]) AS given(id, because, booking_id)
            WHERE s.id = given.id AND (s.state, s.because, s.booking_id)
                  IS DISTINCT FROM ('applied', given.because, given.booking_id)
            """,
            [one.event_id for one in applied.again],
            [one.refused for one in applied.again],
            [one.booking_id for one in applied.again],
        )
    await store.remove_names(connection, applied.joined)
    await store.add_names(connection, applied.names)
